//! What must hold, looked at after every call to the store and with every frame that reaches a client.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use proto::battle::v1::{End, Frame, Report};
use proto::user::v1::BattleRecord;
use tokio::time::Instant;

use crate::store::{Rows, Write};
use rules::keyframes::KEYFRAME_EVERY;

/// Sees everything. Clones are the same witness.
#[derive(Clone)]
pub(crate) struct Witness(Arc<Mutex<Seen>>);

struct Seen {
    begun: Instant,
    /// Everything that happened, with its time.
    trace: Vec<String>,
    broken: Option<String>,
    /// Every frame that reached anybody.
    frames: BTreeMap<(String, u64), Frame>,
    clients: BTreeMap<(String, String), Heard>,
    rows: BTreeMap<String, BattleRecord>,
    /// Battles whose stop was acknowledged.
    stopped: BTreeSet<String>,
    counts: Counts,
}

/// What one client has of one battle.
#[derive(Default)]
struct Heard {
    last: u64,
    /// It has said nothing of what it has, and was told nothing yet: then the record decides what it has missed.
    silent: bool,
    ended: bool,
}

/// How much there was to see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) frames: u64,
    pub(crate) reports: u64,
    pub(crate) ends: u64,
    pub(crate) claims: u64,
    /// Saves and inputs that counted.
    pub(crate) writes: u64,
    pub(crate) refused_writes: u64,
    pub(crate) stale_news: u64,
    pub(crate) redirects: u64,
    pub(crate) moved: u64,
    /// Feeds that dropped news.
    pub(crate) behind: u64,
    /// Claims of battles that were nobody's.
    pub(crate) reclaimed: u64,
    /// Saves beyond a keyframe.
    pub(crate) keyframes: u64,
    /// Gold in all books.
    pub(crate) paid: u64,
    /// Follows that were looked at so long after the last of several faults.
    pub(crate) settled: u64,
    /// Follows that were looked at so long after an instance was taken away, and nothing else.
    pub(crate) bounded: u64,
    /// Those of them whose battle was the one that instance had.
    pub(crate) rescued: u64,
    /// How long the slowest of these was alone.
    pub(crate) slowest: Duration,
}

impl Counts {
    pub(crate) fn add(&mut self, more: Self) {
        self.frames += more.frames;
        self.reports += more.reports;
        self.ends += more.ends;
        self.claims += more.claims;
        self.writes += more.writes;
        self.refused_writes += more.refused_writes;
        self.stale_news += more.stale_news;
        self.redirects += more.redirects;
        self.moved += more.moved;
        self.behind += more.behind;
        self.reclaimed += more.reclaimed;
        self.keyframes += more.keyframes;
        self.paid += more.paid;
        self.settled += more.settled;
        self.bounded += more.bounded;
        self.rescued += more.rescued;
        self.slowest = self.slowest.max(more.slowest);
    }
}

