// Accounts: making, finding, deleting.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::sync::Arc;
use vocab::AccountId;

use super::Txn;
use crate::ledger;
use crate::store::key::Key;
use crate::store::rows::{Credentials, NewAccount};
use crate::store::schema::{account, battle, character, item, session};

pub(in crate::store) async fn credentials(t: &mut Txn<'_>, key: Arc<str>) -> QueryResult<Option<Credentials>> {
    let query = account::table.filter(account::username_key.eq(&*key)).select(Credentials::as_select());
    query.first(t.conn).await.optional()
}

pub(in crate::store) async fn credentials_of(t: &mut Txn<'_>, id: AccountId) -> QueryResult<Option<Credentials>> {
    account::table.find(Key::from(id)).select(Credentials::as_select()).first(t.conn).await.optional()
}

/// The unique indexes decide who was first; then nothing of the whole stays.
pub(in crate::store) async fn sign_up(t: &mut Txn<'_>, new: Arc<NewAccount>) -> QueryResult<()> {
    let NewAccount { account, character, items, session } = Arc::unwrap_or_clone(new);
    diesel::insert_into(account::table).values(account).execute(t.conn).await?;
    diesel::insert_into(character::table).values(character).execute(t.conn).await?;
    for item in items {
        diesel::insert_into(item::table).values(item).execute(t.conn).await?;
    }
    diesel::insert_into(session::table).values(session).execute(t.conn).await?;
    Ok(())
}

/// Puts another hash of the same password in the place of the old one, if that still stands.
pub(in crate::store) async fn replace_hash(
    t: &mut Txn<'_>,
    id: AccountId,
    old: Arc<str>,
    fresh: Arc<str>,
) -> QueryResult<()> {
    let own = account::table.find(Key::from(id)).filter(account::password_hash.eq(&*old));
    diesel::update(own).set(account::password_hash.eq(&*fresh)).execute(t.conn).await?;
    Ok(())
}

/// Deletes the account whose password was checked against this hash and says the epoch after its last, or nothing when
/// it is gone or its password was changed meanwhile. Its battles, things and sessions go with it; the books stay.
pub(in crate::store) async fn delete(t: &mut Txn<'_>, id: AccountId, hash: Arc<str>) -> QueryResult<Option<i64>> {
    let own = account::table.find(Key::from(id)).filter(account::password_hash.eq(&*hash));
    let Some(epoch) = locked!(own.select(account::epoch)).first::<i64>(t.conn).await.optional()? else {
        return Ok(None);
    };
    // A save locks its battle before it books: none that is under way may earn once the gold is counted.
    let battles = battle::table.filter(battle::account.eq(Key::from(id))).order(battle::id).select(battle::id);
    locked!(battles).load::<Key>(t.conn).await?;
    let gold = character::table.filter(character::account.eq(Key::from(id))).select(character::gold);
    if let Some(gold) = locked!(gold).first::<i64>(t.conn).await.optional()? {
        let farewell = ledger::farewell(id, gold, t.now().await?);
        super::ledger::forget(t, id, farewell).await?;
    }
    diesel::delete(account::table.find(Key::from(id))).execute(t.conn).await?;
    Ok(Some(epoch + 1))
}
