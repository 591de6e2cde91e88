//! News for the gateways: sockets of a session that is over are to be closed.
//!
//! This is the fast path only. A gateway that misses it notices a gap in the numbers and asks which of its sessions are
//! over, and every service refuses what an outdated connection sends.

use std::sync::Arc;

use backplane::{Backplane, Channel};
use service_kit::TaskGroup;
use vocab::AccountId;

use crate::wire;

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    SignedInElsewhere,
    SignedOut,
    AccountDeleted,
}

/// A session that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Over {
    pub(crate) account: AccountId,
    /// Sessions below this epoch are over.
    pub(crate) epoch: i64,
    pub(crate) why: Why,
}

/// Tells the gateways.
pub(crate) struct Notices {
    name: String,
    publisher: Arc<backplane::Publisher>,
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

impl Notices {
    /// `name` tells this process from every other, and from itself before a restart.
    pub(crate) fn start(name: String, backplane: Arc<dyn Backplane>, tasks: &TaskGroup) -> Self {
        let signed = name.clone();
        let heartbeat = move |number| wire::heartbeat(&signed, number).into();
        let publisher = backplane::Publisher::start(backplane, [Channel::All], heartbeat, tasks);
        Self { name, publisher }
    }

    /// Tells every gateway, soon. What was done stays done when nobody can be told.
    pub(crate) fn session_over(&self, over: Over) {
        self.publisher.tell(Channel::All, |number| wire::session_over(&self.name, number, over).into());
    }
}
