//! Numbers for players' connections, so that of two the newer one is known everywhere.
//!
//! A number that was given may never have arrived: whoever asked gave up waiting, and the question was carried out all the
//! same. So a number counts against other connections only when the gateway that took it has confirmed it.

use async_trait::async_trait;
use vocab::AccountId;

use crate::fault::Result;

/// A connection's number, and whom the connection before it concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// The number.
    pub connection: u64,
    /// The gateway that holds the account's last number; `None` where that is not known (any more), or not confirmed.
    pub previous: Option<String>,
}

/// A connection that has its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Whose.
    pub account: AccountId,
    /// The epoch of its session.
    pub epoch: u64,
    /// Its number.
    pub connection: u64,
}

/// Gives out connection numbers.
#[async_trait]
pub trait Connections: Send + Sync + 'static {
    /// For a connection at `gateway` of the account's session of this `epoch`, a number above every one this account had
    /// before: the time in milliseconds since the epoch, or one more than the last, whichever is higher. The time keeps
    /// numbers rising even when the last one has been forgotten. `None` when a later session has connected: this one is
    /// over, and must not count as newer than that.
    async fn next_connection(&self, account: AccountId, epoch: u64, gateway: &str) -> Result<Option<Numbered>>;

    /// Confirms that `gateway` holds these connections, and puts back numbers that were lost. Answers the highest confirmed
    /// number of each connection's account, in the order of `held`.
    async fn confirm(&self, gateway: &str, held: &[Held]) -> Result<Vec<u64>>;
}
