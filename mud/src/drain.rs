//! The way out, in an order that loses nothing: players are told to come back, then battles are saved and let go.

use std::time::Duration;

/// How long each step may take. What is not done by then is lost to nobody: battles are computed again.
const GATEWAY_GRACE: Duration = Duration::from_secs(5);
const BATTLE_GRACE: Duration = Duration::from_secs(10);

/// Sends the players away and puts every battle down.
pub(crate) async fn drain(gateway: &gateway::Service, battles: &battle_svc::Service) {
    step("gateway", GATEWAY_GRACE, gateway.drain()).await;
    step("battles", BATTLE_GRACE, battles.drain()).await;
}

async fn step(name: &'static str, grace: Duration, work: impl Future<Output = ()>) {
    if tokio::time::timeout(grace, work).await.is_err() {
        tracing::warn!(step.name = name, step.grace_s = grace.as_secs(), "drain step took too long");
    }
}
