// Sessions: opening, closing, refreshing, and who holds a token.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::collections::HashMap;
use std::sync::Arc;
use vocab::{AccountId, BattleId};

use super::Txn;
use crate::retention::Kept;
use crate::store::key::Key;
use crate::store::rows::{Current, Epoch, SessionRow, Standing, TokenHash};
use crate::store::schema::{account, battle, session};

/// Ends every other session of the account and opens this one; nothing when the password is no longer the one that was
/// checked.
pub(in crate::store) async fn open(
    t: &mut Txn<'_>,
    id: AccountId,
    hash: Arc<str>,
    token_hash: TokenHash,
    ttl: i64,
) -> QueryResult<Option<SessionRow>> {
    let own = account::table.find(Key::from(id)).filter(account::password_hash.eq(&*hash));
    let Some(epoch) = locked!(own.select(account::epoch)).first::<i64>(t.conn).await.optional()? else {
        return Ok(None);
    };
    end(t, id, epoch + 1).await?;
    let expires_at = t.now().await? + ttl;
    let opened = SessionRow { token_hash: token_hash.to_vec(), account: id, epoch: epoch + 1, expires_at };
    diesel::insert_into(session::table).values(opened.clone()).execute(t.conn).await?;
    Ok(Some(opened))
}

/// Ends the session of this epoch and says the next epoch; nothing when it was over already.
pub(in crate::store) async fn close(t: &mut Txn<'_>, id: AccountId, epoch: i64) -> QueryResult<Option<i64>> {
    let own = account::table.find(Key::from(id)).filter(account::epoch.eq(epoch));
    if locked!(own.select(account::epoch)).first::<i64>(t.conn).await.optional()?.is_none() {
        return Ok(None);
    }
    end(t, id, epoch + 1).await?;
    Ok(Some(epoch + 1))
}

/// Adds a token to the session and says when it expires; nothing when the session is over. The older ones go on, but not
/// more than a few of them.
pub(in crate::store) async fn refresh(
    t: &mut Txn<'_>,
    id: AccountId,
    epoch: i64,
    token_hash: TokenHash,
    ttl: i64,
) -> QueryResult<Option<i64>> {
    let own = account::table.find(Key::from(id)).filter(account::epoch.eq(epoch)).select(account::epoch);
    if locked!(own).first::<i64>(t.conn).await.optional()?.is_none() {
        return Ok(None);
    }
    let now = t.now().await?;
    let living = session::table
        .filter(session::account.eq(Key::from(id)).and(session::epoch.eq(epoch)).and(session::expires_at.gt(now)));
    if living.select(session::epoch).first::<i64>(t.conn).await.optional()?.is_none() {
        return Ok(None);
    }
    let older = session::table.filter(session::account.eq(Key::from(id))).order(session::expires_at.desc());
    let older = older.select(session::token_hash).load::<Vec<u8>>(t.conn).await?;
    let too_many = older.into_iter().skip(crate::session::OLDER_TOKENS);
    diesel::delete(session::table.filter(session::token_hash.eq_any(too_many))).execute(t.conn).await?;
    let fresh = SessionRow { token_hash: token_hash.to_vec(), account: id, epoch, expires_at: now + ttl };
    diesel::insert_into(session::table).values(fresh).execute(t.conn).await?;
    Ok(Some(now + ttl))
}

/// Who holds a token, and for how many milliseconds yet.
pub(in crate::store) async fn authenticate(
    t: &mut Txn<'_>,
    token_hash: TokenHash,
) -> QueryResult<Option<(SessionRow, i64, Standing)>> {
    let now = t.now().await?;
    let living = session::table
        .inner_join(account::table.on(account::id.eq(session::account).and(account::epoch.eq(session::epoch))))
        .filter(session::token_hash.eq(token_hash.as_slice()).and(session::expires_at.gt(now)));
    let found = living.select(SessionRow::as_select()).first(t.conn).await.optional()?;
    let Some(found) = found else { return Ok(None) };
    let standing = standing(t, found.account).await?;
    let left = found.expires_at - now;
    Ok(standing.map(|standing| (found, left, standing)))
}

/// How the sessions of these accounts stand; an account that is gone is left out.
pub(in crate::store) async fn epochs(
    t: &mut Txn<'_>,
    accounts: Arc<[AccountId]>,
) -> QueryResult<HashMap<AccountId, Epoch>> {
    let keys: Vec<Key> = accounts.iter().map(|id| Key::from(*id)).collect();
    let rows = account::table
        .left_join(session::table.on(session::account.eq(account::id).and(session::epoch.eq(account::epoch))))
        .filter(account::id.eq_any(keys))
        .select((account::id, account::epoch, session::epoch.nullable()));
    let rows = rows.load::<(Key, i64, Option<i64>)>(t.conn).await?;
    Ok(rows.into_iter().map(|(id, now, open)| (id.into(), Epoch { now, open: open.is_some() })).collect())
}

pub(in crate::store) async fn standing(t: &mut Txn<'_>, id: AccountId) -> QueryResult<Option<Standing>> {
    let Some(sheet) = super::character::of_account(t, id).await? else { return Ok(None) };
    let battle = match super::battle::concerning(t, sheet.character.id).await? {
        Some(battle) => current(t, battle).await?,
        None => None,
    };
    Ok(Some(Standing { sheet, battle }))
}

/// The battle as its player hears of it; nothing when it ended too long ago.
async fn current(t: &mut Txn<'_>, id: BattleId) -> QueryResult<Option<Current>> {
    let row = battle::table.find(Key::from(id)).select((battle::ended_at, battle::seq, battle::seen_seq));
    let (ended_at, seq, seen_seq) = row.first::<(Option<i64>, i64, i64)>(t.conn).await?;
    let current = Current { battle: id, live: ended_at.is_none(), end_seen: ended_at.is_some() && seen_seq >= seq };
    let now = t.now().await?;
    Ok(ended_at.is_none_or(|at| now - at < Kept::Battles.for_ms()).then_some(current))
}

/// Raises the account's epoch and removes its session.
async fn end(t: &mut Txn<'_>, id: AccountId, next_epoch: i64) -> QueryResult<()> {
    diesel::update(account::table.find(Key::from(id))).set(account::epoch.eq(next_epoch)).execute(t.conn).await?;
    diesel::delete(session::table.filter(session::account.eq(Key::from(id)))).execute(t.conn).await?;
    Ok(())
}
