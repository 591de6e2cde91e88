//! This instance among the others: who lives, who is to take a battle that nobody has, and who is asked for one that
//! somebody has.
//!
//! All of it is advice. Who may write a battle is said by the epoch in its record and by nothing else, so that a wrong
//! guess costs a claim too many or a call refused, never a frame (`docs/adr/0023-alive-is-not-allowed.md`).

use std::sync::Arc;
use std::time::Duration;

use backplane::{Lease, Leases, leases};
use parking_lot::Mutex;
use service_kit::grpc::{Dialer, GrpcService};
use service_kit::{Fault, Shutdown, TaskGroup, rendezvous};
use tokio::time::{Instant, sleep, timeout};
use vocab::BattleId;

use crate::assurance::Assurance;
use crate::peers::{Among, Peers};
use crate::sight::{Life, Sight};

/// After so long it makes sense to ask again for a battle whose owner nobody knows.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// What one instance knows of all.
#[derive(Debug)]
pub(crate) struct Cluster {
    me: String,
    /// Nothing is taken over any more.
    leaving: Shutdown,
    /// `None` for an instance that is alone.
    others: Option<Others>,
    assurance: Arc<Assurance>,
}

struct Others {
    leases: Arc<dyn Leases>,
    dialer: Dialer,
    lease: Lease,
    ttl: Duration,
    sight: Mutex<Sight>,
    /// When the last look began; held while one looks.
    looked: tokio::sync::Mutex<Option<Instant>>,
    /// The lease has been given back.
    released: Shutdown,
}

/// How a question came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hop {
    /// From somebody who could not know better.
    First,
    /// Another instance sent it here, or did not answer: it is not to be sent on to one that has no claim to it.
    Last,
}

/// Something that is done here, or is another's to do.
#[derive(Debug)]
pub(crate) enum Placed<T> {
    /// Done.
    Here(T),
    /// To be asked for elsewhere.
    There(Peer),
}

/// Another instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its name.
    pub(crate) name: String,
    /// Where it is reached.
    pub(crate) address: String,
    /// It has no right to the question: when it doesn't answer, this instance may.
    pub(crate) replaceable: bool,
    /// For so long at least nobody may in its place.
    pub(crate) alone_for: Duration,
}

/// Why a battle is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nobody had it.
    Unowned,
    /// Its owner is gone.
    Dead,
    /// The record says that it is ours, but it isn't in memory: we let go of it, or were another start of this name.
    Own,
}

impl Cluster {
    /// An instance of this name; nobody knows of it yet.
    ///
    /// # Errors
    /// When the system has no chance to give.
    pub(crate) fn new(me: &str, peers: Peers) -> Result<Self, Fault> {
        let others = peers.0.map(|among| Others::new(me, among)).transpose()?;
        let assurance = Arc::new(Assurance::new(others.as_ref().map(|others| others.ttl)));
        Ok(Self { me: me.to_owned(), leaving: Shutdown::new(), others, assurance })
    }

    /// The name of this instance.
    pub(crate) fn name(&self) -> &str {
        &self.me
    }

    /// How long its battles may be shown.
    pub(crate) fn assurance(&self) -> &Arc<Assurance> {
        &self.assurance
    }

    /// How long an instance may be silent before others take its battles over, where there are others.
    pub(crate) fn ttl(&self) -> Option<Duration> {
        self.others.as_ref().map(|others| others.ttl)
    }

    /// Takes the lease, and keeps it and an eye on the others in `tasks`. A backplane that is away holds nothing up.
    pub(crate) async fn join(self: &Arc<Self>, tasks: &TaskGroup) {
        let Some(others) = &self.others else { return };
        tokio::join!(others.renew(&self.assurance), others.look());
        let (this, stop) = (Arc::clone(self), tasks.stopping());
        tasks.spawn_vital("battle-lease", async move {
            tokio::select! {
                () = this.keep() => {}
                () = stop.wait() => {}
            }
        });
    }

