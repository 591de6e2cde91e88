//! Signing up and deleting.

use proto::user::v1::*;
use service_kit::Fault;
use service_kit::FaultKind::{
    AlreadyExists, InvalidArgument, NotFound, PermissionDenied, ResourceExhausted, Unauthenticated,
};

use super::support::{House, PASSWORD, assert_same_everywhere, caller, entry, form, verdict};

#[tokio::test]
async fn a_new_account_has_a_character_in_its_first_clothes() {
    let house = House::new().await;
    let session = house.sign_up("Mina", "민아").await.unwrap();
    assert_eq!(session.token.len(), 43);
    let mut character = session.character.unwrap();
    for id in [&mut character.id, &mut character.account_id] {
        *id = "an id".into();
    }
    for item in [&mut character.weapon, &mut character.armour] {
        item.as_mut().unwrap().id = "an id".into();
    }
    assert_same_everywhere!(character);
}

#[tokio::test]
async fn of_two_at_once_one_gets_the_name() {
    let house = House::new().await;
    for (a, b, field) in [
        (form("twins", "가나"), form("TWINS", "다라"), "username"),
        (form("first", "용사"), form("second", "\u{110B}\u{116D}\u{11BC}\u{1109}\u{1161}"), "character"),
        (form("third", "Hero"), form("fourth", "hERO"), "character"),
    ] {
        let (mut one, mut other) = (house.client(), house.client());
        let answers: [_; 2] = tokio::join!(one.sign_up(a), other.sign_up(b)).into();
        let lost: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
        assert_eq!(lost.len(), 1, "{field}");
        let fault = lost.into_iter().next().unwrap().into();
        assert_eq!(verdict(&fault), (AlreadyExists, Some(field), None));
    }
}

#[tokio::test]
async fn what_cannot_be_a_name_is_refused_with_its_field() {
    let house = House::new().await;
    let good = form("mina", "민아");
    let short = SignUpRequest { password: "1234567".into(), ..good.clone() };
    let long = SignUpRequest { password: "가".repeat(25), ..good.clone() };
    for (form, field) in [
        (form("ｍｉｎａ", "민아"), "username"),
        (form("mi na", "민아"), "username"),
        (form("mina", "Ｈｅｒｏ"), "character"),
        (form("mina", "용１"), "character"),
        (form("mina", "ㄱㄴ"), "character"),
        (short, "password"),
        (long, "password"),
    ] {
        let fault = house.client().sign_up(form).await.unwrap_err().into();
        assert_eq!(verdict(&fault), (InvalidArgument, Some(field), None));
    }
    assert!(house.client().sign_up(good).await.is_ok(), "nothing of the refused stayed");
}

#[tokio::test]
async fn a_sign_up_sent_twice_happens_once() {
    let house = House::new().await;
    let keyed = SignUpRequest { key: "k1".into(), ..form("mina", "민아") };
    let (mut one, mut other) = (house.client(), house.client());
    let (first, second) = tokio::join!(one.sign_up(keyed.clone()), other.sign_up(keyed.clone()));
    let accounts = [first, second].map(|answer| answer.unwrap().into_inner().session.unwrap().account_id);
    assert_eq!(accounts[0], accounts[1]);

    for (form, kind) in [
        (SignUpRequest { password: "another horse".into(), ..keyed.clone() }, Unauthenticated),
        (SignUpRequest { key: "k2".into(), ..keyed }, AlreadyExists),
    ] {
        let fault: service_kit::Fault = house.client().sign_up(form).await.unwrap_err().into();
        assert_eq!(fault.kind(), kind);
    }
}

#[tokio::test]
async fn a_deleted_account_leaves_its_names_and_nothing_else() {
    let mut house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    house.save(vec![entry(&battle, 5, 70)]).await;
    house.books_are_sound().await;

    let delete = |password: &str| DeleteAccountRequest { caller: caller(&session), password: password.into() };
    let fault = house.client().delete_account(delete("wrong horse")).await.unwrap_err().into();
    assert_eq!(verdict(&fault), (PermissionDenied, Some("password"), None));
    house.client().delete_account(delete(PASSWORD)).await.unwrap();

    let news = house.news().await;
    assert_eq!((news.account_id, news.epoch, news.reason.as_str()), (session.account_id.clone(), 2, "account_deleted"));
    assert_eq!(house.authenticate(&session.token).await.unwrap_err().kind(), Unauthenticated);
    assert_eq!(house.sign_in("mina", PASSWORD).await.unwrap_err().kind(), Unauthenticated);
    assert_eq!(house.save(vec![entry(&battle, 6, 80)]).await, [SaveResult::Gone]);
    assert_eq!(house.claim(&battle, 1, "battle-2").await.unwrap_err().kind(), NotFound);
    house.books_are_sound().await;
    let books = user_svc::ledger::audit(&house.store).await.unwrap();
    assert_eq!((books.accounts, books.players), (0, 0));
    assert_eq!(books.counters, [("deleted".to_owned(), 70), ("drops".to_owned(), -70)]);

    let again = house.sign_up("MINA", "민아").await.unwrap();
    assert_ne!(again.account_id, session.account_id);
    assert_eq!(again.character.unwrap().gold, 0);
}

#[tokio::test]
async fn a_password_can_be_tried_by_no_other_door() {
    let house = House::new().await;
    let keyed = SignUpRequest { key: "k1".into(), ..form("mina", "민아") };
    let session = house.client().sign_up(keyed.clone()).await.unwrap().into_inner().session.unwrap();
    let delete = || async {
        let request = DeleteAccountRequest { caller: caller(&session), password: "wrong horse".into() };
        Fault::from(house.client().delete_account(request).await.unwrap_err()).kind()
    };
    let sign_up = || async {
        let again = SignUpRequest { password: "wrong horse".into(), ..keyed.clone() };
        Fault::from(house.client().sign_up(again).await.unwrap_err()).kind()
    };
    for _ in 0..5 {
        assert_eq!(delete().await, PermissionDenied);
        assert_eq!(sign_up().await, Unauthenticated);
    }
    assert_eq!(delete().await, ResourceExhausted);
    assert_eq!(sign_up().await, ResourceExhausted);
    assert_eq!(house.sign_in("mina", PASSWORD).await.unwrap_err().kind(), ResourceExhausted);
}

#[tokio::test]
async fn a_character_is_found_by_account_id_and_name() {
    use get_character_request::By;
    let house = House::new().await;
    let session = house.sign_up("mina", "Hero7").await.unwrap();
    let character = session.character.unwrap();
    for by in [By::AccountId(session.account_id), By::CharacterId(character.id.clone()), By::Name("hERO7".into())] {
        let found = house.client().get_character(GetCharacterRequest { by: Some(by) }).await.unwrap();
        assert_eq!(found.into_inner().character.as_ref(), Some(&character));
    }
    for (by, kind) in [
        (Some(By::Name("Nobody".into())), NotFound),
        (Some(By::AccountId("x".into())), InvalidArgument),
        (None, InvalidArgument),
    ] {
        let fault: service_kit::Fault =
            house.client().get_character(GetCharacterRequest { by }).await.unwrap_err().into();
        assert_eq!(fault.kind(), kind);
    }
}
