//! What kind of world a seed has.

use std::time::Duration;

use crate::dice::Dice;
use crate::faults::{self, Planned};

/// A kind of world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scene {
    /// Players come and go, and anything goes wrong.
    Common,
    /// One instance fails, nothing else goes wrong, and whoever watches stays.
    Lone,
    /// An instance lets go of a battle soon after the last who watched it left, and nobody watches beside the player:
    /// battles are claimed from nobody again and again.
    Fleeting,
    /// Feeds hold little, so that they overflow.
    Narrow,
    /// Frames come so fast that keyframes are passed, and nobody stops a battle before the end.
    Quick,
}

impl Scene {
    pub(crate) fn of(seed: u64) -> Self {
        match (seed % 20, seed % 8) {
            (6, _) => Self::Quick,
            (_, 3 | 7) => Self::Lone,
            (_, 1 | 5) => Self::Fleeting,
            (_, 2) => Self::Narrow,
            _ => Self::Common,
        }
    }

    /// What goes wrong in it.
    pub(crate) fn plan(self, dice: &Dice) -> Vec<Planned> {
        if self == Self::Lone { faults::lone(dice) } else { faults::plan(dice) }
    }

    /// Length of a tick, milliseconds.
    pub(crate) fn tick_ms(self) -> u32 {
        if self == Self::Quick { 25 } else { 1_500 }
    }

    /// The level of the characters as it begins: where many frames are made, none of them may fall and lie for a minute.
    pub(crate) fn level(self) -> u8 {
        if self == Self::Quick { 30 } else { 1 }
    }

    /// How long a battle that nobody watches stays in memory.
    pub(crate) fn detach_after(self) -> Duration {
        Duration::from_secs(if self == Self::Fleeting { 8 } else { 60 })
    }

    /// How much news a feed holds.
    pub(crate) fn feed_bound(self) -> usize {
        match self {
            Self::Narrow => 1,
            Self::Quick => 4,
            Self::Common | Self::Lone | Self::Fleeting => 16_384,
        }
    }

    /// How often, of a hundred times, somebody else watches beside the player.
    pub(crate) fn guests(self) -> usize {
        match self {
            Self::Lone => 100,
            Self::Fleeting => 0,
            Self::Common | Self::Narrow | Self::Quick => 50,
        }
    }

    /// Whether players go away and come back.
    pub(crate) fn leave(self) -> bool {
        self != Self::Lone
    }

    /// Whether they stop their battles before everything ends.
    pub(crate) fn stop(self) -> bool {
        !matches!(self, Self::Lone | Self::Quick)
    }
}
