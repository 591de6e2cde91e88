//! Signing in and out, and who holds a token.

use proto::user::v1::*;
use service_kit::Fault;
use service_kit::FaultKind::{ResourceExhausted, Unauthenticated};

use super::support::{DAY, House, PASSWORD, caller, connected, entry, verdict};

#[tokio::test]
async fn the_newest_sign_in_ends_the_others() {
    let mut house = House::new().await;
    let first = house.sign_up("mina", "민아").await.unwrap();
    let second = house.sign_in("MINA", PASSWORD).await.unwrap();
    assert_eq!((first.epoch, second.epoch), (1, 2));

    let news = house.news().await;
    assert_eq!((news.account_id, news.epoch, news.connection), (first.account_id.clone(), 2, 0));
    assert_eq!(news.reason, "signed_in_elsewhere");
    assert_eq!(house.authenticate(&first.token).await.unwrap_err().kind(), Unauthenticated);
    let held = house.authenticate(&second.token).await.unwrap();
    assert_eq!(held, second);
}

#[tokio::test]
async fn a_gateway_that_missed_the_news_can_ask_which_sessions_are_over() {
    let mut house = House::new().await;
    let (gone, left, replaced, living) = (
        house.sign_up("gone", "Gone").await.unwrap(),
        house.sign_up("left", "Left").await.unwrap(),
        house.sign_up("replaced", "Replaced").await.unwrap(),
        house.sign_up("living", "Living").await.unwrap(),
    );
    let mut told = Vec::new();
    let delete = DeleteAccountRequest { caller: caller(&gone), password: PASSWORD.into() };
    house.client().delete_account(delete).await.unwrap();
    told.push(house.news().await);
    house.client().sign_out(SignOutRequest { caller: caller(&left) }).await.unwrap();
    told.push(house.news().await);
    house.sign_in("replaced", PASSWORD).await.unwrap();
    told.push(house.news().await);

    let session = |session: &Session| SessionRef { account_id: session.account_id.clone(), epoch: session.epoch };
    let sessions = [&gone, &left, &living, &replaced].map(session).to_vec();
    let answer = house.client().check_sessions(CheckSessionsRequest { sessions: sessions.clone() }).await.unwrap();
    assert_eq!(answer.into_inner().over, told, "the very news that was told");

    let many = CheckSessionsRequest { sessions: sessions.into_iter().cycle().take(501).collect() };
    let fault = Fault::from(house.client().check_sessions(many).await.unwrap_err());
    assert_eq!(fault.at_field(), Some("sessions"));
    let form = CheckSessionsRequest { sessions: vec![SessionRef { account_id: "x".into(), epoch: 1 }] };
    assert_eq!(
        Fault::from(house.client().check_sessions(form).await.unwrap_err()).at_field(),
        Some("sessions.account_id")
    );
}

