//! The other instances as their leases show them, and this one's own lease among them.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use backplane::{Lease, leases};
use futures::future::join_all;
use parking_lot::Mutex;
use service_kit::{Fault, Shutdown};
use tokio::time::{Instant, timeout};

use crate::Chance;
use crate::assurance::Assurance;
use crate::peers::Among;
use crate::sight::Sight;
use crate::ttl;

/// A lease of this name that has to be ended so often is renewed by somebody who lives.
const RIVAL: u32 = 4;

/// The other instances, for one that isn't alone.
pub(crate) struct Others {
    /// How this one is among them.
    pub(crate) among: Among,
    /// What has been seen of them.
    pub(crate) sight: Mutex<Sight>,
    /// The lease has been given back.
    pub(crate) released: Shutdown,
    lease: Lease,
    /// How often a lease of this name was ended that wasn't this one.
    ended: AtomicU32,
    /// When the last look began; held while one looks.
    looked: tokio::sync::Mutex<Option<Instant>>,
}

impl Others {
    /// Nobody has been seen, nor has seen the instance called `me`.
    ///
    /// # Errors
    /// When the system has no chance to give.
    pub(crate) fn new(me: &str, among: Among, chance: &Chance) -> Result<Self, Fault> {
        let nonce = chance.nonce()?;
        let (service, instance, address) = (leases::BATTLES.to_owned(), me.to_owned(), among.address.clone());
        let lease = Lease { service, instance, nonce, address };
        let (sight, looked) = (Mutex::new(Sight::new(among.ttl)), tokio::sync::Mutex::default());
        Ok(Self { among, sight, released: Shutdown::new(), lease, ended: AtomicU32::new(0), looked })
    }

    /// Renews the lease. An owner that can't goes on as long as the store says that its battles are its own.
    pub(crate) async fn renew(&self, assurance: &Assurance) {
        let (asked, ttl) = (Instant::now(), self.among.ttl);
        match timeout(ttl::patience(ttl), self.among.leases.renew(&self.lease, ttl)).await {
            Ok(Ok(ran)) => assurance.renewed(asked, ran),
            Ok(Err(_)) | Err(_) => {
                assurance.missed();
                metrics::counter!("battle_lease_renewals_failed_total").increment(1);
            }
        }
    }

    /// Gives the lease back.
    pub(crate) async fn release(&self) {
        if !self.end(&self.lease).await {
            tracing::warn!("lease not given back, it ends by itself");
        }
    }

    /// Looks, and ends what earlier starts of this name left behind.
    pub(crate) async fn look(&self) {
        let outdated = self.look_since(Instant::now()).await;
        let ended = join_all(outdated.iter().map(|lease| self.end(lease))).await;
        // One that can't be ended now is seen again, or ends by itself.
        for (lease, _) in outdated.iter().zip(ended).filter(|(_, ended)| *ended) {
            match self.ended.fetch_add(1, Ordering::Relaxed) + 1 {
                RIVAL => tracing::warn!(instance.name = lease.instance, "another process has this name"),
                times if times < RIVAL => {
                    tracing::info!(instance.name = lease.instance, "lease of an earlier start ended");
                }
                _ => {}
            }
        }
    }

    /// Returns when a look that began after `moment` has ended; those who wait share one. Answers the leases of earlier
    /// starts that it saw. Whoever only wants to know who lives leaves them to the next [`look`](Self::look), and
    /// doesn't wait for their end.
    pub(crate) async fn look_since(&self, moment: Instant) -> Vec<Lease> {
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|began| began > moment) {
            return Vec::new();
        }
        let asked = Instant::now();
        let answer = timeout(ttl::patience(self.among.ttl), self.among.leases.living(leases::BATTLES)).await;
        *looked = Some(asked);
        match answer {
            Ok(Ok(living)) => self.saw(asked, living),
            Ok(Err(_)) | Err(_) => {
                self.sight.lock().failed();
                Vec::new()
            }
        }
    }

    /// Notes who lives, and answers the rest: a name belongs to its latest start, and what an earlier one left behind
    /// would lead others astray.
    fn saw(&self, asked: Instant, living: Vec<Lease>) -> Vec<Lease> {
        let (outdated, living): (Vec<_>, Vec<_>) = living.into_iter().partition(|lease| self.is_outdated(lease));
        let mut sight = self.sight.lock();
        if living.contains(&self.lease) || self.released.begun() {
            sight.saw(asked, living);
        } else {
            // A backplane that doesn't keep our own lease, be it full or just emptied, says nothing of the others.
            sight.failed();
        }
        outdated
    }

    /// Whether the backplane ended that lease in time.
    async fn end(&self, lease: &Lease) -> bool {
        matches!(timeout(ttl::patience(self.among.ttl), self.among.leases.release(lease)).await, Ok(Ok(())))
    }

    fn is_outdated(&self, lease: &Lease) -> bool {
        lease.instance == self.lease.instance && lease.nonce != self.lease.nonce
    }
}

impl fmt::Debug for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Others").field("lease", &self.lease).field("among", &self.among).finish_non_exhaustive()
    }
}
