//! Making good what may have been missed.
//!
//! The bus may lose messages, and the shared server its memory; neither goes unseen. Whoever notices demands a resync: the
//! bus after a reconnection, a lag, a gap in the numbers or a probe that didn't come back; this task itself when the
//! memory began another life. Then every session here is checked, every member put back, every log read on from the last
//! line had. Demands that come meanwhile are one more resync, and one that fails is tried until it succeeds.
//!
//! What nobody could tell, because the one to tell it died, isn't noticed: so sessions are checked from time to time.

use std::sync::Arc;
use std::time::Duration;

use proto::user::v1::{CheckSessionsRequest, SessionRef};
use service_kit::time::every;
use service_kit::{Fault, Shutdown};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::clients::answer;
use crate::gateway::Gateway;
use crate::numbering;
use crate::registry::Rank;

/// How often the life of the shared memory is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The longest pause between two attempts. Each looks at every session, so nobody who demands another cuts it short.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How often sessions are checked although nothing was noticed: a process that should have told of a newer one may have
/// died before it did.
const CHECK_EVERY: Duration = Duration::from_secs(20);

/// Sessions checked in one call.
const CHECKED_AT_ONCE: usize = 500;

/// What demands a resync. Clones demand the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Demand(Arc<Notify>);

/// What is looked after.
pub(crate) struct Resync {
    demand: Demand,
    gateway: Arc<Gateway>,
}

impl Demand {
    /// Something may have been missed.
    pub(crate) fn now(&self, why: &'static str) {
        metrics::counter!("gateway_resyncs_total", "why" => why).increment(1);
        self.0.notify_one();
    }

    async fn wait(&self) {
        self.0.notified().await;
    }
}

impl Resync {
    /// Looks after what this gateway holds, whenever `demand` asks for it.
    pub(crate) fn new(gateway: &Arc<Gateway>, demand: Demand) -> Self {
        Self { demand, gateway: Arc::clone(gateway) }
    }

    /// Answers demands until the gateway stops.
    pub(crate) async fn run(self, stopping: Shutdown) {
        let stopped = stopping.wait();
        tokio::select! {
            () = self.serve() => {}
            () = stopped => {}
        }
    }

    async fn serve(&self) {
        // There from the start, at 0: an increase can only be seen of what was there before.
        failures().increment(0);
        let mut looks = every(LOOK_EVERY);
        let mut checks = every(CHECK_EVERY);
        let mut life = None;
        loop {
            tokio::select! {
                () = self.demand.wait() => self.until_done().await,
                _ = looks.tick() => self.look(&mut life).await,
                _ = checks.tick() => {
                    // One that fails is made up for by the next.
                    if self.check_sessions().await.is_err() {
                        failures().increment(1);
                    }
                }
            }
        }
    }

    /// Notices when everything that was shared is lost. Nothing else tells: connections and subscriptions stay.
    async fn look(&self, known: &mut Option<u64>) {
        // While the backplane is away there is nothing to see, and others say so.
        let Ok(life) = self.gateway.backplane.life().await else { return };
        if known.replace(life).is_some_and(|before| before != life) {
            tracing::warn!("shared memory lost");
            self.demand.now("memory_lost");
        }
    }

    async fn until_done(&self) {
        let started = Instant::now();
        let mut backoff = Backoff::up_to(LONGEST_PAUSE);
        let mut failed = false;
        while let Err(fault) = self.once().await {
            failures().increment(1);
            if !std::mem::replace(&mut failed, true) {
                tracing::warn!(error = ?fault, "resync failed, is tried again");
            }
            backoff.wait().await;
        }
        metrics::histogram!("gateway_resync_seconds").record(started.elapsed());
    }

    /// Sessions first: whoever is over is not to be put back.
    async fn once(&self) -> Result<(), Fault> {
        self.check_sessions().await?;
        self.gateway.rooms.resync().await
    }

    async fn check_sessions(&self) -> Result<(), Fault> {
        for portion in self.gateway.registry.ranks().chunks(CHECKED_AT_ONCE) {
            let sessions =
                portion.iter().map(|(account, rank)| SessionRef { account_id: account.clone(), epoch: rank.epoch });
            let request = CheckSessionsRequest { sessions: sessions.collect() };
            for over in answer(self.gateway.clients.user().check_sessions(request).await)?.over {
                let rank = Rank { epoch: over.epoch, connection: over.connection };
                self.gateway.registry.replaced(&over.account_id, rank, &over.reason);
            }
            numbering::confirm(&self.gateway, portion).await?;
        }
        Ok(())
    }
}

fn failures() -> metrics::Counter {
    metrics::counter!("gateway_resyncs_failed_total")
}
