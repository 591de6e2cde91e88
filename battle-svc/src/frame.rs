//! What travels from a battle to those who watch it. Keys are still indexes; they become text in `wire`.

use std::sync::Arc;

use rules::battle::{EndReason, Vitals};
use rules::{Event, Ruleset, Totals};
use vocab::BattleId;

/// Everything one step of the engine did.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Number within the battle.
    pub(crate) seq: u64,
    /// Battle time, in ticks.
    pub(crate) tick: u64,
    /// When it is due on the database's clock, milliseconds since the epoch.
    pub(crate) at: i64,
    /// What happened.
    pub(crate) events: Box<[Event]>,
    /// How the fighter stands after it.
    pub(crate) vitals: Vitals,
}

/// News of one battle for those who watch it.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// The battle.
    pub(crate) battle: BattleId,
    /// The owner's epoch.
    pub(crate) epoch: u64,
    /// What is new.
    pub(crate) news: News,
}

/// What is new.
#[derive(Debug, Clone)]
pub(crate) enum News {
    /// The next frame, with the ruleset that knows its keys.
    Frame(Arc<Ruleset>, Arc<Frame>),
    /// The battle is over.
    End(Arc<Ruleset>, Arc<End>),
    /// Frames from this one on were not sent.
    Behind(u64),
    /// The owner let go.
    Moved,
}

/// The end of a battle.
#[derive(Debug, Clone)]
pub(crate) struct End {
    /// Its last frame.
    pub(crate) seq: u64,
    /// Why.
    pub(crate) reason: EndReason,
    /// What it came to.
    pub(crate) totals: Totals,
}

/// Frames that are told as one.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    /// First frame told.
    pub(crate) from_seq: u64,
    /// Last frame told.
    pub(crate) to_seq: u64,
    /// How long the player was away.
    pub(crate) away_ms: u64,
    /// How much of that the battle went on.
    pub(crate) counted_ms: u64,
    /// Whether the battle stood still for a part of it.
    pub(crate) capped: bool,
    /// Whether frames before `from_seq` can no longer be told.
    pub(crate) partial: bool,
    /// Sums over the frames.
    pub(crate) summary: Totals,
    /// How the fighter stands after `to_seq`.
    pub(crate) vitals: Vitals,
}
