//! Turns: a lock per battle that exists only while somebody has it or waits for it.

use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;
use vocab::BattleId;

/// Who is doing something with which battle. Clones are the same turns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<HashMap<BattleId, Lock>>>);

type Lock = Arc<tokio::sync::Mutex<()>>;

/// The turn of one task, or its place in the queue; given up by dropping it.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Turns,
    battle: BattleId,
    lock: Lock,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits until nobody else has the turn of this battle. Who stops waiting leaves nothing behind.
    pub(crate) async fn take(&self, battle: BattleId) -> Turn {
        let lock = Arc::clone(self.0.lock().entry(battle).or_default());
        let mut turn = Turn { turns: self.clone(), battle, lock, guard: None };
        turn.guard = Some(Arc::clone(&turn.lock).lock_owned().await);
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.guard.take();
        let mut locks = self.turns.0.lock();
        // The map's and ours: nobody else has it or waits. Clones are only made under the map's lock.
        if Arc::strong_count(&self.lock) == 2 {
            locks.remove(&self.battle);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_at_a_time_per_battle_and_nothing_is_left_behind() {
        let (turns, battle) = (Turns::default(), BattleId::generate());
        let turn = turns.take(battle).await;
        let other = turns.take(BattleId::generate()).await;
        assert!(timeout(Duration::from_secs(1), turns.take(battle)).await.is_err());
        drop(turn);
        let again = turns.take(battle).await;
        drop((again, other));
        assert!(turns.0.lock().is_empty());
    }
}
