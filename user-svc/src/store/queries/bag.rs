// Things: stacks and pieces.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use vocab::{CharacterId, ItemId};

use super::Txn;
use crate::store::key::Key;
use crate::store::rows::ItemRow;
use crate::store::schema::item;

/// How many pieces of equipment lie in the bag.
pub(in crate::store) async fn pieces(t: &mut Txn<'_>, character: CharacterId) -> QueryResult<i64> {
    let bagged = item::character.eq(Key::from(character)).and(item::stack.is_null()).and(item::slot.is_null());
    item::table.filter(bagged).count().get_result(t.conn).await
}

/// Adds to stacks, by character and key, or begins them.
pub(in crate::store) async fn stack_up(t: &mut Txn<'_>, more: Vec<(CharacterId, String, i64)>) -> QueryResult<()> {
    let begun = |(character, key, more): (CharacterId, String, i64)| ItemRow {
        id: ItemId::generate(),
        character,
        item_key: key.clone(),
        stack: Some(key),
        count: more,
        plus: 0,
        slot: None,
    };
    let rows: Vec<_> = more.into_iter().map(begun).collect();
    let raise = || item::count.eq(item::count + given!(item, count));
    raise_all!(t, item::table, rows, (item::character, item::stack), raise)
}

/// Puts a piece into the bag; one that is there already stays as it is.
pub(in crate::store) async fn piece(t: &mut Txn<'_>, character: CharacterId, id: ItemId, key: &str) -> QueryResult<()> {
    let piece = ItemRow { id, character, item_key: key.to_owned(), stack: None, count: 1, plus: 0, slot: None };
    diesel::insert_into(item::table)
        .values(piece)
        .on_conflict(conflict!(item::id))
        .do_nothing()
        .execute(t.conn)
        .await?;
    Ok(())
}
