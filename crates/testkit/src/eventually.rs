//! Waiting for a state that announces itself by no event.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

/// Shortest pause between two looks; each following one is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Looks again and again until `look` gives a value, and returns it.
///
/// For what can only be looked at, such as a gauge or a row; where there is an event, await the event. The clock is
/// tokio's: under a paused clock the pauses take no time.
///
/// # Panics
/// When `within` has passed, with `what` and the error of the last look.
#[track_caller]
pub fn eventually<T, E, F>(what: &str, within: Duration, look: impl FnMut() -> F) -> impl Future<Output = T>
where
    F: Future<Output = Result<T, E>>,
    E: std::fmt::Debug,
{
    // Not an `async fn`: the panic is to name the line of the test.
    let caller = std::panic::Location::caller();
    let waiting = wait(within, look);
    async move {
        match waiting.await {
            Ok(value) => value,
            Err(last) => panic!("{caller}: not within {within:?}: {what}; last seen: {last:?}"),
        }
    }
}

async fn wait<T, E, F>(within: Duration, mut look: impl FnMut() -> F) -> Result<T, Option<E>>
where
    F: Future<Output = Result<T, E>>,
{
    let end = Instant::now() + within;
    let mut pause = FIRST_PAUSE;
    let mut last = None;
    while let Ok(seen) = timeout_at(end, look()).await {
        match seen {
            Ok(value) => return Ok(value),
            Err(error) => last = Some(error),
        }
        if Instant::now() >= end {
            break;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn the_first_value_is_returned() {
        let looks = Cell::new(0);
        let third = eventually("the third look", Duration::from_secs(5), || {
            looks.set(looks.get() + 1);
            let n = looks.get();
            async move { if n == 3 { Ok(n) } else { Err(n) } }
        });
        assert_eq!(third.await, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "a pig flies; last seen: Some(\"no wings\")")]
    async fn a_state_that_never_comes_is_named() {
        eventually("a pig flies", Duration::from_millis(20), || async { Err::<(), _>("no wings") }).await;
    }

    #[tokio::test]
    #[should_panic(expected = "an answer")]
    async fn a_look_that_hangs_ends_in_time() {
        eventually("an answer", Duration::from_millis(20), pending::<Result<(), ()>>).await;
    }
}
