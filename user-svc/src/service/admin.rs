//! `mud.user.v1.UserAdminService`.

use proto::user::v1::user_admin_service_server::UserAdminService;
use proto::user::v1::*;
use tonic::Request;

use super::{Answer, answer};
use crate::store::Store;
use crate::{audit_record, wire};

/// Accounts and operators' deeds, for operators. Clones are the same service.
#[derive(Clone)]
pub struct UserAdmin {
    store: Store,
}

impl UserAdmin {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }
}

#[tonic::async_trait]
impl UserAdminService for UserAdmin {
    async fn list_audit(&self, request: Request<ListAuditRequest>) -> Answer<ListAuditResponse> {
        let ListAuditRequest { page_size, page_token } = request.into_inner();
        let page = audit_record::list(&self.store, wire::page(page_size, &page_token)?).await?;
        let records = page.lines.into_iter().map(wire::audit_record).collect();
        answer(ListAuditResponse { records, next_page_token: wire::page_token(page.next) })
    }
}
