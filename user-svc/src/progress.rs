//! Saving: which saves count, and what they bring.
//!
//! A save carries absolute values. What it adds to the books is the difference to what the record holds, made in the
//! same transaction, so that a repeat changes nothing and a cut save leaves nothing behind.

use std::sync::Arc;

use service_kit::Fault;

use crate::store::Store;
use crate::store::rows::{Entry, Saved};
use crate::tally::Tally;

/// The most battles in one call.
pub(crate) const MAX_ENTRIES: usize = 1_000;

/// The most battles in one transaction: enough to share its cost, few enough for others not to wait long for their rows,
/// and for a call that was cut off to have got somewhere.
const CHUNK: usize = 64;

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Written, now or by an earlier call.
    Saved,
    /// Somebody else owns the battle or has ended it, or more of it is saved already.
    Stale,
    /// There is no such battle any more, or it has ended otherwise under the same epoch.
    Gone,
}

/// What is to be done with an entry.
#[derive(Debug)]
pub(crate) enum Verdict<'r> {
    /// Write it over `row`.
    Write {
        row: &'r Saved,
        /// What the books gain.
        gained: Tally,
        /// The saved moment may not be later than this, where it is known already.
        saved_at_most: Option<i64>,
    },
    /// It has ended with this very save: only how far its player has seen it may still move on, over `row`.
    See { row: &'r Saved },
    /// Leave everything as it is.
    Nothing(Outcome),
}

/// Saves the entries and says what became of each, in their order.
pub(crate) async fn save(store: &Store, entries: Vec<Entry>) -> Result<Vec<Outcome>, Fault> {
    let mut entries: Vec<(usize, Entry)> = entries.into_iter().enumerate().collect();
    entries.sort_by_key(|(_, entry)| entry.id);
    let mut outcomes = vec![Outcome::Stale; entries.len()];
    while !entries.is_empty() {
        let chunk = entries.drain(..entries.len().min(CHUNK));
        let (places, chunk): (Vec<usize>, Vec<Entry>) = chunk.unzip();
        let saved = store.save_progress(Arc::from(chunk)).await?;
        for (place, outcome) in places.into_iter().zip(saved) {
            outcomes[place] = outcome;
        }
    }
    count(&outcomes);
    Ok(outcomes)
}

/// Compares an entry with what is stored of its battle.
pub(crate) fn judge<'r>(row: Option<&'r Saved>, entry: &Entry) -> Verdict<'r> {
    let Some(row) = row else { return Verdict::Nothing(Outcome::Gone) };
    if row.epoch != entry.epoch {
        return Verdict::Nothing(Outcome::Stale);
    }
    let same_frame = row.seq == entry.seq;
    if row.end_reason.is_some() {
        let repeated = same_frame && row.end_reason == entry.end_reason;
        return if repeated { Verdict::See { row } } else { Verdict::Nothing(Outcome::Gone) };
    }
    if row.seq > entry.seq {
        return Verdict::Nothing(Outcome::Stale);
    }
    let Some(gained) = Tally::read(&row.totals).ok().and_then(|stored| entry.tally.since(&stored)) else {
        tracing::error!(battle.id = %entry.id, battle.seq = entry.seq, "totals of a save are no later ones of the battle's");
        return Verdict::Nothing(Outcome::Stale);
    };
    // The same frame saved again stood there no later than the first save said, however late the repeat arrives. Only
    // a new time origin makes the old moment mean nothing.
    let saved_at_most = (same_frame && entry.new_segment.is_none()).then_some(row.saved_at);
    Verdict::Write { row, gained, saved_at_most }
}

fn count(outcomes: &[Outcome]) {
    for (outcome, name) in [(Outcome::Saved, "saved"), (Outcome::Stale, "stale"), (Outcome::Gone, "gone")] {
        let times = outcomes.iter().filter(|&&each| each == outcome).count();
        metrics::counter!("saves_total", "outcome" => name).increment(times as u64);
    }
}
