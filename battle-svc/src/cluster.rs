//! This instance among the others: who lives, who is to take a battle that nobody has, and who is asked for one that
//! somebody has.
//!
//! All of it is advice. Who may write a battle is said by the epoch in its record and by nothing else, so that a wrong
//! guess costs a claim too many or a call refused, never a frame (`docs/adr/0023-alive-is-not-allowed.md`).

use std::sync::Arc;
use std::time::Duration;

use service_kit::grpc::GrpcService;
use service_kit::{Fault, Shutdown, TaskGroup, rendezvous};
use tokio::time::{Instant, sleep, timeout};
use vocab::BattleId;

use crate::Chance;
use crate::assurance::Assurance;
use crate::others::Others;
use crate::peers::Peers;
use crate::placement::{Hop, Peer, Placed, Why};
use crate::sight::Life;
use crate::ttl;

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

impl Cluster {
    /// An instance of this name; nobody knows of it yet.
    ///
    /// # Errors
    /// When the system has no chance to give.
    pub(crate) fn new(me: &str, peers: Peers, chance: &Chance) -> Result<Self, Fault> {
        let others = peers.0.map(|among| Others::new(me, among, chance)).transpose()?;
        let assurance = Arc::new(Assurance::new(others.as_ref().map(|others| others.among.ttl)));
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
            let _ = timeout(others.among.ttl, others.released.wait()).await;
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
                Life::At(address) => return Ok(Placed::There(Peer::owner(owner, address, self.alive_for(owner)))),
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
            Life::At(address) => Some(Peer::replaceable(name, address)),
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
        living
            .into_iter()
            .find(|lease| lease.instance == name)
            .map(|lease| Peer::replaceable(name, lease.address.clone()))
    }

    /// The way to another instance.
    pub(crate) fn dial(&self, peer: &Peer) -> Result<GrpcService, Fault> {
        let others = self.others.as_ref().ok_or_else(|| Fault::internal("there is no other instance"))?;
        others.among.dialer.to(&peer.address)
    }

    async fn keep(&self) {
        let Some(others) = &self.others else { return };
        let pause = ttl::renew_every(others.among.ttl);
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

fn leaving() -> Fault {
    Fault::unavailable("shutting-down")
}

fn unknown_owner() -> Fault {
    metrics::counter!("battle_refused_total", "reason" => "owner_unknown").increment(1);
    Fault::unavailable("battle-moved").reason("owner_unknown").retry_after(ASK_AGAIN)
}
