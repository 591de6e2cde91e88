//! This gateway's sign of life: without it, those it holds in chat rooms are taken for gone.

use std::sync::Arc;
use std::time::Duration;

use backplane::{Backplane, BackplaneFault, Lease, leases};
use service_kit::Shutdown;
use service_kit::time::every;

use crate::resync::Demand;

/// How long this gateway counts as alive after a sign of life. Each chat-svc waits for its own `--lease-ttl` beyond that
/// before it calls it dead.
const TTL: Duration = Duration::from_secs(5);

/// Between two signs of life.
const RENEWED_EVERY: Duration = Duration::from_millis(1_500);

/// Keeps the lease of the gateway `instance` until it stops. A backplane that is away calls nobody dead. A name is that of
/// one start of a gateway: who comes back under an old one would keep those alive for ever that it doesn't hold.
///
/// Where the lease had ended meanwhile, members may have been taken for gone after they were put back; so they are again.
pub(crate) async fn keep(backplane: Arc<dyn Backplane>, instance: String, demand: Demand, stopping: Shutdown) {
    let lease = Lease { service: leases::GATEWAYS.to_owned(), instance, nonce: rand::random(), address: String::new() };
    let mut renewals = every(RENEWED_EVERY);
    let mut stopped = std::pin::pin!(stopping.wait());
    let mut taken = false;
    loop {
        tokio::select! {
            () = &mut stopped => break,
            _ = renewals.tick() => {}
        }
        if let Some(ran) = counted(backplane.renew(&lease, TTL).await) {
            if taken && !ran {
                demand.now("lease_lapsed");
            }
            taken = true;
        }
    }
    // Where that fails, the lease ends by itself.
    counted(backplane.release(&lease).await);
}

fn counted<T>(outcome: Result<T, BackplaneFault>) -> Option<T> {
    if outcome.is_err() {
        metrics::counter!("gateway_lease_failed_total").increment(1);
    }
    outcome.ok()
}
