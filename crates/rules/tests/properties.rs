//! What holds for every battle: cutting a run anywhere changes nothing, and the published laws hold over any stretch.
#![allow(clippy::unwrap_used, reason = "a test that stops here says so")]

mod common;

use common::witness::Witness;
use common::{Kept, SHIPPED, kept, live};
use proptest::prelude::*;
use rules::battle::{EndReason, Input, Mode, OnDeath, Refused, Start, State};
use rules::content::{DungeonIx, SkillIx};
use rules::keyframes::KEYFRAME_EVERY;
use rules::run::{self, Recorded};
use rules::{Keyframes, Totals, growth, simulate};

/// Any battle that could start.
fn starts() -> impl Strategy<Value = Start> {
    let skill = prop::option::of((1..=5_u8).prop_map(SkillIx));
    let skills = prop::array::uniform3(skill);
    let fighter =
        (1..=60_u8, 0..=100_u32, 0..=100_u32, 0..=100_u16, skills).prop_map(|(level, hp, mp, bag_free, skills)| {
            let mut fighter = simulate::typical_fighter(SHIPPED.content(), level);
            fighter.hp = (fighter.hp * hp / 100).max(1);
            fighter.mp = fighter.mp * mp / 100;
            fighter.bag_free = bag_free;
            fighter.skills = skills;
            fighter
        });
    let on_death = prop_oneof![Just(OnDeath::Revive), Just(OnDeath::Stop)];
    let tick_ms = prop_oneof![Just(10), Just(500), Just(1_500), Just(60_000)];
    (any::<[u8; 32]>(), 1..=5_u8, on_death, tick_ms, fighter).prop_map(|(seed, dungeon, on_death, tick_ms, fighter)| {
        Start { seed, dungeon: DungeonIx(dungeon), mode: Mode::Auto, on_death, tick_ms, fighter }
    })
}

fn battle(start: Start) -> State {
    State::new(&SHIPPED, start).unwrap()
}

