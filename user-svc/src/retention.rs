//! What is kept for a time only, and the job that removes it, some rows at a time.

use std::time::Duration;

use service_kit::Shutdown;

use crate::store::Store;

/// Rows a sweep deletes in one transaction.
const BATCH: i64 = 500;
/// Rest between two rounds.
const EVERY: Duration = Duration::from_secs(600);

const HOUR_MS: i64 = 3_600_000;

/// What is kept for a time only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Ended battles with their segments and inputs, counted from their end.
    Battles,
    /// Sessions, counted from their expiry.
    Sessions,
    /// Answers under idempotency keys, counted from their begin.
    OnceKeys,
}

impl Kept {
    pub(crate) const ALL: [Self; 3] = [Self::Battles, Self::Sessions, Self::OnceKeys];

    /// For how long, milliseconds.
    pub(crate) const fn for_ms(self) -> i64 {
        match self {
            Self::Battles => 7 * 24 * HOUR_MS,
            Self::Sessions | Self::OnceKeys => 24 * HOUR_MS,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Battles => "battle",
            Self::Sessions => "session",
            Self::OnceKeys => "once_key",
        }
    }
}

/// Sweeps until told to stop.
pub(crate) async fn run(store: Store, stop: Shutdown) {
    loop {
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        for what in Kept::ALL {
            round(&store, what, &stop).await;
        }
    }
}

/// Deletes what is over, batch by batch, and says how many rows that were. A failure ends the round; the next tries
/// again.
pub(crate) async fn round(store: &Store, what: Kept, stop: &Shutdown) -> usize {
    let mut gone = 0;
    while !stop.begun() {
        match store.sweep(what, BATCH).await {
            Ok(0) => break,
            Ok(rows) => gone += rows,
            Err(error) => {
                tracing::warn!(table.name = what.name(), error.cause = %error, "sweep failed");
                break;
            }
        }
    }
    metrics::counter!("retention_deleted_total", "table" => what.name()).increment(gone as u64);
    gone
}
