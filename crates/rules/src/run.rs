//! Running a battle from a state and its recorded inputs: catching up, replaying, making frames again.
//!
//! Every way goes through [`advance`], so that what is made again is what was made.

use std::ops::RangeInclusive;

use crate::battle::{Input, Refused, State, Vitals};
use crate::event::Event;
use crate::ruleset::Ruleset;

/// An input as it was accepted. Of one battle no two have the same `at_seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// The frame it makes.
    pub at_seq: u64,
    /// The tick at which that frame stands. Another engine may have come to this frame at a later tick: then it stands
    /// there, because time never goes back.
    pub tick: u64,
    /// The input.
    pub input: Input,
}

/// One frame with what is seen after it.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Its number.
    pub seq: u64,
    /// Its tick.
    pub tick: u64,
    /// What happened.
    pub events: &'a [Event],
    /// What is seen after it.
    pub vitals: Vitals,
}

/// Makes the next frame, out of the input recorded for it or by a step; `false` when neither comes.
/// `inputs` is in the order of `at_seq`.
///
/// # Errors
/// When the record holds an input that has no place: then it is not the record of this battle.
pub fn advance(
    ruleset: &Ruleset,
    state: &mut State,
    inputs: &[Recorded],
    events: &mut Vec<Event>,
) -> Result<bool, Refused> {
    if let Some(recorded) = next_input(state, inputs) {
        state.apply(ruleset, recorded.input, recorded.tick.max(state.tick()), events)?;
        return Ok(true);
    }
    let due = state.due().is_some();
    state.step(ruleset, events);
    Ok(due)
}

/// Runs on until the next frame would stand after `until_tick` or `max_steps` frames are made; shows `each` the state
/// after every frame and says how many there were. Fewer than `max_steps` means that the battle stands where it should.
///
/// # Errors
/// As [`advance`].
pub fn forward(
    ruleset: &Ruleset,
    state: &mut State,
    inputs: &[Recorded],
    until_tick: u64,
    max_steps: u32,
    mut each: impl FnMut(&State, &[Event]),
) -> Result<u32, Refused> {
    let mut events = Vec::new();
    for made in 0..max_steps {
        if next_tick(state, inputs).is_none_or(|tick| tick > until_tick) {
            return Ok(made);
        }
        advance(ruleset, state, inputs, &mut events)?;
        each(state, &events);
    }
    Ok(max_steps)
}

/// Makes the frames of a range again, from a state before it; those up to the range are passed over in silence.
/// Ends early where the battle does. Returns the state after the last frame made.
///
/// # Errors
/// As [`advance`].
pub fn frames(
    ruleset: &Ruleset,
    start: &State,
    inputs: &[Recorded],
    range: RangeInclusive<u64>,
    mut each: impl FnMut(Frame<'_>),
) -> Result<State, Refused> {
    let mut state = start.clone();
    let mut events = Vec::new();
    while state.seq() < *range.end() && advance(ruleset, &mut state, inputs, &mut events)? {
        if range.contains(&state.seq()) {
            each(Frame { seq: state.seq(), tick: state.tick(), events: &events, vitals: state.vitals() });
        }
    }
    Ok(state)
}

/// The tick of the next frame, if one comes; `inputs` as for [`advance`].
#[must_use]
pub fn next_tick(state: &State, inputs: &[Recorded]) -> Option<u64> {
    next_input(state, inputs).map(|recorded| recorded.tick.max(state.tick())).or_else(|| state.due())
}

fn next_input<'a>(state: &State, inputs: &'a [Recorded]) -> Option<&'a Recorded> {
    let place = inputs.binary_search_by_key(&(state.seq() + 1), |recorded| recorded.at_seq).ok()?;
    inputs.get(place)
}
