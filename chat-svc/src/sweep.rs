//! The task that ends graces when they are due, lets the members of dead gateways go, and keeps the gauges of rooms and
//! members.
//!
//! Every chat-svc runs one and asks the backplane, which gives each leave to one of them: so a leave is announced
//! exactly once although the process that marked it may be gone.

use std::time::Duration;

use backplane::BackplaneFault;
use service_kit::telemetry::Outage;
use service_kit::time::{deadline, every};
use service_kit::{Shutdown, TaskGroup};

use crate::ghosts::Ghosts;
use crate::room::Lobby;

/// How often at least: a leave is announced this much after its grace at the latest.
const LONGEST_PERIOD: Duration = Duration::from_secs(1);
/// How often per TTL at least: who observes leases counts on answers that are less than a TTL apart.
const ROUNDS_PER_TTL: u32 = 3;
/// How long one round may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts the task on its owner. `ttl` is that of `ghosts`.
pub(crate) fn start(lobby: Lobby, ghosts: Ghosts, ttl: Duration, tasks: &TaskGroup) {
    let stopping = tasks.stopping();
    tasks.spawn_vital("chat-sweep", run(lobby, ghosts, period(ttl), stopping));
}

fn period(ttl: Duration) -> Duration {
    LONGEST_PERIOD.min(ttl / ROUNDS_PER_TTL)
}

async fn run(lobby: Lobby, mut ghosts: Ghosts, period: Duration, stopping: Shutdown) {
    let mut periods = every(period);
    let mut stopped = std::pin::pin!(stopping.wait());
    let mut outage = Outage::default();
    loop {
        tokio::select! {
            () = &mut stopped => return,
            _ = periods.tick() => look(&lobby, &mut ghosts, &mut outage).await,
        }
    }
}

/// One round. A backplane that is away says so itself.
async fn look(lobby: &Lobby, ghosts: &mut Ghosts, outage: &mut Outage) {
    match deadline(PATIENCE, sweep(lobby, ghosts)).await {
        Ok(()) => _ = outage.ends(),
        Err(fault) if outage.begins() => tracing::debug!(error = ?fault, "leaves not announced"),
        Err(_) => {}
    }
}

async fn sweep(lobby: &Lobby, ghosts: &mut Ghosts) -> Result<(), BackplaneFault> {
    lobby.end_graces().await?;
    lobby.measure().await?;
    // Last, because it may be long: what is left of it is done in the next round, and nobody's grace waits for it.
    ghosts.look().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_ttl_is_observed_often_and_a_long_one_holds_no_leave_up() {
        assert!(period(Duration::from_secs(1)) * 2 < Duration::from_secs(1), "a round that comes late breaks nothing");
        assert_eq!(period(Duration::from_secs(60)), LONGEST_PERIOD);
    }
}
