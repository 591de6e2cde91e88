//! The rules of the game as a pure engine: the same ruleset, state and inputs give the same frames on every machine.
//!
//! Here live growth, blows, skills, loot, the battle itself, the model of the content pack and the simulation that
//! balances it. What must not live here: async, clocks, input and output, floats, protobuf, and every dependence on
//! anything but the arguments. Time comes in as a tick number, chance comes from the generator inside the state.
//!
//! Whatever can change a frame is frozen by the golden transcripts under `tests/`; a change there on purpose raises
//! [`ENGINE_VERSION`]. The rules in words are `docs/GAME.md`.
#![deny(clippy::float_arithmetic)]

pub mod battle;
pub mod blow;
mod codec;
pub mod content;
pub mod event;
pub mod fighter;
pub mod gear;
mod generator;
pub mod growth;
pub mod keyframes;
mod ruleset;
pub mod run;
pub mod shop;
pub mod simulate;
pub mod totals;

pub use codec::InvalidState;
pub use event::Event;
pub use keyframes::Keyframes;
pub use ruleset::{BrokenWorld, ENGINE_VERSION, Ruleset};
pub use totals::Totals;
