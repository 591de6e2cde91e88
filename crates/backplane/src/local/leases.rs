//! Leases in memory.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::Local;
use crate::fault::Result;
use crate::leases::{Lease, Leases};

/// Every lease and when it ends.
#[derive(Debug, Default)]
pub(super) struct Book(BTreeMap<Lease, Instant>);

impl Book {
    /// Whether nothing is kept.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets what has ended.
    pub(super) fn prune(&mut self) {
        let now = Instant::now();
        self.0.retain(|_, ends| *ends > now);
    }
}

#[async_trait]
impl Leases for Local {
    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool> {
        let now = Instant::now();
        let ended = self.leases.lock().0.insert(lease.clone(), now + ttl);
        Ok(ended.is_some_and(|ends| ends > now))
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.leases.lock().0.remove(lease);
        Ok(())
    }

    async fn living(&self, service: &str) -> Result<Vec<Lease>> {
        let mut book = self.leases.lock();
        book.prune();
        Ok(book.0.keys().filter(|lease| lease.service == service).cloned().collect())
    }
}
