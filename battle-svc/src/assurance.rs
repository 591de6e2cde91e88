//! How long a battle in memory may go on being shown, now that this instance was last heard of.
//!
//! Who can't reach the backplane may be dead for the others, although it lives: they take its battles over, and from an
//! input on their frames are other frames. So whoever takes a battle over from one that is dead takes no input for a TTL
//! ([`quiet`](Assurance::quiet)), and in that time the one that isn't dead learns of it or stops showing
//! (`docs/adr/0024`).

use std::future::{pending, ready};
use std::time::Duration;

use futures::{StreamExt, stream};
use metrics::counter;
use parking_lot::Mutex;
use service_kit::Fault;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::clients::Store;
use crate::record::Owned;
use crate::shards::Shards;
use crate::ttl;

/// At most so many battles in one question.
const AT_ONCE: usize = 1_000;

/// At most so many questions at a time.
const QUESTIONS: usize = 4;

/// When this instance was last heard of.
#[derive(Debug)]
pub(crate) struct Assurance {
    /// That of the leases; `None` for an instance that is alone.
    ttl: Option<Duration>,
    begun: Instant,
    heard: Mutex<Heard>,
    /// The lease had lapsed when it was renewed: the store is to be asked at once.
    lapsed: Notify,
}

/// When others may have claimed what is ours.
#[derive(Debug, Default)]
struct Heard {
    /// Not before this moment since the lease was renewed last; `None` before anything was owned.
    unclaimed_until: Option<Instant>,
    /// Nor earlier, but for this span.
    doubt: Option<Doubt>,
}

/// A span in which others may have claimed, because the lease was renewed too late or had lapsed before.
#[derive(Debug, Clone, Copy)]
struct Doubt {
    from: Instant,
    /// What claims later has looked at the leases when this instance was among them again.
    until: Instant,
}

impl Assurance {
    /// Heard of just now.
    pub(crate) fn new(ttl: Option<Duration>) -> Self {
        Self { ttl, begun: Instant::now(), heard: Mutex::default(), lapsed: Notify::new() }
    }

    /// A renewal that began at `asked` has just succeeded; the lease `ran` until then, or it had lapsed. In time by our
    /// clock, it can have done so all the same: the backplane forgot it, or this machine slept, and its clock stood still.
    pub(crate) fn renewed(&self, asked: Instant, ran: bool) {
        let Some(ttl) = self.ttl else { return };
        let (now, mut heard) = (Instant::now(), self.heard.lock());
        if let Some(until) = heard.unclaimed_until.filter(|until| !ran || *until < now) {
            let from = heard.doubt.map_or(until.min(now), |doubt| doubt.from);
            heard.doubt = Some(Doubt { from, until: now + ttl::claims_land_within(ttl) });
            if !ran {
                self.lapsed.notify_one();
            }
        }
        heard.unclaimed_until = Some(asked + ttl::unclaimed_for(ttl));
    }

    /// A renewal failed. What is owned before the first one succeeds may be claimed from the start.
    pub(crate) fn missed(&self) {
        self.heard.lock().unclaimed_until.get_or_insert(self.begun);
    }

    /// At the moment `now` a battle may be shown that was surely ours after the moment this answers; any may when it
    /// answers none. Who claims takes an input a TTL later: whatever was ours after the last claim that is older isn't
    /// another's yet.
    pub(crate) fn floor(&self, now: Instant) -> Option<Instant> {
        let claimed = now.checked_sub(self.ttl?)?;
        let heard = self.heard.lock();
        if heard.unclaimed_until.unwrap_or(self.begun) <= claimed {
            return Some(claimed);
        }
        heard.doubt.filter(|doubt| doubt.from <= claimed).map(|doubt| doubt.until.min(claimed))
    }

    /// Whether others may have taken over what was ours so long ago.
    pub(crate) fn is_outlived(&self, span: Duration) -> bool {
        self.ttl.is_some_and(|ttl| span > ttl)
    }

