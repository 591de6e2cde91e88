//! The only wall clock of the game: that of the database. MySQL is asked for it, SQLite has none of its own, so there it
//! is the process's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970: the machine's, or those of a database that has a clock, moved by the same offset. Clones show
/// the same time.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Added to the time, milliseconds; moved by tests alone.
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// The time as it is.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// Now by the machine, milliseconds since 1970.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "on SQLite the process's clock is the database's")]
    pub fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.shown(millis(since))
    }

    /// What this clock shows when the database's says `actual`, milliseconds.
    pub(super) fn shown(&self, actual: i64) -> i64 {
        actual.saturating_add(self.offset.load(Ordering::Relaxed))
    }

    /// Lets time pass at once, for tests.
    pub fn advance(&self, by: Duration) {
        self.offset.fetch_add(millis(by), Ordering::Relaxed);
    }

    /// Sets the clock back, for tests of a clock that jumps.
    pub fn set_back(&self, by: Duration) {
        self.offset.fetch_sub(millis(by), Ordering::Relaxed);
    }
}

/// Whole milliseconds of a duration.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
