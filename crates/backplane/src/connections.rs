//! Numbers for players' connections, so that of two the newer one is known everywhere.

use async_trait::async_trait;
use vocab::AccountId;

use crate::fault::Result;

/// Gives out connection numbers.
#[async_trait]
pub trait Connections: Send + Sync + 'static {
    /// A number above every one this account had before: the time in milliseconds since the epoch, or one more than
    /// the last, whichever is higher. The time keeps numbers rising even when the last one has been forgotten.
    async fn next_connection(&self, account: AccountId) -> Result<u64>;
}
