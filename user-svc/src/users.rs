//! What every use case of this service works with.

use std::sync::Arc;

use backplane::Backplane;
use rules::Ruleset;
use service_kit::{Fence, TaskGroup};
use vocab::AccountId;

use crate::notice::{Notices, Over, Why};
use crate::password::Hasher;
use crate::store::Store;

/// The service's tools. One per service, shared by its handlers.
pub(crate) struct Users {
    pub(crate) store: Store,
    pub(crate) backplane: Arc<dyn Backplane>,
    pub(crate) ruleset: Arc<Ruleset>,
    pub(crate) hasher: Hasher,
    pub(crate) fence: Fence,
    pub(crate) notices: Notices,
    /// Life of a session, milliseconds.
    pub(crate) session_ttl: i64,
    /// Owns what goes on after an answer.
    pub(crate) tasks: TaskGroup,
}

impl Users {
    /// Tells the gateways that sessions below `epoch` are over.
    pub(crate) fn replaced(&self, account: AccountId, epoch: i64, why: Why) {
        self.notices.session_over(Over { account, epoch, why });
    }
}
