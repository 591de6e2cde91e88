//! The saver: one task that writes battles to the store, newest state first and only that.
//!
//! It keeps at most one entry per battle, so that a store which is away costs memory for each battle once and the
//! newest state is what gets written when it is back.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;
use service_kit::Shutdown;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep};
use vocab::BattleId;

use crate::clients::Store;
use crate::record::{Outcome, Save};
use crate::shard::Shards;

/// Saves wait so long for company.
const GATHER: Duration = Duration::from_millis(50);

/// At most so many battles in one call.
const BATCH: usize = 500;

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
    waiting: HashMap<BattleId, Entry>,
    /// Who waits for the battles of the call that is under way.
    flying: HashMap<BattleId, Waiters>,
}

type Waiters = Vec<oneshot::Sender<Outcome>>;

#[derive(Debug)]
struct Entry {
    save: Save,
    waiters: Waiters,
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
        metrics::gauge!("battle_saves_waiting").set(pending.waiting.len() as f64);
        drop(pending);
        self.wake.notify_one();
    }

    /// Writes until told to stop, and then what is left, once.
    pub(crate) async fn run(self: Arc<Self>, store: Store, shards: Shards, stop: Shutdown) {
        let mut pause = BACKOFF.0;
        loop {
            tokio::select! {
                () = self.wake.notified() => {}
                () = stop.wait() => return,
            }
            sleep(GATHER).await;
            while let Some(batch) = self.take() {
                if self.write(&store, &shards, batch).await {
                    pause = BACKOFF.0;
                } else {
                    sleep(pause).await;
                    pause = (pause * 2).min(BACKOFF.1);
                }
            }
        }
    }

    /// Writes a batch; `false` when the store didn't take it and it waits again.
    async fn write(&self, store: &Store, shards: &Shards, batch: Vec<Save>) -> bool {
        let started = Instant::now();
        let answer = store.save(&batch).await;
        metrics::histogram!("battle_save_seconds").record(started.elapsed().as_secs_f64());
        match answer {
            Ok(outcomes) => {
                for (save, outcome) in batch.into_iter().zip(outcomes) {
                    self.settle(shards, &save, outcome).await;
                }
                true
            }
            Err(fault) => {
                tracing::warn!(battles = batch.len(), error = ?fault, "save failed, will be tried again");
                metrics::counter!("battle_saves_total", "result" => "failed").increment(batch.len() as u64);
                self.give_back(batch);
                false
            }
        }
    }

    async fn settle(&self, shards: &Shards, save: &Save, outcome: Outcome) {
        metrics::counter!("battle_saves_total", "result" => outcome.word()).increment(1);
        if outcome != Outcome::Saved {
            shards.lost(save.battle, save.epoch, outcome).await;
        }
        let waiters = self.pending.lock().flying.remove(&save.battle).unwrap_or_default();
        for waiter in waiters {
            // Who no longer waits doesn't have to be told.
            let _ = waiter.send(outcome);
        }
    }

    fn take(&self) -> Option<Vec<Save>> {
        let mut pending = self.pending.lock();
        let ids: Vec<BattleId> = pending.waiting.keys().copied().take(BATCH).collect();
        let mut batch = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(Entry { save, waiters }) = pending.waiting.remove(&id) {
                pending.flying.insert(id, waiters);
                batch.push(save);
            }
        }
        metrics::gauge!("battle_saves_waiting").set(pending.waiting.len() as f64);
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
    }
}

impl Pending {
    fn any(&self) -> Option<BattleId> {
        self.waiting.keys().chain(self.flying.keys()).next().copied()
    }

    fn watch(&mut self, battle: BattleId) -> Option<oneshot::Receiver<Outcome>> {
        let waiters = match self.waiting.get_mut(&battle) {
            Some(entry) => &mut entry.waiters,
            None => self.flying.get_mut(&battle)?,
        };
        let (told, tell) = oneshot::channel();
        waiters.push(told);
        Some(tell)
    }
}
