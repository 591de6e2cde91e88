// What is kept for a time only.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Txn;
use crate::retention::Kept;
use crate::store::key::Key;
use crate::store::schema::{audit, battle, once_key, session};

/// Deletes at most `limit` rows whose time is over, with keys also those of the last one's millisecond, and says how
/// many. What hangs on a battle goes with it.
pub(in crate::store) async fn sweep(t: &mut Txn<'_>, what: Kept, limit: i64) -> QueryResult<usize> {
    let oldest = t.now().await? - what.for_ms();
    match what {
        Kept::Battles => {
            let over = battle::table.filter(battle::ended_at.le(oldest)).select(battle::id).limit(limit);
            let over = over.load::<Key>(t.conn).await?;
            diesel::delete(battle::table.filter(battle::id.eq_any(over))).execute(t.conn).await
        }
        Kept::Sessions => {
            let over = session::table.filter(session::expires_at.le(oldest)).select(session::token_hash).limit(limit);
            let over = over.load::<Vec<u8>>(t.conn).await?;
            diesel::delete(session::table.filter(session::token_hash.eq_any(over))).execute(t.conn).await
        }
        Kept::Audit => {
            let over = audit::table.filter(audit::at.le(oldest)).select(audit::id).limit(limit);
            let over = over.load::<Key>(t.conn).await?;
            diesel::delete(audit::table.filter(audit::id.eq_any(over))).execute(t.conn).await
        }
        Kept::OnceKeys => {
            let over = once_key::table
                .filter(once_key::created_at.le(oldest))
                .order(once_key::created_at)
                .select(once_key::created_at)
                .limit(limit);
            let over = over.load::<i64>(t.conn).await?;
            let Some(&until) = over.last() else { return Ok(0) };
            diesel::delete(once_key::table.filter(once_key::created_at.le(until))).execute(t.conn).await
        }
    }
}
