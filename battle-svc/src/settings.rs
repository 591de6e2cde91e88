//! What can be set.

use std::time::Duration;

use vocab::BattleId;

use crate::Chance;

/// How a battle-svc is to run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name of this instance: it is what a record's owner says.
    pub instance: String,
    /// Length of a tick of battles that start from now on, milliseconds.
    pub tick_ms: u32,
    /// How often, how long.
    pub pace: Pace,
    /// Tasks that own battles; one per core is right.
    pub shards: usize,
    /// Pieces of news that a feed may hold before it drops some.
    pub feed_bound: usize,
    /// Where the ids and seeds of new battles come from.
    pub chance: Chance,
}

/// The rhythm of what happens beside the frames.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often a battle is saved.
    pub save_every: Duration,
    /// How much of an absence counts.
    pub idle_cap: Duration,
    /// How long a battle without watchers stays in memory: longer than it takes a claimer to come to it.
    pub detach_after: Duration,
}

impl Settings {
    /// The settings an instance of this name has by default.
    #[must_use]
    pub fn named(instance: impl Into<String>) -> Self {
        let shards = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            instance: instance.into(),
            tick_ms: 1_500,
            pace: Pace::default(),
            shards,
            feed_bound: 16_384,
            chance: Chance::System,
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            save_every: Duration::from_secs(30),
            idle_cap: Duration::from_secs(12 * 3600),
            detach_after: Duration::from_secs(60),
        }
    }
}

impl Pace {
    /// How long a battle goes on in memory unwatched: that is part of the absence, so never longer than what counts.
    pub(crate) fn leave_after(&self) -> Duration {
        self.detach_after.min(self.idle_cap)
    }

    /// How long a battle waits for its first save, so that those which came together don't save together.
    pub(crate) fn first_save(&self, id: BattleId) -> Duration {
        let [.., random] = *id.as_bytes();
        self.save_every * (u32::from(random) + 1) / 256
    }
}
