//! A process of battle-svc: the real service in a task group behind a gate, reached by the network alone.

use std::sync::Arc;
use std::time::Duration;

use battle_svc::{Chance, Pace, Peers, Service, Settings};
use proto::user::v1::user_service_client::UserServiceClient;
use service_kit::grpc::{Dialer, GrpcService, in_process};
use service_kit::{Gate, TaskGroup};
use tokio::sync::oneshot;
use tower::{ServiceExt, service_fn};

use crate::dice::Dice;
use crate::net::{Host, Net, Party};
use crate::redis::{self, Redis};
use crate::scene::Scene;
use crate::world::Mutant;

/// How long a lease lasts.
pub(crate) const TTL: Duration = Duration::from_secs(5);

/// What an instance needs of the world.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) net: Net,
    pub(crate) redis: Arc<Redis>,
    pub(crate) dice: Dice,
    pub(crate) scene: Scene,
    pub(crate) mutant: Mutant,
}

/// One process, from its start to its end.
pub(crate) struct Process {
    pub(crate) address: String,
    tasks: TaskGroup,
    gate: Gate,
    drain: Option<oneshot::Sender<oneshot::Sender<()>>>,
}

impl Process {
    /// Starts the `generation`-th process in a place. It answers as soon as its service stands.
    pub(crate) fn start(place: usize, generation: u64, name: &str, world: &Surroundings) -> Self {
        world.redis.presence().begins(name);
        let address = format!("http://battle-{place}:{generation}");
        let gate = Gate::default();
        let tasks = TaskGroup::gated(gate.clone());
        let (drain, asked) = oneshot::channel();
        let main = main(place, name.to_owned(), address.clone(), world.clone(), (tasks.clone(), gate.clone()), asked);
        tasks.spawn("main", main);
        Self { address, tasks, gate, drain: Some(drain) }
    }

    /// Nothing of it moves, and time goes on.
    pub(crate) fn freeze(&self) {
        self.gate.close();
    }

    pub(crate) fn thaw(&self) {
        self.gate.open();
    }

    /// Ends it where it stands.
    pub(crate) async fn kill(&self, net: &Net) {
        net.close(&self.address);
        self.tasks.kill().await;
    }

    /// Has it drain, and ends it when it has or its grace is over; says whether it had.
    pub(crate) async fn drain(&mut self, net: &Net, grace: Duration) -> bool {
        let (done, drained) = oneshot::channel();
        let asked = self.drain.take().is_some_and(|drain| drain.send(done).is_ok());
        let drained = asked && tokio::time::timeout(grace, drained).await.is_ok_and(|done| done.is_ok());
        self.kill(net).await;
        drained
    }
}

async fn main(
    place: usize,
    name: String,
    address: String,
    world: Surroundings,
    (tasks, gate): (TaskGroup, Gate),
    drain: oneshot::Receiver<oneshot::Sender<()>>,
) {
    let Surroundings { net, redis, dice, scene, mutant } = world;
    let party = Party::Instance(place);
    let user = UserServiceClient::new(net.way(party, "store"));
    let leases = Arc::new(redis::Client { redis, net: net.clone(), from: party });
    let dialled = net.clone();
    let dialer = Dialer::new(move |url| Ok(dialled.way(party, url)));
    let ttl = if mutant == Mutant::Haste { TTL / 4 } else { TTL };
    let peers = Peers::among(leases, address.clone(), ttl, dialer);
    let service = battle_svc::start(settings(&name, scene, dice), user, crate::world::ruleset(), peers, &tasks);
    let Ok(service) = service.await else { return };
    net.listen(&address, Host { party, tasks, gate, server: server(&service) });
    let Ok(done) = drain.await else { return };
    service.drain().await;
    let _ = done.send(());
}

fn settings(name: &str, scene: Scene, dice: Dice) -> Settings {
    let bytes = move || {
        let words = [dice.roll(), dice.roll(), dice.roll(), dice.roll()];
        std::array::from_fn(|at| words[at / 8].to_le_bytes()[at % 8])
    };
    let pace = Pace { save_every: Duration::from_secs(10), detach_after: scene.detach_after(), ..Pace::default() };
    Settings {
        tick_ms: scene.tick_ms(),
        shards: 1,
        pace,
        feed_bound: scene.feed_bound(),
        chance: Chance::Repeating(Arc::new(bytes)),
        ..Settings::named(name)
    }
}

/// Both of its services behind one door, as a program has them.
fn server(service: &Service) -> GrpcService {
    let (players, admin) = (in_process(service.players()), in_process(service.admin()));
    in_process(service_fn(move |request: http::Request<tonic::body::Body>| {
        let admins = request.uri().path().contains("BattleAdminService");
        if admins { admin.clone() } else { players.clone() }.oneshot(request)
    }))
}