/// The frames of the whole run, and the record that makes them again: a stop after `stop` frames, if it comes to that.
fn recorded(state: &mut State, stop: u64, wait: u64) -> (Vec<Kept>, Vec<Recorded>) {
    let mut frames = live(&SHIPPED, state, stop);
    if state.ended().is_some() {
        return (frames, Vec::new());
    }
    let latest = state.due().unwrap();
    let tick = (state.tick() + wait).min(latest);
    let input = Input::Stop { reason: EndReason::Stopped };
    let mut events = Vec::new();
    state.apply(&SHIPPED, input, tick, &mut events).unwrap();
    frames.push(kept(state, &events));
    (frames, vec![Recorded { at_seq: state.seq(), tick, input }])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_laws_hold_over_any_stretch(start in starts(), before in 0..300_u64, length in 1..600_u64) {
        let mut state = battle(start);
        live(&SHIPPED, &mut state, before);
        let earlier = state.clone();
        let mut witness = Witness::new(earlier.seq(), earlier.tick(), &earlier.vitals());
        live(&SHIPPED, &mut state, length).iter().for_each(|frame| witness.watch(frame));
        witness.settle(&state.totals().minus(earlier.totals()));
    }

    #[test]
    fn storing_and_going_on_anywhere_changes_nothing(start in starts(), cuts in prop::collection::vec(1..200_u64, 1..6)) {
        let mut whole = battle(start.clone());
        let unbroken = live(&SHIPPED, &mut whole, cuts.iter().sum());
        let mut state = battle(start);
        let mut broken = Vec::new();
        for cut in cuts {
            broken.extend(live(&SHIPPED, &mut state, cut));
            let stored = State::decode(&state.encode()).unwrap();
            prop_assert_eq!(&stored, &state);
            prop_assert_eq!(stored.fits(&SHIPPED), Ok(()));
            state = stored;
        }
        prop_assert_eq!(broken, unbroken);
        prop_assert_eq!(state, whole);
    }

    #[test]
    fn a_record_makes_its_frames_again(
        start in starts(), stop in 0..400_u64, wait in 0..50_u64, from in 1..450_u64, length in 0..450_u64,
    ) {
        let origin = battle(start);
        let mut state = origin.clone();
        let (made, inputs) = recorded(&mut state, stop, wait);
        let range = from..=from + length;
        let mut again = Vec::new();
        run::frames(&SHIPPED, &origin, &inputs, range.clone(), |frame| again.push(Kept {
            seq: frame.seq, tick: frame.tick, events: frame.events.to_vec(), vitals: frame.vitals,
        })).unwrap();
        let wanted: Vec<Kept> = made.into_iter().filter(|frame| range.contains(&frame.seq)).collect();
        prop_assert_eq!(again, wanted);
    }

    #[test]
    fn catching_up_in_slices_is_living_through_it(
        start in starts(), stop in 0..400_u64, wait in 0..50_u64, slice in 1..120_u32, until in 0..700_u64,
    ) {
        let origin = battle(start);
        let mut state = origin.clone();
        let (made, inputs) = recorded(&mut state, stop, wait);
        let mut caught_up = origin;
        let mut frames = Vec::new();
        let mut collect = |state: &State, events: &[rules::Event]| frames.push(kept(state, events));
        while run::forward(&SHIPPED, &mut caught_up, &inputs, until, slice, &mut collect).unwrap() == slice {}
        let wanted: Vec<Kept> = made.into_iter().filter(|frame| frame.tick <= until).collect();
        prop_assert_eq!(frames, wanted);
    }

    #[test]
    fn totals_round_trip_and_subtract(start in starts(), first in 0..500_u64, then in 0..500_u64) {
        let mut state = battle(start);
        live(&SHIPPED, &mut state, first);
        let earlier = state.totals().clone();
        live(&SHIPPED, &mut state, then);
        let totals = state.totals();
        prop_assert_eq!(&Totals::decode(&totals.encode()).unwrap(), totals);
        prop_assert_eq!(totals.minus(totals), Totals::default());
        prop_assert_eq!(&totals.minus(&Totals::default()), totals);
        prop_assert_eq!(totals.minus(&earlier).frames, state.seq() - earlier.frames);
    }

    #[test]
    fn damaged_bytes_are_refused_or_play_on_without_a_panic(
        start in starts(), frames in 0..200_u64, place in any::<prop::sample::Index>(), byte in any::<u8>(),
        length in any::<prop::sample::Index>(),
    ) {
        let mut state = battle(start);
        live(&SHIPPED, &mut state, frames);
        let bytes = state.encode();
        prop_assert!(State::decode(&bytes[..length.index(bytes.len())]).is_err());
        let mut damaged = bytes.clone();
        damaged[place.index(bytes.len())] = byte;
        if let Ok(mut state) = State::decode(&damaged) {
            live(&SHIPPED, &mut state, 50);
        }
        let totals = state.totals().encode();
        prop_assert!(Totals::decode(&totals[..length.index(totals.len())]).is_err());
    }

    #[test]
    fn noise_is_no_state(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(mut state) = State::decode(&bytes) {
            live(&SHIPPED, &mut state, 50);
        }
        let _ = Totals::decode(&bytes);
    }
}

#[test]
fn keyframes_reach_back_at_least_one_distance() {
    let origin = battle(common::start(&SHIPPED, 20, 2, 21));
    let mut keyframes = Keyframes::new(origin.clone());
    let mut state = origin.clone();
    for frame in live_with(&mut state, &mut keyframes, 3 * KEYFRAME_EVERY + 7) {
        let reach = frame.min(KEYFRAME_EVERY);
        assert!(keyframes_at(&origin, frame).first_seq() <= frame - reach + 1, "at frame {frame}");
    }
    assert_eq!(keyframes.older.seq(), 2 * KEYFRAME_EVERY);
    assert_eq!(keyframes.newer.seq(), 3 * KEYFRAME_EVERY);
    assert_eq!(keyframes.before(3 * KEYFRAME_EVERY + 1).map(State::seq), Some(3 * KEYFRAME_EVERY));
    assert_eq!(keyframes.before(3 * KEYFRAME_EVERY).map(State::seq), Some(2 * KEYFRAME_EVERY));
    assert_eq!(keyframes.before(2 * KEYFRAME_EVERY), None);
    let mut again = run::frames(&SHIPPED, &keyframes.older, &[], 1..=state.seq(), |_| {}).unwrap();
    assert_eq!(again, state);
    again.step(&SHIPPED, &mut Vec::new());
    assert_ne!(again, state);
}

