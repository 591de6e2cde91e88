//! One seed's world: three places for battle-svc, two gateways, two players, one store, one Redis, and a plan of faults.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use proto::user::v1::user_service_server::UserServiceServer;
use rules::Ruleset;
use rules::content::Content;
use rules::growth;
use service_kit::grpc::in_process;
use service_kit::{Gate, Shutdown, TaskGroup};
use tokio::time::{Instant, sleep, sleep_until};
use tower::{ServiceExt, service_fn};

use crate::dice::Dice;
use crate::faults::{self, Fault, GATEWAYS, PLACES, Planned};
use crate::gateway::Gateway;
use crate::instance::{Process, Surroundings, TTL};
use crate::judge;
use crate::net::{Host, Net, Party};
use crate::player::Player;
use crate::redis::{Client, Condition, Redis};
use crate::rescue::Rescue;
use crate::scene::Scene;
use crate::store::Store;
use crate::witness::{Counts, Witness};

/// So long after an instance failed, or after the last of several faults, every watched battle is served again.
pub(crate) const BOUND: Duration = Duration::from_secs(15);

/// How long players have for their last stop, and instances for their drain.
const GRACE: Duration = Duration::from_secs(30);

const PLAYERS: usize = 2;

/// What is taken out of the house, to see that it is missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// Nothing.
    None,
    /// The store's guard of the epoch: saves and inputs of any epoch count. Its answers speak of it all the same.
    Guard,
    /// The guard, and the answers that speak of it; and nobody notes what counted, so that it shows by what comes of it.
    GuardAndAnswers,
    /// That what a battle brings is paid with the save that counts, and with no other.
    Books,
    /// That a save never goes back behind a later one.
    Order,
    /// That a battle taken over from one that is dead takes no input for a while: dead owners read as none.
    Quiet,
    /// That the store says what is still whose: it agrees with whoever asks.
    Checks,
    /// That nobody is dead before it was away for a TTL: instances go by a quarter of it.
    Haste,
    /// That whoever was away for a TTL is dead: Redis goes on naming the gone for two more.
    Patience,
}

/// What came of a seed.
pub(crate) struct Outcome {
    pub(crate) plan: Vec<Planned>,
    pub(crate) broken: Option<String>,
    pub(crate) trace: Vec<String>,
    pub(crate) counts: Counts,
}

struct World {
    begun: Instant,
    around: Surroundings,
    store: Store,
    witness: Witness,
    gateways: Vec<Gateway>,
    places: Vec<Place>,
}

/// Where one process after another runs.
struct Place {
    process: Option<Process>,
    name: String,
    generation: u64,
}

pub(crate) fn ruleset() -> Arc<Ruleset> {
    static RULESET: LazyLock<Arc<Ruleset>> = LazyLock::new(|| {
        let content = Content::parse(content::rules()).expect("the game's own rules parse");
        Arc::new(Ruleset::new(content))
    });
    Arc::clone(&RULESET)
}

/// Runs the world of a seed to its end, or to the first thing that breaks.
pub(crate) fn run(seed: u64, mutant: Mutant) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O").block_on(live(seed, mutant))
}

async fn live(seed: u64, mutant: Mutant) -> Outcome {
    let dice = Dice::new(seed);
    let scene = Scene::of(seed);
    let plan = scene.plan(&dice.fork("faults"));
    let witness = Witness::new();
    let story = story(&dice, scene, mutant, &plan, &witness);
    let verdict = tokio::select! {
        biased;
        () = breaks(&witness) => Ok(()),
        verdict = story => verdict,
    };
    let broken = witness.broken().or(verdict.err());
    Outcome { plan, broken, trace: witness.trace(), counts: witness.counts() }
}

/// Ends soon after something broke.
async fn breaks(witness: &Witness) {
    while witness.broken().is_none() {
        sleep(Duration::from_secs(1)).await;
    }
}

async fn story(dice: &Dice, scene: Scene, mutant: Mutant, plan: &[Planned], witness: &Witness) -> Result<(), String> {
    let tasks = TaskGroup::new();
    let mut world = World::build(dice, scene, mutant, witness, &tasks).await;
    let closing = Shutdown::new();
    for number in 0..PLAYERS {
        let player = world.player(number, dice, &closing).await;
        tasks.spawn("player", player.play());
    }
    world.suffer(plan).await?;
    world.settle(faults::calm_after(plan)).await?;
    closing.begin();
    world.close().await?;
    judge::judge(&world.store, scene, witness).await?;
    tasks.kill().await;
    Ok(())
}

