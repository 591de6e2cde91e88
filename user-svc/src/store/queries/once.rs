// Actions that must happen once.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::sync::Arc;
use vocab::AccountId;

use super::Txn;
use crate::once::{self, Begun};
use crate::retention::Kept;
use crate::store::key::Key;
use crate::store::schema::{account, once_key};

pub(in crate::store) async fn begin(
    t: &mut Txn<'_>,
    player: AccountId,
    client_key: Arc<str>,
    digest: [u8; 32],
) -> QueryResult<Begun> {
    // Calls with the same key, or with two keys of one player, come one after the other.
    let own = account::table.find(Key::from(player)).select(account::epoch);
    locked!(own).first::<i64>(t.conn).await.optional()?;
    let now = t.now().await?;
    let oldest = now - Kept::OnceKeys.for_ms();
    let outdated = once_key::table.find((Key::from(player), &*client_key)).filter(once_key::created_at.le(oldest));
    diesel::delete(outdated).execute(t.conn).await?;
    let earlier = once_key::table
        .find((Key::from(player), &*client_key))
        .select((once_key::digest, once_key::answer, once_key::created_at))
        .first::<(Vec<u8>, Option<Vec<u8>>, i64)>(t.conn)
        .await
        .optional()?;
    match earlier {
        Some((earlier, ..)) if earlier != digest => return Ok(Begun::Otherwise),
        Some((_, Some(answer), _)) => return Ok(Begun::Done(answer)),
        Some((_, None, begun)) if now - begun < once::ABANDONED_AFTER_MS => return Ok(Begun::UnderWay),
        Some((_, None, _)) => return take_over(t, player, &client_key).await,
        None => {}
    }
    let row = (
        once_key::account.eq(Key::from(player)),
        once_key::client_key.eq(&*client_key),
        once_key::digest.eq(digest.as_slice()),
        once_key::created_at.eq(now),
    );
    diesel::insert_into(once_key::table).values(row).execute(t.conn).await?;
    Ok(Begun::First)
}

/// Begins the action anew in the place of a call that never said how it ended.
async fn take_over(t: &mut Txn<'_>, account: AccountId, client_key: &str) -> QueryResult<Begun> {
    let place = once_key::table.find((Key::from(account), client_key));
    let now = t.now().await?;
    diesel::update(place).set(once_key::created_at.eq(now)).execute(t.conn).await?;
    Ok(Begun::First)
}

/// Keeps the answer, or gives the key up; an answer that is kept already stays.
pub(in crate::store) async fn finish(
    t: &mut Txn<'_>,
    account: AccountId,
    client_key: Arc<str>,
    answer: Option<Arc<[u8]>>,
) -> QueryResult<()> {
    let open = once_key::table.find((Key::from(account), &*client_key)).filter(once_key::answer.is_null());
    match answer {
        Some(answer) => diesel::update(open).set(once_key::answer.eq(answer.to_vec())).execute(t.conn).await?,
        None => diesel::delete(open).execute(t.conn).await?,
    };
    Ok(())
}
