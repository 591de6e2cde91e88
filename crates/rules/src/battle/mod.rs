//! A battle's state. A step or an input makes one frame; nothing else changes it.
//!
//! What happens within a frame is `turn`'s, how the state is stored is `stored`'s.

mod input;
mod start;
mod stored;
mod turn;
mod vitals;

pub use input::{EndReason, Input, Refused};
pub use start::{Mode, OnDeath, Refusal, Start};
pub use vitals::{MonsterView, Vitals};

use crate::codec::InvalidState;
use crate::content::{DungeonIx, MonsterIx, Rank};
use crate::event::Event;
use crate::fighter::Fighter;
use crate::generator::Generator;
use crate::growth;
use crate::ruleset::Ruleset;
use crate::totals::Totals;
use start::TICK_MS;
use turn::Turn;

/// What a battle is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Blows are exchanged.
    Fight,
    /// A monster was met, and the player has to attack or flee. Only in a hunt.
    Encounter,
    /// The fighter lies and will stand again.
    Dead,
    /// There will be no further frame.
    Ended,
}

/// A battle between two frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    generator: Generator,
    dungeon: DungeonIx,
    mode: Mode,
    on_death: OnDeath,
    tick_ms: u32,
    tick: u64,
    stage: Stage,
    fighter: Fighter,
    shield: Option<Shield>,
    foe: Option<Foe>,
    totals: Totals,
}

/// What comes next, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Fight { due: u64 },
    Dead { due: u64 },
    Ended(EndReason),
}

/// A raised defense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shield {
    defense: u32,
    /// The last tick on which it counts.
    until: u64,
}

/// The monster at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Foe {
    ix: MonsterIx,
    rank: Rank,
    hp: u32,
    max_hp: u32,
}

impl State {
    /// A battle before its first frame, which is due at tick 1.
    ///
    /// # Errors
    /// When the parts don't make a battle.
    pub fn new(ruleset: &Ruleset, start: Start) -> Result<Self, Refusal> {
        let Start { seed, dungeon, mode, on_death, tick_ms, fighter } = start;
        if fighter.hp == 0 {
            return Err(Refusal::Dead);
        }
        if !TICK_MS.contains(&tick_ms) {
            return Err(Refusal::TickLength);
        }
        let state = Self {
            generator: Generator::from_seed(seed),
            dungeon,
            mode,
            on_death,
            tick_ms,
            tick: 0,
            stage: Stage::Fight { due: 1 },
            fighter,
            shield: None,
            foe: None,
            totals: Totals::default(),
        };
        state.consistent().map_err(|_| Refusal::Fighter)?;
        let content = ruleset.content();
        content.dungeon(dungeon).ok_or(Refusal::UnknownDungeon)?;
        state.fits(ruleset).map_err(|_| Refusal::UnknownSkill)?;
        Ok(state)
    }

    /// Makes exactly one frame at tick [`State::due`]; `events` is cleared and then holds it. When nothing is due,
    /// nothing happens and `events` stays empty.
    pub fn step(&mut self, ruleset: &Ruleset, events: &mut Vec<Event>) {
        events.clear();
        let Some(due) = self.due() else { return };
        Turn::new(self, ruleset.content(), due, events).step();
    }

    /// Makes exactly one frame at `tick` out of an input; `events` is cleared and then holds it.
    ///
    /// # Errors
    /// When the input has no place here; then nothing has changed and `events` is empty.
    pub fn apply(
        &mut self,
        ruleset: &Ruleset,
        input: Input,
        tick: u64,
        events: &mut Vec<Event>,
    ) -> Result<(), Refused> {
        events.clear();
        if self.ended().is_some() {
            return Err(Refused::Ended);
        }
        if tick < self.tick {
            return Err(Refused::Past(self.tick));
        }
        Turn::new(self, ruleset.content(), tick, events).apply(input);
        Ok(())
    }

    /// Whether everything that the state names exists in the ruleset. To be asked once, after [`State::decode`] and
    /// before the first step under another ruleset.
    ///
    /// # Errors
    /// What is missing.
    pub fn fits(&self, ruleset: &Ruleset) -> Result<(), InvalidState> {
        let content = ruleset.content();
        content.dungeon(self.dungeon).ok_or(InvalidState::Unknown("such dungeon"))?;
        if self.foe.is_some_and(|foe| content.monster(foe.ix).is_none()) {
            return Err(InvalidState::Unknown("such monster"));
        }
        for &skill in self.fighter.skills.iter().flatten() {
            content.skill(skill).ok_or(InvalidState::Unknown("such skill"))?;
        }
        self.totals.fit(content)
    }

    /// The last frame made; 0 before the first.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.totals.frames
    }

    /// The tick of the last frame; 0 before the first.
    #[must_use]
    pub fn tick(&self) -> u64 {
        self.tick
    }

    /// The tick of the next step; `None` when no step comes by itself.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        match self.stage {
            Stage::Fight { due } | Stage::Dead { due } => Some(due),
            Stage::Ended(_) => None,
        }
    }

    /// What the battle is doing.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.stage {
            Stage::Fight { .. } => Phase::Fight,
            Stage::Dead { .. } => Phase::Dead,
            Stage::Ended(_) => Phase::Ended,
        }
    }

    /// Why the battle ended, when it has.
    #[must_use]
    pub fn ended(&self) -> Option<EndReason> {
        match self.stage {
            Stage::Ended(reason) => Some(reason),
            Stage::Fight { .. } | Stage::Dead { .. } => None,
        }
    }

    /// Where it is fought.
    #[must_use]
    pub fn dungeon(&self) -> DungeonIx {
        self.dungeon
    }

    /// How it is fought.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What a death means.
    #[must_use]
    pub fn on_death(&self) -> OnDeath {
        self.on_death
    }

    /// The length of a tick in milliseconds.
    #[must_use]
    pub fn tick_ms(&self) -> u32 {
        self.tick_ms
    }

    /// The fighter as it stands.
    #[must_use]
    pub fn fighter(&self) -> &Fighter {
        &self.fighter
    }

    /// The sums of all frames.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What everybody may see.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        let fighter = &self.fighter;
        Vitals {
            hp: fighter.hp,
            max_hp: fighter.max_hp(),
            mp: fighter.mp,
            max_mp: fighter.max_mp(),
            level: fighter.level,
            exp: fighter.exp,
            next_exp: growth::next_exp(fighter.level),
            gold: self.totals.gold,
            monster: self.foe.map(|Foe { ix, rank, hp, max_hp }| MonsterView { ix, rank, hp, max_hp }),
        }
    }
}
