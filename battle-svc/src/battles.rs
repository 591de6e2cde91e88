//! What can be done with battles: the use cases behind the services.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use rules::Ruleset;
use rules::battle::{EndReason, Input, Mode, OnDeath, Phase, Refusal, Start, State};
use rules::content::{Content, DungeonIx};
use service_kit::{Fault, FaultKind, Fence};
use tokio::time::Instant;
use vocab::BattleId;

use crate::Settings;
use crate::battle::{Arrival, Attached, Battle};
use crate::chain::{Broken, Chain};
use crate::clients::Whose;
use crate::clock::Clock;
use crate::course::Course;
use crate::feed::{Feed, Feeds, Key};
use crate::frame::Frame;
use crate::missed::{Missed, Seen, Wanted};
use crate::owner::{Found, Owner};
use crate::past::Past;
use crate::placement::{Hop, Peer, Placed};
use crate::record::{Create, Identity, Read};
use crate::shards::Visit;
use crate::view::View;
use crate::watchers::{Part, Watch};
use crate::wire::Caller;

/// Accounts whose newest connection is remembered.
const FENCED: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

/// How often a start is tried when the character changes under it, or the battle in its way ends.
const STARTS: usize = 2;

/// Everything the services act through.
#[derive(Debug)]
pub(crate) struct Battles {
    /// Who has a battle in memory.
    pub(crate) owner: Arc<Owner>,
    /// Where news goes.
    pub(crate) feeds: Arc<Feeds>,
    fence: Fence,
    settings: Settings,
}

/// A gateway's request to begin or end a battle's way into one of its feeds.
#[derive(Debug)]
pub(crate) struct Call {
    /// The feed.
    pub(crate) feed: Key,
    /// Its number among those about this feed, rising; 0 where none is given.
    pub(crate) ordinal: u64,
}

/// What somebody who comes to a battle is answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It goes on, and live frames follow.
    Live(Attached),
    /// It is over; what was missed of it.
    Over(Box<Past>, Missed),
}

/// A tool's answer: frames it asked for, and the battle itself where it is over.
#[derive(Debug)]
pub(crate) struct Watched {
    /// The frames, consecutive.
    pub(crate) frames: Vec<Frame>,
    /// Knows their keys.
    pub(crate) ruleset: Arc<Ruleset>,
    /// The battle, when it is over and nothing follows.
    pub(crate) past: Option<Box<Past>>,
}

impl Battles {
    /// Battles of this owner, fed to these feeds.
    pub(crate) fn new(owner: Arc<Owner>, feeds: Arc<Feeds>, settings: Settings) -> Self {
        Self { owner, feeds, fence: Fence::new(FENCED), settings }
    }

    /// The world that new battles are fought in.
    pub(crate) fn content(&self) -> &Content {
        self.owner.rulesets.current().content()
    }

    /// Starts an automatic battle, or answers an equal one that goes on.
    pub(crate) async fn start_auto(
        &self,
        caller: Caller,
        dungeon: DungeonIx,
        on_death: OnDeath,
        hop: Hop,
    ) -> Result<Placed<View>, Fault> {
        self.admit(caller)?;
        if let Some(peer) = self.instead(caller, hop)? {
            return Ok(Placed::There(peer));
        }
        let mut tries = 1;
        loop {
            let fault = match self.try_start(caller, dungeon, on_death).await {
                // Who lies dead in a battle is stored without life, and is told of the battle all the same.
                Err(fault) if matches!(fault.because(), Some("in_battle" | "no_hp")) => {
                    match self.running(caller, hop).await? {
                        Placed::Here(Some(view)) if view.is_auto(dungeon, on_death) => return Ok(Placed::Here(view)),
                        Placed::Here(Some(view)) => return Err(in_battle(view.identity.id)),
                        Placed::Here(None) => fault,
                        Placed::There(peer) => return Ok(Placed::There(peer)),
                    }
                }
                Err(fault) if fault.because() == Some("character_changed") => fault,
                answer => return answer.map(Placed::Here),
            };
            if tries == STARTS {
                return Err(fault);
            }
            tries += 1;
        }
    }

    /// Ends the caller's battle.
    pub(crate) async fn stop(&self, caller: Caller, hop: Hop) -> Result<Placed<View>, Fault> {
        self.admit(caller)?;
        let read = self.latest_of(Whose::Account(caller.account)).await?;
        if read.record.ended.is_some() {
            return Err(no_battle());
        }
        self.end(read.record.identity.id, EndReason::Stopped, hop).await
    }

    /// Ends a battle for this reason; returns after its final save.
    pub(crate) async fn end(&self, id: BattleId, reason: EndReason, hop: Hop) -> Result<Placed<View>, Fault> {
        match self.owner.put(id, Input::Stop { reason }, hop).await? {
            Placed::Here(ended) => ended.map(Placed::Here).ok_or_else(no_battle),
            Placed::There(peer) => Ok(Placed::There(peer)),
        }
    }

