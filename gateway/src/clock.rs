//! How long until a moment that the store has set.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time left until `at`, milliseconds since the epoch; nothing when it has passed.
///
/// Only used to announce and enforce the end of a session on this side; whether a session still counts is decided by
/// the store's own clock at the next connect.
#[expect(
    clippy::disallowed_methods,
    reason = "the end of a session is a wall-clock time, and nothing is written by this"
)]
pub(crate) fn until(at: i64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(u64::try_from(at).unwrap_or_default()).saturating_sub(now)
}
