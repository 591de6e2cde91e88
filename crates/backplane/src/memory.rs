//! Whether what is shared is still the same.

use async_trait::async_trait;

use crate::fault::Result;

/// Knows how long back it remembers.
#[async_trait]
pub trait Memory: Send + Sync + 'static {
    /// Which life of the shared memory this is: a random number that stays until everything was lost, as when the shared
    /// server was emptied or started anew, or a replica took over. One that comes back with an earlier state has lost
    /// its rooms all the same. Whoever sees another number than before has to put back what it holds.
    async fn life(&self) -> Result<u64>;
}
