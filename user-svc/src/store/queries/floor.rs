// Which programs the tables live with.

use diesel::dsl::max;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Txn;
use crate::store::schema::schema_floor;

/// The newest migration and the oldest program that it, or one before, allows.
pub(in crate::store) async fn newest_and_floor(t: &mut Txn<'_>) -> QueryResult<(i64, i64)> {
    let query = schema_floor::table.select((max(schema_floor::migration), max(schema_floor::oldest_program)));
    let (newest, floor) = query.first::<(Option<i64>, Option<i64>)>(t.conn).await?;
    Ok((newest.unwrap_or(0), floor.unwrap_or(0)))
}
