//! Ownership: the one place that takes battles into memory. A battle that is asked for is taken over here unless it is
//! over, or another instance has it or is to take it; the store's epoch decides between several who try.

use std::sync::Arc;
use std::time::Duration;

use rules::battle::Input;
use service_kit::{Fault, TaskGroup};
use tokio::time::{Instant, timeout};
use vocab::BattleId;

use crate::battle::{Arrival, Battle, Context};
use crate::clients::Store;
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::past::Past;
use crate::placement::{Hop, Peer, Placed, Why};
use crate::record::{Outcome, Read};
use crate::rulesets::Rulesets;
use crate::shards::{Shards, Visit};
use crate::turns::Turns;
use crate::view::View;

/// How often an epoch that moved under a claim is read again.
const CLAIMS: usize = 3;

/// How long a save that somebody waits for may take. It is written all the same when it takes longer.
const SAVE_DEADLINE: Duration = Duration::from_secs(5);

/// How often an input is offered to a store that doesn't answer.
const APPENDS: usize = 3;

/// Takes battles over and finds those in memory.
#[derive(Debug)]
pub(crate) struct Owner {
    /// The record.
    pub(crate) store: Store,
    /// What can be run.
    pub(crate) rulesets: Rulesets,
    /// The battles in memory.
    pub(crate) shards: Shards,
    /// The other instances.
    pub(crate) cluster: Arc<Cluster>,
    context: Context,
    tasks: TaskGroup,
    /// One task at a time takes a certain battle over.
    turns: Turns,
}

/// Where a battle was found.
#[derive(Debug)]
pub(crate) enum Found<R> {
    /// In memory; this is what a visit brought.
    Here(R),
    /// In the store, ended.
    Over(Box<Past>),
    /// Elsewhere.
    There(Peer),
}

impl Owner {
    /// Owns nothing yet.
    pub(crate) fn new(
        store: Store,
        rulesets: Rulesets,
        shards: Shards,
        cluster: Arc<Cluster>,
        context: Context,
        tasks: TaskGroup,
    ) -> Self {
        Self { store, rulesets, shards, cluster, context, tasks, turns: Turns::default() }
    }

    /// Visits a battle in memory, which is brought there first unless it is over or elsewhere. Nothing is visited for a
    /// caller that has left.
    pub(crate) async fn visit<R: Send + 'static>(
        self: &Arc<Self>,
        id: BattleId,
        hop: Hop,
        visit: impl Fn(&mut Battle, Visit<'_>) -> R + Clone + Send + Sync + 'static,
    ) -> Result<Found<R>, Fault> {
        for _ in 0..CLAIMS {
            if let Some(brought) = self.shards.visit(id, visit.clone()).await? {
                return Ok(Found::Here(brought));
            }
            let turn = self.turns.take(id).await;
            // Carried out to its end even if the caller leaves: what is claimed must come into memory.
            let this = Arc::clone(self);
            let bring = async move {
                let brought = this.bring(id, hop).await;
                drop(turn);
                brought
            };
            match self.tasks.carry_out("battle-claim", bring).await?? {
                Found::Here(()) => {}
                Found::Over(past) => return Ok(Found::Over(past)),
                Found::There(peer) => return Ok(Found::There(peer)),
            }
        }
        Err(busy())
    }

    /// Visits a battle if it is in memory; the visit is made even if the caller leaves.
    pub(crate) async fn visit_here<R: Send + 'static>(
        &self,
        id: BattleId,
        visit: impl FnOnce(&mut Battle, Visit<'_>) -> R + Send + 'static,
    ) -> Result<Option<R>, Fault> {
        let shards = self.shards.clone();
        self.tasks.carry_out("battle-visit", async move { shards.visit(id, visit).await }).await?
    }

    /// Has it written that the player was told the end of a battle, if they hadn't heard of it before.
    pub(crate) fn saw_the_end(&self, past: &Past) {
        if past.seen.seq < past.course.head() {
            self.context.saver.put(past.seen_to_the_end(Instant::now()));
        }
    }

