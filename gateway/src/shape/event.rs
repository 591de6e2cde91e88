//! The events of a frame.

use proto::battle::v1::event::Kind as Happened;
use proto::battle::v1::{Event, LootItem, Word};
use serde::Serialize;

use super::battle::{MonsterShape, end_reason, rank};
use crate::lang::{Kind, Words};

/// One of `events`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum EventShape<'a> {
    Spawn { monster: Option<MonsterShape<'a>> },
    Hit { roll: u32, word: &'static str, wording: u32, damage: u32, monster_hp: u32 },
    Hurt { roll: u32, word: &'static str, wording: u32, damage: u32, hp: u32 },
    Skill { skill: &'a str, slot: u32, damage: u32, monster_hp: u32, mp: u32 },
    Heal(HealShape<'a>),
    Shield { skill: &'a str, defense: u32, ticks: u32 },
    NoMana { skill: &'a str, cost: u32, mp: u32 },
    Kill { monster: &'a str, rank: &'static str, exp: u64, hp: u32, mp: u32 },
    Loot { gold: u64, items: Vec<LootShape<'a>> },
    LevelUp { level: u32, max_hp: u32, max_mp: u32, attack: u32, defense: u32, learned: &'a [String] },
    Death { by: &'a str },
    Revive { hp: u32, mp: u32 },
    Stop { reason: &'static str },
}

/// `heal`.
#[derive(Serialize)]
pub(crate) struct HealShape<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    skill: Option<&'a str>,
    amount: u32,
    hp: u32,
}

/// One thing of a `loot`.
#[derive(Serialize)]
pub(crate) struct LootShape<'a> {
    key: &'a str,
    name: &'a str,
    count: u32,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sold: bool,
}

impl<'a> EventShape<'a> {
    /// None for a kind this program is too old to know.
    pub(super) fn of(event: &'a Event, words: &'a Words) -> Option<Self> {
        Some(match event.kind.as_ref()? {
            Happened::Spawn(e) => Self::Spawn { monster: e.monster.as_ref().map(|m| MonsterShape::of(m, words)) },
            Happened::Hit(e) => Self::Hit {
                roll: e.roll,
                word: word(e.word()),
                wording: e.wording,
                damage: e.damage,
                monster_hp: e.monster_hp,
            },
            Happened::Hurt(e) => {
                Self::Hurt { roll: e.roll, word: word(e.word()), wording: e.wording, damage: e.damage, hp: e.hp }
            }
            Happened::Skill(e) => {
                Self::Skill { skill: &e.skill, slot: e.slot, damage: e.damage, monster_hp: e.monster_hp, mp: e.mp }
            }
            Happened::Heal(e) => Self::Heal(HealShape { skill: e.skill.as_deref(), amount: e.amount, hp: e.hp }),
            Happened::Shield(e) => Self::Shield { skill: &e.skill, defense: e.defense, ticks: e.ticks },
            Happened::NoMana(e) => Self::NoMana { skill: &e.skill, cost: e.cost, mp: e.mp },
            Happened::Kill(e) => {
                Self::Kill { monster: &e.monster, rank: rank(e.rank()), exp: e.exp, hp: e.hp, mp: e.mp }
            }
            Happened::Loot(e) => {
                Self::Loot { gold: e.gold, items: e.items.iter().map(|item| LootShape::of(item, words)).collect() }
            }
            Happened::LevelUp(e) => Self::LevelUp {
                level: e.level,
                max_hp: e.max_hp,
                max_mp: e.max_mp,
                attack: e.attack,
                defense: e.defense,
                learned: &e.learned,
            },
            Happened::Death(e) => Self::Death { by: &e.by },
            Happened::Revive(e) => Self::Revive { hp: e.hp, mp: e.mp },
            Happened::Stop(e) => Self::Stop { reason: end_reason(e.reason()) },
        })
    }
}

impl<'a> LootShape<'a> {
    fn of(item: &'a LootItem, words: &'a Words) -> Self {
        Self { key: &item.key, name: words.name(Kind::Item, &item.key), count: item.count, sold: item.sold }
    }
}

fn word(word: Word) -> &'static str {
    match word {
        Word::Weak => "weak",
        Word::Unspecified | Word::Plain => "plain",
        Word::Strong => "strong",
    }
}
