//! The task that ends graces when they are due and keeps the gauges of rooms and members.
//!
//! Every chat-svc runs one and asks the backplane, which gives each leave to one of them: so a leave is announced
//! exactly once although the process that marked it may be gone.

use std::time::Duration;

use backplane::BackplaneFault;
use service_kit::time::deadline;
use service_kit::{Shutdown, TaskGroup};
use tokio::time::{MissedTickBehavior, interval};

use crate::room::Lobby;

/// How often: a leave is announced this much after its grace at the latest.
const PERIOD: Duration = Duration::from_secs(1);
/// How long one round may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts the task on its owner.
pub(crate) fn start(lobby: Lobby, tasks: &TaskGroup) {
    let stopping = tasks.stopping();
    tasks.spawn_vital("chat-sweep", run(lobby, stopping));
}

async fn run(lobby: Lobby, stopping: Shutdown) {
    let mut periods = interval(PERIOD);
    periods.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stopped = std::pin::pin!(stopping.wait());
    let mut away = false;
    loop {
        tokio::select! {
            () = &mut stopped => return,
            _ = periods.tick() => away = look(&lobby, away).await,
        }
    }
}

/// One round; tells whether the backplane was away, and logs it only when that is news.
async fn look(lobby: &Lobby, was_away: bool) -> bool {
    match deadline(PATIENCE, sweep(lobby)).await {
        Ok(()) => false,
        Err(fault) => {
            if !was_away {
                tracing::warn!(error = ?fault, "leaves wait for the backplane");
            }
            true
        }
    }
}

async fn sweep(lobby: &Lobby) -> Result<(), BackplaneFault> {
    lobby.end_graces().await?;
    lobby.measure().await
}