    /// Takes no battle over any more, and lets the others know. Returns when they can, or when the backplane has had its
    /// time to tell them.
    pub(crate) async fn leave(&self) {
        self.leaving.begin();
        if let Some(others) = &self.others {
            // The keeper gives the lease back, after a renewal that may be under way.
            let _ = timeout(others.ttl, others.released.wait()).await;
        }
    }

    /// Refuses while nothing is taken over any more.
    ///
    /// # Errors
    /// `unavailable` then.
    pub(crate) fn open(&self) -> Result<(), Fault> {
        if self.leaving.begun() { Err(leaving()) } else { Ok(()) }
    }

    /// Who takes a battle that isn't in memory here, whose record, as read at `asked`, names `owner`.
    ///
    /// # Errors
    /// `unavailable`, reason `owner_unknown`, when another may have it and nobody knows where that one is.
    pub(crate) async fn place(
        &self,
        id: BattleId,
        owner: &str,
        asked: Instant,
        hop: Hop,
    ) -> Result<Placed<Why>, Fault> {
        let why = match owner {
            "" => Why::Unowned,
            owner if owner == self.me => Why::Own,
            owner => match self.whereabouts(owner, asked).await {
                Life::At(address) => {
                    let alone_for = self.alive_for(owner);
                    return Ok(Placed::There(Peer { alone_for, ..peer(owner, address, false) }));
                }
                Life::Doubtful => return Err(unknown_owner()),
                Life::Dead => Why::Dead,
            },
        };
        if self.leaving.begun() {
            let other = if why == Why::Own { None } else { self.choose(id.as_bytes(), false) };
            return other.map(Placed::There).ok_or_else(leaving);
        }
        let chosen = if hop == Hop::First && why != Why::Own { self.choose(id.as_bytes(), true) } else { None };
        Ok(chosen.map_or(Placed::Here(why), Placed::There))
    }

    /// The owner of that name, if it is another that lives as far as is known.
    pub(crate) fn owner(&self, name: &str) -> Option<Peer> {
        let others = self.others.as_ref().filter(|_| name != self.me)?;
        match others.sight.lock().life(name) {
            Life::At(address) => Some(peer(name, address, true)),
            Life::Doubtful | Life::Dead => None,
        }
    }

    /// The instance that `key` belongs to among those that live; `None` for this one.
    pub(crate) fn choose(&self, key: &[u8], with_me: bool) -> Option<Peer> {
        let others = self.others.as_ref()?;
        let sight = others.sight.lock();
        let living = sight.living().iter().filter(|lease| lease.instance != self.me);
        let me = with_me.then_some(self.me.as_str());
        let name = rendezvous::choose(key, living.clone().map(|lease| lease.instance.as_str()).chain(me))?;
        living.into_iter().find(|lease| lease.instance == name).map(|lease| peer(name, lease.address.clone(), true))
    }

    /// The way to another instance.
    pub(crate) fn dial(&self, peer: &Peer) -> Result<GrpcService, Fault> {
        let others = self.others.as_ref().ok_or_else(|| Fault::internal("there is no other instance"))?;
        others.dialer.to(&peer.address)
    }

    async fn keep(&self) {
        let Some(others) = &self.others else { return };
        let pause = others.ttl.mul_f64(0.3);
        loop {
            tokio::select! {
                () = sleep(pause) => {}
                () = self.leaving.wait(), if !others.released.begun() => {}
            }
            if !self.leaving.begun() {
                tokio::join!(others.renew(&self.assurance), others.look());
            } else if others.released.begun() {
                others.look().await;
            } else {
                others.release().await;
                others.released.begin();
            }
        }
    }

    fn alive_for(&self, owner: &str) -> Duration {
        self.others.as_ref().map_or(Duration::ZERO, |others| others.sight.lock().alive_for(owner))
    }

    /// An owner counts as dead only after a look that began when the record had been read: one that has just come is
    /// alive before it takes its first battle.
    async fn whereabouts(&self, owner: &str, asked: Instant) -> Life {
        let Some(others) = &self.others else { return Life::Dead };
        let life = others.sight.lock().life(owner);
        match life {
            Life::At(_) => life,
            Life::Doubtful | Life::Dead => {
                others.look_since(asked).await;
                others.sight.lock().life(owner)
            }
        }
    }
}