/// Lives through `count` frames and gives some of their numbers, round about the keyframes.
fn live_with(state: &mut State, keyframes: &mut Keyframes, count: u64) -> Vec<u64> {
    for _ in 0..count {
        live(&SHIPPED, state, 1);
        keyframes.pass(state);
    }
    (1..=count).filter(|frame| (frame % KEYFRAME_EVERY).min(KEYFRAME_EVERY - frame % KEYFRAME_EVERY) <= 1).collect()
}

fn keyframes_at(origin: &State, seq: u64) -> Keyframes {
    let mut keyframes = Keyframes::new(origin.clone());
    let mut state = origin.clone();
    run::forward(&SHIPPED, &mut state, &[], u64::MAX, seq as u32, |state, _| {
        keyframes.pass(state);
    })
    .unwrap();
    keyframes
}

#[test]
fn inputs_out_of_place_change_nothing() {
    let mut state = battle(common::start(&SHIPPED, 5, 1, 22));
    live(&SHIPPED, &mut state, 10);
    let before = state.clone();
    let stop = Input::Stop { reason: EndReason::Stopped };
    let mut events = Vec::new();
    assert_eq!(state.apply(&SHIPPED, stop, 9, &mut events), Err(Refused::Past(10)));
    assert_eq!((&state, events.len()), (&before, 0));
    state.apply(&SHIPPED, stop, 10, &mut events).unwrap();
    let ended = state.clone();
    assert_eq!(state.apply(&SHIPPED, stop, 11, &mut events), Err(Refused::Ended));
    state.step(&SHIPPED, &mut events);
    assert_eq!((&state, events.len()), (&ended, 0));
}

#[test]
fn an_input_takes_effect_in_its_frame_though_that_stands_later_than_it_was() {
    let origin = battle(common::start(&SHIPPED, 20, 2, 21));
    let stop = Recorded { at_seq: 30, tick: 3, input: Input::Stop { reason: EndReason::Stopped } };
    let mut whole = origin.clone();
    live(&SHIPPED, &mut whole, 29);
    assert_eq!(run::next_tick(&whole, &[stop]), Some(whole.tick()));
    let end = run::frames(&SHIPPED, &origin, &[stop], 1..=99, |_| {}).unwrap();
    assert_eq!((end.seq(), end.tick(), end.ended()), (30, whole.tick(), Some(EndReason::Stopped)));
}

#[test]
fn experience_goes_on_past_the_last_level() {
    let mut start = common::start(&SHIPPED, 100, 5, 23);
    start.fighter.exp = growth::exp_to_leave(100) - 1;
    let mut state = battle(start);
    live(&SHIPPED, &mut state, 2_000);
    let vitals = state.vitals();
    assert_eq!(vitals.level, 100);
    assert!(vitals.exp > vitals.next_exp && state.totals().levels == 0);
}

#[test]
fn one_kill_may_raise_several_levels() {
    let mut start = common::start(&SHIPPED, 1, 5, 24);
    start.fighter.gear_attack = 100_000;
    start.fighter.gear_defense = 1_000_000;
    let mut state = battle(start);
    let frames = live(&SHIPPED, &mut state, 10);
    let levels = |frame: &Kept| frame.events.iter().filter(|e| matches!(e, rules::Event::LevelUp { .. })).count();
    assert!(frames.iter().any(|frame| levels(frame) > 1));
    assert_eq!(state.fighter().skills, simulate::typical_fighter(SHIPPED.content(), state.vitals().level).skills);
}

#[test]
fn refusals_name_their_cause() {
    use rules::battle::Refusal;
    let refusal = |change: fn(&mut Start)| {
        let mut start = common::start(&SHIPPED, 5, 1, 25);
        change(&mut start);
        State::new(&SHIPPED, start).unwrap_err()
    };
    assert_eq!(refusal(|start| start.dungeon = DungeonIx(6)), Refusal::UnknownDungeon);
    assert_eq!(refusal(|start| start.dungeon = DungeonIx(0)), Refusal::UnknownDungeon);
    assert_eq!(refusal(|start| start.fighter.skills[2] = Some(SkillIx(99))), Refusal::UnknownSkill);
    assert_eq!(refusal(|start| start.fighter.hp = 0), Refusal::Dead);
    assert_eq!(refusal(|start| start.fighter.hp = 501), Refusal::Fighter);
    assert_eq!(refusal(|start| start.fighter.exp = 0), Refusal::Fighter);
    assert_eq!(refusal(|start| start.tick_ms = 0), Refusal::TickLength);
}
