//! The one Redis of the world, and the way to it: leases in memory that can freeze, restart or be emptied.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use backplane::{BackplaneFault, Lease, Leases, Local};
use futures::future::BoxFuture;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::instance::TTL;
use crate::latch::Latch;
use crate::net::{Net, Party};
use crate::presence::Presence;

/// How long an answer is waited for, as over the real one.
const DEADLINE: Duration = Duration::from_secs(1);

type Result<T> = std::result::Result<T, BackplaneFault>;

/// The server.
pub(crate) struct Redis {
    world: Mutex<Arc<Local>>,
    presence: Mutex<Presence>,
    condition: Latch<Condition>,
    /// So long it goes on naming those to instances who have no lease any more: what a Redis must not do.
    lingers: Duration,
    /// Whom it named, and when they still had one.
    named: Mutex<BTreeMap<String, (Lease, Instant)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Well,
    /// Nothing is answered; what was asked is done afterwards.
    Frozen,
    /// Nobody listens.
    Down,
}

/// One party's client of it.
pub(crate) struct Client {
    pub(crate) redis: Arc<Redis>,
    pub(crate) net: Net,
    pub(crate) from: Party,
}

impl Redis {
    pub(crate) fn new(lingers: Duration) -> Arc<Self> {
        Arc::new(Self {
            world: Mutex::new(Arc::new(Local::at(0))),
            presence: Mutex::default(),
            condition: Latch::new(Condition::Well),
            lingers,
            named: Mutex::default(),
        })
    }

    pub(crate) fn become_(&self, condition: Condition) {
        self.condition.change(|now| *now = condition);
    }

    /// Forgets everything.
    pub(crate) fn empty(&self) {
        self.presence.lock().emptied();
        *self.world.lock() = Arc::new(Local::at(0));
    }

    /// Which instances had a lease, and when.
    pub(crate) fn presence(&self) -> MutexGuard<'_, Presence> {
        self.presence.lock()
    }

    fn with_the_gone(&self, living: Vec<Lease>) -> Vec<Lease> {
        if self.lingers.is_zero() {
            return living;
        }
        let (now, mut named) = (Instant::now(), self.named.lock());
        named.extend(living.into_iter().map(|lease| (lease.instance.clone(), (lease, now))));
        named.retain(|_, (_, at)| now - *at <= self.lingers);
        named.values().map(|(lease, _)| lease.clone()).collect()
    }

    async fn answer<T>(&self, name: &'static str, ask: impl FnOnce(Arc<Local>) -> Asked<T>) -> Result<T> {
        let condition = self.condition.wait(|now| (*now != Condition::Frozen).then_some(*now)).await;
        if condition == Condition::Down {
            return Err(BackplaneFault::new(name, "connection refused"));
        }
        let world = Arc::clone(&self.world.lock());
        ask(world).await
    }
}

type Asked<T> = BoxFuture<'static, Result<T>>;

impl Client {
    async fn ask<T: Send + 'static>(
        &self,
        name: &'static str,
        ask: impl FnOnce(Arc<Local>) -> Asked<T> + Send + 'static,
    ) -> Result<T> {
        let (tell, told) = oneshot::channel();
        let (redis, net, from) = (Arc::clone(&self.redis), self.net.clone(), self.from);
        self.net.carrier(async move {
            if net.carry(from, Party::Redis).await {
                let answer = redis.answer(name, ask).await;
                if net.carry(Party::Redis, from).await {
                    let _ = tell.send(answer);
                }
            }
        });
        let answer = async { if let Ok(answer) = told.await { answer } else { std::future::pending().await } };
        timeout(DEADLINE, answer).await.unwrap_or_else(|late| Err(BackplaneFault::new(name, late)))
    }
}

#[async_trait]
impl Leases for Client {
    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool> {
        let (lease, redis) = (lease.clone(), Arc::clone(&self.redis));
        let renew = move |world: Arc<Local>| -> Asked<bool> {
            Box::pin(async move {
                redis.presence().renewed(&lease.instance, lease.nonce);
                world.renew(&lease, TTL.max(ttl)).await
            })
        };
        self.ask("renew", renew).await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let (lease, redis) = (lease.clone(), Arc::clone(&self.redis));
        let release = move |world: Arc<Local>| -> Asked<()> {
            Box::pin(async move {
                redis.presence().released(&lease.instance, lease.nonce);
                world.release(&lease).await
            })
        };
        self.ask("release", release).await
    }

    async fn living(&self, service: &str) -> Result<Vec<Lease>> {
        let service = service.to_owned();
        let (redis, to_instance) = (Arc::clone(&self.redis), matches!(self.from, Party::Instance(_)));
        let living = move |world: Arc<Local>| -> Asked<Vec<Lease>> {
            Box::pin(async move {
                let living = world.living(&service).await?;
                Ok(if to_instance { redis.with_the_gone(living) } else { living })
            })
        };
        self.ask("living", living).await
    }
}