impl Others {
    fn new(me: &str, among: Among) -> Result<Self, Fault> {
        let Among { leases, address, ttl, dialer } = among;
        let nonce = getrandom::u64().map_err(|error| Fault::internal(error.to_string()))?;
        let lease = Lease { service: leases::BATTLES.to_owned(), instance: me.to_owned(), nonce, address };
        let (sight, looked) = (Mutex::new(Sight::new(ttl)), tokio::sync::Mutex::default());
        Ok(Self { leases, dialer, lease, ttl, sight, looked, released: Shutdown::new() })
    }

    /// How long the backplane may think. An answer that comes later says too little of the present.
    fn patience(&self) -> Duration {
        self.ttl / 2
    }

    /// An owner that can't renew goes on as long as the store says that its battles are its own.
    async fn renew(&self, assurance: &Assurance) {
        let asked = Instant::now();
        match timeout(self.patience(), self.leases.renew(&self.lease, self.ttl)).await {
            Ok(Ok(())) => assurance.renewed(asked),
            Ok(Err(_)) | Err(_) => metrics::counter!("battle_lease_renewals_failed_total").increment(1),
        }
    }

    async fn release(&self) {
        if !matches!(timeout(self.patience(), self.leases.release(&self.lease)).await, Ok(Ok(()))) {
            tracing::warn!("lease not given back, it ends by itself");
        }
    }

    async fn look(&self) {
        self.look_since(Instant::now()).await;
    }

    /// Returns when a look that began after `moment` has ended. Those who wait share one.
    async fn look_since(&self, moment: Instant) {
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|began| began > moment) {
            return;
        }
        let asked = Instant::now();
        let answer = timeout(self.patience(), self.leases.living(leases::BATTLES)).await;
        *looked = Some(asked);
        match answer {
            Ok(Ok(living)) => self.saw(asked, living).await,
            Ok(Err(_)) | Err(_) => self.sight.lock().failed(),
        }
    }

    async fn saw(&self, asked: Instant, living: Vec<Lease>) {
        // A name belongs to its latest start: what an earlier one left behind would lead others astray.
        let (mine, living): (Vec<_>, Vec<_>) = living.into_iter().partition(|lease| self.is_outdated(lease));
        if living.contains(&self.lease) || self.released.begun() {
            self.sight.lock().saw(asked, living);
        } else {
            // A backplane that doesn't keep our own lease, be it full or just emptied, says nothing of the others.
            self.sight.lock().failed();
        }
        for lease in mine {
            tracing::info!(instance.name = lease.instance, "lease of an earlier start ended");
            // One that can't be ended now is seen again, or ends by itself.
            let _ = timeout(self.patience(), self.leases.release(&lease)).await;
        }
    }

    fn is_outdated(&self, lease: &Lease) -> bool {
        lease.instance == self.lease.instance && lease.nonce != self.lease.nonce
    }
}

impl std::fmt::Debug for Others {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Others").field("lease", &self.lease).field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

impl Why {
    /// The word for it in metrics.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Unowned => "unowned",
            Self::Dead => "dead",
            Self::Own => "own",
        }
    }
}

impl<T> Placed<T> {
    /// The same of something else.
    pub(crate) fn map<U>(self, with: impl FnOnce(T) -> U) -> Placed<U> {
        match self {
            Self::Here(told) => Placed::Here(with(told)),
            Self::There(peer) => Placed::There(peer),
        }
    }
}

fn peer(name: &str, address: String, replaceable: bool) -> Peer {
    Peer { name: name.to_owned(), address, replaceable, alone_for: Duration::ZERO }
}

fn leaving() -> Fault {
    Fault::unavailable("shutting-down")
}

fn unknown_owner() -> Fault {
    metrics::counter!("battle_refused_total", "reason" => "owner_unknown").increment(1);
    Fault::unavailable("battle-moved").reason("owner_unknown").retry_after(ASK_AGAIN)
}
