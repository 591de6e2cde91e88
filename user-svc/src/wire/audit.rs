//! What operators changed.

use proto::user::v1 as user;
use service_kit::Fault;

use super::name;
use crate::audit_record::Deed;
use crate::store::rows::AuditRow;

/// The longest detail.
const DETAIL_BYTES: usize = 1_000;

pub(crate) fn deed(request: user::RecordAuditRequest) -> Result<Deed, Fault> {
    if request.detail.len() > DETAIL_BYTES {
        return Err(Fault::invalid("detail-too-long").field("detail"));
    }
    Ok(Deed {
        operator: name(request.operator, "operator")?,
        action: name(request.action, "action")?,
        subject: name(request.subject, "subject")?,
        detail: request.detail,
    })
}

pub(crate) fn audit_record(row: AuditRow) -> user::AuditRecord {
    let AuditRow { id, at, operator, action, subject, detail } = row;
    user::AuditRecord { id: id.to_string(), at, operator, action, subject, detail }
}
