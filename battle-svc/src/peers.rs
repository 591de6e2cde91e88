//! Whether there are other instances, and how they and this one find each other.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backplane::Leases;
use service_kit::grpc::Dialer;

/// The other instances of battle-svc, if there may be any.
#[derive(Debug, Clone)]
pub struct Peers(pub(crate) Option<Among>);

/// One instance among several.
#[derive(Clone)]
pub(crate) struct Among {
    /// Keeps the leases of all.
    pub(crate) leases: Arc<dyn Leases>,
    /// Where the others reach this one, as a URL.
    pub(crate) address: String,
    /// How long a lease lasts.
    pub(crate) ttl: Duration,
    /// The way to the others.
    pub(crate) dialer: Dialer,
}

impl Peers {
    /// There is no other instance, ever: whatever a record says, nobody else has a battle.
    #[must_use]
    pub fn alone() -> Self {
        Self(None)
    }

    /// One of several over the same store and the same `leases`, which all have to give the same `ttl`. The others reach
    /// it at `address`, a URL, and it reaches them with `dialer`.
    pub fn among(leases: Arc<dyn Leases>, address: impl Into<String>, ttl: Duration, dialer: Dialer) -> Self {
        Self(Some(Among { leases, address: address.into(), ttl, dialer }))
    }
}

impl fmt::Debug for Among {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Among").field("address", &self.address).field("ttl", &self.ttl).finish_non_exhaustive()
    }
}
