//! Characters, what they own, and where they may go.

use proto::battle::v1::{Dungeon, Vitals};
use proto::common::v1::{Character, Item, ItemKind};
use serde::Serialize;

use super::battle::MonsterShape;
use crate::lang::{Kind, Words};

/// `character`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CharacterShape<'a> {
    id: &'a str,
    name: &'a str,
    job: &'a str,
    level: u32,
    exp: u64,
    next_exp: u64,
    hp: u32,
    max_hp: u32,
    mp: u32,
    max_mp: u32,
    attack: u32,
    defense: u32,
    gold: u64,
    rating: u32,
    equipment: EquipmentShape<'a>,
    skills: [Option<&'a str>; 3],
}

/// What a battle changes about its character, blow by blow; its home is told at every save only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    level: u32,
    exp: u64,
    next_exp: u64,
    hp: u32,
    max_hp: u32,
    mp: u32,
    max_mp: u32,
}

#[derive(Serialize)]
struct EquipmentShape<'a> {
    weapon: Option<ItemShape<'a>>,
    armour: Option<ItemShape<'a>>,
}

/// `item`.
#[derive(Serialize)]
pub(crate) struct ItemShape<'a> {
    id: &'a str,
    key: &'a str,
    name: &'a str,
    kind: &'static str,
    count: u32,
    plus: u32,
    attack: u32,
    defense: u32,
    price: u64,
}

/// One row of `dungeon:list`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DungeonShape<'a> {
    id: &'a str,
    name: &'a str,
    min_level: u32,
    max_level: u32,
    monsters: Vec<MonsterShape<'a>>,
}

impl<'a> CharacterShape<'a> {
    pub(crate) fn of(character: &'a Character, words: &'a Words) -> Self {
        let skill = |slot: usize| character.skills.get(slot).map(String::as_str).filter(|key| !key.is_empty());
        Self {
            id: &character.id,
            name: &character.name,
            job: &character.job,
            level: character.level,
            exp: character.exp,
            next_exp: character.next_exp,
            hp: character.hp,
            max_hp: character.max_hp,
            mp: character.mp,
            max_mp: character.max_mp,
            attack: character.attack,
            defense: character.defense,
            gold: character.gold,
            rating: character.rating,
            equipment: EquipmentShape {
                weapon: character.weapon.as_ref().map(|item| ItemShape::of(item, words)),
                armour: character.armour.as_ref().map(|item| ItemShape::of(item, words)),
            },
            skills: [skill(0), skill(1), skill(2)],
        }
    }

    /// The same character as its battle has it now.
    pub(crate) fn in_battle(self, standing: Option<Standing>) -> Self {
        let Some(Standing { level, exp, next_exp, hp, max_hp, mp, max_mp }) = standing else { return self };
        Self { level, exp, next_exp, hp, max_hp, mp, max_mp, ..self }
    }
}

impl From<&Vitals> for Standing {
    fn from(vitals: &Vitals) -> Self {
        let Vitals { hp, max_hp, mp, max_mp, level, exp, next_exp, gold: _, monster: _ } = *vitals;
        Self { level, exp, next_exp, hp, max_hp, mp, max_mp }
    }
}

impl<'a> ItemShape<'a> {
    fn of(item: &'a Item, words: &'a Words) -> Self {
        Self {
            id: &item.id,
            key: &item.key,
            name: words.name(Kind::Item, &item.key),
            kind: kind(item.kind()),
            count: item.count,
            plus: item.plus,
            attack: item.attack,
            defense: item.defense,
            price: item.price,
        }
    }
}

impl<'a> DungeonShape<'a> {
    pub(crate) fn of(dungeon: &'a Dungeon, words: &'a Words) -> Self {
        Self {
            id: &dungeon.id,
            name: words.name(Kind::Dungeon, &dungeon.id),
            min_level: dungeon.min_level,
            max_level: dungeon.max_level,
            monsters: dungeon.monsters.iter().map(|monster| MonsterShape::of(monster, words)).collect(),
        }
    }
}

fn kind(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Weapon => "weapon",
        ItemKind::Armour => "armour",
        ItemKind::Potion => "potion",
        ItemKind::Unspecified | ItemKind::Material => "material",
    }
}
