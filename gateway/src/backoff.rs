//! Waiting longer each time, and never in step with others.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(3);

/// Delays that double from 50 ms to 3 s, each cut by up to a half at random.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    /// Starts with the shortest delay.
    pub(crate) fn new() -> Self {
        Self(FIRST)
    }

    /// It worked: the next delay is the shortest again.
    pub(crate) fn reset(&mut self) {
        self.0 = FIRST;
    }

    /// Waits for the next delay.
    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.0.mul_f64(rand::random_range(0.5..=1.0))).await;
        self.0 = (self.0 * 2).min(LONGEST);
    }
}
