//! What kind of world a seed has.

use crate::dice::Dice;
use crate::faults::{self, Planned};

/// Every so many seeds one instance fails and nothing else does.
const LONE_EVERY: u64 = 4;

/// A kind of world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene {
    /// One instance fails, nothing else goes wrong, and whoever watches stays.
    pub(crate) lone: bool,
}

impl Scene {
    pub(crate) fn of(seed: u64) -> Self {
        Self { lone: seed % LONE_EVERY == LONE_EVERY - 1 }
    }

    /// What goes wrong in it.
    pub(crate) fn plan(self, dice: &Dice) -> Vec<Planned> {
        if self.lone { faults::lone(dice) } else { faults::plan(dice) }
    }
}
