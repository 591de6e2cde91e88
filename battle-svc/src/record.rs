//! The record of a battle as user-svc keeps it: what is read at a claim and what is written by a save.

use std::sync::Arc;

use rules::battle::EndReason;
use rules::fighter::Fighter;
use rules::run::Recorded;
use rules::{Ruleset, Totals};
use service_kit::Fault;
use vocab::{AccountId, BattleId, CharacterId};

use crate::clock::{Ago, Saved};
use crate::wire::StoredTotals;

/// Whose battle it is. What never changes about a battle.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// The battle.
    pub(crate) id: BattleId,
    /// The account that fights it.
    pub(crate) account: AccountId,
    /// The character's name.
    pub(crate) name: Box<str>,
    /// Length of a tick, milliseconds.
    pub(crate) tick_ms: u32,
    /// When it started, milliseconds since the epoch.
    pub(crate) started_at: i64,
}

/// Everything that is stored of a battle. States are still encoded: which ruleset reads them is named beside them.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// Whose it is.
    pub(crate) identity: Identity,
    /// Who may write.
    pub(crate) epoch: u64,
    /// The instance that has it in memory; empty for none.
    pub(crate) owner: String,
    /// Last frame of the saved state.
    pub(crate) seq: u64,
    /// Encoded state.
    pub(crate) state: Box<[u8]>,
    /// Encoded older keyframe.
    pub(crate) key_a: Box<[u8]>,
    /// Encoded newer keyframe.
    pub(crate) key_b: Box<[u8]>,
    /// What it came to until `seq`.
    pub(crate) totals: StoredTotals,
    /// Last frame sent to the player's own socket.
    pub(crate) seen_seq: u64,
    /// What the battle had come to by then.
    pub(crate) seen_totals: StoredTotals,
    /// When that was.
    pub(crate) seen_at: i64,
    /// The moment at which the battle stood where the saved state stands.
    pub(crate) saved_at: i64,
    /// Why and when it ended.
    pub(crate) ended: Option<(EndReason, i64)>,
    /// Its segments.
    pub(crate) segments: Vec<StoredSegment>,
    /// Its inputs.
    pub(crate) inputs: Vec<Recorded>,
}

/// A segment as it is stored: its ruleset by id.
#[derive(Debug, Clone)]
pub(crate) struct StoredSegment {
    /// Number of its first frame.
    pub(crate) from_seq: u64,
    /// The ruleset's id.
    pub(crate) ruleset: String,
    /// Encoded state before its first frame.
    pub(crate) state: Box<[u8]>,
    /// Moment of tick 0 on the database's clock.
    pub(crate) origin_ms: i64,
}

/// A record together with the database's clock when it was read or claimed.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    /// The record.
    pub(crate) record: Record,
    /// Milliseconds since the epoch.
    pub(crate) now: i64,
}

/// A character that may fight.
#[derive(Debug, Clone)]
pub(crate) struct Hero {
    /// The character.
    pub(crate) id: CharacterId,
    /// Its name.
    pub(crate) name: Box<str>,
    /// The version that `fighter` was made from.
    pub(crate) version: u64,
    /// The character as a battle sees it.
    pub(crate) fighter: Fighter,
}

/// A new battle.
#[derive(Debug, Clone)]
pub(crate) struct Create {
    /// Its id.
    pub(crate) battle: BattleId,
    /// Who fights it.
    pub(crate) character: CharacterId,
    /// The version of the character that `state` was made from.
    pub(crate) character_version: u64,
    /// Length of a tick, milliseconds.
    pub(crate) tick_ms: u32,
    /// The ruleset's id.
    pub(crate) ruleset: String,
    /// Encoded first state.
    pub(crate) state: Vec<u8>,
}

/// The state of one battle, to be written. Values are absolute.
#[derive(Debug, Clone)]
pub(crate) struct Save {
    /// The battle.
    pub(crate) battle: BattleId,
    /// The writer's epoch.
    pub(crate) epoch: u64,
    /// Last frame of `state`.
    pub(crate) seq: u64,
    /// Encoded state.
    pub(crate) state: Vec<u8>,
    /// When the battle stood there.
    pub(crate) stood: Ago,
    /// The older and the newer keyframe, when they moved since the last save.
    pub(crate) keys: Option<[Box<[u8]>; 2]>,
    /// What the battle came to.
    pub(crate) totals: Totals,
    /// How the fighter stands.
    pub(crate) fighter: Fighter,
    /// How far the player's own socket has been served, when that moved.
    pub(crate) seen: Option<Served>,
    /// Whether the owner lets go.
    pub(crate) release: bool,
    /// Why the battle ends with it.
    pub(crate) ended: Option<EndReason>,
    /// A segment that opens after `seq`.
    pub(crate) new_segment: Option<StoredSegment>,
    /// Knows the keys.
    pub(crate) ruleset: Arc<Ruleset>,
}

/// How far the player's own socket has been served, as it is written.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    /// Last frame sent.
    pub(crate) seq: u64,
    /// What the battle had come to by then.
    pub(crate) totals: Totals,
    /// When that was.
    pub(crate) when: Ago,
}

/// A battle, and the epoch it is written under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Owned {
    /// The battle.
    pub(crate) battle: BattleId,
    /// The epoch.
    pub(crate) epoch: u64,
}

/// What became of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Written.
    Saved,
    /// Another owns the battle.
    Stale,
    /// The battle is gone or over.
    Gone,
}

/// Why a battle isn't ours any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Another has taken it over.
    Taken,
    /// It is gone or over.
    Gone,
}

impl Outcome {
    /// What it says of the battle, when it isn't ours any more.
    pub(crate) fn loss(self) -> Option<Loss> {
        match self {
            Self::Saved => None,
            Self::Stale => Some(Loss::Taken),
            Self::Gone => Some(Loss::Gone),
        }
    }

    /// The word for it in metrics.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Stale => "stale",
            Self::Gone => "gone",
        }
    }
}

impl Record {
    /// Moment of tick 0 for the frame after the saved one.
    pub(crate) fn origin_ms(&self) -> i64 {
        let open = self.segments.iter().rev().find(|segment| segment.from_seq <= self.seq + 1);
        open.or(self.segments.first()).map_or(self.identity.started_at, |segment| segment.origin_ms)
    }

    /// The ruleset of its newest segment.
    pub(crate) fn last_ruleset(&self) -> Option<&str> {
        self.segments.last().map(|segment| segment.ruleset.as_str())
    }

    /// Where the battle stood when it was saved, `tick` and `due` being those of the saved state.
    pub(crate) fn saved(&self, tick: u64, due: Option<u64>) -> Saved {
        let (origin_ms, tick_ms) = (self.origin_ms(), self.identity.tick_ms);
        Saved { origin_ms, saved_at: self.saved_at, seen_at: self.seen_at, tick_ms, tick, due }
    }
}

impl Identity {
    /// Lets only the account through whose battle it is.
    ///
    /// # Errors
    /// `permission_denied` for another.
    pub(crate) fn admit(&self, account: AccountId) -> Result<(), Fault> {
        if self.account == account { Ok(()) } else { Err(Fault::denied("not-your-battle")) }
    }
}

impl Save {
    /// Takes the place of an earlier save of the same battle that was not written yet. What an earlier ownership left
    /// behind can't be written any more.
    pub(crate) fn supersede(&mut self, earlier: Self) {
        if earlier.epoch != self.epoch {
            return;
        }
        self.keys = self.keys.take().or(earlier.keys);
        self.seen = self.seen.take().or(earlier.seen);
        self.new_segment = self.new_segment.take().or(earlier.new_segment);
    }
}
