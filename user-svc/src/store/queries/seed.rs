// Many accounts at once, for load tests.

use diesel::QueryResult;
use std::sync::Arc;

use super::Txn;
use crate::seed::Batch;
use crate::store::schema::{account, character, item, session};

/// One statement per table and batch.
pub(in crate::store) async fn insert(t: &mut Txn<'_>, rows: Arc<Batch>) -> QueryResult<()> {
    let rows = Arc::unwrap_or_clone(rows);
    insert_all!(t, account::table, rows.accounts)?;
    insert_all!(t, character::table, rows.characters)?;
    insert_all!(t, item::table, rows.items)?;
    insert_all!(t, session::table, rows.sessions)?;
    Ok(())
}
