//! Battle records: made, claimed, added to and read.

use proto::user::v1::*;
use service_kit::Fault;
use service_kit::FaultKind::{Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, Unauthenticated};
use vocab::BattleId;

use super::support::{House, OWNER, PASSWORD, assert_same_everywhere, connected, creation, entry, verdict};

async fn create(house: &House, request: CreateBattleRequest) -> Result<CreateBattleResponse, Fault> {
    Ok(house.client().create_battle(request).await?.into_inner())
}

async fn append(house: &House, battle: &str, input: &BattleInput) -> Result<u64, Fault> {
    let request = AppendInputRequest { battle_id: battle.into(), input: Some(input.clone()) };
    Ok(house.client().append_input(request).await?.into_inner().n)
}

fn input(epoch: u64, at_seq: u64, bytes: &[u8]) -> BattleInput {
    BattleInput { n: 0, epoch, at_seq, tick: at_seq * 2, input: bytes.to_vec() }
}

#[tokio::test]
async fn a_new_battle_stands_at_its_start() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let id = BattleId::generate().to_string();
    let made = create(&house, creation(&session, &id)).await.unwrap();
    let mut record = house.record(&id).await;
    let at = made.started_at;
    assert_eq!((record.started_at, record.saved_at, record.seen_at, record.segments[0].origin_ms), (at, at, at, at));
    assert_eq!((&record.battle_id, &record.account_id), (&id, &session.account_id));
    assert_eq!(record.character_id, session.character.as_ref().unwrap().id);
    for text in [&mut record.battle_id, &mut record.account_id, &mut record.character_id] {
        *text = "an id".into();
    }
    for time in [&mut record.started_at, &mut record.saved_at, &mut record.seen_at] {
        *time = 0;
    }
    record.segments[0].origin_ms = 0;
    assert_same_everywhere!(record);

    house.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(create(&house, creation(&session, &id)).await.unwrap(), made, "a repeat changes nothing");
}

#[tokio::test]
async fn a_character_has_one_battle_at_a_time() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let ids: Vec<String> = (0..8).map(|_| BattleId::generate().to_string()).collect();
    let answers = futures::future::join_all(ids.iter().map(|id| create(&house, creation(&session, id)))).await;
    let made: Vec<&String> = ids.iter().zip(&answers).filter(|(_, answer)| answer.is_ok()).map(|(id, _)| id).collect();
    assert_eq!(made.len(), 1);
    for fault in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(verdict(fault), (AlreadyExists, None, Some("in_battle")));
        assert!(fault.args().any(|(name, value)| name == "battle" && value == made[0]), "{fault:?}");
    }
}

#[tokio::test]
async fn a_battle_starts_from_the_character_as_it_is() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let first = house.battle(&session).await.unwrap();
    let end = SaveEntry { end_reason: Some("stopped".into()), ..entry(&first, 3, 1) };
    assert_eq!(house.save(vec![end]).await, [SaveResult::Saved]);

    let fault = house.battle(&session).await.unwrap_err();
    assert_eq!(verdict(&fault), (Aborted, None, Some("character_changed")));
    let fresh = Session { character: Some(house.character(&session).await), ..session.clone() };
    house.battle(&fresh).await.unwrap();

    let other = house.sign_up("jiho", "지호").await.unwrap();
    let stolen = CreateBattleRequest {
        caller: super::support::caller(&other),
        ..creation(&fresh, &BattleId::generate().to_string())
    };
    assert_eq!(create(&house, stolen).await.unwrap_err().kind(), NotFound, "another's character");
    let taken = creation(&other, &first);
    assert_eq!(create(&house, taken).await.unwrap_err().kind(), AlreadyExists, "another's battle id");
}

#[tokio::test]
async fn a_repeat_is_none_once_the_battle_is_anothers() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    let again = creation(&session, &battle);
    let elsewhere = CreateBattleRequest { owner: "battle-2".into(), ..again.clone() };
    assert_eq!(verdict(&create(&house, elsewhere).await.unwrap_err()), (AlreadyExists, None, Some("in_battle")));

    house.claim(&battle, 1, OWNER).await.unwrap();
    let fault = create(&house, again.clone()).await.unwrap_err();
    assert_eq!(verdict(&fault), (AlreadyExists, None, Some("in_battle")), "even for the owner, under a newer epoch");
    assert!(fault.args().any(|(name, value)| name == "battle" && *value == battle), "{fault:?}");

    house.save(vec![SaveEntry { epoch: 2, end_reason: Some("died".into()), ..entry(&battle, 3, 0) }]).await;
    let fault = create(&house, again).await.unwrap_err();
    assert_eq!(verdict(&fault), (Aborted, None, Some("character_changed")), "it has come and gone");
}

