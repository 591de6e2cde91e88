// Characters with what they wear.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::sync::Arc;
use vocab::{AccountId, CharacterId};

use super::Txn;
use crate::store::key::Key;
use crate::store::rows::{CharacterRow, ItemRow, Sheet};
use crate::store::schema::{character, item};

pub(in crate::store) async fn of_account(t: &mut Txn<'_>, id: AccountId) -> QueryResult<Option<Sheet>> {
    let query = character::table.filter(character::account.eq(Key::from(id))).select(CharacterRow::as_select());
    let found = query.first(t.conn).await.optional()?;
    sheet(t, found).await
}

pub(in crate::store) async fn by_id(t: &mut Txn<'_>, id: CharacterId) -> QueryResult<Option<Sheet>> {
    let found =
        character::table.find(Key::from(id)).select(CharacterRow::as_select()).first(t.conn).await.optional()?;
    sheet(t, found).await
}

pub(in crate::store) async fn by_name(t: &mut Txn<'_>, key: Arc<str>) -> QueryResult<Option<Sheet>> {
    let query = character::table.filter(character::name_key.eq(&*key)).select(CharacterRow::as_select());
    let found = query.first(t.conn).await.optional()?;
    sheet(t, found).await
}

async fn sheet(t: &mut Txn<'_>, found: Option<CharacterRow>) -> QueryResult<Option<Sheet>> {
    let Some(character) = found else { return Ok(None) };
    let own = item::table.filter(item::character.eq(Key::from(character.id)));
    let worn = own.filter(item::slot.is_not_null()).select(ItemRow::as_select()).load(t.conn).await?;
    let bagged = super::bag::pieces(t, character.id).await?;
    Ok(Some(Sheet { character, worn, bagged }))
}
