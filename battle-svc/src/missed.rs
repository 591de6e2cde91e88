//! What a player who comes back has missed: frames, or one report in their place (`docs/EVENTS.md`, "coming back").

use rules::Totals;

use crate::chain::Broken;
use crate::clock::since;
use crate::course::Course;
use crate::frame::{Frame, Report};

/// So many frames are told one by one after an absence.
const FRAMES: u64 = 400;

/// So many after a break of a feed, when nobody was away. The keyframes keep at least as many.
const FRAMES_AGAIN: u64 = 1_200;

/// A stretch in which a battle stood still shorter than this is within the precision of the clocks.
const STANDSTILL_MS: u64 = 1_000;

/// How far the player's own socket has been served.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Last frame sent.
    pub(crate) seq: u64,
    /// What the battle had come to by then.
    pub(crate) totals: Totals,
    /// When that was on the database's clock, milliseconds since the epoch.
    pub(crate) at: i64,
}

/// What somebody asks for who comes back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// The last frame they have; absent for what the store has as last seen.
    pub(crate) after: Option<u64>,
    /// After a break of the feed: nobody was away.
    pub(crate) again: bool,
}

/// The moment for which a report is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Battle time, milliseconds since tick 0.
    pub(crate) battle_ms: u64,
    /// The database's clock, milliseconds since the epoch.
    pub(crate) now: i64,
    /// When the battle ended, if it has.
    pub(crate) ended: Option<i64>,
}

/// What was missed.
#[derive(Debug, Clone)]
pub(crate) enum Missed {
    /// These frames, perhaps none.
    Frames(Vec<Frame>),
    /// Too many, or an unknown number.
    Report(Box<Report>),
}

/// Tells what was missed up to the head of `course`.
pub(crate) fn missed(course: &Course, seen: &Seen, moment: Moment, wanted: Wanted) -> Result<Missed, Broken> {
    let head = course.head();
    let after = wanted.after.map(|after| known(course, after));
    let limit = if wanted.again { FRAMES_AGAIN } else { FRAMES };
    if let Some(after) = after.filter(|after| head - after <= limit)
        && let Some(frames) = course.frames_after(after, limit)?
    {
        return Ok(Missed::Frames(frames));
    }
    let from = after.unwrap_or(seen.seq.min(head));
    Ok(Missed::Report(Box::new(report(course, seen, moment, from)?)))
}

/// Up to 400 frames after `after` again, or a report in their place: what was had before, told once more.
pub(crate) fn told_again(course: &Course, seen: &Seen, moment: Moment, after: u64) -> Result<Missed, Broken> {
    let after = known(course, after);
    Ok(match course.frames_after(after, FRAMES)? {
        Some(frames) => Missed::Frames(frames),
        None => Missed::Report(Box::new(report(course, seen, moment, after)?)),
    })
}

/// A frame that a client has can't be one that was never made: such a number counts as the head.
fn known(course: &Course, after: u64) -> u64 {
    if after > course.head() {
        tracing::debug!(frame.seq = after, battle.head = course.head(), "a client has frames that were not made");
    }
    after.min(course.head())
}

fn report(course: &Course, seen: &Seen, moment: Moment, after: u64) -> Result<Report, Broken> {
    let (base_seq, base) = base(course, seen, after)?;
    let state = course.state();
    let tick_ms = u64::from(state.tick_ms());
    let away_ms = since(seen.at, moment.now);
    let span = since(seen.at, moment.ended.unwrap_or(moment.now));
    let counted_ms = moment.battle_ms.saturating_sub(seen.totals.ticks.saturating_mul(tick_ms)).min(span);
    Ok(Report {
        from_seq: base_seq + 1,
        to_seq: state.seq(),
        away_ms,
        counted_ms,
        capped: span - counted_ms > STANDSTILL_MS.max(tick_ms),
        partial: base_seq > after,
        summary: state.totals().minus(&base),
        vitals: state.vitals(),
    })
}

/// What the battle had come to at `after`, or at the first later frame of which that is known.
fn base(course: &Course, seen: &Seen, after: u64) -> Result<(u64, Totals), Broken> {
    if after == 0 {
        return Ok((0, Totals::default()));
    }
    if after == seen.seq {
        return Ok((after, seen.totals.clone()));
    }
    if let Some(totals) = course.totals_at(after)? {
        return Ok((after, totals));
    }
    let oldest = course.older().seq;
    if (after..oldest).contains(&seen.seq) {
        return Ok((seen.seq, seen.totals.clone()));
    }
    Ok((oldest, course.totals_at(oldest)?.unwrap_or_default()))
}