impl World {
    async fn build(dice: &Dice, scene: Scene, mutant: Mutant, witness: &Witness, tasks: &TaskGroup) -> Self {
        let net = Net::new(dice.fork("net"), tasks.clone());
        let redis = Redis::new(if mutant == Mutant::Patience { TTL * 2 } else { Duration::ZERO });
        let store = Store::new();
        store.rows().await.unguarded = matches!(mutant, Mutant::Guard | Mutant::GuardAndAnswers);
        store.rows().await.written = (mutant != Mutant::GuardAndAnswers).then(Vec::new);
        store.rows().await.pays_refused = mutant == Mutant::Books;
        store.rows().await.unordered = mutant == Mutant::Order;
        store.rows().await.agrees = matches!(mutant, Mutant::Checks | Mutant::GuardAndAnswers);
        let server = in_process(UserServiceServer::new(store.clone()));
        let (seen, by, leases) = (store.clone(), witness.clone(), Arc::clone(&redis));
        let watched = in_process(service_fn(move |request: http::Request<tonic::body::Body>| {
            let (server, store, witness, redis) = (server.clone(), seen.clone(), by.clone(), Arc::clone(&leases));
            async move {
                if mutant == Mutant::Quiet {
                    let mut rows = store.rows().await;
                    rows.gone = redis.presence().gone_for(TTL).map(str::to_owned).collect();
                }
                let answer = server.oneshot(request).await;
                witness.look(&mut *store.rows().await, |owner| redis.presence().justifies(owner));
                answer
            }
        }));
        let host = Host { party: Party::Store, tasks: tasks.clone(), gate: Gate::default(), server: watched };
        net.listen("store", host);
        let around = Surroundings { net, redis, dice: dice.fork("battles"), scene, mutant };
        let gateways = (0..GATEWAYS).map(|number| {
            let leases =
                Client { redis: Arc::clone(&around.redis), net: around.net.clone(), from: Party::Gateway(number) };
            let dice = dice.fork(&format!("gateway {number}"));
            Gateway::start(number, &around.net, Arc::new(leases), dice, witness, tasks)
        });
        let gateways = gateways.collect();
        let mut world =
            Self { begun: Instant::now(), around, store, witness: witness.clone(), gateways, places: Vec::new() };
        for place in 0..PLACES {
            world.places.push(Place { process: None, name: String::new(), generation: 0 });
            world.start(place, false);
        }
        world
    }

    async fn player(&self, number: usize, dice: &Dice, closing: &Shutdown) -> Player {
        let name = format!("player-{number}");
        let account = vocab::AccountId::from_bytes([number as u8 + 1; 16]).to_string();
        self.store.character_of(&account, &name, vocab::CharacterId::from_bytes([number as u8 + 101; 16])).await;
        if let Some(character) = self.store.rows().await.characters.get_mut(&account) {
            let level = self.around.scene.level();
            (character.level, character.exp) = (level.into(), growth::exp_of(level));
            (character.hp, character.mp) = (growth::max_hp(level), growth::max_mp(level));
        }
        Player {
            dice: dice.fork(&name),
            name,
            account,
            gateways: self.gateways.clone(),
            witness: self.witness.clone(),
            scene: self.around.scene,
            closing: closing.clone(),
            at: 0,
            connection: 0,
        }
    }

    /// Starts a process in a place, by the name of the one before or a new one.
    fn start(&mut self, number: usize, same_name: bool) {
        let place = &mut self.places[number];
        place.generation += 1;
        if !same_name {
            place.name = format!("battle-{number}.{}", place.generation);
        }
        place.process = Some(Process::start(number, place.generation, &place.name, &self.around));
    }

    /// Has everything go wrong that is planned, and come right again. What goes wrong alone is made good meanwhile.
    async fn suffer(&mut self, plan: &[Planned]) -> Result<(), String> {
        let mut steps: Vec<(Duration, bool, &Fault)> = Vec::new();
        for Planned { at, lasts, fault } in plan {
            steps.push((*at, true, fault));
            steps.push((*at + *lasts, false, fault));
        }
        steps.sort_by_key(|(at, ..)| *at);
        for (at, begins, fault) in steps {
            sleep_until(self.begun + at).await;
            self.witness.note(&format!("{fault:?} {begins}"));
            let rescue = if begins { self.rescue(fault).await } else { None };
            if begins {
                self.break_(fault).await;
            } else {
                self.mend(fault).await;
            }
            if let Some(rescue) = rescue {
                rescue.awaits(&self.store, &self.witness).await?;
            }
        }
        Ok(())
    }

    /// What the others have to do about a fault, where it is the only one.
    async fn rescue(&self, fault: &Fault) -> Option<Rescue> {
        let place = fault.takes().filter(|_| self.around.scene == Scene::Lone)?;
        Some(Rescue::from(&self.places[place].name, &self.gateways, &self.store).await)
    }

