//! What operators changed, and who reads it.

use proto::user::v1::*;
use service_kit::Fault;
use service_kit::FaultKind::InvalidArgument;

use super::support::{DAY, House, verdict};

fn deed(operator: &str, subject: &str) -> RecordAuditRequest {
    RecordAuditRequest {
        operator: operator.into(),
        action: "mud.test.v1.Test/Do".into(),
        subject: subject.into(),
        detail: "twice".into(),
    }
}

async fn record(house: &House, deed: RecordAuditRequest) -> Result<String, Fault> {
    Ok(house.client().record_audit(deed).await?.into_inner().id)
}

async fn page(house: &House, page_size: u32, page_token: &str) -> ListAuditResponse {
    let request = ListAuditRequest { page_size, page_token: page_token.into() };
    house.admin.clone().list_audit(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_record_says_who_did_what_and_when() {
    let house = House::new().await;
    let id = record(&house, deed("ann", "1")).await.unwrap();
    let house = house.reopen().await;
    let [record] = page(&house, 0, "").await.records.try_into().unwrap();
    let (at, now) = (record.at, house.clock.now());
    assert!((now - 60_000..=now).contains(&at), "{at} at {now}");
    let RecordAuditRequest { operator, action, subject, detail } = deed("ann", "1");
    assert_eq!(record, AuditRecord { id, at, operator, action, subject, detail });
}

#[tokio::test]
async fn the_newest_come_first_page_by_page() {
    let house = House::new().await;
    for number in 1..=5 {
        record(&house, deed("ann", &number.to_string())).await.unwrap();
        house.clock.advance(DAY);
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    for _ in 0..3 {
        let page = page(&house, 2, &token).await;
        seen.extend(page.records.into_iter().map(|record| record.subject));
        token = page.next_page_token;
        // Whatever is added meanwhile is on no page that comes later.
        record(&house, deed("ben", "later")).await.unwrap();
    }
    assert_eq!(seen, ["5", "4", "3", "2", "1"]);
    assert_eq!(token, "");
}

#[tokio::test]
async fn nobody_doing_nothing_to_nothing_is_no_record() {
    let house = House::new().await;
    let good = deed("ann", "1");
    let long = "x".repeat(1_001);
    let bad = [
        (RecordAuditRequest { operator: String::new(), ..good.clone() }, "operator"),
        (RecordAuditRequest { operator: long.clone(), ..good.clone() }, "operator"),
        (RecordAuditRequest { action: String::new(), ..good.clone() }, "action"),
        (RecordAuditRequest { subject: String::new(), ..good.clone() }, "subject"),
        (RecordAuditRequest { detail: long, ..good.clone() }, "detail"),
    ];
    for (deed, field) in bad {
        assert_eq!(verdict(&record(&house, deed).await.unwrap_err()), (InvalidArgument, Some(field), None));
    }
    assert!(page(&house, 0, "").await.records.is_empty());
    record(&house, RecordAuditRequest { detail: String::new(), ..good }).await.unwrap();
}
