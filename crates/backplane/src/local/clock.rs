//! Milliseconds since the epoch, for stamps that people see and numbers that must rise over a restart.

use std::time::UNIX_EPOCH;

use service_kit::time::millis;
use tokio::time::Instant;

/// A wall clock read once, and a monotonic one from there on: it never goes back.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    started_ms: u64,
}

impl Clock {
    /// The process's clock.
    #[expect(
        clippy::disallowed_methods,
        reason = "one process is its own shared server, so its clock is the shared one"
    )]
    pub(super) fn of_process() -> Self {
        let since_epoch = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::at(millis(since_epoch))
    }

    /// A clock that stands at `now_ms`.
    pub(super) fn at(now_ms: u64) -> Self {
        Self { started: Instant::now(), started_ms: now_ms }
    }

    /// The time now.
    pub(super) fn now_ms(&self) -> u64 {
        self.started_ms.saturating_add(millis(self.started.elapsed()))
    }
}
