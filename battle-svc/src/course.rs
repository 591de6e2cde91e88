//! A battle's course: where it stands, and what of the way there can be told again.

use std::sync::Arc;

use rules::battle::{Input, State};
use rules::keyframes;
use rules::run::Recorded;
use rules::{Event, Ruleset, Totals};

use crate::chain::{Broken, Chain, Segment};
use crate::frame::Frame;

/// The state of a battle with its two keyframes and the chain that leads on from them.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    state: State,
    older: Keyframe,
    newer: Keyframe,
    chain: Chain,
}

/// An encoded state that frames can be made from again.
#[derive(Debug, Clone)]
pub(crate) struct Keyframe {
    /// The last frame before it.
    pub(crate) seq: u64,
    /// The state.
    pub(crate) bytes: Box<[u8]>,
}

/// What one frame did besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Made {
    /// The character rose.
    pub(crate) level_up: bool,
    /// The keyframes moved.
    pub(crate) keyframe: bool,
}

impl Course {
    /// A battle that starts here, or whose past can't be told.
    pub(crate) fn starting(state: State, chain: Chain) -> Self {
        let key = Keyframe::of(&state);
        Self { older: key.clone(), newer: key, state, chain }
    }

    /// A battle out of what is stored of it.
    pub(crate) fn stored(state: State, older: Box<[u8]>, newer: Box<[u8]>, chain: Chain) -> Result<Self, Broken> {
        Ok(Self { older: Keyframe::stored(older)?, newer: Keyframe::stored(newer)?, state, chain })
    }

    /// Where it stands.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// The last frame made.
    pub(crate) fn head(&self) -> u64 {
        self.state.seq()
    }

    /// The tick of the next frame, if one comes.
    pub(crate) fn next_tick(&self) -> Option<u64> {
        self.chain.next_tick(&self.state)
    }

    /// The ruleset that makes the next frame.
    pub(crate) fn ruleset(&self) -> &Arc<Ruleset> {
        &self.chain.segment(self.head() + 1).ruleset
    }

    /// The older keyframe: frames after it can be told again.
    pub(crate) fn older(&self) -> &Keyframe {
        &self.older
    }

    /// The newer keyframe.
    pub(crate) fn newer(&self) -> &Keyframe {
        &self.newer
    }

    /// Makes the next frame, if one comes.
    pub(crate) fn step(&mut self, events: &mut Vec<Event>) -> Result<Option<Made>, Broken> {
        let made = self.chain.advance(&mut self.state, events)?;
        Ok(made.then(|| self.pass(events)))
    }

    /// Takes an input that has been stored, and makes the frame of its effect.
    pub(crate) fn take(&mut self, input: Input, tick: u64, events: &mut Vec<Event>) -> Result<Option<Made>, Broken> {
        self.chain.record(Recorded { at_seq: self.head() + 1, tick, input });
        self.step(events)
    }

    /// The frame just made.
    pub(crate) fn frame(&self, events: &[Event]) -> Frame {
        self.chain.frame(&self.state, events)
    }

    /// Goes on under this ruleset and origin from the next frame on.
    pub(crate) fn open_segment(&mut self, ruleset: Arc<Ruleset>, origin_ms: i64) {
        self.chain.open(&self.state, ruleset, origin_ms);
    }

    /// The segment that the next frame belongs to.
    pub(crate) fn segment(&self) -> &Segment {
        self.chain.segment(self.head() + 1)
    }

    /// The first `limit` frames after `after` again; `None` when they can't be told any more.
    pub(crate) fn frames_after(&self, after: u64, limit: u64) -> Result<Option<Vec<Frame>>, Broken> {
        let Some(mut state) = self.state_before(after)? else { return Ok(None) };
        let last = self.head().min(after.saturating_add(limit));
        let mut events = Vec::new();
        let mut frames = Vec::new();
        while state.seq() < last && self.chain.advance(&mut state, &mut events)? {
            if state.seq() > after {
                frames.push(self.chain.frame(&state, &events));
            }
        }
        Ok(Some(frames))
    }

    /// What the battle had come to at frame `seq`; `None` when that can't be told.
    pub(crate) fn totals_at(&self, seq: u64) -> Result<Option<Totals>, Broken> {
        if seq >= self.head() {
            return Ok(Some(self.state.totals().clone()));
        }
        let Some(mut state) = self.state_before(seq)? else { return Ok(None) };
        let mut events = Vec::new();
        while state.seq() < seq && self.chain.advance(&mut state, &mut events)? {}
        Ok(Some(state.totals().clone()))
    }

    /// The nearest kept state at or before frame `seq`.
    fn state_before(&self, seq: u64) -> Result<Option<State>, Broken> {
        let key = [&self.newer, &self.older].into_iter().find(|key| key.seq <= seq);
        key.map(|key| Ok(State::decode(&key.bytes)?)).transpose()
    }

    fn pass(&mut self, events: &[Event]) -> Made {
        let keyframe = keyframes::crossed(self.head());
        if keyframe {
            self.older = std::mem::replace(&mut self.newer, Keyframe::of(&self.state));
            self.chain.forget_until(self.older.seq);
        }
        Made { level_up: events.iter().any(|event| matches!(event, Event::LevelUp { .. })), keyframe }
    }
}

impl Keyframe {
    fn of(state: &State) -> Self {
        Self { seq: state.seq(), bytes: state.encode().into_boxed_slice() }
    }

    fn stored(bytes: Box<[u8]>) -> Result<Self, Broken> {
        Ok(Self { seq: State::decode(&bytes)?.seq(), bytes })
    }
}