#[tokio::test]
async fn many_sign_ins_at_once_leave_one_session() {
    let house = House::new().await;
    house.sign_up("mina", "민아").await.unwrap();
    let sessions = futures::future::join_all((0..8).map(|_| house.sign_in("mina", PASSWORD))).await;
    let mut epochs = Vec::new();
    let mut living = 0;
    for session in sessions {
        let session = session.unwrap();
        epochs.push(session.epoch);
        living += usize::from(house.authenticate(&session.token).await.is_ok());
    }
    epochs.sort_unstable();
    assert_eq!(epochs, [2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(living, 1);
}

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_are_one_answer() {
    let house = House::new().await;
    house.sign_up("mina", "민아").await.unwrap();
    let shown = |fault: Fault| (fault.kind(), fault.key().to_owned(), fault.at_field().map(str::to_owned));
    let wrong = shown(house.sign_in("mina", "wrong horse").await.unwrap_err());
    for (name, password) in [("nobody", PASSWORD), ("not a name", PASSWORD), ("mina", "short"), ("", "")] {
        assert_eq!(shown(house.sign_in(name, password).await.unwrap_err()), wrong, "{name}");
    }
}

#[tokio::test]
async fn trying_too_often_is_told_when_to_come_back() {
    let house = House::new().await;
    house.sign_up("mina", "민아").await.unwrap();
    for _ in 0..10 {
        assert_eq!(house.sign_in("mina", "wrong horse").await.unwrap_err().kind(), Unauthenticated);
    }
    let fault = house.sign_in("mina", PASSWORD).await.unwrap_err();
    assert_eq!(verdict(&fault), (ResourceExhausted, None, Some("too_many_attempts")));
    assert!(fault.retry_delay().is_some());
    assert_eq!(house.sign_in("nobody", PASSWORD).await.unwrap_err().kind(), Unauthenticated, "others may");
}

#[tokio::test]
async fn an_address_has_a_limit_of_its_own() {
    let house = House::new().await;
    let try_from = |address: &str, n: u32| {
        let request =
            SignInRequest { username: format!("user{n}"), password: PASSWORD.into(), address: address.into() };
        let mut client = house.client();
        async move { Fault::from(client.sign_in(request).await.unwrap_err()).kind() }
    };
    let mut refused = false;
    for n in 0..400 {
        refused |= try_from("203.0.113.7", n).await == ResourceExhausted;
        if refused {
            break;
        }
    }
    assert!(refused);
    assert_eq!(try_from("203.0.113.8", 1_000).await, Unauthenticated);
}

#[tokio::test]
async fn signing_out_ends_the_session_but_not_the_battle() {
    let mut house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    for _ in 0..2 {
        house.client().sign_out(SignOutRequest { caller: caller(&session) }).await.unwrap();
    }
    let news = house.news().await;
    assert_eq!((news.epoch, news.reason.as_str()), (2, "signed_out"));
    assert_eq!(house.authenticate(&session.token).await.unwrap_err().kind(), Unauthenticated);
    assert_eq!(house.save(vec![entry(&battle, 1, 1)]).await, [SaveResult::Saved]);
    let back = house.sign_in("mina", PASSWORD).await.unwrap();
    assert_eq!(back.battle, Some(BattleRef { battle_id: battle, live: true, end_seen: false }));
}

#[tokio::test]
async fn a_refreshed_token_lives_longer_than_the_old() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    house.clock.advance(DAY * 6);
    let refresh = || RefreshSessionRequest { caller: caller(&session) };
    let fresh = house.client().refresh_session(refresh()).await.unwrap().into_inner();
    assert_eq!(house.authenticate(&session.token).await.unwrap(), session, "the answer may have been lost");
    house.clock.advance(DAY * 6);
    assert_eq!(house.authenticate(&session.token).await.unwrap_err().kind(), Unauthenticated, "its own time is over");
    assert_eq!(house.authenticate(&fresh.token).await.unwrap().epoch, session.epoch);

    house.clock.advance(DAY * 2);
    assert_eq!(house.authenticate(&fresh.token).await.unwrap_err().kind(), Unauthenticated, "it has expired");
    let fault: Fault = house.client().refresh_session(refresh()).await.unwrap_err().into();
    assert_eq!(fault.kind(), Unauthenticated, "what has expired can't be refreshed");
}

#[tokio::test]
async fn a_session_has_few_tokens_and_all_end_with_it() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let mut tokens = vec![session.token.clone()];
    for _ in 0..5 {
        house.clock.advance(std::time::Duration::from_secs(1));
        let request = RefreshSessionRequest { caller: caller(&session) };
        tokens.push(house.client().refresh_session(request).await.unwrap().into_inner().token);
    }
    let mut living = Vec::new();
    for token in &tokens {
        living.push(house.authenticate(token).await.is_ok());
    }
    assert_eq!(living, [false, false, true, true, true, true]);

    house.client().sign_out(SignOutRequest { caller: caller(&session) }).await.unwrap();
    for token in &tokens {
        assert_eq!(house.authenticate(token).await.unwrap_err().kind(), Unauthenticated);
    }
}

#[tokio::test]
async fn what_is_no_token_is_nobody() {
    let house = House::new().await;
    for token in ["", "x", &"A".repeat(43), &"A".repeat(10_000)] {
        assert_eq!(house.authenticate(token).await.unwrap_err().kind(), Unauthenticated);
    }
}

#[tokio::test]
async fn an_older_connection_can_do_nothing() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let refresh = |caller| {
        let mut client = house.client();
        async move { client.refresh_session(RefreshSessionRequest { caller }).await }
    };
    refresh(connected(&session, 20)).await.unwrap();
    let fault = refresh(connected(&session, 19)).await.unwrap_err().into();
    assert_eq!(verdict(&fault), (Unauthenticated, None, Some("session_replaced")));

    let newer = house.sign_in("mina", PASSWORD).await.unwrap();
    let fault = refresh(connected(&session, 99)).await.unwrap_err().into();
    assert_eq!(verdict(&fault), (Unauthenticated, None, Some("session_replaced")));
    refresh(connected(&newer, 21)).await.unwrap();
}

#[tokio::test]
async fn sessions_outlive_the_service() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let house = house.reopen().await;
    assert_eq!(house.authenticate(&session.token).await.unwrap(), session);
}

#[tokio::test]
async fn a_missed_end_is_told_for_a_week() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    let end = SaveEntry { end_reason: Some("died".into()), ..entry(&battle, 9, 0) };
    house.save(vec![end]).await;
    house.clock.advance(DAY * 6);
    let missed = BattleRef { battle_id: battle, live: false, end_seen: false };
    assert_eq!(house.authenticate(&session.token).await.unwrap().battle, Some(missed));
    let back = house.sign_in("mina", PASSWORD).await.unwrap();
    house.clock.advance(DAY * 2);
    // Its session is past its life by the same clock: look through a fresh one.
    assert!(back.battle.is_some());
    assert_eq!(house.sign_in("mina", PASSWORD).await.unwrap().battle, None);
}
