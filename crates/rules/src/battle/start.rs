//! How a battle starts, and why it may not.

use crate::content::DungeonIx;
use crate::fighter::Fighter;

/// The shortest and the longest tick, in milliseconds.
pub(super) const TICK_MS: std::ops::RangeInclusive<u32> = 1..=600_000;

/// How a battle is fought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// By itself: blows every tick, skills by chance.
    Auto,
}

/// What a fallen fighter does in an automatic battle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDeath {
    /// Stands again after a while.
    Revive,
    /// Goes home.
    Stop,
}

/// How a battle starts.
#[derive(Debug, Clone)]
pub struct Start {
    /// Decides every roll.
    pub seed: [u8; 32],
    /// Where.
    pub dungeon: DungeonIx,
    /// How.
    pub mode: Mode,
    /// What a death means.
    pub on_death: OnDeath,
    /// The length of a tick in milliseconds, 1 … 600000.
    pub tick_ms: u32,
    /// Who.
    pub fighter: Fighter,
}

/// A battle can't start so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such dungeon.
    #[error("there is no such dungeon")]
    UnknownDungeon,
    /// A slot holds a skill that doesn't exist.
    #[error("a slot holds an unknown skill")]
    UnknownSkill,
    /// The fighter's hp is 0.
    #[error("the fighter is dead")]
    Dead,
    /// Level, experience, hp and mp don't go together.
    #[error("the fighter's numbers don't go together")]
    Fighter,
    /// The tick is too short or too long.
    #[error("a tick lasts 1 to 600000 milliseconds")]
    TickLength,
}