    async fn break_(&mut self, fault: &Fault) {
        let Surroundings { net, redis, .. } = self.around.clone();
        match *fault {
            Fault::Freeze(place) => self.process(place, |process| process.freeze()),
            Fault::Kill { place, .. } => {
                if let Some(process) = self.places[place].process.take() {
                    process.kill(&net).await;
                }
            }
            Fault::Drain(place) => {
                if let Some(mut process) = self.places[place].process.take() {
                    process.thaw();
                    net.carrier({
                        let net = net.clone();
                        // One that can't save in time is killed, as the supervisor of a frozen process would.
                        async move { _ = process.drain(&net, Duration::from_secs(10)).await }
                    });
                }
            }
            Fault::Cut(a, b) => net.cut(a, b),
            Fault::Isolate { place, from_gateways } => {
                others(place, from_gateways).for_each(|other| net.cut(Party::Instance(place), other));
            }
            Fault::StoreAway => self.store.rows().await.away = true,
            Fault::StoreFrozen => (0..PLACES).for_each(|place| net.cut(Party::Instance(place), Party::Store)),
            Fault::RedisFrozen => redis.become_(Condition::Frozen),
            Fault::RedisRestarted => redis.become_(Condition::Down),
            Fault::RedisEmptied => redis.empty(),
            Fault::Slow => net.slow(true),
            Fault::Lossy => net.lossy(true),
        }
    }

    async fn mend(&mut self, fault: &Fault) {
        let Surroundings { net, redis, .. } = self.around.clone();
        match *fault {
            Fault::Freeze(place) => self.process(place, |process| process.thaw()),
            Fault::Kill { place, same_name } if self.places[place].process.is_none() => self.start(place, same_name),
            Fault::Drain(place) if self.places[place].process.is_none() => self.start(place, false),
            Fault::Kill { .. } | Fault::Drain(_) | Fault::RedisEmptied => {}
            Fault::Cut(a, b) => net.mend(a, b),
            Fault::Isolate { place, from_gateways } => {
                others(place, from_gateways).for_each(|other| net.mend(Party::Instance(place), other));
            }
            Fault::StoreAway => self.store.rows().await.away = false,
            Fault::StoreFrozen => (0..PLACES).for_each(|place| net.mend(Party::Instance(place), Party::Store)),
            Fault::RedisFrozen => redis.become_(Condition::Well),
            Fault::RedisRestarted => {
                redis.empty();
                redis.become_(Condition::Well);
            }
            Fault::Slow => net.slow(false),
            Fault::Lossy => net.lossy(false),
        }
    }

    fn process(&self, place: usize, act: impl FnOnce(&Process)) {
        if let Some(process) = &self.places[place].process {
            act(process);
        }
    }

    /// After the last fault everybody who watches is served again within the bound.
    async fn settle(&self, calm: Duration) -> Result<(), String> {
        sleep_until(self.begun + calm + BOUND).await;
        let follows: Vec<_> = self.gateways.iter().flat_map(Gateway::following).collect();
        // What was made just now may still be under way.
        sleep(judge::UNDER_WAY).await;
        for follow in follows.iter().filter(|follow| !follow.is_over()) {
            let due = judge::due(&self.store, &follow.battle).await?;
            let last = follow.last();
            if !follow.is_old(self.begun + calm) {
                continue;
            }
            self.witness.count(|counts| counts.settled += u64::from(self.around.scene != Scene::Lone));
            if last < due {
                let row = self.store.record(&follow.battle).await;
                let (owner, epoch) = (&row.owner, row.epoch);
                return Err(format!(
                    "{BOUND:?} after the last fault {} has {last} of {}, and {due} are due (owner {owner:?}, epoch {epoch})",
                    follow.client, follow.battle
                ));
            }
        }
        Ok(())
    }

    /// Everybody stops, and every instance drains.
    async fn close(&mut self) -> Result<(), String> {
        let until = Instant::now() + GRACE;
        while self.store.rows().await.battles.values().any(|row| row.end_reason.is_none()) {
            if Instant::now() > until {
                return Err("not every battle could be stopped".to_owned());
            }
            sleep(Duration::from_millis(100)).await;
        }
        for place in 0..PLACES {
            let Some(mut process) = self.places[place].process.take() else { continue };
            if !process.drain(&self.around.net, GRACE).await {
                return Err(format!("place {place} did not drain"));
            }
        }
        Ok(())
    }
}

/// Whom an isolated place doesn't reach.
fn others(place: usize, from_gateways: bool) -> impl Iterator<Item = Party> {
    let peers = (0..PLACES).filter(move |other| *other != place).map(Party::Instance);
    let gateways = (0..GATEWAYS).filter(move |_| from_gateways).map(Party::Gateway);
    [Party::Store, Party::Redis].into_iter().chain(peers).chain(gateways)
}
