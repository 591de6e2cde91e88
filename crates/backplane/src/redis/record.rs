//! Members and leases as text. Each field that may hold anything comes last; the others hold no line feed.

use crate::leases::Lease;
use crate::rooms::Member;

/// What a room keeps of a member, beside its id. Scripts read the connection's number off the beginning.
pub(super) fn of_member(member: &Member) -> String {
    format!("{}\n{}\n{}", member.connection, member.gateway, member.name)
}

/// The member again.
pub(super) fn member(id: String, record: &str) -> Option<Member> {
    let mut fields = record.splitn(3, '\n');
    let connection = fields.next()?.parse().ok()?;
    let gateway = fields.next()?.to_owned();
    Some(Member { id, name: fields.next()?.to_owned(), gateway, connection })
}

/// What is kept of a lease, beside its service.
pub(super) fn of_lease(lease: &Lease) -> String {
    format!("{}\n{}\n{}", lease.nonce, lease.address, lease.instance)
}

/// The lease again.
pub(super) fn lease(service: &str, record: &str) -> Option<Lease> {
    let mut fields = record.splitn(3, '\n');
    let nonce = fields.next()?.parse().ok()?;
    let address = fields.next()?.to_owned();
    Some(Lease { service: service.to_owned(), instance: fields.next()?.to_owned(), nonce, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_back() {
        let ann = Member { id: "ann".into(), name: "Ann\nof two lines".into(), gateway: "g1".into(), connection: 7 };
        assert_eq!(member("ann".into(), &of_member(&ann)), Some(ann));
        assert_eq!(member("ann".into(), "seven\ng1\nAnn"), None);
        assert_eq!(member("ann".into(), "7\ng1"), None);
    }

    #[test]
    fn leases_come_back() {
        let lease_of =
            Lease { service: "s".into(), instance: "i".into(), nonce: u64::MAX, address: "http://a:1".into() };
        assert_eq!(lease("s", &of_lease(&lease_of)), Some(lease_of));
        assert_eq!(lease("s", "1"), None);
    }
}
