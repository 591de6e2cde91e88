//! The saver: one task that writes battles to the store, newest state first and only that.
//!
//! It keeps at most one entry per battle, so that a store which is away costs memory for each battle once and the
//! newest state is what gets written when it is back. Battles whose save somebody waits for go first, all others in turn.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, gauge, histogram};
use parking_lot::Mutex;
use service_kit::{Fault, FaultKind, Shutdown};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep};
use vocab::BattleId;

use crate::clients::Store;
use crate::record::{Outcome, Owned, Save};
use crate::shards::Shards;

/// Saves wait so long for company.
const GATHER: Duration = Duration::from_millis(50);

/// At most so many battles in one call.
const BATCH: usize = 500;

/// A call that takes longer than the second is too large, and one that takes less than the first is too small.
const A_GOOD_CALL: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));

/// The first and the longest pause after a failed call.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// What is to be written.
#[derive(Debug, Default)]
pub(crate) struct Saver {
    pending: Mutex<Pending>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    waiting: BTreeMap<BattleId, Entry>,
    /// Who waits for the battles of the call that is under way.
    flying: BTreeMap<BattleId, Waiters>,
    /// The last one that was taken in its turn.
    turn: Option<BattleId>,
}

/// How many battles go into one call: as many as the store writes in about a second, so that a slow one gets on.
#[derive(Debug)]
struct Pace(usize);

type Waiters = Vec<oneshot::Sender<Outcome>>;

#[derive(Debug)]
struct Entry {
    save: Save,
    waiters: Waiters,
}

impl Entry {
    fn is_awaited(&self) -> bool {
        self.waiters.iter().any(|waiter| !waiter.is_closed())
    }
}

impl Saver {
    /// Nothing to write.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Has a state written, in place of an earlier one that was not written yet.
    pub(crate) fn put(&self, save: Save) {
        self.insert(save, Vec::new());
    }

    /// As [`put`](Self::put); says what became of it. The answer never comes when the saver is gone.
    pub(crate) fn put_and_tell(&self, save: Save) -> oneshot::Receiver<Outcome> {
        let (told, tell) = oneshot::channel();
        self.insert(save, vec![told]);
        tell
    }

    /// Returns when nothing of this battle is left to be written.
    pub(crate) async fn settled(&self, battle: BattleId) {
        loop {
            let watched = self.pending.lock().watch(battle);
            let Some(tell) = watched else { return };
            // Without a saver nothing is ever written: then there is nothing to wait for.
            if tell.await.is_err() {
                return;
            }
        }
    }

    /// Returns when nothing at all is left to be written.
    pub(crate) async fn idle(&self) {
        loop {
            let left = self.pending.lock().any();
            let Some(battle) = left else { return };
            self.settled(battle).await;
        }
    }

    fn insert(&self, mut save: Save, mut waiters: Waiters) {
        let mut pending = self.pending.lock();
        let battle = save.battle;
        if let Some(earlier) = pending.waiting.remove(&battle) {
            waiters.extend(earlier.waiters);
            save.supersede(earlier.save);
        }
        pending.waiting.insert(battle, Entry { save, waiters });
        gauge!("battle_saves_waiting").set(pending.waiting.len() as f64);
        drop(pending);
        self.wake.notify_one();
    }

    /// Writes until told to stop: what is left then is computed again by whoever takes the battles over.
    pub(crate) async fn run(self: Arc<Self>, store: Store, shards: Shards, stop: Shutdown) {
        tokio::select! {
            () = self.write_on(&store, &shards) => {}
            () = stop.wait() => {}
        }
    }

    async fn write_on(&self, store: &Store, shards: &Shards) {
        let (mut pause, mut pace) = (BACKOFF.0, Pace(BATCH));
        loop {
            self.wake.notified().await;
            sleep(GATHER).await;
            while let Some(batch) = self.take(pace.0) {
                let (begun, battles) = (Instant::now(), batch.len());
                if self.write(store, shards, batch).await {
                    pace.took(begun.elapsed(), battles);
                    pause = BACKOFF.0;
                } else {
                    pace.failed(battles);
                    sleep(pause).await;
                    pause = (pause * 2).min(BACKOFF.1);
                }
            }
        }
    }

    /// Writes a batch; `false` when the store didn't take it and it waits again.
    async fn write(&self, store: &Store, shards: &Shards, batch: Vec<Save>) -> bool {
        match offer(store, &batch).await {
            Ok(outcomes) => self.settle_all(shards, &batch, outcomes).await,
            Err(fault) if is_away(&fault) => {
                tracing::warn!(save.battles = batch.len(), error = ?fault, "save failed, will be tried again");
                counter!("battle_saves_total", "result" => "failed").increment(batch.len() as u64);
                self.give_back(batch);
                return false;
            }
            Err(_) if batch.len() > 1 => self.write_singly(store, shards, batch).await,
            Err(fault) => {
                tracing::error!(battle.id = %batch[0].battle, error = ?fault, "save refused");
                self.settle_all(shards, &batch, vec![Outcome::Stale]).await;
            }
        }
        true
    }

    /// One refused save must not hold up the others of its batch.
    async fn write_singly(&self, store: &Store, shards: &Shards, batch: Vec<Save>) {
        for save in batch {
            Box::pin(self.write(store, shards, vec![save])).await;
        }
    }

    async fn settle_all(&self, shards: &Shards, batch: &[Save], outcomes: Vec<Outcome>) {
        for (save, outcome) in batch.iter().zip(outcomes) {
            self.settle(shards, save, outcome).await;
        }
    }

