//! A gateway from its start to its drain.

use std::sync::Arc;
use std::time::Duration;

use backplane::{Backplane, BackplaneFault};
use futures::future::join_all;
use serde::Serialize;
use service_kit::{Shutdown, TaskGroup};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::acceptor;
use crate::bus::{Announcer, Listener};
use crate::clients::Clients;
use crate::delivery::Line;
use crate::feed::Feed;
use crate::gateway::Gateway;
use crate::http::Site;
use crate::lang::{BrokenTexts, Texts};
use crate::lobby::Lobby;
use crate::registry::Registry;
use crate::rooms::Rooms;
use crate::settings::Settings;
use crate::stays::Stays;

/// The longest a client is asked to wait before it comes back.
const RECONNECT_WITHIN: Duration = Duration::from_millis(1_000);

/// A gateway that serves.
pub struct Service {
    gateway: Arc<Gateway>,
}

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The embedded texts are broken.
    #[error(transparent)]
    Texts(#[from] BrokenTexts),
    /// The backplane is away.
    #[error(transparent)]
    Backplane(#[from] BackplaneFault),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Draining {
    reconnect_in_ms: u64,
}

/// Starts a gateway on a listener that is bound already. Its tasks end with `tasks`; before that, [`Service::drain`]
/// lets the players go in good order.
///
/// # Errors
/// When the embedded texts are broken or the backplane is away.
pub async fn start(
    settings: Settings,
    clients: Clients,
    backplane: Arc<dyn Backplane>,
    tasks: TaskGroup,
    listener: TcpListener,
) -> Result<Service, StartFault> {
    let texts = Arc::new(Texts::load()?);
    let subscription = Arc::new(backplane.subscribe(&settings.instance).await?);
    let rooms = Rooms::new(clients.clone(), Arc::clone(&subscription), tasks.clone());
    let registry = Arc::new(Registry::default());
    let feed = Feed::new(settings.instance.clone(), clients.clone(), tasks.clone());
    let publisher = format!("{}:{}", settings.instance, Uuid::now_v7());
    let gateway = Arc::new(Gateway {
        announcer: Announcer::new(Arc::clone(&backplane), publisher),
        settings,
        clients,
        backplane,
        texts,
        tasks: tasks.clone(),
        lobby: Lobby::default(),
        stays: Stays::new(),
        registry: Arc::clone(&registry),
        feed: Arc::clone(&feed),
        rooms: Arc::clone(&rooms),
        draining: Shutdown::new(),
    });
    tasks.spawn_vital("feed", feed.run());
    tasks.spawn_vital("bus", until_stopped(tasks.clone(), Listener { subscription, registry, rooms }.run()));
    tasks.spawn_vital("accept", acceptor::accept(listener, Site::new(&gateway), tasks.clone()));
    Ok(Service { gateway })
}

impl Service {
    /// Lets everybody go: tells each client when to come back, and then takes the transports away, so that stock
    /// clients come back by themselves. Ends when all have left their battles and rooms.
    pub async fn drain(&self) {
        self.gateway.draining.begin();
        let lines = self.gateway.lobby.lines();
        tracing::info!(sockets.count = lines.len(), "drain began");
        join_all(lines.iter().map(|line| send_off(line))).await;
        self.gateway.stays.ended().await;
    }
}

async fn send_off(line: &Line) {
    let reconnect_in_ms = rand::random_range(0..=RECONNECT_WITHIN.as_millis() as u64);
    line.event("system:draining", &Draining { reconnect_in_ms });
    line.flushed().await;
    line.drop_transport().await;
}

async fn until_stopped(tasks: TaskGroup, work: impl Future<Output = ()>) {
    let stop = tasks.stopping().wait();
    tokio::select! {
        () = work => {}
        () = stop => {}
    }
}
