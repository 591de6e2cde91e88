//! The shapes of the content pack, field for field as designers write them.

use serde::{Deserialize, Serialize};

/// A dungeon's number, from 1; also its id for players.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DungeonIx(pub u8);

/// A monster's number, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MonsterIx(pub u16);

/// A skill's number, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SkillIx(pub u8);

/// An item's number, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ItemIx(pub u16);

/// How dangerous a monster is among its like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rank {
    /// The common ones.
    Normal,
    /// Stronger and rarer.
    Elite,
    /// The rarest.
    Boss,
}

/// What an item is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// Equipment for the hand.
    Weapon,
    /// Equipment for the body.
    Armour,
    /// Drunk outside battle; stacks.
    Potion,
    /// Of use to craftsmen; stacks.
    Material,
}

/// A zone with its recommended levels. Recommended, not required.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dungeon {
    /// Its number.
    pub id: DungeonIx,
    /// The first recommended level.
    pub min_level: u8,
    /// The last recommended level.
    pub max_level: u8,
}

/// One kind of monster.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Monster {
    /// Its number.
    pub id: MonsterIx,
    /// Its key.
    pub key: String,
    /// Where it lives.
    pub dungeon: DungeonIx,
    /// How dangerous it is.
    pub rank: Rank,
    /// Hit points when it appears.
    pub hp: u32,
    /// Attack.
    pub attack: u32,
    /// Defense.
    pub defense: u32,
    /// Experience for killing it.
    pub exp: u32,
    /// The least and the most gold it leaves.
    pub gold: [u32; 2],
    /// The share of hp and mp that killing it restores, in percent.
    pub restores: Restores,
    /// What else it may leave.
    #[serde(default)]
    pub(super) drops: Vec<DropEntry>,
}

/// The share that a kill restores, in percent of the maximum.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restores {
    /// Of hit points.
    pub hp: u32,
    /// Of mana.
    pub mp: u32,
}

/// A line of a drop table as written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DropEntry {
    pub(super) item: String,
    /// In ten-thousandths.
    pub(super) chance: u32,
}

/// One skill. Every skill strikes; some also heal or shield.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skill {
    /// Its number.
    pub id: SkillIx,
    /// Its key.
    pub key: String,
    /// The level at which it is learned.
    pub level: u8,
    /// Mana it takes, at least 1.
    pub cost: u32,
    /// Its blow, in percent of attack.
    pub multiple: u32,
    /// What it heals, in percent of the maximum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heal: Option<u32>,
    /// How it shields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shield: Option<Shield>,
}

/// A raised defense for some ticks.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shield {
    /// What it adds, in percent of defense.
    pub defense: u32,
    /// How many ticks after its own it lasts.
    pub ticks: u32,
}

/// One kind of item.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its number.
    pub id: ItemIx,
    /// Its key.
    pub key: String,
    /// What it is for.
    pub kind: ItemKind,
    /// For equipment, the dungeon whose gear it belongs to; absent for what one starts with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<DungeonIx>,
    /// What wearing it adds to attack.
    #[serde(default)]
    pub attack: u32,
    /// What wearing it adds to defense.
    #[serde(default)]
    pub defense: u32,
    /// Hit points that drinking it gives.
    #[serde(default)]
    pub hp: u32,
    /// Mana that drinking it gives.
    #[serde(default)]
    pub mp: u32,
    /// What the shop asks for it, in gold.
    pub price: u32,
    /// Whether the shop has it on its shelf.
    #[serde(default)]
    pub for_sale: bool,
}

/// Numbers that belong to no one thing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// How long the dead wait, in milliseconds.
    pub revive_ms: u32,
    /// What the shop pays, in percent of what it asks.
    pub resale_percent: u32,
    /// How often each rank appears.
    pub spawn: SpawnWeights,
    /// What everybody begins with.
    pub start: StartGear,
}

/// Weights, not percent.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpawnWeights {
    /// Of normal monsters.
    pub normal: u32,
    /// Of elite monsters.
    pub elite: u32,
    /// Of bosses.
    pub boss: u32,
}

/// What a new character wears, by key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartGear {
    /// In its hand.
    pub weapon: String,
    /// On its body.
    pub armour: String,
}

/// The whole pack as one document. Entries lie in the order of their numbers.
#[derive(Debug, Clone, Serialize)]
pub(super) struct World {
    pub(super) balance: Balance,
    pub(super) dungeon: Vec<Dungeon>,
    pub(super) monster: Vec<Monster>,
    pub(super) skill: Vec<Skill>,
    pub(super) item: Vec<Item>,
}

impl Rank {
    /// All ranks, weakest first.
    pub const ALL: [Self; 3] = [Self::Normal, Self::Elite, Self::Boss];
}

impl ItemKind {
    /// Whether it is worn, lies single in the bag and takes a place there.
    #[must_use]
    pub fn is_equipment(self) -> bool {
        matches!(self, Self::Weapon | Self::Armour)
    }
}

impl SpawnWeights {
    /// The weights in the order of [`Rank::ALL`].
    #[must_use]
    pub fn by_rank(&self) -> [u32; 3] {
        [self.normal, self.elite, self.boss]
    }
}

impl World {
    /// The world as one TOML document with nothing in it that a designer could write in two ways.
    #[expect(clippy::expect_used, reason = "the model has nothing that TOML can't hold")]
    pub(super) fn canonical(&self) -> Vec<u8> {
        toml::to_string(self).expect("the model is TOML").into_bytes()
    }
}

/// A thing with a number and a key.
pub(super) trait Entry {
    /// What it is called in faults.
    const NOUN: &'static str;
    fn number(&self) -> usize;
    /// Dungeons have no key but their number.
    fn key(&self) -> Option<&str>;
}

macro_rules! entry {
    ($type:ident, $noun:literal, $key:expr) => {
        impl Entry for $type {
            const NOUN: &'static str = $noun;

            fn number(&self) -> usize {
                self.id.0.into()
            }

            fn key(&self) -> Option<&str> {
                let key: fn(&Self) -> Option<&str> = $key;
                key(self)
            }
        }
    };
}

entry!(Dungeon, "dungeon", |_| None);
entry!(Monster, "monster", |monster| Some(&monster.key));
entry!(Skill, "skill", |skill| Some(&skill.key));
entry!(Item, "item", |item| Some(&item.key));
