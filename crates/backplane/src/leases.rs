//! Who is alive.
//!
//! A lease says that an instance lives, never that it may write.

use std::time::Duration;

use async_trait::async_trait;

use crate::fault::Result;

/// The service of battle-svc's leases.
pub const BATTLES: &str = "battle-svc";

/// The service of gateways' leases.
pub const GATEWAYS: &str = "gateway";

/// One instance of one service. Two starts of one instance differ in their nonce and are two leases.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lease {
    /// Such as [`BATTLES`].
    pub service: String,
    /// The instance's name, unique within its service.
    pub instance: String,
    /// Random at every start.
    pub nonce: u64,
    /// Where others reach it, as a URL.
    pub address: String,
}

/// Keeps leases.
#[async_trait]
pub trait Leases: Send + Sync + 'static {
    /// Takes or renews a lease, which ends `ttl` from now; answers whether it ran until then. One that didn't may have been
    /// missed by others meanwhile.
    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool>;

    /// Ends a lease at once. One that is not there is no fault.
    async fn release(&self, lease: &Lease) -> Result<()>;

    /// Every instance of `service` whose lease runs, in the order of names.
    async fn living(&self, service: &str) -> Result<Vec<Lease>>;
}
