//! How long a battle in memory may go on being shown, now that this instance was last heard of.
//!
//! Who can't reach the backplane may be dead for the others, although it lives: they take its battles over, and from an
//! input on their frames are other frames. So whoever takes a battle over from one that is dead takes no input for a TTL
//! ([`quiet`](Assurance::quiet)), and in that time the one that isn't dead learns of it or stops showing
//! (`docs/adr/0024`).

use std::future::ready;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{StreamExt, stream};
use metrics::counter;
use service_kit::Fault;
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

    /// At the moment `now` a battle may be shown that was surely ours after the moment this answers; any may when it
    /// answers none. Others claim a battle at the earliest a while after the lease was renewed, and take an input a TTL
    /// after that: whatever was ours by then isn't another's yet.
    pub(crate) fn floor(&self, now: Instant) -> Option<Instant> {
        let ttl = self.ttl?;
        let all_until = self.last_renewal() + ttl::unclaimed_for(ttl) + ttl;
        if now < all_until { None } else { now.checked_sub(ttl) }
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

    /// As long as the lease can't be renewed, asks the store instead, again and again, which battles are still ours:
    /// those that others have are lost, and the rest is known to be ours.
    pub(crate) async fn keep(&self, shards: &Shards, store: &Store) {
        let Some(ttl) = self.ttl else { return };
        let (mut asked, mut told) = (Instant::now(), false);
        loop {
            let doubt = (self.last_renewal() + ttl::doubt_after(ttl)).max(asked + ttl::ask_every(ttl));
            if doubt > Instant::now() {
                sleep_until(doubt).await;
                continue;
            }
            asked = Instant::now();
            let faults = ask_for_all(shards, store, asked + ttl::ask_every(ttl), ttl::patience(ttl)).await;
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
    let mut owned = shards.owned().await;
    owned.sort_unstable();
    let questions: Vec<Vec<Owned>> =
        owned.chunks(AT_ONCE).map(|chunk| chunk.iter().map(|(_ours, owned)| *owned).collect()).collect();
    stream::iter(questions)
        .take_while(|_| ready(Instant::now() < until))
        .map(|owned| ask(shards, store, owned, patience))
        .buffer_unordered(QUESTIONS)
        .filter_map(|asked| ready(asked.err()))
        .collect()
        .await
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
