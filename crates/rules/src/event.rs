//! What can happen in a frame. Keys travel as small indexes into the content; names and sentences are made elsewhere.

use crate::battle::EndReason;
use crate::blow::Word;
use crate::content::{ItemIx, MAX_DROPS, MonsterIx, Rank, SkillIx};

/// One thing that happened. Values such as `hp` are those after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the published ones of docs/EVENTS.md")]
pub enum Event {
    /// A monster appears, unhurt.
    Spawn { monster: MonsterIx, rank: Rank, hp: u32 },
    /// The fighter strikes.
    Hit { roll: u8, word: Word, wording: u8, damage: u32, monster_hp: u32 },
    /// The monster strikes.
    Hurt { roll: u8, word: Word, wording: u8, damage: u32, hp: u32 },
    /// A skill is used; slots count from 1. What it heals or shields follows as its own event.
    Skill { skill: SkillIx, slot: u8, damage: u32, monster_hp: u32, mp: u32 },
    /// Hit points come back; `skill` is absent for other causes than a skill. Never of amount 0.
    Heal { skill: Option<SkillIx>, amount: u32, hp: u32 },
    /// Defense is raised by `defense` for this many ticks after this one.
    Shield { skill: SkillIx, defense: u32, ticks: u32 },
    /// A skill should have been used but none was affordable; names the cheapest one in a slot.
    NoMana { skill: SkillIx, cost: u32, mp: u32 },
    /// The monster is dead. `hp` and `mp` stand after what the kill restored, before any level-up.
    Kill { monster: MonsterIx, rank: Rank, exp: u64, hp: u32, mp: u32 },
    /// What the kill left. `gold` includes what sold pieces brought.
    Loot { gold: u64, drops: Drops },
    /// One level gained; hp and mp stand at their new maximum. `attack` and `defense` include equipment.
    LevelUp { level: u8, max_hp: u32, max_mp: u32, attack: u32, defense: u32, learned: Option<SkillIx> },
    /// The fighter falls.
    Death { by: MonsterIx },
    /// The fighter stands again.
    Revive { hp: u32, mp: u32 },
    /// The battle is over; the last event of the last frame.
    Stop { reason: EndReason },
}

/// One thing that a kill left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drop {
    /// What it is.
    pub item: ItemIx,
    /// How many, at least 1; equipment always 1.
    pub count: u32,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a drop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Potions and materials lie on their stack and take no place.
    Stacked,
    /// A piece of equipment that took a place in the bag.
    Kept,
    /// A piece of equipment that found the bag full and was sold for this much gold.
    Sold(u32),
}

/// The drops of one kill, in the order of the monster's table. The n-th drop of frame `seq` is the piece `(seq, n)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drops([Option<Drop>; MAX_DROPS]);

impl Drops {
    /// The drops in order.
    pub fn iter(&self) -> impl Iterator<Item = &Drop> {
        self.0.iter().flatten()
    }

    /// Whether the kill left nothing but gold.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0[0].is_none()
    }

    /// Adds a drop. A table never has more lines than there are places.
    pub(crate) fn push(&mut self, drop: Drop) {
        if let Some(free) = self.0.iter_mut().find(|place| place.is_none()) {
            *free = Some(drop);
        }
    }
}
