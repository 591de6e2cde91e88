//! Token buckets in memory, of which only those that are not full are kept, and a bounded number of them.

use std::num::NonZeroUsize;

use async_trait::async_trait;
use lru::LruCache;
use tokio::time::Instant;

use super::Local;
use crate::fault::Result;
use crate::throttle::{Rate, Throttle, Verdict};

/// How many buckets are kept. Beyond it the one unused for longest is forgotten, that is, full again.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

/// When each bucket will be full again.
#[derive(Debug)]
pub(super) struct Buckets(LruCache<String, Instant>);

impl Default for Buckets {
    fn default() -> Self {
        // Unbounded means that no memory is taken in advance; the bound is kept by `put`.
        Self(LruCache::unbounded())
    }
}

impl Buckets {
    /// Whether nothing is kept.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets buckets that are full.
    pub(super) fn prune(&mut self) {
        let now = Instant::now();
        let full: Vec<_> = self.0.iter().filter(|(_, full_at)| **full_at <= now).map(|(key, _)| key.clone()).collect();
        for key in full {
            self.0.pop(&key);
        }
        self.gauge();
    }

    fn spend(&mut self, key: &str, rate: Rate) -> Verdict {
        let now = Instant::now();
        let full_in = self.0.get(key).map_or_else(Default::default, |full_at| full_at.saturating_duration_since(now));
        match rate.spend(full_in) {
            Ok(full_in) => {
                self.put(key, now + full_in);
                Verdict::Allowed
            }
            Err(wait) => Verdict::RetryAfter(wait),
        }
    }

    fn give_back(&mut self, key: &str, rate: Rate) {
        if let Some(full_at) = self.0.get_mut(key) {
            *full_at = full_at.checked_sub(rate.every).unwrap_or(*full_at);
        }
    }

    fn put(&mut self, key: &str, full_at: Instant) {
        self.0.put(key.to_owned(), full_at);
        if self.0.len() > CAPACITY.get() {
            self.0.pop_lru();
            metrics::counter!("backplane_throttles_forgotten_total").increment(1);
        }
        self.gauge();
    }

    #[expect(clippy::cast_precision_loss, reason = "the number is bounded far below 2^52")]
    fn gauge(&self) {
        metrics::gauge!("backplane_throttles").set(self.0.len() as f64);
    }
}

#[async_trait]
impl Throttle for Local {
    async fn throttle(&self, key: &str, rate: Rate) -> Result<Verdict> {
        Ok(self.buckets.lock().spend(key, rate))
    }

    async fn give_back(&self, key: &str, rate: Rate) -> Result<()> {
        self.buckets.lock().give_back(key, rate);
        Ok(())
    }

    async fn forgive(&self, key: &str) -> Result<()> {
        self.buckets.lock().0.pop(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const RATE: Rate = Rate { every: Duration::from_secs(1), burst: 1 };

    #[tokio::test(start_paused = true)]
    async fn full_buckets_are_forgotten() {
        let mut buckets = Buckets::default();
        buckets.spend("a", RATE);
        buckets.prune();
        assert_eq!(buckets.0.len(), 1);
        tokio::time::advance(Duration::from_secs(1)).await;
        buckets.prune();
        assert!(buckets.0.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn their_number_is_bounded() {
        let mut buckets = Buckets::default();
        for n in 0..=CAPACITY.get() {
            buckets.spend(&n.to_string(), RATE);
        }
        assert_eq!(buckets.0.len(), CAPACITY.get());
        assert_eq!(buckets.spend("0", RATE), Verdict::Allowed, "the oldest was forgotten");
    }
}
