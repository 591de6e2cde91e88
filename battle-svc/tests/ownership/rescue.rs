//! One instance is taken away and nothing else goes wrong: whoever watches has frames again within the bound, counted from
//! the moment it was taken, while it is still away.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use crate::follow::Follow;
use crate::gateway::Gateway;
use crate::judge;
use crate::store::Store;
use crate::witness::Witness;
use crate::world::BOUND;

/// Everybody who watches, as it was when an instance was taken away.
pub(crate) struct Rescue {
    begun: Instant,
    taken: String,
    /// Each with whether its battle was the taken one's.
    follows: Vec<(Arc<Follow>, bool)>,
}

impl Rescue {
    /// The instance of that name is about to be taken away.
    pub(crate) async fn from(taken: &str, gateways: &[Gateway], store: &Store) -> Self {
        let mut follows = Vec::new();
        for follow in gateways.iter().flat_map(Gateway::following) {
            let orphaned = store.record(&follow.battle).await.owner == taken;
            follows.push((follow, orphaned));
        }
        Self { begun: Instant::now(), taken: taken.to_owned(), follows }
    }

    /// Waits for the bound, and says who isn't served by then.
    pub(crate) async fn awaits(self, store: &Store, witness: &Witness) -> Result<(), String> {
        sleep_until(self.begun + BOUND).await;
        for (follow, orphaned) in &self.follows {
            self.is_served(follow, *orphaned, store).await?;
            let alone = follow.opened().map(|opened| opened.saturating_duration_since(self.begun));
            witness.count(|counts| {
                counts.bounded += 1;
                if *orphaned {
                    counts.rescued += 1;
                    counts.slowest = counts.slowest.max(alone.unwrap_or(BOUND));
                }
            });
        }
        Ok(())
    }

    async fn is_served(&self, follow: &Follow, orphaned: bool, store: &Store) -> Result<(), String> {
        let (last, due) = (follow.last(), judge::due(store, &follow.battle).await?);
        let (owner, epoch) = {
            let row = store.record(&follow.battle).await;
            (row.owner, row.epoch)
        };
        if last >= due && !follow.is_over() && !(orphaned && owner == self.taken) {
            return Ok(());
        }
        Err(format!(
            "{BOUND:?} after {} was taken away {} has {last} of {}, and {due} are due (owner {owner:?}, epoch {epoch})",
            self.taken, follow.client, follow.battle
        ))
    }
}
