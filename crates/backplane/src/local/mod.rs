//! The backplane of a world that runs in one process: plain memory behind locks that are never held across an await.
//!
//! Every operation is right at any moment without help; [`Local::tidy`] only gives back the memory of what has expired,
//! and [`Local::start`] calls it from time to time.

mod bus;
mod clock;
mod connections;
mod leases;
mod log;
mod registry;
mod room;
mod rooms;
mod throttle;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use service_kit::TaskGroup;

use self::bus::Switchboard;
use self::clock::Clock;
use self::leases::Book;
use self::registry::Registry;
use self::throttle::Buckets;

/// How often expired things are given back.
const TIDY_EVERY: Duration = Duration::from_secs(10);

/// Everything in memory. Its time is tokio's, so that a paused clock pauses it too.
#[derive(Debug)]
pub struct Local {
    clock: Clock,
    last_connection: Mutex<u64>,
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
        tasks.spawn("backplane tidy", async move {
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
            last_connection: Mutex::default(),
            leases: Mutex::default(),
            rooms: Mutex::default(),
            buckets: Mutex::default(),
            bus: Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::contract::suite!(#[tokio::test(start_paused = true)], Arc::new(Local::new()));
}
