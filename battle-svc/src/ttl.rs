//! What follows from how long a lease lasts: the fractions of it that `docs/adr/0023` and `docs/adr/0024` rest on.

use std::time::Duration;

/// How often an instance renews its lease, and looks at the others'.
pub(crate) fn renew_every(ttl: Duration) -> Duration {
    ttl * 3 / 10
}

/// How long the backplane, or the store asked in its place, may think. What comes later says too little of the present.
pub(crate) fn patience(ttl: Duration) -> Duration {
    ttl / 2
}

/// Others claim no battle sooner after the last renewal than this: a backplane may forget a lease right away, and they
/// saw it shortly before.
pub(crate) fn unclaimed_for(ttl: Duration) -> Duration {
    ttl / 2
}

/// So long after others may claim the store is asked whose the battles are.
pub(crate) fn doubt_after(ttl: Duration) -> Duration {
    ttl / 10
}

/// So long after it looked at the leases a claim may still land: it is made within a TTL or not at all, and the rest is its
/// deadline and what a connection holds back until its keepalive gives it up.
pub(crate) fn claims_land_within(ttl: Duration) -> Duration {
    ttl + Duration::from_secs(20)
}

/// How often it is asked while that lasts.
pub(crate) fn ask_every(ttl: Duration) -> Duration {
    ttl * 4 / 10
}

/// How often a wheel with battles turns at least, so that it notices when it stood still.
pub(crate) fn turn_every(ttl: Duration) -> Duration {
    ttl / 2
}
