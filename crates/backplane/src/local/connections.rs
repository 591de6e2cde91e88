//! Connection numbers: one counter serves all accounts, since what rises for all rises for each.

use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use lru::LruCache;
use vocab::AccountId;

use super::Local;
use crate::connections::{Connections, Numbered};
use crate::fault::Result;

/// Accounts whose last connection is remembered, about 100 bytes each.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

/// The last number of all, and the last of each account with the epoch of its session and the gateway that took it.
#[derive(Debug)]
pub(super) struct Numbers {
    last: u64,
    holders: LruCache<AccountId, (u64, u64, Arc<str>)>,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { last: 0, holders: LruCache::new(REMEMBERED) }
    }
}

#[async_trait]
impl Connections for Local {
    async fn next_connection(&self, account: AccountId, epoch: u64, gateway: &str) -> Result<Option<Numbered>> {
        let mut numbers = self.connections.lock();
        if numbers.holders.peek(&account).is_some_and(|(_, last, _)| *last > epoch) {
            return Ok(None);
        }
        let connection = self.clock.now_ms().max(numbers.last + 1);
        numbers.last = connection;
        let before = numbers.holders.put(account, (connection, epoch, gateway.into()));
        Ok(Some(Numbered { connection, previous: before.map(|(_, _, gateway)| gateway.to_string()) }))
    }

    async fn latest(&self, accounts: &[AccountId]) -> Result<Vec<Option<u64>>> {
        let numbers = self.connections.lock();
        Ok(accounts.iter().map(|account| numbers.holders.peek(account).map(|(number, ..)| *number)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_starts_at_the_time_and_never_repeats() {
        let world = Local::at(5_000);
        let account = AccountId::from_bytes([1; 16]);
        for expected in [5_000, 5_001] {
            assert_eq!(world.next_connection(account, 1, "g1").await.unwrap().unwrap().connection, expected);
        }
    }
}