    /// Returns when nothing of this battle is left to be written.
    ///
    /// # Errors
    /// `unavailable` when that takes too long.
    pub(crate) async fn settled(&self, id: BattleId) -> Result<(), Fault> {
        timeout(SAVE_DEADLINE, self.context.saver.settled(id)).await.map_err(|_| unsaved())
    }

    /// Takes a battle into memory that was ours at the moment `owned`; gives it back where a segment has to be opened
    /// first.
    pub(crate) async fn adopt(&self, arrival: Arrival, owned: Instant) -> Result<Option<Box<Battle>>, Fault> {
        self.shards.adopt(Box::new(Battle::arrived(arrival, owned, Instant::now(), &self.context.pace)), owned).await
    }

    /// Puts an input into a battle; returns after the save of what it did. `None` when the battle takes none.
    ///
    /// # Errors
    /// `unavailable` when the store doesn't say that the input is stored, or its effect saved. Whether it took effect is
    /// in doubt then: the battle is let go of, and the record decides when it is taken over next.
    pub(crate) async fn put(
        self: &Arc<Self>,
        id: BattleId,
        input: Input,
        hop: Hop,
    ) -> Result<Placed<Option<View>>, Fault> {
        // Under the turn nobody else holds the battle, be it for an input or for a segment.
        let turn = self.turns.take(id).await;
        let this = Arc::clone(self);
        let put = async move {
            let put = this.put_held(id, input, hop).await;
            drop(turn);
            put
        };
        self.tasks.carry_out("battle-input", put).await?
    }

    /// Brings a battle into memory, unless it is over or elsewhere. To be called under its turn.
    async fn bring(&self, id: BattleId, hop: Hop) -> Result<Found<()>, Fault> {
        for _ in 0..CLAIMS {
            if self.shards.visit(id, |_, _| ()).await?.is_some() {
                return Ok(Found::Here(()));
            }
            // What this process itself has still to write comes first, or the claim would shut it out.
            self.settled(id).await?;
            let read = self.store.record(id, false).await?;
            if read.record.ended.is_some() {
                return Ok(Found::Over(Box::new(Past::open(read, &self.rulesets).await?)));
            }
            let looked = Instant::now();
            let why = match self.cluster.place(id, &read.record.owner, looked, hop).await? {
                Placed::Here(why) => why,
                Placed::There(peer) => return Ok(Found::There(peer)),
            };
            let owned = Instant::now();
            // After a standstill what was seen is no reason to claim any more.
            if self.context.assurance.is_outlived(owned.saturating_duration_since(looked)) {
                continue;
            }
            match self.store.claim(id, read.record.epoch).await {
                Ok(claimed) => {
                    metrics::counter!("battle_claims_total", "why" => why.word()).increment(1);
                    tracing::debug!(battle.id = %id, battle.epoch = claimed.record.epoch, claim.why = why.word(), "battle claimed");
                    self.take_over(claimed, owned, why).await?;
                }
                Err(fault) if moved_on(&fault) => {}
                Err(fault) => return Err(fault),
            }
        }
        Err(busy())
    }

    /// Brings a battle, claimed at the moment `owned`, to its present time and into memory.
    async fn take_over(&self, claimed: Read, owned: Instant, why: Why) -> Result<(), Fault> {
        let now = Instant::now();
        let current = claimed.record.last_ruleset() == Some(self.rulesets.current().id());
        let past = Past::open(claimed, &self.rulesets).await?;
        let resumed = past.saved.resume(past.now, &self.context.pace);
        let clock = Clock::new(now, resumed.battle_ms, past.now, past.identity.tick_ms);
        // One that is taken for dead may go on showing it for a while: then both show the same frames.
        let opens = !resumed.unbroken || past.foreign || !current && !why.is_quiet();
        let arrival = Arrival {
            identity: past.identity,
            epoch: past.epoch,
            course: past.course,
            clock,
            cut_ms: opens.then_some(if past.foreign { 0 } else { resumed.battle_ms }),
            seen: past.seen,
            quiet: if why.is_quiet() { self.context.assurance.quiet() } else { Duration::ZERO },
        };
        let Some(mut battle) = self.adopt(arrival, owned).await? else { return Ok(()) };
        let owned = Instant::now();
        self.open_segment(&mut battle, resumed.origin_ms).await?;
        self.shards.adopt(battle, owned).await?;
        Ok(())
    }

