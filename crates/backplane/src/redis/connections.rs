//! Connection numbers: a counter for each account, and who counted last.

use async_trait::async_trait;
use vocab::AccountId;

use super::Redis;
use crate::connections::{Connections, Numbered};
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

    async fn latest(&self, accounts: &[AccountId]) -> Result<Vec<Option<u64>>> {
        let accounts: Vec<String> = accounts.iter().map(ToString::to_string).collect();
        self.door.run(&self.scripts.latest, accounts).await
    }
}
