//! Deadlines, and spans of time as numbers that travel.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::Fault;

/// Runs `work` for at most `limit`; what is not done by then is dropped.
///
/// # Errors
/// `deadline_exceeded` after `limit`, otherwise what `work` answers.
pub async fn deadline<T, E>(limit: Duration, work: impl Future<Output = Result<T, E>>) -> Result<T, Fault>
where
    Fault: From<E>,
{
    match tokio::time::timeout(limit, work).await {
        Ok(answer) => answer.map_err(Fault::from),
        Err(_elapsed) => Err(Fault::too_late("deadline-exceeded")),
    }
}

/// Ticks now and then every `period`. After a tick that came late, or work that took long, a whole period passes again:
/// nothing is made up for.
#[must_use]
pub fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// A span in whole milliseconds.
#[must_use]
pub fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FaultKind;

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_dropped() {
        let limit = Duration::from_secs(5);
        let late = deadline(limit, std::future::pending::<Result<(), Fault>>()).await;
        assert_eq!(late.unwrap_err().kind(), FaultKind::DeadlineExceeded);
        assert_eq!(deadline(limit, async { Ok::<_, Fault>(7) }).await.unwrap(), 7);
    }
}
