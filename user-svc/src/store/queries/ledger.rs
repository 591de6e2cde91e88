// The books: every movement of gold, once.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use vocab::{AccountId, BattleId};

use super::Txn;
use crate::ledger::{self, Books};
use crate::store::key::Key;
use crate::store::rows::LedgerRow;
use crate::store::schema::{character, ledger as entries};

/// A sum of whole numbers that is itself one: MySQL would make a decimal of it, and SQLite takes the cast as it is.
const SUM: &str = "CAST(SUM(delta) AS SIGNED)";

/// Books what battles earned since their last saves: one row per battle and hour, raised. The balances are the caller's.
pub(in crate::store) async fn earn(t: &mut Txn<'_>, earned: Vec<(BattleId, AccountId, i64)>) -> QueryResult<()> {
    let now = t.now().await?;
    let row = |(battle, account, gold)| ledger::spoils(battle, account, gold, now);
    let rows: Vec<_> = earned.into_iter().map(row).collect();
    let raise = || {
        (entries::delta.eq(entries::delta + given!(entries, delta)), entries::booked_at.eq(given!(entries, booked_at)))
    };
    raise_all!(t, entries::table, rows, entries::entry_key, raise)
}

/// Books the last of a player's gold away and takes the player's name off every row.
pub(in crate::store) async fn forget(t: &mut Txn<'_>, id: AccountId, farewell: Option<LedgerRow>) -> QueryResult<()> {
    if let Some(row) = farewell {
        diesel::insert_into(entries::table).values(row).execute(t.conn).await?;
    }
    let own = entries::table.filter(entries::account.eq(Key::from(id)));
    diesel::update(own).set(entries::account.eq(None::<Key>)).execute(t.conn).await?;
    Ok(())
}

/// Both laws in numbers: players whose rows don't sum up to their balance, all balances, all counter-accounts.
pub(in crate::store) async fn books(t: &mut Txn<'_>) -> QueryResult<Books> {
    let booked = entries::table
        .filter(entries::account.is_not_null())
        .group_by(entries::account)
        .select((entries::account.assume_not_null(), sql::<BigInt>(SUM)))
        .load::<(Key, i64)>(t.conn)
        .await?;
    let balances = character::table.select((character::account, character::gold)).load::<(Key, i64)>(t.conn).await?;
    let counters = entries::table
        .group_by(entries::counter)
        .select((entries::counter, sql::<BigInt>(SUM)))
        .load::<(String, i64)>(t.conn)
        .await?;
    let booked = booked.into_iter().map(|(account, sum)| (account.into(), sum));
    let balances = balances.into_iter().map(|(account, gold)| (account.into(), gold));
    let counters = counters.into_iter().map(|(counter, sum)| (counter, -sum));
    Ok(Books::compare(booked, balances, counters))
}
