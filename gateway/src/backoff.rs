//! Waiting longer each time, and never in step with others.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(3);

/// Delays that double from 50 ms to the longest, each cut by up to a half at random.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Starts with the shortest delay; the longest is 3 s.
    pub(crate) fn new() -> Self {
        Self::up_to(LONGEST)
    }

    /// Starts with the shortest delay.
    pub(crate) fn up_to(longest: Duration) -> Self {
        Self { next: FIRST, longest }
    }

    /// It worked: the next delay is the shortest again.
    pub(crate) fn reset(&mut self) {
        self.next = FIRST;
    }

    /// Waits for the next delay.
    pub(crate) async fn wait(&mut self) {
        self.wait_within(self.longest).await;
    }

    /// The same, but not longer than `limit` this time.
    pub(crate) async fn wait_within(&mut self, limit: Duration) {
        tokio::time::sleep(self.next.min(limit).mul_f64(rand::random_range(0.5..=1.0))).await;
        self.next = (self.next * 2).min(self.longest);
    }
}
