//! Deadlines, patience, and spans of time as numbers that travel.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use crate::Fault;
use crate::telemetry::Outage;

/// How long to wait before a dependency that is away at the start is asked again.
const START_PAUSE: Duration = Duration::from_millis(500);

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

/// Carries out a part of the start that needs `dependency`, again and again for as long as its failure says that it
/// `is_away`, which is told once.
///
/// # Errors
/// When the dependency is there and the part fails all the same.
pub async fn until_there<T, E, F>(
    dependency: &'static str,
    part: impl Fn() -> F,
    is_away: impl Fn(&E) -> bool,
) -> Result<T, E>
where
    E: Error + 'static,
    F: Future<Output = Result<T, E>>,
{
    let mut outage = Outage::default();
    loop {
        match part().await {
            Err(fault) if is_away(&fault) => {
                if outage.begins() {
                    let error: &(dyn Error + 'static) = &fault;
                    tracing::warn!(dependency.name = dependency, error, "dependency away at the start");
                }
                sleep(START_PAUSE).await;
            }
            outcome => return outcome,
        }
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
    use std::cell::Cell;

    use super::*;
    use crate::FaultKind;

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_dropped() {
        let limit = Duration::from_secs(5);
        let late = deadline(limit, std::future::pending::<Result<(), Fault>>()).await;
        assert_eq!(late.unwrap_err().kind(), FaultKind::DeadlineExceeded);
        assert_eq!(deadline(limit, async { Ok::<_, Fault>(7) }).await.unwrap(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_away_is_asked_again_and_what_is_refused_is_not() {
        for (last, expected) in [(Ok(7), Ok(7)), (Err(Fault::invalid("no")), Err(FaultKind::InvalidArgument))] {
            let left = Cell::new(3);
            let part = async || match left.replace(left.get() - 1) {
                0 => last.clone(),
                _ => Err(Fault::unavailable("away")),
            };
            let outcome = until_there("store", part, Fault::is_unanswered).await;
            assert_eq!(outcome.map_err(|fault| fault.kind()), expected);
            assert_eq!(left.get(), -1);
        }
    }
}
