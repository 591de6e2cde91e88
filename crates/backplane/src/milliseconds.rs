//! Spans of time as numbers that travel.

use std::time::Duration;

/// A span in whole milliseconds.
pub(crate) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
