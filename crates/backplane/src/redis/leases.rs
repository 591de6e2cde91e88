//! Leases: a hash for each service, with when each ends and how long it was given for.

use std::time::Duration;

use async_trait::async_trait;
use service_kit::time::millis;

use super::{Redis, record, unreadable};
use crate::fault::Result;
use crate::leases::{Lease, Leases};

#[async_trait]
impl Leases for Redis {
    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool> {
        let args = (&lease.service, record::of_lease(lease), millis(ttl));
        self.door.run(&self.scripts.renew, args).await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.door.run(&self.scripts.release, (&lease.service, record::of_lease(lease))).await
    }

    async fn living(&self, service: &str) -> Result<Vec<Lease>> {
        let records: Vec<String> = self.door.run(&self.scripts.living, service).await?;
        let leases = records.iter().map(|text| record::lease(service, text));
        let mut leases: Vec<_> = leases.collect::<Option<_>>().ok_or_else(|| unreadable("living"))?;
        leases.sort_unstable();
        Ok(leases)
    }
}