    /// A battle as it stands in memory, or as it was saved; and who has it. One whose owner doesn't answer is told as it
    /// was saved.
    pub(crate) async fn view(&self, id: BattleId, hop: Hop) -> Result<Placed<(View, String)>, Fault> {
        if let Some(view) = self.owner.shards.visit(id, |battle, _| battle.view()).await? {
            return Ok(Placed::Here((view, self.owner.cluster.name().to_owned())));
        }
        let read = self.owner.store.record(id, false).await?;
        if hop == Hop::First
            && read.record.ended.is_none()
            && let Some(peer) = self.owner.cluster.owner(&read.record.owner)
        {
            return Ok(Placed::There(peer));
        }
        let past = Past::open(read, &self.owner.rulesets).await?;
        Ok(Placed::Here((past.view(), past.owner)))
    }

    /// The live battle of the character with this name, else its latest.
    pub(crate) async fn id_of(&self, name: String) -> Result<BattleId, Fault> {
        Ok(self.latest_of(Whose::Name(name)).await?.record.identity.id)
    }

    /// Adds a battle to a gateway's feed.
    pub(crate) async fn attach(
        &self,
        call: &Call,
        id: BattleId,
        player: Option<Caller>,
        wanted: Wanted,
        hop: Hop,
    ) -> Result<Placed<Answer>, Fault> {
        let feed = self.feeds.find(&call.feed)?;
        let part = match player {
            Some(caller) => {
                self.admit(caller)?;
                Part::Player
            }
            None => Part::Spectator,
        };
        let watch = Watch { feed, part, ordinal: call.ordinal };
        let attach = move |battle: &mut Battle, visit: Visit<'_>| {
            if let Some(caller) = player {
                battle.admit(caller.account)?;
            }
            Ok::<_, Fault>(battle.attach(&watch, wanted, visit.now)?)
        };
        match self.owner.visit(id, hop, attach).await? {
            Found::Here(attached) => Ok(Placed::Here(Answer::Live(attached?))),
            Found::There(peer) => Ok(Placed::There(peer)),
            Found::Over(past) => {
                let missed = past.missed(wanted)?;
                if let Some(caller) = player {
                    past.identity.admit(caller.account)?;
                    self.owner.saw_the_end(&past);
                }
                Ok(Placed::Here(Answer::Over(past, missed)))
            }
        }
    }

    /// Takes a battle off a gateway's feed. One that is gone needs no taking off.
    pub(crate) async fn detach(&self, call: &Call, id: BattleId, part: Part, served: u64) -> Result<(), Fault> {
        let Ok(feed) = self.feeds.find(&call.feed) else { return Ok(()) };
        let watch = Watch { feed, part, ordinal: call.ordinal };
        let detached = self.owner.visit_here(id, move |battle, visit| battle.detach(&watch, served, visit.now));
        Ok(detached.await?.unwrap_or(Ok(()))?)
    }

    /// Frames again, or a report, of a battle of the caller's.
    pub(crate) async fn told_again(
        &self,
        caller: Caller,
        id: Option<BattleId>,
        after: u64,
        hop: Hop,
    ) -> Result<Placed<Answer>, Fault> {
        self.admit(caller)?;
        let id = match id {
            Some(id) => id,
            None => self.latest_of(Whose::Account(caller.account)).await?.record.identity.id,
        };
        let tell = move |battle: &mut Battle, visit: Visit<'_>| {
            battle.admit(caller.account)?;
            Ok::<_, Fault>(battle.told_again(after, visit.now)?)
        };
        match self.owner.visit(id, hop, tell).await? {
            Found::Here(told) => Ok(Placed::Here(Answer::Live(told?))),
            Found::There(peer) => Ok(Placed::There(peer)),
            Found::Over(past) => {
                past.identity.admit(caller.account)?;
                let missed = past.told_again(after)?;
                Ok(Placed::Here(Answer::Over(past, missed)))
            }
        }
    }

    /// Adds a tool's feed from frame `after` on, or from now on.
    ///
    /// # Errors
    /// `out_of_range` when `after` is older than the window.
    pub(crate) async fn watch(
        &self,
        feed: &Arc<Feed>,
        id: BattleId,
        after: Option<u64>,
        hop: Hop,
    ) -> Result<Placed<Watched>, Fault> {
        let feed = Arc::clone(feed);
        let watch = move |battle: &mut Battle, _: Visit<'_>| {
            let frames = battle.watch(&feed, after)?;
            Ok::<_, Broken>(frames.map(|frames| (frames, battle.view())))
        };
        let (frames, past) = match self.owner.visit(id, hop, watch).await? {
            Found::There(peer) => return Ok(Placed::There(peer)),
            Found::Here(watched) => {
                let watched = watched?.map(|(frames, view)| (frames, view.ruleset));
                (watched, None)
            }
            Found::Over(past) => {
                let after = after.unwrap_or(past.course.head());
                let frames = past.course.frames_after(after, u64::MAX)?;
                (frames.map(|frames| (frames, Arc::clone(past.course.ruleset()))), Some(past))
            }
        };
        let (frames, ruleset) = frames.ok_or_else(|| Fault::out_of_range("frames-forgotten").field("from_seq"))?;
        Ok(Placed::Here(Watched { frames, ruleset, past }))
    }

    fn admit(&self, caller: Caller) -> Result<(), Fault> {
        Ok(self.fence.admit(*caller.account.as_bytes(), caller.epoch, caller.connection)?)
    }

    async fn latest_of(&self, whose: Whose) -> Result<Read, Fault> {
        let hero = self.owner.store.hero(whose, self.content()).await?;
        let latest = self.owner.store.latest(hero.id).await;
        latest.map_err(|fault| if fault.kind() == FaultKind::NotFound { no_battle() } else { fault })
    }

    async fn try_start(&self, caller: Caller, dungeon: DungeonIx, on_death: OnDeath) -> Result<View, Fault> {
        let ruleset = Arc::clone(self.owner.rulesets.current());
        let hero = self.owner.store.hero(Whose::Account(caller.account), ruleset.content()).await?;
        let tick_ms = self.settings.tick_ms;
        let mode = Mode::Auto;
        let start =
            Start { seed: self.settings.chance.seed()?, dungeon, mode, on_death, tick_ms, fighter: hero.fighter };
        let state = State::new(&ruleset, start).map_err(refused)?;
        let create = Create {
            battle: self.settings.chance.battle(),
            character: hero.id,
            character_version: hero.version,
            tick_ms,
            ruleset: ruleset.id().to_owned(),
            state: state.encode(),
        };
        let id = create.battle;
        let owned = Instant::now();
        let created = self.owner.store.create(create, caller).await?;
        let identity = Arc::new(Identity {
            id,
            account: caller.account,
            name: hero.name,
            tick_ms,
            started_at: created.started_at,
        });
        let chain = Chain::starting(Arc::clone(&ruleset), &state, created.started_at);
        let view = View::of(Arc::clone(&identity), created.epoch, &state, ruleset);
        let clock = Clock::new(Instant::now(), 0, created.started_at, identity.tick_ms);
        let seen = Seen { seq: 0, totals: state.totals().clone(), at: created.started_at };
        let course = Course::starting(state, chain);
        let quiet = Duration::ZERO;
        let arrival = Arrival { identity, epoch: created.epoch, course, clock, cut_ms: None, seen, quiet };
        self.owner.adopt(arrival, owned).await?;
        Ok(view)
    }

    /// Who starts a battle in place of an instance that leaves.
    fn instead(&self, caller: Caller, hop: Hop) -> Result<Option<Peer>, Fault> {
        let Err(leaving) = self.owner.cluster.open() else { return Ok(None) };
        let other = self.owner.cluster.choose(caller.account.as_bytes(), false).filter(|_| hop == Hop::First);
        other.map(Some).ok_or(leaving)
    }

    /// The caller's battle that goes on, if it still does.
    async fn running(&self, caller: Caller, hop: Hop) -> Result<Placed<Option<View>>, Fault> {
        let read = match self.latest_of(Whose::Account(caller.account)).await {
            Err(fault) if fault.because() == Some("no_battle") => return Ok(Placed::Here(None)),
            latest => latest?,
        };
        let id = read.record.identity.id;
        // An end is told before it is stored: who hears it may be faster here than the save is there.
        let view = match self.owner.shards.visit(id, |battle, _| battle.view()).await? {
            Some(view) => Placed::Here(view),
            None => {
                self.owner.settled(id).await?;
                self.view(id, hop).await?.map(|(view, _)| view)
            }
        };
        Ok(view.map(|view| (view.phase != Phase::Ended).then_some(view)))
    }
}

fn refused(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::UnknownDungeon => Fault::invalid("unknown-dungeon").field("dungeon"),
        Refusal::Dead => Fault::precondition("no-hp").reason("no_hp"),
        Refusal::UnknownSkill | Refusal::Fighter | Refusal::TickLength => Fault::internal(refusal),
    }
}

fn in_battle(battle: BattleId) -> Fault {
    Fault::exists("in-battle").reason("in_battle").arg("battle", battle)
}

/// There is no battle to do that to.
pub(crate) fn no_battle() -> Fault {
    Fault::precondition("no-battle").reason("no_battle")
}
