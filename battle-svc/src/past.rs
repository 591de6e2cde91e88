//! A stored battle that is looked at and not taken over: ended ones, and the view of ones that nobody has in memory.

use std::sync::Arc;

use rules::battle::{EndReason, State};
use service_kit::Fault;
use tokio::time::Instant;

use crate::chain::{Broken, Chain, Segment};
use crate::clock::{Ago, Saved};
use crate::course::Course;
use crate::missed::{Missed, Moment, Seen, Wanted, missed, told_again};
use crate::record::{Identity, Read, Record, Save, Served, StoredSegment};
use crate::rulesets::Rulesets;
use crate::view::View;
use crate::wire::{self, StoredTotals};

/// A stored battle with its course.
#[derive(Debug)]
pub(crate) struct Past {
    /// Whose it is.
    pub(crate) identity: Arc<Identity>,
    /// Who may write.
    pub(crate) epoch: u64,
    /// The instance that has it in memory; empty for none.
    pub(crate) owner: String,
    /// Where it stood when it was saved.
    pub(crate) course: Course,
    /// How far the player has been served.
    pub(crate) seen: Seen,
    /// Why and when it ended.
    pub(crate) ended: Option<(EndReason, i64)>,
    /// What it came to.
    pub(crate) totals: StoredTotals,
    /// The database's clock at the read.
    pub(crate) now: i64,
    /// Where its time stood when it was saved.
    pub(crate) saved: Saved,
    /// Whether this engine can't run the segment it was saved in, so that it goes on in a new one right from there.
    pub(crate) foreign: bool,
}

impl Past {
    /// A battle as the store has it.
    pub(crate) async fn open(read: Read, rulesets: &Rulesets) -> Result<Self, Fault> {
        let Read { record, now } = read;
        let (course, foreign) = course(&record, rulesets).await?;
        let totals = wire::totals_from(rulesets.current().content(), &record.seen_totals);
        Ok(Self {
            saved: record.saved(course.state().tick(), course.next_tick()),
            epoch: record.epoch,
            owner: record.owner,
            course,
            seen: Seen { seq: record.seen_seq, totals, at: record.seen_at },
            ended: record.ended,
            totals: record.totals,
            identity: Arc::new(record.identity),
            now,
            foreign,
        })
    }

    /// The battle as it was saved.
    pub(crate) fn view(&self) -> View {
        let ruleset = Arc::clone(self.course.ruleset());
        View::of(Arc::clone(&self.identity), self.epoch, self.course.state(), ruleset)
    }

    /// What was missed of it.
    pub(crate) fn missed(&self, wanted: Wanted) -> Result<Missed, Broken> {
        missed(&self.course, &self.seen, self.moment(), wanted)
    }

    /// Frames again, or a report.
    pub(crate) fn told_again(&self, after: u64) -> Result<Missed, Broken> {
        told_again(&self.course, &self.seen, self.moment(), after)
    }

    /// The save it ended with, once more: its player has been told the end now.
    pub(crate) fn seen_to_the_end(&self, now: Instant) -> Save {
        let state = self.course.state();
        let when = Ago::before(now, 0);
        Save {
            battle: self.identity.id,
            epoch: self.epoch,
            seq: state.seq(),
            state: state.encode(),
            stood: when,
            keys: None,
            totals: state.totals().clone(),
            fighter: state.fighter().clone(),
            seen: Some(Served { seq: state.seq(), totals: state.totals().clone(), when }),
            release: false,
            ended: self.ended.map(|(reason, _)| reason),
            new_segment: None,
            ruleset: Arc::clone(self.course.ruleset()),
        }
    }

    fn moment(&self) -> Moment {
        let state = self.course.state();
        let battle_ms = state.tick().saturating_mul(self.identity.tick_ms.into());
        Moment { battle_ms, now: self.now, ended: self.ended.map(|(_, at)| at) }
    }
}

/// The course of a stored battle. Where a segment can't be run by this engine, only the saved state counts, and the
/// frames before it can't be told; the answer's second half says so.
async fn course(record: &Record, rulesets: &Rulesets) -> Result<(Course, bool), Fault> {
    let state = State::decode(&record.state).map_err(Broken::from)?;
    let needed = needed(record)?;
    match segments(needed, rulesets).await? {
        Some(segments) => {
            let chain = Chain::new(segments, record.inputs.clone())?;
            Ok((Course::stored(state, record.key_a.clone(), record.key_b.clone(), chain)?, false))
        }
        None => {
            let current = rulesets.current();
            state.fits(current).map_err(Broken::from)?;
            let mut chain = Chain::starting(Arc::clone(current), &state, record.origin_ms());
            // What was accepted holds, whichever engine comes to its frame.
            record.inputs.iter().filter(|input| input.at_seq > state.seq()).for_each(|input| chain.record(*input));
            Ok((Course::starting(state, chain), true))
        }
    }
}

/// The segments that frames after the older keyframe belong to: others need not be run.
fn needed(record: &Record) -> Result<&[StoredSegment], Broken> {
    let key = State::decode(&record.key_a)?.seq();
    let first = record.segments.iter().rposition(|segment| segment.from_seq <= key + 1).unwrap_or(0);
    Ok(&record.segments[first..])
}

/// Stored segments with their rulesets; `None` when this engine can't run one of them.
pub(crate) async fn segments(stored: &[StoredSegment], rulesets: &Rulesets) -> Result<Option<Vec<Segment>>, Fault> {
    let mut segments = Vec::with_capacity(stored.len());
    for StoredSegment { from_seq, ruleset, state, origin_ms } in stored {
        let Some(ruleset) = rulesets.get(ruleset).await? else { return Ok(None) };
        segments.push(Segment { from_seq: *from_seq, ruleset, start: state.clone(), origin_ms: *origin_ms });
    }
    Ok(Some(segments))
}
