//! Who may act: the newest connection of an account, and internal tools.

use proto::common::v1 as common;
use service_kit::Fault;

use crate::session::Opened;
use crate::users::Users;
use crate::wire::{self, Caller};

/// The lowest number a connection can have.
const FIRST_CONNECTION: u64 = 1;

impl Users {
    /// Lets the newest connection of an account through.
    pub(super) fn admit(&self, caller: Option<common::Caller>) -> Result<Caller, Fault> {
        let caller = wire::caller(caller)?;
        self.fence.admit(*caller.account.as_bytes(), caller.epoch, caller.connection)?;
        Ok(caller)
    }

    /// From now on, connections of earlier sessions are refused.
    pub(super) fn note(&self, opened: &Opened) {
        // Refused only when an even newer session was noted meanwhile, which is as good.
        let _ = self.fence.admit(*opened.account.as_bytes(), wire::unsigned(opened.epoch), FIRST_CONNECTION);
    }
}
