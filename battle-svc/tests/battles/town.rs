//! Several instances of battle-svc over one store, with leases that can be away. They reach each other in process.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use backplane::{BackplaneFault, Lease, Leases, Local};
use battle_svc::{Peers, Settings};
use parking_lot::Mutex;
use rules::Ruleset;
use service_kit::gate::Gate;
use service_kit::grpc::{Dialer, GrpcService, in_process};
use service_kit::{Fault, TaskGroup};
use tokio::time::sleep;

use crate::house::{House, ruleset, settings};
use crate::store::Store;

/// How long a lease lasts.
pub(crate) const TTL: Duration = Duration::from_secs(5);

/// The longest time until everybody knows that an instance is dead: its lease runs out, it isn't seen for as long again,
/// and that is noticed at the next look.
pub(crate) const KNOWN_DEAD: Duration = Duration::from_millis(11_500);

/// What the instances share.
pub(crate) struct Town {
    pub(crate) store: Store,
    pub(crate) leases: Arc<Shaky>,
    served: Arc<Mutex<HashMap<String, GrpcService>>>,
}

/// Leases that may be away, emptied, only read, or never given back.
pub(crate) struct Shaky {
    leases: Mutex<Arc<Local>>,
    tasks: TaskGroup,
    away: AtomicBool,
    full: AtomicBool,
    stuck: AtomicBool,
}

impl Town {
    pub(crate) fn new() -> Self {
        let tasks = TaskGroup::new();
        Self { store: Store::new(), leases: Arc::new(Shaky::new(tasks)), served: Arc::default() }
    }

    pub(crate) async fn open(&self, name: &str) -> House {
        self.open_as(settings(name), &address(name), TaskGroup::new()).await
    }

    /// An instance that stands still while its gate is closed.
    pub(crate) async fn open_gated(&self, name: &str) -> (House, Gate) {
        let gate = Gate::default();
        (self.open_as(settings(name), &address(name), TaskGroup::gated(gate.clone())).await, gate)
    }

    /// An instance with another world.
    pub(crate) async fn open_with(&self, name: &str, ruleset: Arc<Ruleset>) -> House {
        self.start(settings(name), &address(name), TaskGroup::new(), ruleset).await
    }

    pub(crate) async fn open_as(&self, settings: Settings, address: &str, tasks: TaskGroup) -> House {
        self.start(settings, address, tasks, ruleset()).await
    }

    async fn start(&self, settings: Settings, address: &str, tasks: TaskGroup, ruleset: Arc<Ruleset>) -> House {
        let served = Arc::clone(&self.served);
        let dialer = Dialer::new(move |url| served.lock().get(url).cloned().ok_or_else(|| Fault::unavailable("gone")));
        let leases: Arc<dyn Leases> = Arc::<Shaky>::clone(&self.leases);
        let peers = Peers::among(leases, address, TTL, dialer);
        let house = House::start(&self.store, settings, ruleset, peers, tasks).await;
        self.served.lock().insert(address.to_owned(), in_process(house.service.players()));
        house
    }

    /// Everybody has looked at everybody.
    pub(crate) async fn settle(&self) {
        sleep(TTL / 2).await;
    }

    /// Nobody is to be reached there any more.
    pub(crate) fn unplug(&self, name: &str) {
        self.served.lock().remove(&address(name));
    }

    /// Ends an instance as a kill would.
    pub(crate) async fn kill(&self, name: &str, house: House) {
        self.unplug(name);
        house.kill().await;
    }
}

/// Where the instance of that name is reached.
pub(crate) fn address(name: &str) -> String {
    format!("http://{name}:1")
}

impl Shaky {
    fn new(tasks: TaskGroup) -> Self {
        let leases = Mutex::new(Local::start(&tasks));
        let (away, full, stuck) = (AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(false));
        Self { leases, tasks, away, full, stuck }
    }

    /// Nothing is answered any more, or everything again.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    /// Nothing is written any more, as in a Redis whose memory or disk is full; or everything again.
    pub(crate) fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    /// No lease is ended before its time any more, nor is that answered.
    pub(crate) fn set_stuck(&self) {
        self.stuck.store(true, Ordering::Relaxed);
    }

    /// Everything is forgotten.
    pub(crate) fn empty(&self) {
        *self.leases.lock() = Local::start(&self.tasks);
    }

    async fn ask(&self) -> Result<Arc<Local>, BackplaneFault> {
        if self.away.load(Ordering::Relaxed) {
            sleep(Duration::from_secs(1)).await;
            return Err(BackplaneFault::new("ask", "away"));
        }
        Ok(Arc::clone(&self.leases.lock()))
    }
}

#[async_trait]
impl Leases for Shaky {
    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, BackplaneFault> {
        if self.full.load(Ordering::Relaxed) {
            return Err(BackplaneFault::new("renew", "full"));
        }
        self.ask().await?.renew(lease, ttl).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), BackplaneFault> {
        if self.stuck.load(Ordering::Relaxed) {
            return std::future::pending().await;
        }
        self.ask().await?.release(lease).await
    }

    async fn living(&self, service: &str) -> Result<Vec<Lease>, BackplaneFault> {
        self.ask().await?.living(service).await
    }
}
