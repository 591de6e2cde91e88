//! Token buckets, each of which vanishes when it is full.

use std::time::Duration;

use async_trait::async_trait;

use super::Redis;
use crate::fault::Result;
use crate::throttle::{Rate, Throttle, Verdict};

#[async_trait]
impl Throttle for Redis {
    async fn throttle(&self, key: &str, rate: Rate) -> Result<Verdict> {
        let wait_us: u64 = self.door.run(&self.scripts.throttle, (key, every_us(rate), rate.burst)).await?;
        Ok(if wait_us == 0 { Verdict::Allowed } else { Verdict::RetryAfter(Duration::from_micros(wait_us)) })
    }

    async fn give_back(&self, key: &str, rate: Rate) -> Result<()> {
        self.door.run(&self.scripts.give_back, (key, every_us(rate))).await
    }

    async fn forgive(&self, key: &str) -> Result<()> {
        self.door.run(&self.scripts.forgive, key).await
    }
}

fn every_us(rate: Rate) -> u64 {
    u64::try_from(rate.every.as_micros()).unwrap_or(u64::MAX)
}
