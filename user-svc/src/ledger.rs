//! The books: what their rows look like, and the laws they obey.

use std::collections::HashMap;

use service_kit::Fault;
use vocab::{AccountId, BattleId};

use crate::store::Store;
use crate::store::rows::LedgerRow;

/// Where the gold of battles comes from.
const DROPS: &str = "drops";
/// Where the gold of deleted accounts goes.
const DELETED: &str = "deleted";

const HOUR_MS: i64 = 3_600_000;

/// The state of the books. The laws hold when `off` is empty and `players` and `counters` cancel out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Books {
    /// Players whose rows don't sum up to their balance: the account, the sum of its rows, its balance.
    pub off: Vec<(AccountId, i64, i64)>,
    /// How many players have a balance.
    pub accounts: usize,
    /// Sum of all balances.
    pub players: i64,
    /// Each counter-account with what it has taken in, negative for what it has given out.
    pub counters: Vec<(String, i64)>,
}

impl Books {
    /// Whether both laws hold.
    #[must_use]
    pub fn are_sound(&self) -> bool {
        self.off.is_empty() && self.players + self.counters.iter().map(|(_, sum)| sum).sum::<i64>() == 0
    }

    /// Sets the sums of rows against the balances.
    pub(crate) fn compare(
        booked: impl Iterator<Item = (AccountId, i64)>,
        balances: impl Iterator<Item = (AccountId, i64)>,
        counters: impl Iterator<Item = (String, i64)>,
    ) -> Self {
        let mut booked: HashMap<AccountId, i64> = booked.collect();
        let mut books = Self { counters: counters.collect(), ..Self::default() };
        for (account, balance) in balances {
            let sum = booked.remove(&account).unwrap_or(0);
            if sum != balance {
                books.off.push((account, sum, balance));
            }
            books.accounts += 1;
            books.players += balance;
        }
        books.off.extend(booked.into_iter().map(|(account, sum)| (account, sum, 0)));
        books.off.sort_unstable();
        books
    }
}

/// Reads the books and sets them against the balances, at one moment.
///
/// # Errors
/// When the store is away.
pub async fn audit(store: &Store) -> Result<Books, Fault> {
    Ok(store.books().await?)
}

/// The row for what a battle earned in the hour of `now`.
pub(crate) fn spoils(battle: BattleId, account: AccountId, gold: i64, now: i64) -> LedgerRow {
    let hour = now.div_euclid(HOUR_MS);
    LedgerRow {
        entry_key: format!("{battle}:{hour}"),
        account,
        delta: gold,
        counter: DROPS,
        reason: "battle",
        booked_at: now,
    }
}

/// The row that takes the last of a deleted account's gold; none when there is nothing to take.
pub(crate) fn farewell(account: AccountId, gold: i64, now: i64) -> Option<LedgerRow> {
    (gold != 0).then(|| LedgerRow {
        entry_key: format!("{account}:deleted"),
        account,
        delta: -gold,
        counter: DELETED,
        reason: "account_deleted",
        booked_at: now,
    })
}
