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

/// Puts pieces, by character, id and key, into their bags; one that is there already stays as it is.
pub(in crate::store) async fn add(t: &mut Txn<'_>, pieces: Vec<(CharacterId, ItemId, String)>) -> QueryResult<()> {
    let piece =
        |(character, id, item_key)| ItemRow { id, character, item_key, stack: None, count: 1, plus: 0, slot: None };
    let rows: Vec<_> = pieces.into_iter().map(piece).collect();
    let stay = || item::count.eq(item::count);
    raise_all!(t, item::table, rows, item::id, stay)
}
