//! How long a battle in memory may go on being shown, now that this instance was last heard of.
//!
//! Who can't reach the backplane may be dead for the others, although it lives: they take its battles over, and from an
//! input on their frames are other frames. So whoever takes a battle over from one that is dead takes no input for a TTL
//! ([`quiet`](Assurance::quiet)), and in that time the one that isn't dead learns of it or stops showing
//! (`docs/adr/0024`).

use std::collections::HashSet;
use std::future::ready;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{StreamExt, stream};
use metrics::counter;
use service_kit::Fault;
use tokio::time::{Instant, sleep_until};

use crate::clients::Store;
use crate::record::{Hold, Outcome};
use crate::shards::Shards;

/// At most so many battles in one question.
const AT_ONCE: usize = 1_000;

/// At most so many questions at a time.
const QUESTIONS: usize = 4;

/// When this instance was last heard of.
#[derive(Debug)]
pub(crate) struct Assurance {
    /// That of the leases; `None` for an instance that is alone.
    ttl: Option<Duration>,
    /// Moments are counted from here.
    begun: Instant,
    /// When the last renewal of the lease began that succeeded, in microseconds. Every battle that is due looks at it,
    /// so there is no lock; an outdated look finds less assurance than there is.
    renewed: AtomicU64,
}

impl Assurance {
    /// Heard of just now.
    pub(crate) fn new(ttl: Option<Duration>) -> Self {
        Self { ttl, begun: Instant::now(), renewed: AtomicU64::new(0) }
    }

    /// A renewal that began at `asked` succeeded.
    pub(crate) fn renewed(&self, asked: Instant) {
        let since = asked.saturating_duration_since(self.begun).as_micros();
        self.renewed.store(u64::try_from(since).unwrap_or_default(), Ordering::Relaxed);
    }

    /// Whether a battle that was ours at the moment `ours` may be shown at the moment `now`: others claim it at the
    /// earliest when half a TTL has passed since the lease was renewed (a backplane may forget it right away, and they
    /// saw it shortly before), and take an input another TTL later.
    pub(crate) fn holds(&self, ours: Instant, now: Instant) -> bool {
        self.ttl.is_none_or(|ttl| now < ours.max(self.last_renewal() + ttl / 2) + ttl)
    }

    /// How long a battle takes no input after it was taken over from an owner that did not let go.
    pub(crate) fn quiet(&self) -> Duration {
        self.ttl.unwrap_or_default()
    }

    /// As long as the lease can't be renewed, asks the store instead, again and again, which battles are still ours:
    /// those that others have are lost, and the rest is known to be ours.
    pub(crate) async fn keep(&self, shards: &Shards, store: &Store) {
        let Some(ttl) = self.ttl else { return };
        let period = ttl * 4 / 10;
        let (mut asked, mut told) = (Instant::now(), false);
        loop {
            let doubt = (self.last_renewal() + ttl * 6 / 10).max(asked + period);
            if doubt > Instant::now() {
                sleep_until(doubt).await;
                continue;
            }
            asked = Instant::now();
            let faults = ask_for_all(shards, store, asked + period, ttl / 2).await;
            if let Some(fault) = faults.first().filter(|_| !told) {
                tracing::warn!(error = ?fault, "lease not renewed, and the store doesn't say what is still ours");
            }
            told = !faults.is_empty();
        }
    }

    fn last_renewal(&self) -> Instant {
        self.begun + Duration::from_micros(self.renewed.load(Ordering::Relaxed))
    }
}

/// Asks for every battle in memory, the longest unconfirmed first: what isn't come to `until` then comes first in the
/// next round. Each answer counts by itself and as soon as it is there.
async fn ask_for_all(shards: &Shards, store: &Store, until: Instant, patience: Duration) -> Vec<Fault> {
    let mut held = shards.held().await;
    held.sort_unstable();
    let questions: Vec<Vec<Hold>> =
        held.chunks(AT_ONCE).map(|chunk| chunk.iter().map(|(_ours, hold)| *hold).collect()).collect();
    stream::iter(questions)
        .take_while(|_| ready(Instant::now() < until))
        .map(|holds| ask(shards, store, holds, patience))
        .buffer_unordered(QUESTIONS)
        .filter_map(|asked| ready(asked.err()))
        .collect()
        .await
}

async fn ask(shards: &Shards, store: &Store, mut holds: Vec<Hold>, patience: Duration) -> Result<(), Fault> {
    let (asked, count) = (Instant::now(), holds.len());
    let lost = store.check(&holds, patience).await.inspect_err(|_| count_checks("failed", count))?;
    let gone: HashSet<Hold> = lost.iter().copied().collect();
    holds.retain(|hold| !gone.contains(hold));
    count_checks("confirmed", holds.len());
    count_checks("lost", lost.len());
    shards.confirmed(holds, asked).await;
    for Hold { battle, epoch } in lost {
        shards.lost(battle, epoch, Outcome::Stale).await;
    }
    Ok(())
}

fn count_checks(result: &'static str, battles: usize) {
    counter!("battle_checks_total", "result" => result).increment(battles as u64);
}
