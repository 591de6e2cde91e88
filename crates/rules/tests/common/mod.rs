//! What the engine's tests share: rulesets, battles, frames as text, and a witness that believes only events.
#![allow(dead_code, reason = "every test program uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that stops here says so"
)]

pub(crate) mod transcript;
pub(crate) mod witness;

use std::sync::LazyLock;

use rules::battle::{Mode, OnDeath, Start, State};
use rules::content::{Content, DungeonIx};
use rules::event::Event;
use rules::{Ruleset, simulate};

/// The shipped world.
pub(crate) static SHIPPED: LazyLock<Ruleset> =
    LazyLock::new(|| Ruleset::new(Content::parse(::content::rules()).expect("the shipped world is faultless")));

/// A world that never changes, so that a designer's work and an engineer's don't look alike in the transcripts.
pub(crate) static FROZEN: LazyLock<Ruleset> =
    LazyLock::new(|| Ruleset::from_pack(include_bytes!("../fixtures/frozen.toml")).expect("the frozen world reads"));

/// One frame, kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) seq: u64,
    pub(crate) tick: u64,
    pub(crate) events: Vec<Event>,
    pub(crate) vitals: rules::battle::Vitals,
}

/// How the typical fighter of a level starts; change what a test is about.
pub(crate) fn start(ruleset: &Ruleset, level: u8, dungeon: u8, seed: u8) -> Start {
    Start {
        seed: [seed; 32],
        dungeon: DungeonIx(dungeon),
        mode: Mode::Auto,
        on_death: OnDeath::Revive,
        tick_ms: simulate::TICK_MS,
        fighter: simulate::typical_fighter(ruleset.content(), level),
    }
}

/// Steps `count` times, or until the battle ends.
pub(crate) fn live(ruleset: &Ruleset, state: &mut State, count: u64) -> Vec<Kept> {
    let mut events = Vec::new();
    let mut frames = Vec::new();
    for _ in 0..count {
        if state.due().is_none() {
            break;
        }
        state.step(ruleset, &mut events);
        frames.push(kept(state, &events));
    }
    frames
}

/// The frame just made.
pub(crate) fn kept(state: &State, events: &[Event]) -> Kept {
    Kept { seq: state.seq(), tick: state.tick(), events: events.to_vec(), vitals: state.vitals() }
}
