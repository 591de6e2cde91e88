// Content packs by ruleset.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::sync::Arc;

use super::Txn;
use crate::store::schema::ruleset;

/// The first pack under an id stays.
pub(in crate::store) async fn put(t: &mut Txn<'_>, id: Arc<str>, pack: Arc<[u8]>) -> QueryResult<()> {
    let row = (ruleset::id.eq(&*id), ruleset::pack.eq(&*pack), ruleset::created_at.eq(t.now().await?));
    diesel::insert_into(ruleset::table)
        .values(row)
        .on_conflict(conflict!(ruleset::id))
        .do_nothing()
        .execute(t.conn)
        .await?;
    Ok(())
}

pub(in crate::store) async fn get(t: &mut Txn<'_>, id: Arc<str>) -> QueryResult<Option<Vec<u8>>> {
    ruleset::table.find(&*id).select(ruleset::pack).first(t.conn).await.optional()
}