    async fn settle(&self, shards: &Shards, save: &Save, outcome: Outcome) {
        counter!("battle_saves_total", "result" => outcome.word()).increment(1);
        if let Some(loss) = outcome.loss() {
            shards.lost(Owned { battle: save.battle, epoch: save.epoch }, loss).await;
        }
        let waiters = self.pending.lock().flying.remove(&save.battle).unwrap_or_default();
        for waiter in waiters {
            // Who no longer waits doesn't have to be told.
            let _ = waiter.send(outcome);
        }
    }

    fn take(&self, most: usize) -> Option<Vec<Save>> {
        let mut pending = self.pending.lock();
        let batch = pending.take(most);
        gauge!("battle_saves_waiting").set(pending.waiting.len() as f64);
        (!batch.is_empty()).then_some(batch)
    }

    fn give_back(&self, batch: Vec<Save>) {
        let mut pending = self.pending.lock();
        for save in batch {
            let waiters = pending.flying.remove(&save.battle).unwrap_or_default();
            match pending.waiting.get_mut(&save.battle) {
                Some(newer) => {
                    newer.waiters.extend(waiters);
                    newer.save.supersede(save);
                }
                None => {
                    pending.waiting.insert(save.battle, Entry { save, waiters });
                }
            }
        }
        gauge!("battle_saves_waiting").set(pending.waiting.len() as f64);
    }
}

impl Pace {
    /// Learns from a call that failed: one that is too large does, and so does one with a battle in it that the store
    /// chokes on, which is not to hold up the others for ever.
    fn failed(&mut self, battles: usize) {
        self.0 = (battles / 2).max(1);
    }

    /// Learns from a call that took so long.
    fn took(&mut self, long: Duration, battles: usize) {
        if long > A_GOOD_CALL.1 {
            self.0 = (battles / 2).max(1);
        } else if long < A_GOOD_CALL.0 {
            self.0 = (self.0 * 2).min(BATCH);
        }
    }
}

impl Pending {
    fn take(&mut self, most: usize) -> Vec<Save> {
        let awaited = self.waiting.iter().filter(|(_, entry)| entry.is_awaited());
        let mut ids: Vec<BattleId> = awaited.map(|(id, _)| *id).take(most).collect();
        let place = self.turn.map_or(Unbounded, Excluded);
        let up_to_it = self.turn.map(|turn| self.waiting.range(..=turn)).into_iter().flatten();
        let in_turn = self.waiting.range((place, Unbounded)).chain(up_to_it);
        let in_turn = in_turn.filter(|(_, entry)| !entry.is_awaited()).map(|(id, _)| *id);
        ids.extend(in_turn.take(most - ids.len()).inspect(|id| self.turn = Some(*id)));
        ids.iter().filter_map(|id| self.fly(*id)).collect()
    }

    fn fly(&mut self, id: BattleId) -> Option<Save> {
        let Entry { save, waiters } = self.waiting.remove(&id)?;
        self.flying.insert(id, waiters);
        Some(save)
    }

    fn any(&self) -> Option<BattleId> {
        self.waiting.keys().chain(self.flying.keys()).next().copied()
    }

    fn watch(&mut self, battle: BattleId) -> Option<oneshot::Receiver<Outcome>> {
        let waiters = match self.waiting.get_mut(&battle) {
            Some(entry) => &mut entry.waiters,
            None => self.flying.get_mut(&battle)?,
        };
        let (told, tell) = oneshot::channel();
        // While the store is away many come, wait their time and leave.
        waiters.retain(|waiter| !waiter.is_closed());
        waiters.push(told);
        Some(tell)
    }
}

async fn offer(store: &Store, batch: &[Save]) -> Result<Vec<Outcome>, Fault> {
    let started = Instant::now();
    let answer = store.save(batch).await;
    histogram!("battle_save_seconds").record(started.elapsed().as_secs_f64());
    answer
}

/// Trying the very same again may succeed. A fault of the store's own says nothing against what it was given.
fn is_away(fault: &Fault) -> bool {
    use FaultKind::{Aborted, DeadlineExceeded, Internal, ResourceExhausted, Unavailable};
    matches!(fault.kind(), Aborted | DeadlineExceeded | Internal | ResourceExhausted | Unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_as_large_as_the_store_writes_in_about_a_second() {
        let mut pace = Pace(BATCH);
        pace.took(Duration::from_secs(5), BATCH);
        pace.took(Duration::from_secs(3), BATCH / 2);
        assert_eq!(pace.0, BATCH / 4);
        pace.took(Duration::from_millis(600), BATCH / 4);
        assert_eq!(pace.0, BATCH / 4, "neither too large nor too small");
        pace.failed(2);
        assert_eq!(pace.0, 1);
        pace.took(Duration::from_secs(3), 1);
        assert_eq!(pace.0, 1);
        (0..20).for_each(|_| pace.took(Duration::from_millis(1), 1));
        assert_eq!(pace.0, BATCH);
    }

    #[test]
    fn who_waits_no_longer_leaves_nothing_behind() {
        let (battle, mut pending) = (BattleId::generate(), Pending::default());
        pending.flying.insert(battle, Waiters::new());
        let stays = pending.watch(battle).unwrap();
        for _ in 0..100 {
            drop(pending.watch(battle));
        }
        assert!(pending.flying[&battle].len() <= 2);
        for waiter in pending.flying.remove(&battle).unwrap() {
            let _ = waiter.send(Outcome::Saved);
        }
        assert_eq!(stays.blocking_recv(), Ok(Outcome::Saved));
    }
}
