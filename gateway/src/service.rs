//! A gateway from its start to its drain.

use std::sync::Arc;

use backplane::{Backplane, BackplaneFault, Subscription};
use futures::future::join_all;
use service_kit::TaskGroup;
use service_kit::time::millis;
use tokio::net::TcpListener;

use crate::acceptor;
use crate::bus::{Announcer, Listener};
use crate::clients::{Battles, Clients};
use crate::drain::Drain;
use crate::engine;
use crate::feed::Feed;
use crate::gateway::Gateway;
use crate::http::Site;
use crate::lang::{BrokenTexts, Texts};
use crate::lease;
use crate::lobby::Lobby;
use crate::resync::{Demand, Resync};
use crate::rooms::Rooms;
use crate::settings::Settings;
use crate::stays::Stays;

/// A gateway that serves.
pub struct Service {
    gateway: Arc<Gateway>,
}

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The texts this program carries do not hold together.
    #[error(transparent)]
    Texts(#[from] BrokenTexts),
    /// The bus takes no subscriptions.
    #[error(transparent)]
    Backplane(#[from] BackplaneFault),
}

/// Starts a gateway on a listener that is bound already. Its tasks end with `tasks`; before that, [`Service::drain`] lets
/// the players go in good order.
///
/// # Errors
/// When the embedded texts are broken. A backplane that is away is none: it is heard as soon as it is there.
pub async fn start(
    settings: Settings,
    clients: Clients,
    backplane: Arc<dyn Backplane>,
    tasks: TaskGroup,
    listener: TcpListener,
) -> Result<Service, StartError> {
    let texts = Arc::new(Texts::load()?);
    let subscription = Arc::new(backplane.subscribe(&settings.instance).await?);
    let announcer = Announcer::start(Arc::clone(&backplane), &settings.instance, &tasks);
    let demand = Demand::default();
    let gateway = Arc::new(Gateway {
        lobby: Lobby::default(),
        stays: Stays::new(),
        registry: Arc::default(),
        feed: Feed::new(settings.instance.clone(), clients.battles.clone(), tasks.clone()),
        rooms: Rooms::new(&announcer, clients.clone(), Arc::clone(&subscription), tasks.clone(), demand.clone()),
        drain: Drain::default(),
        announcer,
        settings,
        clients,
        backplane,
        texts,
        tasks,
    });
    spawn(&gateway, subscription, demand, listener);
    Ok(Service { gateway })
}

/// Starts what runs for as long as the gateway does.
fn spawn(gateway: &Arc<Gateway>, subscription: Arc<Subscription>, demand: Demand, listener: TcpListener) {
    let (tasks, backplane) = (&gateway.tasks, &gateway.backplane);
    if let Battles::Many { .. } = gateway.clients.battles {
        tasks.spawn_vital("instances", Arc::clone(&gateway.feed).watch_instances(Arc::clone(backplane)));
    }
    let name = gateway.announcer.name().to_string();
    tasks.spawn_vital("lease", lease::keep(Arc::clone(backplane), name, demand.clone(), tasks.stopping()));
    let listening = Listener::new(gateway, subscription, demand.clone()).run();
    tasks.spawn_vital("bus", until_stopped(tasks.clone(), listening));
    tasks.spawn_vital("sweep", until_stopped(tasks.clone(), engine::sweep(Arc::clone(gateway))));
    tasks.spawn_vital("resync", Resync::new(gateway, demand).run(tasks.stopping()));
    tasks.spawn_vital("accept", acceptor::accept(listener, Site::new(gateway), tasks.clone()));
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
