//! Connection numbers: one counter serves all accounts, since what rises for all rises for each.

use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use lru::LruCache;
use vocab::AccountId;

use super::Local;
use crate::connections::{Connections, Held, Numbered};
use crate::fault::Result;

/// Accounts whose last connection is remembered, about 100 bytes each.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

/// The last number of all, and what is kept of each account.
#[derive(Debug)]
pub(super) struct Numbers {
    last: u64,
    holders: LruCache<AccountId, Last>,
}

/// The last number of an account, the epoch of its session, the highest number confirmed, and the gateway that took the
/// last one.
#[derive(Debug)]
struct Last {
    number: u64,
    epoch: u64,
    confirmed: u64,
    gateway: Arc<str>,
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
        let before = numbers.holders.peek(&account);
        if before.is_some_and(|last| last.epoch > epoch) {
            return Ok(None);
        }
        let confirmed = before.map_or(0, |last| last.confirmed);
        let previous = before.filter(|last| last.number == confirmed).map(|last| last.gateway.to_string());
        let number = self.clock.now_ms().max(numbers.last + 1);
        numbers.last = number;
        numbers.holders.put(account, Last { number, epoch, confirmed, gateway: gateway.into() });
        Ok(Some(Numbered { connection: number, previous }))
    }

    async fn confirm(&self, gateway: &str, held: &[Held]) -> Result<Vec<u64>> {
        let mut numbers = self.connections.lock();
        Ok(held.iter().map(|held| numbers.confirm(gateway, held)).collect())
    }
}

impl Numbers {
    fn confirm(&mut self, gateway: &str, held: &Held) -> u64 {
        let (number, epoch) = (held.connection, held.epoch);
        let last = self.holders.get_or_insert_mut(held.account, || Last {
            number: 0,
            epoch,
            confirmed: 0,
            gateway: gateway.into(),
        });
        if number > last.number && epoch >= last.epoch {
            *last = Last { number, epoch, confirmed: number, gateway: gateway.into() };
        } else if epoch == last.epoch {
            last.confirmed = last.confirmed.max(number);
        }
        let confirmed = last.confirmed;
        self.last = self.last.max(number);
        confirmed
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
