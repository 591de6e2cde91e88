//! A battle's segments and inputs: all that is needed, beside a state, to make its frames.
//!
//! Live steps, catching up, frames told again, replay and verification go through [`Chain::advance`], so that what is
//! made again is what was made.

use std::sync::Arc;

use rules::battle::{Refused, State};
use rules::run::{self, Recorded};
use rules::{Event, InvalidState, Ruleset};
use service_kit::Fault;

use crate::frame::Frame;

/// One stretch of a battle under one ruleset and one time origin.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    /// Number of its first frame.
    pub(crate) from_seq: u64,
    /// What decides its frames.
    pub(crate) ruleset: Arc<Ruleset>,
    /// Encoded state before its first frame.
    pub(crate) start: Box<[u8]>,
    /// Moment of tick 0 on the database's clock, milliseconds since the epoch.
    pub(crate) origin_ms: i64,
}

/// Segments in order, never none, and the inputs since the oldest state that is kept.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    segments: Vec<Segment>,
    inputs: Vec<Recorded>,
}

/// What is stored of a battle can't be gone on from.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// A state doesn't read.
    #[error("a stored state is broken: {0}")]
    State(#[from] InvalidState),
    /// An input has no place.
    #[error("a stored input is broken: {0}")]
    Input(#[from] Refused),
    /// There is nothing to make frames by.
    #[error("the record has no segment")]
    NoSegment,
}

impl Chain {
    /// Segments by `from_seq` and inputs by `at_seq`.
    pub(crate) fn new(segments: Vec<Segment>, inputs: Vec<Recorded>) -> Result<Self, Broken> {
        if segments.is_empty() { Err(Broken::NoSegment) } else { Ok(Self { segments, inputs }) }
    }

    /// The chain of a new battle.
    pub(crate) fn starting(ruleset: Arc<Ruleset>, state: &State, origin_ms: i64) -> Self {
        let start = state.encode().into_boxed_slice();
        let segment = Segment { from_seq: state.seq() + 1, ruleset, start, origin_ms };
        Self { segments: vec![segment], inputs: Vec::new() }
    }

    /// Makes the next frame; `false` when none comes.
    pub(crate) fn advance(&self, state: &mut State, events: &mut Vec<Event>) -> Result<bool, Broken> {
        let segment = self.segment(state.seq() + 1);
        if segment.from_seq == state.seq() + 1 {
            *state = State::decode(&segment.start)?;
        }
        Ok(run::advance(&segment.ruleset, state, &self.inputs, events)?)
    }

    /// The tick of the next frame, if one comes.
    pub(crate) fn next_tick(&self, state: &State) -> Option<u64> {
        run::next_tick(state, &self.inputs)
    }

    /// The frame that `state` stands after and `events` tell.
    pub(crate) fn frame(&self, state: &State, events: &[Event]) -> Frame {
        let ticks = i64::try_from(state.tick().saturating_mul(state.tick_ms().into())).unwrap_or(i64::MAX);
        Frame {
            seq: state.seq(),
            tick: state.tick(),
            at: self.segment(state.seq()).origin_ms.saturating_add(ticks),
            events: events.into(),
            vitals: state.vitals(),
        }
    }

    /// The segment that makes frame `seq`.
    pub(crate) fn segment(&self, seq: u64) -> &Segment {
        let after = self.segments.partition_point(|segment| segment.from_seq <= seq);
        &self.segments[after.saturating_sub(1)]
    }

    /// The segments in order.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Opens a segment after `state`, which takes the place of one that has not made a frame yet.
    pub(crate) fn open(&mut self, state: &State, ruleset: Arc<Ruleset>, origin_ms: i64) {
        let from_seq = state.seq() + 1;
        self.segments.retain(|segment| segment.from_seq < from_seq);
        let start = state.encode().into_boxed_slice();
        self.segments.push(Segment { from_seq, ruleset, start, origin_ms });
    }

    /// Adds an input that has been stored.
    pub(crate) fn record(&mut self, input: Recorded) {
        self.inputs.push(input);
    }

    /// Forgets what no frame after `seq` needs.
    pub(crate) fn forget_until(&mut self, seq: u64) {
        let needed = self.segments.partition_point(|segment| segment.from_seq <= seq + 1).saturating_sub(1);
        self.segments.drain(..needed);
        self.inputs.retain(|input| input.at_seq > seq);
    }
}

impl From<Broken> for Fault {
    /// Trying again can't help, and who asks is to know that.
    fn from(broken: Broken) -> Self {
        Self::precondition("battle-broken").reason("battle_broken").caused_by(broken)
    }
}
