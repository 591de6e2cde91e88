//! Connection numbers: a counter for each account, who counted last, and which number was confirmed.

use async_trait::async_trait;
use vocab::AccountId;

use super::Redis;
use crate::connections::{Connections, Held, Numbered};
use crate::fault::Result;

/// How long an account's last number is kept, in milliseconds. The time has passed it long before.
const KEPT_MS: u64 = 24 * 3_600_000;

#[async_trait]
impl Connections for Redis {
    async fn next_connection(&self, account: AccountId, epoch: u64, gateway: &str) -> Result<Option<Numbered>> {
        let args = (account.to_string(), epoch, gateway, KEPT_MS);
        let numbered: Option<(u64, Option<String>)> = self.door.run(&self.scripts.next_connection, args).await?;
        Ok(numbered.map(|(connection, previous)| Numbered { connection, previous }))
    }

    async fn confirm(&self, gateway: &str, held: &[Held]) -> Result<Vec<u64>> {
        let claims = held
            .iter()
            .flat_map(|held| [held.account.to_string(), held.epoch.to_string(), held.connection.to_string()]);
        let args = (gateway, KEPT_MS, claims.collect::<Vec<_>>());
        self.door.run(&self.scripts.confirm, args).await
    }
}
