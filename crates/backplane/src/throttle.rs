//! How often something may happen, across all processes.

use std::time::Duration;

use async_trait::async_trait;

use crate::fault::Result;

/// A token bucket: `burst` at once, and then one more every `every`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The time in which one token comes back. More than zero.
    pub every: Duration,
    /// How many tokens there are at most. More than zero.
    pub burst: u32,
}

/// Whether it may happen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may, and a token is spent.
    Allowed,
    /// It may not, but after this time; nothing is spent.
    RetryAfter(Duration),
}

/// Counts what happens under a key.
#[async_trait]
pub trait Throttle: Send + Sync + 'static {
    /// Spends a token of `key`, if there is one. A key is always asked with the same rate.
    async fn throttle(&self, key: &str, rate: Rate) -> Result<Verdict>;

    /// Gives `key` one token back, as of an attempt that turned out to be none; a full bucket stays as it is.
    async fn give_back(&self, key: &str, rate: Rate) -> Result<()>;

    /// Gives `key` all its tokens back, as after a sign-in that succeeded.
    async fn forgive(&self, key: &str) -> Result<()>;
}

impl Rate {
    /// The generic cell rate algorithm (ITU-T I.371, annex A): of a bucket, only the time at which it will be full again
    /// is kept. `full_in` is that time from now, zero when it is full; the answer is the new one.
    ///
    /// A bucket is full when `full_in` is zero and empty when it is `burst × every`.
    ///
    /// # Errors
    /// How long to wait for a token.
    pub fn spend(self, full_in: Duration) -> std::result::Result<Duration, Duration> {
        let after = full_in + self.every;
        match after.checked_sub(self.every * self.burst) {
            None | Some(Duration::ZERO) => Ok(after),
            Some(wait) => Err(wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_and_then_one_each() {
        let rate = Rate { every: SECOND, burst: 3 };
        assert_eq!(rate.spend(Duration::ZERO), Ok(SECOND));
        assert_eq!(rate.spend(SECOND * 2), Ok(SECOND * 3));
        assert_eq!(rate.spend(SECOND * 3), Err(SECOND));
        assert_eq!(rate.spend(SECOND * 5 / 2), Err(SECOND / 2));
    }
}
