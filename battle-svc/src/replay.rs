//! A battle computed again from its first frame, out of its record alone.

use rules::Event;
use rules::battle::State;
use service_kit::Fault;
use tokio::task::yield_now;

use crate::chain::{Broken, Chain};
use crate::frame::Frame;
use crate::past::segments;
use crate::record::Record;
use crate::rulesets::Rulesets;
use crate::wire;

/// So many frames are made before others get a turn.
const SLICE: u64 = 1_000;

/// A battle on its way from its first frame to its saved state.
#[derive(Debug)]
pub(crate) struct Replay {
    record: Record,
    chain: Chain,
    state: State,
    events: Vec<Event>,
}

/// What a verification found.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Frames computed.
    pub(crate) frames: u64,
    /// What differs.
    pub(crate) differences: Vec<String>,
}

impl Replay {
    /// A replay of a record that was read with its whole history.
    ///
    /// # Errors
    /// `failed_precondition`, reason `engine`, when only another version of the engine can run it.
    pub(crate) async fn open(record: Record, rulesets: &Rulesets) -> Result<Self, Fault> {
        let segments = segments(&record.segments, rulesets).await?;
        let segments = segments.ok_or_else(|| Fault::precondition("other-engine").reason("engine"))?;
        let chain = Chain::new(segments, record.inputs.clone())?;
        let first = chain.segments().first().ok_or(Broken::NoSegment)?;
        let state = State::decode(&first.start).map_err(Broken::from)?;
        Ok(Self { record, chain, state, events: Vec::new() })
    }

    /// The ruleset of the frame just made, and the frame; `None` after the last saved one.
    pub(crate) async fn next(&mut self) -> Result<Option<(&rules::Ruleset, Frame)>, Broken> {
        if self.state.seq().is_multiple_of(SLICE) {
            yield_now().await;
        }
        if self.state.seq() >= self.record.seq || !self.chain.advance(&mut self.state, &mut self.events)? {
            return Ok(None);
        }
        let frame = self.chain.frame(&self.state, &self.events);
        Ok(Some((&self.chain.segment(frame.seq).ruleset, frame)))
    }
}

/// Computes a battle again, unbroken, and compares the outcome with what is stored.
///
/// # Errors
/// As [`Replay::open`]. A record that leads nowhere is a difference, not an error.
pub(crate) async fn verify(record: Record, rulesets: &Rulesets) -> Result<Verdict, Fault> {
    let mut replay = Replay::open(record, rulesets).await?;
    let mut verdict = Verdict::default();
    loop {
        verdict.compare_segment(&replay);
        match replay.next().await {
            Ok(Some(_)) => verdict.frames += 1,
            Ok(None) => break,
            Err(broken) => {
                verdict.differences.push(format!("frame {}: {broken}", replay.state.seq() + 1));
                break;
            }
        }
    }
    verdict.compare_outcome(&replay, rulesets);
    Ok(verdict)
}

impl Verdict {
    /// A segment goes on exactly where the one before it stood.
    fn compare_segment(&mut self, replay: &Replay) {
        let next = replay.state.seq() + 1;
        let opens = replay.chain.segments().iter().skip(1).find(|segment| segment.from_seq == next);
        if let Some(segment) = opens.filter(|segment| *segment.start != *replay.state.encode()) {
            self.differences.push(format!("the segment of frame {} starts from another state", segment.from_seq));
        }
    }

    fn compare_outcome(&mut self, replay: &Replay, rulesets: &Rulesets) {
        let Replay { record, state, .. } = replay;
        if state.seq() != record.seq {
            self.differences.push(format!("{} frames are stored, {} follow", record.seq, state.seq()));
        }
        if *record.state != *state.encode() {
            self.differences.push("the stored state differs".to_owned());
        }
        if record.totals != wire::totals(rulesets.current().content(), state.totals()) {
            self.differences.push("the stored totals differ".to_owned());
        }
        if record.ended.map(|(reason, _)| reason) != state.ended() {
            self.differences.push("the stored end differs".to_owned());
        }
    }
}
