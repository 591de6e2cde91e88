//! Connection numbers: a counter for each account.

use async_trait::async_trait;
use vocab::AccountId;

use super::Redis;
use crate::connections::Connections;
use crate::fault::Result;

/// How long an account's last number is kept, in milliseconds. The time has passed it long before.
const KEPT_MS: u64 = 24 * 3_600_000;

#[async_trait]
impl Connections for Redis {
    async fn next_connection(&self, account: AccountId) -> Result<u64> {
        self.door.run(&self.scripts.next_connection, (account.to_string(), KEPT_MS)).await
    }
}
