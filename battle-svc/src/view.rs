//! A battle as everybody may see it: never its seed.

use std::sync::Arc;

use rules::Ruleset;
use rules::battle::{Mode, OnDeath, Phase, State, Vitals};
use rules::content::DungeonIx;

use crate::record::Identity;

/// A battle at one moment.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// Whose it is.
    pub(crate) identity: Arc<Identity>,
    /// Who may write.
    pub(crate) epoch: u64,
    /// Where it is fought.
    pub(crate) dungeon: DungeonIx,
    /// How it is fought.
    pub(crate) mode: Mode,
    /// What a death means.
    pub(crate) on_death: OnDeath,
    /// Last frame.
    pub(crate) seq: u64,
    /// What it is doing.
    pub(crate) phase: Phase,
    /// How the fighter stands.
    pub(crate) vitals: Vitals,
    /// Knows the keys.
    pub(crate) ruleset: Arc<Ruleset>,
}

impl View {
    /// What is to be seen of a state.
    pub(crate) fn of(identity: Arc<Identity>, epoch: u64, state: &State, ruleset: Arc<Ruleset>) -> Self {
        Self {
            identity,
            epoch,
            dungeon: state.dungeon(),
            mode: state.mode(),
            on_death: state.on_death(),
            seq: state.seq(),
            phase: state.phase(),
            vitals: state.vitals(),
            ruleset,
        }
    }

    /// Whether it is an automatic battle of these settings.
    pub(crate) fn is_auto(&self, dungeon: DungeonIx, on_death: OnDeath) -> bool {
        (self.mode, self.dungeon, self.on_death) == (Mode::Auto, dungeon, on_death)
    }
}
