//! What operators change, written down before they do. The laws of the books are `ledger`.

use std::sync::Arc;

use service_kit::Fault;
use vocab::AuditId;

use crate::page::{Page, PageOf};
use crate::store::Store;
use crate::store::rows::AuditRow;

/// What an operator is about to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deed {
    pub(crate) operator: String,
    /// Full name of the call.
    pub(crate) action: String,
    pub(crate) subject: String,
    /// What else was asked for; empty for nothing.
    pub(crate) detail: String,
}

/// Writes a deed down.
pub(crate) async fn record(store: &Store, deed: Deed) -> Result<AuditId, Fault> {
    let id = AuditId::generate();
    store.record_audit(id, Arc::new(deed)).await?;
    Ok(id)
}

/// Lists what was done, newest first.
pub(crate) async fn list(store: &Store, of: PageOf<AuditId>) -> Result<Page<AuditRow, AuditId>, Fault> {
    let lines = store.list_audit(of.after, of.limit()).await?;
    Ok(of.cut(lines, |line| line.id))
}