impl Witness {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Seen {
            begun: Instant::now(),
            trace: Vec::new(),
            broken: None,
            frames: BTreeMap::new(),
            clients: BTreeMap::new(),
            rows: BTreeMap::new(),
            stopped: BTreeSet::new(),
            counts: Counts::default(),
        })))
    }

    /// What broke first, if anything did.
    pub(crate) fn broken(&self) -> Option<String> {
        self.0.lock().broken.clone()
    }

    pub(crate) fn trace(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().trace)
    }

    pub(crate) fn counts(&self) -> Counts {
        self.0.lock().counts
    }

    pub(crate) fn count(&self, more: impl FnOnce(&mut Counts)) {
        more(&mut self.0.lock().counts);
    }

    /// Something happened.
    pub(crate) fn note(&self, what: &str) {
        self.0.lock().note(what);
    }

    /// Something happened that must not.
    pub(crate) fn violated(&self, what: &str) {
        self.0.lock().violated(what);
    }

    /// A client begins to follow a battle of which it has everything up to `after`, or doesn't say what it has.
    pub(crate) fn begins(&self, client: &str, battle: &str, after: Option<u64>) {
        let heard = Heard { last: after.unwrap_or(0), silent: after.is_none(), ended: false };
        self.0.lock().clients.insert((client.to_owned(), battle.to_owned()), heard);
    }

    pub(crate) fn frame(&self, client: &str, battle: &str, frame: &Frame) {
        let mut seen = self.0.lock();
        seen.counts.frames += 1;
        seen.note(&format!("{client} {battle} {}", frame.seq));
        let heard = seen.heard(client, battle);
        let expected = heard.last + 1;
        heard.last = frame.seq;
        heard.silent = false;
        let ended = heard.ended;
        if frame.seq != expected || ended {
            seen.violated(&format!("{client} got frame {} of {battle}, expected {expected}, ended {ended}", frame.seq));
        }
        let known = seen.frames.insert((battle.to_owned(), frame.seq), frame.clone());
        if let Some(known) = known.filter(|known| known != frame) {
            seen.violated(&format!("frame {} of {battle} has two contents: {known:?} and {frame:?}", frame.seq));
        }
    }

    pub(crate) fn report(&self, client: &str, battle: &str, report: &Report) {
        let mut seen = self.0.lock();
        seen.counts.reports += 1;
        seen.note(&format!("{client} {battle} -{}", report.to_seq));
        let heard = seen.heard(client, battle);
        let last = heard.last;
        heard.last = report.to_seq.max(last);
        let missed = report.from_seq > last + 1 && !report.partial && !std::mem::take(&mut heard.silent);
        if report.to_seq < last || missed {
            seen.violated(&format!("{client} has {last} of {battle} and is told {report:?}"));
        }
    }

    pub(crate) fn end(&self, client: &str, battle: &str, end: &End) {
        let mut seen = self.0.lock();
        seen.counts.ends += 1;
        seen.note(&format!("{client} {battle} end {}", end.seq));
        let heard = seen.heard(client, battle);
        heard.ended = true;
        let last = heard.last;
        if end.seq != last {
            seen.violated(&format!("{client} has {last} of {battle}, which is said to have ended with {}", end.seq));
        }
    }

    /// A stop was acknowledged: it is in the record, and stays there.
    pub(crate) fn stopped(&self, battle: &str) {
        let mut seen = self.0.lock();
        seen.stopped.insert(battle.to_owned());
        seen.check_stopped();
    }

    /// Every frame that reached anybody of a battle.
    pub(crate) fn frames_of(&self, battle: &str) -> BTreeMap<u64, Frame> {
        let seen = self.0.lock();
        let own = seen.frames.iter().filter(|((of, _), _)| of == battle);
        own.map(|((_, seq), frame)| (*seq, frame.clone())).collect()
    }

    /// Looks at the record after a call. A claim from another has to be justified.
    pub(crate) fn look(&self, rows: &mut Rows, justified: impl Fn(&str) -> bool) {
        let mut seen = self.0.lock();
        for write in rows.written.iter_mut().flat_map(|written| written.drain(..)) {
            seen.wrote(&write);
        }
        for (id, row) in &rows.battles {
            if seen.rows.get(id) == Some(row) {
                continue;
            }
            seen.note(&format!("row {id} {} {} {} {:?}", row.epoch, row.owner, row.seq, row.end_reason));
            let Some(before) = seen.rows.insert(id.clone(), row.clone()) else { continue };
            if let Some(wrong) = wrong_step(&before, row) {
                seen.violated(&format!("the record of {id}: {wrong}"));
            }
            let claimed = row.epoch > before.epoch && !before.owner.is_empty() && before.owner != row.owner;
            if claimed && !justified(&before.owner) {
                seen.violated(&format!("{} claimed {id} from {}, which lives", row.owner, before.owner));
            }
            seen.counts.claims += row.epoch.saturating_sub(before.epoch);
            seen.counts.reclaimed += u64::from(row.epoch > before.epoch && before.owner.is_empty());
            seen.counts.keyframes += u64::from(row.seq / KEYFRAME_EVERY > before.seq / KEYFRAME_EVERY);
        }
        seen.counts.refused_writes = rows.refused;
        seen.check_stopped();
    }
}

impl Seen {
    fn note(&mut self, what: &str) {
        self.trace.push(format!("{:>9.3} {what}", self.begun.elapsed().as_secs_f64()));
    }

    fn violated(&mut self, what: &str) {
        let at = self.begun.elapsed().as_secs_f64();
        self.broken.get_or_insert_with(|| format!("after {at:.3} s: {what}"));
    }

    fn heard(&mut self, client: &str, battle: &str) -> &mut Heard {
        self.clients.entry((client.to_owned(), battle.to_owned())).or_default()
    }

    /// Of one battle, writes count under one epoch at a time: that of its record.
    fn wrote(&mut self, write: &Write) {
        let Write { battle, what, under, epoch } = write;
        self.counts.writes += 1;
        if under != epoch {
            self.violated(&format!(
                "a write counted under another epoch: {what} of {battle} under {under}, not {epoch}"
            ));
        }
    }

    fn check_stopped(&mut self) {
        let live = |id: &&String| self.rows.get(*id).is_none_or(|row| row.end_reason.is_none());
        if let Some(lost) = self.stopped.iter().find(live).cloned() {
            self.violated(&format!("the stop of {lost} was acknowledged, and is not in the record"));
        }
    }
}

/// What one call may not do to a record.
fn wrong_step(before: &BattleRecord, after: &BattleRecord) -> Option<String> {
    let paid = |row: &BattleRecord| row.totals.as_ref().map_or((0, 0), |totals| (totals.exp, totals.gold));
    if after.epoch < before.epoch || after.epoch > before.epoch + 1 {
        return Some(format!("epoch {} after {}", after.epoch, before.epoch));
    }
    if after.epoch == before.epoch && after.owner != before.owner && !after.owner.is_empty() {
        return Some(format!("{} has it under the epoch of {:?}", after.owner, before.owner));
    }
    if after.seq < before.seq {
        return Some(format!("frame {} after {}", after.seq, before.seq));
    }
    if paid(after).0 < paid(before).0 || paid(after).1 < paid(before).1 {
        return Some(format!("{:?} paid after {:?}", paid(after), paid(before)));
    }
    if before.end_reason.is_some() && (after.end_reason != before.end_reason || after.seq != before.seq) {
        return Some(format!("changed after its end: {:?} at {}", after.end_reason, after.seq));
    }
    if !after.inputs.starts_with(&before.inputs) {
        return Some("an input is gone".to_owned());
    }
    None
}
