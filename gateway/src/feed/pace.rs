//! So many a second and no more, in the order they came.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

/// The time between two turns: 2,000 a second.
const BETWEEN: Duration = Duration::from_micros(500);

/// Gives turns.
pub(super) struct Pace(Mutex<Instant>);

impl Pace {
    /// The first turn is now.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    /// Waits for the next turn.
    pub(super) async fn turn(&self) {
        let at = {
            let mut next = self.0.lock();
            let at = (*next).max(Instant::now());
            *next = at + BETWEEN;
            at
        };
        sleep_until(at).await;
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_are_taken_at_a_pace_and_none_is_saved_up() {
        let pace = Pace::new();
        for _ in 0..2 {
            let began = Instant::now();
            join_all((0..1_000).map(|_| pace.turn())).await;
            let took = began.elapsed();
            assert!((499..=501).contains(&took.as_millis()), "{took:?}");
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    }
}
