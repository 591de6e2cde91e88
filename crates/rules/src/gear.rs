//! Equipment seen from the rules: what one starts with and what a band wears.

use crate::content::{Content, DungeonIx, Item, ItemKind};
use crate::fighter::Fighter;

/// The weapon and the armour of a new character.
#[must_use]
pub fn starting(content: &Content) -> [Option<&Item>; 2] {
    let start = &content.balance().start;
    [content.item_by_key(&start.weapon), content.item_by_key(&start.armour)]
}

/// The plain weapon and armour of a dungeon's band: the cheapest of each.
#[must_use]
pub fn of_band(content: &Content, band: DungeonIx) -> [Option<&Item>; 2] {
    [ItemKind::Weapon, ItemKind::Armour].map(|kind| {
        let of_band = content.items().iter().filter(|item| item.band == Some(band) && item.kind == kind);
        of_band.min_by_key(|item| item.price)
    })
}

impl Fighter {
    /// The same fighter wearing these pieces and nothing else.
    #[must_use]
    pub fn wearing(mut self, gear: [Option<&Item>; 2]) -> Self {
        self.gear_attack = gear.iter().flatten().map(|item| item.attack).sum();
        self.gear_defense = gear.iter().flatten().map(|item| item.defense).sum();
        self
    }
}
