//! The task that ends graces when they are due, lets the members of dead gateways go, and keeps the gauges of rooms and
//! members.
//!
//! Every chat-svc runs one and asks the backplane, which gives each leave to one of them: so a leave is announced
//! exactly once although the process that marked it may be gone.

use std::time::Duration;

use backplane::BackplaneFault;
use service_kit::time::deadline;
use service_kit::time::every;
use service_kit::{Shutdown, TaskGroup};

use crate::ghosts::Ghosts;
use crate::room::Lobby;

/// How often: a leave is announced this much after its grace at the latest.
const PERIOD: Duration = Duration::from_secs(1);
/// How long one round may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts the task on its owner.
pub(crate) fn start(lobby: Lobby, ghosts: Ghosts, tasks: &TaskGroup) {
    let stopping = tasks.stopping();
    tasks.spawn_vital("chat-sweep", run(lobby, ghosts, stopping));
}

async fn run(lobby: Lobby, mut ghosts: Ghosts, stopping: Shutdown) {
    let mut periods = every(PERIOD);
    let mut stopped = std::pin::pin!(stopping.wait());
    let mut away = false;
    loop {
        tokio::select! {
            () = &mut stopped => return,
            _ = periods.tick() => away = look(&lobby, &mut ghosts, away).await,
        }
    }
}

/// One round; tells whether the backplane was away, and logs it only when that is news.
async fn look(lobby: &Lobby, ghosts: &mut Ghosts, was_away: bool) -> bool {
    match deadline(PATIENCE, sweep(lobby, ghosts)).await {
        Ok(()) => false,
        Err(fault) => {
            if !was_away {
                tracing::warn!(error = ?fault, "leaves wait for the backplane");
            }
            true
        }
    }
}

async fn sweep(lobby: &Lobby, ghosts: &mut Ghosts) -> Result<(), BackplaneFault> {
    lobby.end_graces().await?;
    lobby.measure().await?;
    // Last, because it may be long: what is left of it is done in the next round, and nobody's grace waits for it.
    ghosts.look().await
}