#[tokio::test]
async fn an_older_session_starts_no_battle() {
    let mut house = House::new().await;
    let old = house.sign_up("mina", "민아").await.unwrap();
    let new = house.sign_in("mina", PASSWORD).await.unwrap();
    // Whoever remembers the newer connection is gone: the account's row remembers as well.
    house = house.reopen().await;
    let wanted = |session: &Session, connection| CreateBattleRequest {
        caller: connected(session, connection),
        ..creation(session, &BattleId::generate().to_string())
    };
    let fault = create(&house, wanted(&old, 9)).await.unwrap_err();
    assert_eq!(verdict(&fault), (Unauthenticated, None, Some("session_replaced")));
    create(&house, wanted(&new, 3)).await.unwrap();
    let in_the_way = create(&house, wanted(&old, 0)).await.unwrap_err();
    assert_eq!(in_the_way.because(), Some("in_battle"), "an internal tool gets that far");
}

#[tokio::test]
async fn of_many_claims_one_wins() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    let owners: Vec<String> = (0..8).map(|n| format!("battle-{n}")).collect();
    let claims = futures::future::join_all(owners.iter().map(|owner| house.claim(&battle, 1, owner))).await;
    let won: Vec<&BattleRecord> = claims.iter().flatten().collect();
    assert_eq!(won.len(), 1);
    assert_eq!(won[0].epoch, 2);
    assert_eq!(house.record(&battle).await.owner, won[0].owner);
    for fault in claims.iter().filter_map(|claim| claim.as_ref().err()) {
        assert_eq!(verdict(fault), (Aborted, None, Some("epoch_moved")));
    }
    assert_eq!(house.save(vec![entry(&battle, 1, 1)]).await, [SaveResult::Stale], "the first owner is out");
    assert_eq!(house.claim(&battle, 2, "battle-9").await.unwrap().epoch, 3);
}

#[tokio::test]
async fn what_is_over_or_unknown_cannot_be_claimed() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    house.save(vec![SaveEntry { end_reason: Some("stopped".into()), ..entry(&battle, 1, 0) }]).await;
    assert_eq!(verdict(&house.claim(&battle, 1, OWNER).await.unwrap_err()), (FailedPrecondition, None, Some("ended")));
    let unknown = BattleId::generate().to_string();
    assert_eq!(house.claim(&unknown, 1, OWNER).await.unwrap_err().kind(), NotFound);
    assert_eq!(house.claim("x", 1, OWNER).await.unwrap_err().kind(), InvalidArgument);
    assert_eq!(house.claim(&battle, 1, "").await.unwrap_err().kind(), InvalidArgument);
}

#[tokio::test]
async fn inputs_are_stored_once_under_the_owners_epoch() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    assert_eq!(append(&house, &battle, &input(1, 4, b"attack")).await.unwrap(), 1);
    assert_eq!(append(&house, &battle, &input(1, 4, b"attack")).await.unwrap(), 1, "a repeat");
    assert_eq!(append(&house, &battle, &input(1, 4, b"skill")).await.unwrap(), 2);
    assert_eq!(append(&house, &battle, &input(1, 5, b"attack")).await.unwrap(), 3);
    let moved = append(&house, &battle, &input(2, 6, b"attack")).await.unwrap_err();
    assert_eq!(verdict(&moved), (Aborted, None, Some("epoch_moved")));

    let claimed = house.claim(&battle, 1, "battle-2").await.unwrap();
    let seen: Vec<(u64, u64, u64)> = claimed.inputs.iter().map(|input| (input.n, input.at_seq, input.tick)).collect();
    assert_eq!(seen, [(1, 4, 8), (2, 4, 8), (3, 5, 10)]);
    let stale = append(&house, &battle, &input(1, 6, b"stop")).await.unwrap_err();
    assert_eq!(verdict(&stale), (Aborted, None, Some("epoch_moved")));

    assert_eq!(append(&house, &battle, &input(2, 6, b"stop")).await.unwrap(), 4);
    let end = SaveEntry { epoch: 2, end_reason: Some("stopped".into()), ..entry(&battle, 6, 0) };
    house.save(vec![end]).await;
    assert_eq!(append(&house, &battle, &input(2, 6, b"stop")).await.unwrap(), 4, "a repeat after the end");
    let late = append(&house, &battle, &input(2, 7, b"stop")).await.unwrap_err();
    assert_eq!(verdict(&late), (FailedPrecondition, None, Some("ended")));
    assert_eq!(
        append(&house, &BattleId::generate().to_string(), &input(1, 1, b"x")).await.unwrap_err().kind(),
        NotFound
    );
}

