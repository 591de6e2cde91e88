// What operators changed.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::sync::Arc;
use vocab::AuditId;

use super::Txn;
use crate::audit_record::Deed;
use crate::store::key::Key;
use crate::store::rows::AuditRow;
use crate::store::schema::audit;

pub(in crate::store) async fn record(t: &mut Txn<'_>, id: AuditId, deed: Arc<Deed>) -> QueryResult<()> {
    let Deed { operator, action, subject, detail } = Arc::unwrap_or_clone(deed);
    let row = AuditRow { id, at: t.now().await?, operator, action, subject, detail };
    diesel::insert_into(audit::table).values(row).execute(t.conn).await?;
    Ok(())
}

/// Newest first.
pub(in crate::store) async fn list(t: &mut Txn<'_>, before: Option<AuditId>, limit: i64) -> QueryResult<Vec<AuditRow>> {
    let mut query = audit::table.order(audit::id.desc()).limit(limit).select(AuditRow::as_select()).into_boxed();
    if let Some(before) = before {
        query = query.filter(audit::id.lt(Key::from(before)));
    }
    query.load(t.conn).await
}