    /// A segment is stored before the first frame that it makes.
    async fn open_segment(&self, battle: &mut Battle, origin_ms: i64) -> Result<(), Fault> {
        let opened = battle.open_segment(self.rulesets.current(), origin_ms, Instant::now(), &self.context.saver);
        let Some(stored) = opened else { return Ok(()) };
        match timeout(SAVE_DEADLINE, stored).await {
            Ok(Ok(Outcome::Saved)) => Ok(()),
            Ok(Ok(Outcome::Stale | Outcome::Gone) | Err(_)) | Err(_) => Err(unsaved()),
        }
    }

    async fn put_held(&self, id: BattleId, input: Input, hop: Hop) -> Result<Placed<Option<View>>, Fault> {
        match self.bring(id, hop).await? {
            Found::Here(()) => self.put_here(id, input).await.map(Placed::Here),
            Found::Over(_) => Ok(Placed::Here(None)),
            Found::There(peer) => Ok(Placed::There(peer)),
        }
    }

    async fn put_here(&self, id: BattleId, input: Input) -> Result<Option<View>, Fault> {
        let hold = move |battle: &mut Battle, visit: Visit<'_>| match battle.quiet_for(visit.now) {
            Some(quiet) => Err(taken_over(quiet)),
            None => Ok(battle.hold(input, visit.now, visit.context, visit.events)?),
        };
        let Some(held) = self.shards.visit(id, hold).await? else { return Err(busy()) };
        let Some(held) = held? else { return Ok(None) };
        if let Err(fault) = self.append(id, &held).await {
            // Whether it is stored after all is what the record says: who takes the battle over next reads it.
            self.shards.visit(id, |battle, _| battle.let_go()).await?;
            return Err(fault);
        }
        let take =
            move |battle: &mut Battle, visit: Visit<'_>| battle.take(&held, visit.now, visit.context, visit.events);
        let taken = self.shards.visit(id, take).await?.transpose()?.flatten();
        let Some((view, saved)) = taken else { return Err(Fault::unavailable("battle-moved")) };
        match timeout(SAVE_DEADLINE, saved).await {
            Ok(Ok(Outcome::Saved)) => Ok(Some(view)),
            Ok(Ok(Outcome::Stale | Outcome::Gone)) => Err(Fault::unavailable("battle-moved")),
            Ok(Err(_)) | Err(_) => Err(unsaved()),
        }
    }

    async fn append(&self, id: BattleId, held: &crate::battle::Held) -> Result<(), Fault> {
        let mut tries = 1;
        loop {
            match self.store.append(id, held.epoch, &held.recorded).await {
                Err(fault) if fault.is_unanswered() && tries < APPENDS => tries += 1,
                Err(fault) => return Err(unsaved().caused_by(fault)),
                Ok(()) => return Ok(()),
            }
        }
    }
}

/// Another was first, or the battle ended meanwhile: the record has to be read again.
fn moved_on(fault: &Fault) -> bool {
    matches!(fault.because(), Some("epoch_moved" | "ended"))
}

/// Its owner was silent, and may go on showing it for so long.
fn taken_over(quiet: Duration) -> Fault {
    metrics::counter!("battle_refused_total", "reason" => "taken_over").increment(1);
    Fault::unavailable("battle-busy").reason("taken_over").retry_after(quiet)
}

fn busy() -> Fault {
    Fault::unavailable("battle-busy")
}

fn unsaved() -> Fault {
    Fault::unavailable("battle-unsaved")
}