#[tokio::test]
async fn a_claim_brings_what_the_older_keyframe_needs() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    for at_seq in [900, 1_300, 2_500] {
        append(&house, &battle, &input(1, at_seq, b"stop")).await.unwrap();
    }
    let segment = |from_seq: u64| BattleSegment { from_seq, ruleset: "1:01".into(), state: vec![1], origin_ms: 5 };
    let save = |seq: u64, from_seq| SaveEntry {
        key_a: Some(format!("a {seq}").into_bytes()),
        key_b: Some(format!("b {seq}").into_bytes()),
        new_segment: Some(segment(from_seq)),
        ..entry(&battle, seq, seq)
    };
    house.save(vec![save(1_000, 1_001)]).await;
    house.save(vec![save(2_600, 2_601)]).await;

    let claimed = house.claim(&battle, 1, "battle-2").await.unwrap();
    let froms: Vec<u64> = claimed.segments.iter().map(|segment| segment.from_seq).collect();
    assert_eq!(froms, [1_001, 2_601], "frame 1,201 is in the second segment");
    assert_eq!(claimed.inputs.iter().map(|input| input.at_seq).collect::<Vec<_>>(), [1_300, 2_500]);
    assert_eq!((claimed.key_a, claimed.key_b), (b"a 2600".to_vec(), b"b 2600".to_vec()));
    let whole = house.record(&battle).await;
    assert_eq!((whole.segments.len(), whole.inputs.len()), (3, 3));

    let again = SaveEntry { epoch: 2, new_segment: Some(segment(2_601)), ..entry(&battle, 2_600, 2_600) };
    house.save(vec![SaveEntry { key_a: None, key_b: None, ..again }]).await;
    let whole = house.record(&battle).await;
    assert_eq!(whole.segments.len(), 3, "a segment without frames gives way to the next at its place");
    assert_eq!(whole.key_b, b"b 2600", "a keyframe that is absent stays");
}

#[tokio::test]
async fn the_live_battle_of_a_character_is_found_before_older_ones() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let character = session.character.clone().unwrap();
    let by_character = || GetBattleRecordRequest {
        by: Some(get_battle_record_request::By::CharacterId(character.id.clone())),
        history: false,
    };
    let fault: Fault = house.client().get_battle_record(by_character()).await.unwrap_err().into();
    assert_eq!(fault.kind(), NotFound);
    let first = house.battle(&session).await.unwrap();
    house.save(vec![SaveEntry { end_reason: Some("died".into()), ..entry(&first, 1, 0) }]).await;
    let found = house.client().get_battle_record(by_character()).await.unwrap().into_inner().record.unwrap();
    assert_eq!((found.battle_id, found.end_reason.as_deref()), (first, Some("died")));
    let fresh = Session { character: Some(house.character(&session).await), ..session };
    let second = house.battle(&fresh).await.unwrap();
    let found = house.client().get_battle_record(by_character()).await.unwrap().into_inner().record.unwrap();
    assert_eq!((found.battle_id, found.end_reason), (second, None));
}

#[tokio::test]
async fn the_live_battle_comes_first_even_after_the_clock_was_set_back() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let first = house.battle(&session).await.unwrap();
    house.save(vec![SaveEntry { end_reason: Some("died".into()), ..entry(&first, 1, 0) }]).await;
    house.clock.set_back(std::time::Duration::from_secs(3_600));
    let fresh = Session { character: Some(house.character(&session).await), ..session.clone() };
    let second = house.battle(&fresh).await.unwrap();

    let by = Some(get_battle_record_request::By::CharacterId(session.character.unwrap().id));
    let found = house.client().get_battle_record(GetBattleRecordRequest { by, history: false }).await.unwrap();
    assert_eq!(found.into_inner().record.unwrap().battle_id, second);
    let live = BattleRef { battle_id: second, live: true, end_seen: false };
    assert_eq!(house.authenticate(&session.token).await.unwrap().battle, Some(live));
}

