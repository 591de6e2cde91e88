//! What operators change, and what is left of it in the record.

use std::time::Duration;

use proto::battle::v1::{self as pb, Phase};
use service_kit::grpc::Operator;
use service_kit::{Fault, FaultKind};
use tokio::time::sleep;
use tonic::Request;

use crate::house::{House, Player, settings};
use crate::store::Store;

fn stop(battle: &pb::Battle) -> pb::StopBattleRequest {
    pb::StopBattleRequest { battle_id: battle.id.clone(), operator: "ann".to_owned(), dry_run: false }
}

async fn ask(house: &mut House, request: pb::StopBattleRequest) -> Result<Phase, Fault> {
    Ok(house.admin.stop_battle(request).await?.into_inner().battle.unwrap().phase())
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_recorded_with_the_operators_name_and_a_dry_run_is_not() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    let dry = pb::StopBattleRequest { dry_run: true, ..stop(&battle) };
    assert_eq!(ask(&mut house, dry.clone()).await.unwrap(), Phase::Fight);
    assert_eq!(store.rows().await.audit, []);

    assert_eq!(ask(&mut house, stop(&battle)).await.unwrap(), Phase::Ended);
    let late = ask(&mut house, dry).await.unwrap_err();
    assert_eq!((late.kind(), late.because()), (FaultKind::FailedPrecondition, Some("no_battle")));
    let [record] = store.rows().await.audit.clone().try_into().unwrap();
    assert_eq!((record.operator.as_str(), record.subject), ("ann", battle.id));
    assert_eq!(record.action, "mud.battle.v1.BattleAdminService/StopBattle");
}

#[tokio::test(start_paused = true)]
async fn the_name_of_the_secret_shown_is_what_is_recorded() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    let shown_by_bob = |named: &str| {
        let mut call = Request::new(pb::StopBattleRequest { operator: named.to_owned(), ..stop(&battle) });
        call.extensions_mut().insert(Operator("bob".into()));
        call
    };
    let refused = Fault::from(house.admin.stop_battle(shown_by_bob("ann")).await.unwrap_err());
    assert_eq!((refused.kind(), refused.at_field()), (FaultKind::PermissionDenied, Some("operator")));
    assert_eq!(store.rows().await.audit, []);

    house.admin.stop_battle(shown_by_bob("")).await.unwrap();
    let [record] = store.rows().await.audit.clone().try_into().unwrap();
    assert_eq!(record.operator, "bob");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_recorded_is_not_done() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    store.rows().await.unaudited = true;
    assert_eq!(ask(&mut house, stop(&battle)).await.unwrap_err().kind(), FaultKind::Unavailable);
    sleep(Duration::from_secs(60)).await;
    let record = store.record(&battle.id).await;
    assert_eq!((record.inputs, record.ended_at), (Vec::new(), None));

    store.rows().await.unaudited = false;
    assert_eq!(ask(&mut house, stop(&battle)).await.unwrap(), Phase::Ended);
}

#[tokio::test(start_paused = true)]
async fn nobody_stops_nothing() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    for dry_run in [true, false] {
        let nobody = pb::StopBattleRequest { operator: String::new(), dry_run, ..stop(&battle) };
        let refused = ask(&mut house, nobody).await.unwrap_err();
        assert_eq!((refused.kind(), refused.at_field()), (FaultKind::InvalidArgument, Some("operator")));
    }
    assert_eq!(store.rows().await.audit, []);
    assert_eq!(store.record(&battle.id).await.inputs, []);
}
