//! Health of addresses, asked by ourselves: a connection that is open proves nothing about what is behind it.

use std::sync::Arc;
use std::time::Duration;

use crate::time::every;
use futures::future::join_all;
use tokio::time::timeout;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::peers::{Peer, Peers, Standing};

/// How often an address is asked, and how long it may think. Together, how long a frozen one gets calls.
const EVERY: Duration = Duration::from_secs(1);
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// After how long at most an address that wants no work any more gets none.
pub(crate) const NOTICED_WITHIN: Duration = EVERY.saturating_add(PATIENCE);

/// Asks every address again and again, and a new one at once.
pub(super) async fn keep(peers: Arc<Peers>) {
    let mut round = every(EVERY);
    loop {
        tokio::select! {
            _ = round.tick() => {}
            () = peers.unasked() => {}
        }
        join_all(peers.all().iter().map(|peer| check(&peers, peer))).await;
    }
}

async fn check(peers: &Peers, peer: &Arc<Peer>) {
    peers.note(peer, ask(peer).await);
}

async fn ask(peer: &Peer) -> Standing {
    // An empty name asks for the server as a whole.
    let question = HealthCheckRequest { service: String::new() };
    match timeout(PATIENCE, HealthClient::new(peer.channel()).check(question)).await {
        Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving => Standing::Serving,
        Ok(Ok(_unwilling)) => Standing::Unwilling,
        Ok(Err(_)) | Err(_) => Standing::Away,
    }
}
