//! Numbers for players' connections, so that of two the newer one is known everywhere.

use async_trait::async_trait;
use vocab::AccountId;

use crate::fault::Result;

/// A connection's number, and whom the connection before it concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// The number.
    pub connection: u64,
    /// The gateway that took the account's last number; `None` where that is not known (any more).
    pub previous: Option<String>,
}

/// Gives out connection numbers.
#[async_trait]
pub trait Connections: Send + Sync + 'static {
    /// For a connection at `gateway` of the account's session of this `epoch`, a number above every one this account had
    /// before: the time in milliseconds since the epoch, or one more than the last, whichever is higher. The time keeps
    /// numbers rising even when the last one has been forgotten. `None` when a later session has connected: this one is
    /// over, and must not count as newer than that.
    async fn next_connection(&self, account: AccountId, epoch: u64, gateway: &str) -> Result<Option<Numbered>>;

    /// The last number of each account, in the order of `accounts`; `None` where it is not known (any more).
    async fn latest(&self, accounts: &[AccountId]) -> Result<Vec<Option<u64>>>;
}
