// The clock by itself, for what is reckoned outside a query.

use diesel::QueryResult;

use super::Txn;

pub(in crate::store) async fn now(t: &mut Txn<'_>) -> QueryResult<i64> {
    t.now().await
}
