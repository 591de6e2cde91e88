//! What an operator may set about battles.

use std::time::Duration;

use service_kit::settings::{Check, Faults, duration, number};

use crate::settings::{Pace, Settings};

/// Raw flags of battle-svc's own.
#[derive(Debug, Clone, clap::Args)]
pub struct BattleArgs {
    /// Length of a tick in milliseconds, for battles that start from now on
    #[arg(long, env = "MUD_TICK_MS", default_value = "1500", value_name = "NUMBER")]
    tick_ms: String,
    /// How often a running battle is saved
    #[arg(long, env = "MUD_SAVE_EVERY", default_value = "30s", value_name = "TIME")]
    save_every: String,
    /// How much of an absence counts
    #[arg(long, env = "MUD_IDLE_CAP", default_value = "12h", value_name = "TIME")]
    idle_cap: String,
    /// How long a battle nobody watches stays in memory
    #[arg(long, env = "MUD_DETACH_AFTER", default_value = "60s", value_name = "TIME")]
    detach_after: String,
}

/// The same, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BattleSettings {
    /// Length of a tick in milliseconds, for battles that start from now on.
    pub tick_ms: u32,
    /// How often a running battle is saved.
    pub save_every: Duration,
    /// How much of an absence counts.
    pub idle_cap: Duration,
    /// How long a battle nobody watches stays in memory.
    pub detach_after: Duration,
}

impl Check for BattleArgs {
    type Checked = BattleSettings;

    fn check(self, faults: &mut Faults) -> Option<BattleSettings> {
        let tick_ms = number("--tick-ms", &self.tick_ms, 10..=60_000, faults);
        let save_every = duration("--save-every", &self.save_every, faults);
        let idle_cap = duration("--idle-cap", &self.idle_cap, faults);
        let detach_after = duration("--detach-after", &self.detach_after, faults);
        Some(BattleSettings {
            tick_ms: tick_ms?,
            save_every: save_every?,
            idle_cap: idle_cap?,
            detach_after: detach_after?,
        })
    }
}

impl BattleSettings {
    /// The settings of the instance of this name.
    #[must_use]
    pub fn named(self, instance: impl Into<String>) -> Settings {
        let Self { tick_ms, save_every, idle_cap, detach_after } = self;
        let pace = Pace { save_every, idle_cap, detach_after };
        Settings { tick_ms, pace, ..Settings::named(instance) }
    }
}
