//! The backplane of a world that runs in one process: plain memory behind locks that are never held across an await.
//!
//! Every operation is right at any moment without help; [`Local::tidy`] only gives back the memory of what has expired,
//! and [`Local::start`] calls it from time to time.

mod bus;
mod clock;
mod connections;
mod leases;
mod log;
mod once;
mod registry;
mod room;
mod rooms;
mod throttle;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use service_kit::TaskGroup;

use self::bus::Switchboard;
use self::clock::Clock;
use self::connections::Numbers;
use self::leases::Book;
use self::registry::Registry;
use self::throttle::Buckets;
use crate::epoch::random_epoch;
use crate::fault::Result;
use crate::memory::Memory;

/// How often expired things are given back.
const TIDY_EVERY: Duration = Duration::from_secs(10);

/// Everything in memory. Its time is tokio's, so that a paused clock pauses it too.
#[derive(Debug)]
pub struct Local {
    clock: Clock,
    life: u64,
    connections: Mutex<Numbers>,
    leases: Mutex<Book>,
    rooms: Mutex<Registry>,
    buckets: Mutex<Buckets>,
    bus: Arc<Switchboard>,
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

impl Local {
    /// An empty world, on the process's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::on(Clock::of_process())
    }

    /// An empty world whose clock stands at `now_ms`, milliseconds since the epoch: the same world every time.
    #[must_use]
    pub fn at(now_ms: u64) -> Self {
        Self::on(Clock::at(now_ms))
    }

    /// An empty world that is tidied until `tasks` end.
    #[must_use]
    pub fn start(tasks: &TaskGroup) -> Arc<Self> {
        let world = Arc::new(Self::new());
        let (tidied, stop) = (Arc::clone(&world), tasks.stopping());
        tasks.spawn("backplane-tidy", async move {
            let mut interval = tokio::time::interval(TIDY_EVERY);
            let stopped = stop.wait();
            tokio::pin!(stopped);
            loop {
                tokio::select! {
                    _ = interval.tick() => tidied.tidy(),
                    () = &mut stopped => return,
                }
            }
        });
        world
    }

    /// Gives back the memory of leases, buckets and log entries that have expired.
    pub fn tidy(&self) {
        self.leases.lock().prune();
        self.buckets.lock().prune();
        self.rooms.lock().prune_logs(self.clock.now_ms());
    }

    fn on(clock: Clock) -> Self {
        Self {
            clock,
            life: random_epoch(),
            connections: Mutex::default(),
            leases: Mutex::default(),
            rooms: Mutex::default(),
            buckets: Mutex::default(),
            bus: Arc::default(),
        }
    }
}

#[async_trait]
impl Memory for Local {
    async fn life(&self) -> Result<u64> {
        Ok(self.life)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::leases::{Lease, Leases};
    use crate::rooms::{LOG_AGE, Member, RoomKind, Rooms};
    use crate::throttle::{Rate, Throttle};

    crate::contract::suite!(#[tokio::test(start_paused = true)], (Arc::new(Local::new()), ()));

    const LOBBY: RoomKind = RoomKind::new("lobby");
    const SECOND: Duration = Duration::from_secs(1);

    fn ann() -> Member {
        Member { id: "ann".into(), name: "Ann".into(), gateway: "g1".into(), connection: 1 }
    }

    #[tokio::test(start_paused = true)]
    async fn after_everybody_left_nothing_is_kept() {
        let tasks = TaskGroup::new();
        let world = Local::start(&tasks);
        let room = world.enter(LOBBY, 10, ann(), None, Bytes::new()).await.unwrap().standing.room;
        world.append(&room, Bytes::new()).await.unwrap();
        world.mark_leaving(&room, "ann", 1, SECOND, Bytes::new()).await.unwrap();
        world.throttle("key", Rate { every: SECOND, burst: 5 }).await.unwrap();
        let lease = Lease { service: "s".into(), instance: "i".into(), nonce: 1, address: "a".into() };
        world.renew(&lease, SECOND).await.unwrap();

        tokio::time::sleep(TIDY_EVERY * 2).await;
        assert_eq!(world.take_due_leaves(LOBBY, 10).await.unwrap().len(), 1);
        assert!(world.rooms.lock().is_empty());
        assert!(world.buckets.lock().is_empty(), "tidied without being asked");
        assert!(world.leases.lock().is_empty(), "tidied without being asked");
        assert_eq!(tasks.end(SECOND).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn entries_of_yesterday_are_gone() {
        let world = Local::at(1_000);
        let room = world.enter(LOBBY, 10, ann(), None, Bytes::new()).await.unwrap().standing.room;
        world.append(&room, Bytes::from_static(b"old")).await.unwrap();
        tokio::time::advance(LOG_AGE).await;
        world.append(&room, Bytes::from_static(b"new")).await.unwrap();
        assert_eq!(world.read(&room, None, 10).await.unwrap().unwrap().entries.len(), 2, "just within the age");
        tokio::time::advance(Duration::from_millis(1)).await;
        let page = world.read(&room, None, 10).await.unwrap().unwrap();
        assert_eq!(page.entries.iter().map(|entry| entry.offset).collect::<Vec<_>>(), [2]);
        assert_eq!(page.entries[0].at_ms, 1_000 + 24 * 3_600_000);
    }
}