#[tokio::test]
async fn lists_come_in_pages() {
    let house = House::new().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let session = house.sign_up(&format!("user{n}"), &format!("user{n}")).await.unwrap();
        ids.push(house.battle(&session).await.unwrap());
    }
    house.save(vec![SaveEntry { end_reason: Some("stopped".into()), ..entry(&ids[1], 1, 0) }]).await;
    let list = |live_only, page_token: String| {
        let mut client = house.client();
        async move {
            let request = ListBattleRecordsRequest { live_only, page_size: 2, page_token };
            client.list_battle_records(request).await.unwrap().into_inner()
        }
    };
    for (live_only, expected) in [(false, ids.clone()), (true, [&ids[..1], &ids[2..]].concat())] {
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = list(live_only, token).await;
            let light = |record: &BattleRecord| {
                record.state.is_empty() && record.segments.is_empty() && record.totals.is_none()
            };
            assert!(page.records.iter().all(light));
            seen.extend(page.records.into_iter().map(|record| record.battle_id));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn a_ruleset_once_put_stays() {
    let house = House::new().await;
    let put = |pack: &[u8]| PutRulesetRequest { id: "1:0123456789abcdef".into(), pack: pack.to_vec() };
    house.client().put_ruleset(put(b"pack")).await.unwrap();
    house.client().put_ruleset(put(b"other")).await.unwrap();
    let get = |id: &str| GetRulesetRequest { id: id.into() };
    assert_eq!(house.client().get_ruleset(get("1:0123456789abcdef")).await.unwrap().into_inner().pack, b"pack");
    let fault: Fault = house.client().get_ruleset(get("1:ffff")).await.unwrap_err().into();
    assert_eq!(fault.kind(), NotFound);
}

#[tokio::test]
async fn an_owner_can_ask_which_battles_are_not_its_own_any_more() {
    let house = House::new().await;
    let mut battles = Vec::new();
    for name in ["live", "claimed", "ended", "gone"] {
        let session = house.sign_up(name, name).await.unwrap();
        let battle = house.battle(&session).await.unwrap();
        match name {
            "claimed" => drop(house.claim(&battle, 1, "battle-2").await.unwrap()),
            "ended" => {
                house.save(vec![SaveEntry { end_reason: Some("died".into()), ..entry(&battle, 3, 0) }]).await;
            }
            "gone" => {
                let caller = super::support::caller(&session);
                let delete = DeleteAccountRequest { caller, password: PASSWORD.into() };
                house.client().delete_account(delete).await.unwrap();
            }
            _ => {}
        }
        battles.push(battle);
    }
    battles.push(BattleId::generate().to_string());
    let holds = |epoch| -> Vec<BattleHold> {
        battles.iter().map(|battle| BattleHold { battle_id: battle.clone(), epoch }).collect()
    };
    let ask = async |holds: Vec<BattleHold>| -> Result<CheckBattlesResponse, Fault> {
        Ok(house.client().check_battles(CheckBattlesRequest { holds }).await?.into_inner())
    };
    let lost = |taken: &[BattleHold], gone: &[BattleHold]| {
        let (taken, gone) = (taken.to_vec(), gone.to_vec());
        CheckBattlesResponse { taken, gone }
    };
    let (first, second) = (holds(1), holds(2));
    assert_eq!(ask(first.clone()).await.unwrap(), lost(&first[1..2], &first[2..]), "all but the live one");
    // One that ended under another epoch was another's, and an epoch that nobody has given yet isn't anybody's.
    let others = [&second[..1], &second[2..3]].concat();
    assert_eq!(ask(second.clone()).await.unwrap(), lost(&others, &second[3..]), "all but the claimed one");
    let both = vec![second[0].clone(), first[0].clone()];
    assert_eq!(ask(both).await.unwrap(), lost(&second[..1], &[]), "each epoch has its own answer");
    assert_eq!(ask(Vec::new()).await.unwrap(), lost(&[], &[]));

    let thousand: Vec<BattleHold> = first.iter().cycle().take(1_000).cloned().collect();
    let CheckBattlesResponse { taken, gone } = ask(thousand).await.unwrap();
    assert_eq!((taken.len(), gone.len()), (200, 600));
    let refused: [(Vec<BattleHold>, &str); 3] = [
        (first.iter().cycle().take(1_001).cloned().collect(), "holds"),
        (vec![BattleHold { battle_id: "x".into(), epoch: 1 }], "holds.battle_id"),
        (vec![BattleHold { epoch: u64::MAX, ..first[0].clone() }], "holds.epoch"),
    ];
    for (holds, field) in refused {
        assert_eq!(verdict(&ask(holds).await.unwrap_err()), (InvalidArgument, Some(field), None));
    }
}
