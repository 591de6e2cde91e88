//! Ids as sixteen bytes in SQL.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Binary;
use vocab::{AccountId, AuditId, BattleId, CharacterId, ItemId};

/// Any id, on its way to or from a `BLOB(16)` column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub(crate) struct Key([u8; 16]);

impl<DB: Backend> ToSql<Binary, DB> for Key
where
    [u8; 16]: ToSql<Binary, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB: Backend> FromSql<Binary, DB> for Key
where
    Vec<u8>: FromSql<Binary, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes = Vec::<u8>::from_sql(bytes)?;
        Ok(Self(<[u8; 16]>::try_from(bytes.as_slice())?))
    }
}

macro_rules! keys {
    ($($id:ident),+) => {$(
        impl From<$id> for Key {
            fn from(id: $id) -> Self {
                Self(*id.as_bytes())
            }
        }

        impl From<Key> for $id {
            fn from(key: Key) -> Self {
                Self::from_bytes(key.0)
            }
        }
    )+};
}

keys!(AccountId, CharacterId, BattleId, ItemId, AuditId);
