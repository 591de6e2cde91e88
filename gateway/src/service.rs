//! A gateway from its start to its drain.

use std::sync::Arc;
use std::time::Duration;

use backplane::{Backplane, Subscription};
use futures::future::join_all;
use service_kit::TaskGroup;
use service_kit::time::millis;
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::acceptor;
use crate::bus::{Announcer, Listener};
use crate::clients::{Battles, Clients};
use crate::drain::Drain;
use crate::feed::Feed;
use crate::gateway::Gateway;
use crate::http::Site;
use crate::lang::{BrokenTexts, Texts};
use crate::lease;
use crate::lobby::Lobby;
use crate::registry::Registry;
use crate::resync::{Demand, Resync};
use crate::rooms::Rooms;
use crate::settings::Settings;
use crate::stays::Stays;

/// How long to wait before a backplane that is away is asked again at the start.
const START_PAUSE: Duration = Duration::from_millis(500);

/// A gateway that serves.
pub struct Service {
    gateway: Arc<Gateway>,
}

/// Starts a gateway on a listener that is bound already, as soon as the backplane is there. Its tasks end with `tasks`;
/// before that, [`Service::drain`] lets the players go in good order.
///
/// # Errors
/// When the embedded texts are broken.
pub async fn start(
    settings: Settings,
    clients: Clients,
    backplane: Arc<dyn Backplane>,
    tasks: TaskGroup,
    listener: TcpListener,
) -> Result<Service, BrokenTexts> {
    let texts = Arc::new(Texts::load()?);
    let subscription = Arc::new(subscribe(&*backplane, &settings.instance).await);
    let announcer = Announcer::start(Arc::clone(&backplane), &settings.instance, &tasks);
    // That of this start: members of one before it under the same name are dead.
    let (own, demand) = (announcer.name(), Demand::default());
    let ear = Arc::clone(&subscription);
    let rooms = Rooms::new(own.to_string(), clients.clone(), ear, tasks.clone(), demand.clone());
    let registry = Arc::new(Registry::default());
    let feed = Feed::new(settings.instance.clone(), clients.battles.clone(), tasks.clone());
    let gateway = Arc::new(Gateway {
        announcer,
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
        drain: Drain::default(),
    });
    if let Battles::Many { .. } = gateway.clients.battles {
        tasks.spawn_vital("instances", feed.watch_instances(Arc::clone(&gateway.backplane)));
    }
    tasks.spawn_vital("lease", lease::keep(Arc::clone(&gateway.backplane), own.to_string(), tasks.stopping()));
    let bus = Listener::new(subscription, Arc::clone(&registry), Arc::clone(&rooms), demand.clone(), own);
    tasks.spawn_vital("bus", until_stopped(tasks.clone(), bus.run()));
    let (backplane, clients) = (Arc::clone(&gateway.backplane), gateway.clients.clone());
    let resync = Resync { demand, backplane, clients, registry, rooms };
    tasks.spawn_vital("resync", resync.run(tasks.stopping()));
    tasks.spawn_vital("accept", acceptor::accept(listener, Site::new(&gateway), tasks.clone()));
    Ok(Service { gateway })
}

/// What this gateway hears, as soon as the backplane is there to be heard. Whether it is away, it says itself.
async fn subscribe(backplane: &dyn Backplane, instance: &str) -> Subscription {
    loop {
        match backplane.subscribe(instance).await {
            Ok(subscription) => return subscription,
            Err(_away) => sleep(START_PAUSE).await,
        }
    }
}

impl Service {
    /// Lets everybody go: tells each client when to come back, serves it until then, and takes its transport away, so
    /// that stock clients come back by themselves, to another gateway. Nobody new is let in. Ends when all have left
    /// their battles and rooms, within about ten seconds; bound it.
    pub async fn drain(&self) {
        let clients = self.gateway.lobby.lines().len();
        let window = self.gateway.drain.begin(clients);
        tracing::info!(sockets.count = clients, drain.window_ms = millis(window), "drain began");
        self.gateway.stays.ended().await;
        // Whoever never said who they are.
        let rest = self.gateway.lobby.lines();
        join_all(rest.iter().map(|line| line.drop_transport())).await;
        self.gateway.stays.ended().await;
        tracing::info!(sockets.count = clients, "drain ended");
    }
}

async fn until_stopped(tasks: TaskGroup, work: impl Future<Output = ()>) {
    let stop = tasks.stopping().wait();
    tokio::select! {
        () = work => {}
        () = stop => {}
    }
}
