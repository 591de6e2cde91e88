//! Ownership: the one place that decides who has a battle in memory. A battle that is asked for is taken over here
//! unless it is over; the store's epoch decides between several who try.

use std::sync::Arc;
use std::time::Duration;

use rules::battle::Input;
use service_kit::{Fault, FaultKind, Shutdown, TaskGroup};
use tokio::time::{Instant, timeout};
use vocab::BattleId;

use crate::battle::{Arrival, Battle, Context};
use crate::clients::Store;
use crate::clock::Clock;
use crate::past::Past;
use crate::record::{Outcome, Read};
use crate::rulesets::Rulesets;
use crate::shard::{Shards, Visit};
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
    context: Context,
    tasks: TaskGroup,
    /// One task at a time takes a certain battle over.
    turns: Turns,
    /// Nothing is taken over any more.
    closed: Shutdown,
}

/// Where a battle was found.
#[derive(Debug)]
pub(crate) enum Found<R> {
    /// In memory; this is what the visit brought.
    Here(R),
    /// In the store, ended.
    Over(Box<Past>),
}

impl Owner {
    /// Owns nothing yet.
    pub(crate) fn new(store: Store, rulesets: Rulesets, shards: Shards, context: Context, tasks: TaskGroup) -> Self {
        Self { store, rulesets, shards, context, tasks, turns: Turns::default(), closed: Shutdown::new() }
    }

    /// Visits a battle in memory, which is brought there first unless it is over. Nothing is visited for a caller that
    /// has left.
    pub(crate) async fn visit<R: Send + 'static>(
        self: &Arc<Self>,
        id: BattleId,
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
                let over = this.bring(id).await;
                drop(turn);
                over
            };
            if let Some(past) = self.tasks.carry_out("battle-claim", bring).await?? {
                return Ok(Found::Over(past));
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

    /// Takes no battle over any more.
    pub(crate) fn close(&self) {
        self.closed.begin();
    }

    /// Refuses while nothing is taken over any more.
    ///
    /// # Errors
    /// `unavailable` then.
    pub(crate) fn open(&self) -> Result<(), Fault> {
        if self.closed.begun() { Err(Fault::unavailable("shutting-down")) } else { Ok(()) }
    }

    /// Takes a battle into memory; gives it back where a segment has to be opened first.
    pub(crate) async fn adopt(&self, arrival: Arrival) -> Result<Option<Box<Battle>>, Fault> {
        self.shards.adopt(Box::new(Battle::arrived(arrival, Instant::now(), &self.context.pace))).await
    }

    /// Puts an input into a battle; returns after the save of what it did. `None` when the battle takes none.
    ///
    /// # Errors
    /// `unavailable` when the store doesn't say that the input is stored, or its effect saved. Whether it took effect is
    /// in doubt then: the battle is let go of, and the record decides when it is taken over next.
    pub(crate) async fn put(self: &Arc<Self>, id: BattleId, input: Input) -> Result<Option<View>, Fault> {
        // Under the turn nobody else holds the battle, be it for an input or for a segment.
        let turn = self.turns.take(id).await;
        let this = Arc::clone(self);
        let put = async move {
            let put = this.put_held(id, input).await;
            drop(turn);
            put
        };
        self.tasks.carry_out("battle-input", put).await?
    }

    /// Brings a battle into memory; answers it where it is over instead. To be called under its turn.
    async fn bring(&self, id: BattleId) -> Result<Option<Box<Past>>, Fault> {
        for _ in 0..CLAIMS {
            if self.shards.visit(id, |_, _| ()).await?.is_some() {
                return Ok(None);
            }
            // What this process itself has still to write comes first, or the claim would shut it out.
            self.settled(id).await?;
            let read = self.store.record(id, false).await?;
            if read.record.ended.is_some() {
                return Ok(Some(Box::new(Past::open(read, &self.rulesets).await?)));
            }
            self.open()?;
            match self.store.claim(id, read.record.epoch).await {
                Ok(claimed) => self.take_over(claimed).await?,
                Err(fault) if moved_on(&fault) => {}
                Err(fault) => return Err(fault),
            }
        }
        Err(busy())
    }

    /// Brings a claimed battle to its present time and into memory.
    async fn take_over(&self, claimed: Read) -> Result<(), Fault> {
        let now = Instant::now();
        metrics::counter!("battle_claims_total").increment(1);
        let current = claimed.record.last_ruleset() == Some(self.rulesets.current().id());
        let past = Past::open(claimed, &self.rulesets).await?;
        let resumed = past.saved.resume(past.now, &self.context.pace);
        let clock = Clock::new(now, resumed.battle_ms, past.now, past.identity.tick_ms);
        let opens = !resumed.unbroken || !current;
        let adopted = self.adopt(Arrival {
            identity: past.identity,
            epoch: past.epoch,
            course: past.course,
            clock,
            cut_ms: opens.then_some(if past.foreign { 0 } else { resumed.battle_ms }),
            seen: past.seen,
        });
        let Some(mut battle) = adopted.await? else { return Ok(()) };
        self.open_segment(&mut battle, resumed.origin_ms).await?;
        self.shards.adopt(battle).await?;
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

    async fn put_held(&self, id: BattleId, input: Input) -> Result<Option<View>, Fault> {
        if self.bring(id).await?.is_some() {
            return Ok(None);
        }
        let hold =
            move |battle: &mut Battle, visit: Visit<'_>| battle.hold(input, visit.now, visit.context, visit.events);
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
                Err(fault) if doubtful(&fault) && tries < APPENDS => tries += 1,
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

/// It may have happened all the same.
fn doubtful(fault: &Fault) -> bool {
    matches!(fault.kind(), FaultKind::Unavailable | FaultKind::DeadlineExceeded)
}

fn busy() -> Fault {
    Fault::unavailable("battle-busy")
}

fn unsaved() -> Fault {
    Fault::unavailable("battle-unsaved")
}