    /// How often whoever has battles must look at the time, to notice that it stood still.
    pub(crate) fn turn_every(&self) -> Option<Duration> {
        self.ttl.map(ttl::turn_every)
    }

    /// How long a battle takes no input after it was taken over from an owner that did not let go.
    pub(crate) fn quiet(&self) -> Duration {
        self.ttl.unwrap_or_default()
    }

    /// As long as others may claim, or may have claimed, what is ours, asks the store again and again which battles still
    /// are: those that others have are lost, and the rest is known to be ours.
    pub(crate) async fn keep(&self, shards: &Shards, store: &Store) {
        // Who is alone has nobody to doubt for.
        let Some(ttl) = self.ttl else { return pending().await };
        let (mut asked, mut told) = (Instant::now(), false);
        loop {
            let due = (asked + ttl::ask_every(ttl)).max(self.doubtful_from(ttl).unwrap_or(asked));
            if due > Instant::now() {
                tokio::select! {
                    biased;
                    () = self.lapsed.notified() => {}
                    () = sleep_until(due) => continue,
                }
            }
            asked = Instant::now();
            let round = ask_for_all(shards, store, asked + ttl::ask_every(ttl), ttl::patience(ttl)).await;
            if round.is_complete() {
                self.confirmed(asked);
            }
            if let Some(fault) = round.faults.first().filter(|_| !told) {
                tracing::warn!(error = ?fault, "lease not renewed in time, and the store doesn't say what is still ours");
            }
            told = !round.faults.is_empty();
        }
    }

    /// From when on the store has to be asked; `None` for at once.
    fn doubtful_from(&self, ttl: Duration) -> Option<Instant> {
        let heard = self.heard.lock();
        let unclaimed_until = heard.unclaimed_until.unwrap_or(self.begun);
        heard.doubt.is_none().then(|| unclaimed_until + ttl::doubt_after(ttl))
    }

    /// Whatever is ours was so at the moment `asked`.
    fn confirmed(&self, asked: Instant) {
        let mut heard = self.heard.lock();
        heard.doubt = heard.doubt.filter(|doubt| asked < doubt.until);
    }
}

/// What came of asking for everything.
struct Round {
    /// Questions there was no time for.
    left_out: usize,
    faults: Vec<Fault>,
}

impl Round {
    fn is_complete(&self) -> bool {
        self.left_out == 0 && self.faults.is_empty()
    }
}

/// Asks for every battle in memory, the longest unconfirmed first: what isn't come to `until` then comes first in the
/// next round. Each answer counts by itself and as soon as it is there.
async fn ask_for_all(shards: &Shards, store: &Store, until: Instant, patience: Duration) -> Round {
    let mut owned = shards.owned().await;
    owned.sort_unstable();
    let questions: Vec<Vec<Owned>> =
        owned.chunks(AT_ONCE).map(|chunk| chunk.iter().map(|(_ours, owned)| *owned).collect()).collect();
    let count = questions.len();
    let answers: Vec<Result<(), Fault>> = stream::iter(questions)
        .take_while(|_| ready(Instant::now() < until))
        .map(|owned| ask(shards, store, owned, patience))
        .buffer_unordered(QUESTIONS)
        .collect()
        .await;
    Round { left_out: count - answers.len(), faults: answers.into_iter().filter_map(Result::err).collect() }
}

async fn ask(shards: &Shards, store: &Store, mut owned: Vec<Owned>, patience: Duration) -> Result<(), Fault> {
    let (asked, count) = (Instant::now(), owned.len());
    let lost = store.check(&owned, patience).await.inspect_err(|_| count_checks("failed", count))?;
    owned.retain(|owned| !lost.contains_key(owned));
    count_checks("confirmed", owned.len());
    count_checks("lost", lost.len());
    shards.confirmed(owned, asked).await;
    for (owned, loss) in lost {
        shards.lost(owned, loss).await;
    }
    Ok(())
}

fn count_checks(result: &'static str, battles: usize) {
    counter!("battle_checks_total", "result" => result).increment(battles as u64);
}
