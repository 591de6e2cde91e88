//! News for the gateways: sockets of a session that is over are to be closed.
//!
//! This is the fast path only. A gateway that misses it finds out from the numbers, and every service refuses what an
//! outdated connection sends.

use std::sync::atomic::{AtomicU64, Ordering};

use backplane::{Backplane, Channel};
use vocab::AccountId;

use crate::wire;

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    SignedInElsewhere,
    SignedOut,
    AccountDeleted,
}

/// Numbers what this process publishes.
pub(crate) struct Publisher {
    name: String,
    last: AtomicU64,
}

impl Why {
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::SignedInElsewhere => "signed_in_elsewhere",
            Self::SignedOut => "signed_out",
            Self::AccountDeleted => "account_deleted",
        }
    }
}

impl Publisher {
    /// `name` tells this process from every other, and from itself before a restart.
    pub(crate) fn new(name: String) -> Self {
        Self { name, last: AtomicU64::new(0) }
    }

    /// Tells every gateway that sessions of this account below `epoch` are over. What was done stays done when nobody
    /// can be told.
    pub(crate) async fn session_over(&self, backplane: &dyn Backplane, account: AccountId, epoch: i64, why: Why) {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let envelope = wire::session_over(&self.name, number, account, epoch, why.key());
        if let Err(error) = backplane.publish(&Channel::All, envelope.into()).await {
            metrics::counter!("notices_lost_total").increment(1);
            tracing::warn!(error = %error, "notice of an ended session not published");
        }
    }
}
