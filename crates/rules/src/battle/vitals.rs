//! What a battle shows of itself.

use crate::content::{MonsterIx, Rank};

/// What everybody may see of a battle at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the published ones of docs/EVENTS.md")]
pub struct Vitals {
    pub hp: u32,
    pub max_hp: u32,
    pub mp: u32,
    pub max_mp: u32,
    pub level: u8,
    pub exp: u64,
    pub next_exp: u64,
    /// Earned in this battle.
    pub gold: u64,
    pub monster: Option<MonsterView>,
}

/// What everybody may see of the monster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the published ones of docs/EVENTS.md")]
pub struct MonsterView {
    pub ix: MonsterIx,
    pub rank: Rank,
    pub hp: u32,
    pub max_hp: u32,
}
