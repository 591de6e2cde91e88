//! Golden transcripts: frames frozen bit for bit. A changed one means another [`rules::ENGINE_VERSION`].
//!
//! They play in a frozen world of their own, so that only the engine can change them.
#![allow(clippy::unwrap_used, reason = "a test that stops here says so")]

mod common;

use common::{FROZEN, Kept, kept, live, start, transcript};
use rules::battle::{EndReason, Input, OnDeath, Start, State};
use rules::event::{Event, Fate};
use rules::{ENGINE_VERSION, Ruleset};
use sha2::{Digest, Sha256};

fn ruleset() -> &'static Ruleset {
    &FROZEN
}

fn battle(start: Start) -> State {
    State::new(ruleset(), start).unwrap()
}

fn play(start: Start, frames: u64) -> Vec<Kept> {
    live(ruleset(), &mut battle(start), frames)
}

fn has(frame: &Kept, wanted: impl Fn(&Event) -> bool) -> bool {
    frame.events.iter().any(wanted)
}

#[test]
fn the_frozen_world_is_the_one_the_transcripts_were_made_in() {
    assert_eq!(ENGINE_VERSION, 1);
    insta::assert_snapshot!(ruleset().id());
}

#[test]
fn a_novice_learns_to_fight() {
    let mut start = start(ruleset(), 1, 1, 1);
    start.fighter.exp = 30;
    let frames = play(start, 60);
    assert!(frames.iter().any(|frame| has(frame, |event| matches!(event, Event::LevelUp { .. }))));
    insta::assert_snapshot!(transcript::text(&frames));
}

#[test]
fn a_level_brings_its_skill() {
    let mut start = start(ruleset(), 4, 1, 8);
    start.fighter.exp = 319;
    let frames = play(start, 12);
    let learned = |event: &Event| matches!(event, Event::LevelUp { level: 5, learned: Some(_), .. });
    assert!(frames.iter().any(|frame| has(frame, learned)));
    insta::assert_snapshot!(transcript::text(&frames));
}

#[test]
fn a_veteran_heals_and_shields() {
    let mut start = start(ruleset(), 24, 3, 2);
    start.fighter.skills = [2, 4, 3].map(|number| ruleset().content().skills().get(number - 1).map(|skill| skill.id));
    let frames = play(start, 60);
    assert!(frames.iter().any(|frame| has(frame, |event| matches!(event, Event::Heal { .. }))));
    assert!(frames.iter().any(|frame| has(frame, |event| matches!(event, Event::Shield { .. }))));
    insta::assert_snapshot!(transcript::text(&frames));
}

#[test]
fn the_overreaching_fall_and_stand_again() {
    let frames = play(start(ruleset(), 8, 3, 3), 60);
    assert!(frames.iter().any(|frame| has(frame, |event| matches!(event, Event::Revive { .. }))));
    insta::assert_snapshot!(transcript::text(&frames));
}

#[test]
fn the_wary_go_home_when_they_fall() {
    let frames = play(Start { on_death: OnDeath::Stop, ..start(ruleset(), 5, 2, 4) }, 1_000);
    let last = frames.last().unwrap();
    assert_eq!(last.events.last(), Some(&Event::Stop { reason: EndReason::Died }));
    assert_eq!(last.vitals.hp, 0, "as the blows left it");
    insta::assert_snapshot!(transcript::text(&frames));
}

#[test]
fn the_spent_lack_mana() {
    let mut start = start(ruleset(), 12, 2, 5);
    start.fighter.mp = 0;
    let frames = play(start, 12);
    assert!(frames.iter().any(|frame| has(frame, |event| matches!(event, Event::NoMana { .. }))));
    insta::assert_snapshot!(transcript::text(&frames));
}

#[test]
fn a_full_bag_sells() {
    let mut start = start(ruleset(), 30, 1, 6);
    start.fighter.bag_free = 1;
    let frames = play(start, 4_000);
    let fate = |wanted: fn(Fate) -> bool| move |event: &Event| matches!(event, Event::Loot { drops, .. } if drops.iter().any(|drop| wanted(drop.fate)));
    let sold = fate(|fate| matches!(fate, Fate::Sold(_)));
    let kept = fate(|fate| fate == Fate::Kept);
    let telling: Vec<&Kept> = frames.iter().filter(|frame| has(frame, sold) || has(frame, kept)).take(6).collect();
    assert!(has(telling[0], kept) && telling[1..].iter().all(|frame| has(frame, sold)));
    insta::assert_snapshot!(transcript::text(telling));
}

#[test]
fn a_stop_makes_a_frame_of_its_own() {
    let mut state = battle(start(ruleset(), 3, 1, 7));
    let mut frames = live(ruleset(), &mut state, 3);
    let mut events = Vec::new();
    state.apply(ruleset(), Input::Stop { reason: EndReason::Stopped }, state.tick(), &mut events).unwrap();
    frames.push(kept(&state, &events));
    insta::assert_snapshot!(transcript::text(&frames));
}

/// Long battles by their digest: every frame counts, none is shown.
#[test]
fn long_battles_keep_every_bit() {
    let cases = [(1, 1, 11), (10, 2, 12), (10, 3, 13), (25, 3, 14), (35, 4, 15), (45, 5, 16), (99, 5, 17)];
    let lines = cases.map(|(level, dungeon, seed)| {
        let mut state = battle(start(ruleset(), level, dungeon, seed));
        let frames = live(ruleset(), &mut state, 20_000);
        let digest = Sha256::digest(transcript::text(&frames));
        let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let totals = state.totals();
        format!(
            "level {level} in {dungeon}: {digest}, {} kills, {} deaths, {} exp, {} gold, {} bytes stored",
            totals.kills,
            totals.deaths,
            totals.exp,
            totals.gold,
            state.encode().len(),
        )
    });
    insta::assert_snapshot!(lines.join("\n"));
}

/// The bytes of a stored state: what lies in databases must stay readable.
#[test]
fn stored_states_keep_their_layout() {
    let mut state = battle(start(ruleset(), 25, 3, 18));
    live(ruleset(), &mut state, 300);
    let hex: String = state.encode().iter().map(|byte| format!("{byte:02x}")).collect();
    insta::assert_snapshot!(hex);
}
