//! A handler that panics fails its own call, not the connection with every other call on it.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use crate::Fault;

/// What `work` answers, or a fault of ours if it panics. The panic hook has then said what and where.
pub(super) async fn contained<T>(work: impl Future<Output = T>) -> Result<T, Fault> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_panic| {
        metrics::counter!("grpc_panicked_total").increment(1);
        Fault::internal("handler panicked")
    })
}
