//! What the shop has and what it pays.

use crate::content::{Content, Item};

/// What the shop pays for one, in gold: a share of its price. A full bag sells for the same in the middle of a battle.
#[must_use]
pub fn resale(content: &Content, item: &Item) -> u32 {
    (u64::from(item.price) * u64::from(content.balance().resale_percent) / 100) as u32
}

/// What lies on the shelf.
pub fn shelf(content: &Content) -> impl Iterator<Item = &Item> {
    content.items().iter().filter(|item| item.for_sale)
}
