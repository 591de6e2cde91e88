//! battle-svc: runs battles and shows them to those who watch.
//!
//! `service/` (gRPC) → [`battles`] (use cases) → [`owner`] (who has a battle in memory) → [`shards`] → [`shard`] (the wheel that
//! steps it). Everything a battle is worth lies in user-svc's record, which [`clients`] reads and the [`saver`] writes;
//! what is in memory can be lost at any time and comes out the same. Protobuf stops in `wire`, `service` and `clients`.

mod args;
mod assurance;
mod battle;
mod battles;
mod chain;
mod chance;
mod clients;
mod clock;
mod cluster;
mod course;
mod feed;
mod frame;
mod missed;
mod others;
mod owner;
mod past;
mod peers;
mod placement;
pub mod program;
mod record;
mod replay;
mod rulesets;
mod saver;
mod service;
mod settings;
mod shard;
mod shards;
mod sight;
mod ttl;
mod turns;
mod view;
mod watchers;
mod wheel;
mod wire;

use std::sync::Arc;

use proto::battle::v1::battle_admin_service_server::BattleAdminServiceServer;
use proto::battle::v1::battle_service_server::BattleServiceServer;
use proto::user::v1::user_service_client::UserServiceClient;
use rules::Ruleset;
use service_kit::grpc::GrpcService;
use service_kit::time::until_there;
use service_kit::{Fault, TaskGroup};

use crate::assurance::Assurance;
use crate::battles::Battles;
use crate::cluster::Cluster;
use crate::feed::Feeds;
use crate::owner::Owner;
use crate::rulesets::Rulesets;
use crate::saver::Saver;
use crate::shards::Shards;
pub use args::{BattleArgs, BattleSettings};
pub use chance::Chance;
pub use peers::Peers;
pub use service::{BattleAdmin, BattlePlayers};
pub use settings::{Pace, Settings};

/// A running battle-svc.
#[derive(Debug, Clone)]
pub struct Service {
    battles: Arc<Battles>,
    shards: Shards,
    saver: Arc<Saver>,
}

/// Starts the shards and the saver in `tasks`; battles are fought under `ruleset` from now on. Waits for a store that is
/// away.
///
/// # Errors
/// When the store refuses to keep the ruleset, or the tasks end meanwhile.
pub async fn start(
    settings: Settings,
    user: UserServiceClient<GrpcService>,
    ruleset: Arc<Ruleset>,
    peers: Peers,
    tasks: &TaskGroup,
) -> Result<Service, Fault> {
    let cluster = Arc::new(Cluster::new(&settings.instance, peers, &settings.chance)?);
    let assurance = Arc::clone(cluster.assurance());
    let store = clients::Store::new(user, settings.instance.clone());
    keep_ruleset(&store, &ruleset, tasks).await?;
    let saver = Saver::new();
    let watched = metrics::counter!("battle_frames_watched_total");
    let context =
        battle::Context { pace: settings.pace, saver: Arc::clone(&saver), assurance: Arc::clone(&assurance), watched };
    let shards = Shards::start(settings.shards, &context, tasks);
    tasks.spawn_vital("battle-saver", Arc::clone(&saver).run(store.clone(), shards.clone(), tasks.stopping()));
    keep_assured(assurance, &shards, &store, tasks);
    let rulesets = Rulesets::new(ruleset, store.clone());
    // From here on others send battles here.
    cluster.join(tasks).await;
    let owner = Owner::new(store, rulesets, shards.clone(), cluster, context, tasks.clone());
    let feeds = Feeds::new(settings.feed_bound);
    let battles = Arc::new(Battles::new(Arc::new(owner), feeds, settings));
    Ok(Service { battles, shards, saver })
}

impl Service {
    /// The service for gateways and tools.
    #[must_use]
    pub fn players(&self) -> BattleServiceServer<BattlePlayers> {
        BattleServiceServer::new(BattlePlayers::new(Arc::clone(&self.battles)))
    }

    /// The service for operators.
    #[must_use]
    pub fn admin(&self) -> BattleAdminServiceServer<BattleAdmin> {
        BattleAdminServiceServer::new(BattleAdmin::new(Arc::clone(&self.battles)))
    }

    /// Takes no battle over any more and gives its lease back; saves and lets go of every battle, tells those who watch,
    /// and ends their streams. Returns when everything is written, which takes as long as the store is away: bound it.
    pub async fn drain(&self) {
        let hand_over = async {
            self.shards.drain().await;
            self.battles.feeds.close();
            self.saver.idle().await;
        };
        tokio::join!(self.battles.owner.cluster.leave(), hand_over);
    }
}

fn keep_assured(assurance: Arc<Assurance>, shards: &Shards, store: &clients::Store, tasks: &TaskGroup) {
    let (shards, store, stop) = (shards.clone(), store.clone(), tasks.stopping());
    tasks.spawn_vital("battle-assurance", async move {
        tokio::select! {
            biased;
            () = stop.wait() => {}
            () = assurance.keep(&shards, &store) => {}
        }
    });
}

async fn keep_ruleset(store: &clients::Store, ruleset: &Ruleset, tasks: &TaskGroup) -> Result<(), Fault> {
    let keep = || store.put_ruleset(ruleset.id(), ruleset.content().pack());
    until_there("user-svc", keep, |fault: &Fault| fault.is_unanswered() && !tasks.stopping().begun()).await
}
