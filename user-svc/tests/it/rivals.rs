//! What only a server has: several services at once on one database, and a way to it that may break.

use proto::user::v1::{BeginOnceRequest, DeleteAccountRequest, SaveEntry, SaveResult, Session};

use super::support::{House, PASSWORD, caller, entry};

const PLAYERS: usize = 6;
const ROUNDS: u64 = 15;

async fn fighters(house: &House) -> Vec<(Session, String)> {
    let mut fighters = Vec::new();
    for n in 0..PLAYERS {
        let name = format!("user{n}");
        let session = house.sign_up(&name, &name).await.unwrap();
        let battle = house.battle(&session).await.unwrap();
        fighters.push((session, battle));
    }
    fighters
}

fn entries(fighters: &[(Session, String)], seq: u64) -> Vec<SaveEntry> {
    fighters.iter().map(|(_, battle)| entry(battle, seq, seq * 3)).collect()
}

#[tokio::test]
async fn two_services_save_the_same_battles_once() {
    let house = House::new().await;
    let other = House::visit(house.url().to_owned()).await;
    let fighters = fighters(&house).await;
    for seq in 1..=ROUNDS {
        let (one, two) = (entries(&fighters, seq), entries(&fighters, seq).into_iter().rev().collect());
        let (one, two) = tokio::join!(house.save(one), other.save(two));
        assert_eq!((one, two), (vec![SaveResult::Saved; PLAYERS], vec![SaveResult::Saved; PLAYERS]), "save {seq}");
    }
    for (session, _) in &fighters {
        assert_eq!(house.character(session).await.gold, ROUNDS * 3);
    }
    house.books_are_sound().await;
}

/// A save locks the battle before the account's other rows, a deletion after them: now and then one of the two is told
/// that it lost, and is done again.
#[tokio::test]
async fn accounts_are_deleted_while_their_battles_are_saved() {
    let house = House::new().await;
    let other = House::visit(house.url().to_owned()).await;
    let fighters = fighters(&house).await;
    let saving = async {
        for seq in 1..=ROUNDS {
            for saved in house.save(entries(&fighters, seq)).await {
                assert!(matches!(saved, SaveResult::Saved | SaveResult::Gone), "{saved:?}");
            }
        }
    };
    let deleting = async {
        for (session, _) in &fighters {
            let request = DeleteAccountRequest { caller: caller(session), password: PASSWORD.into() };
            other.client().delete_account(request).await.unwrap();
        }
    };
    tokio::join!(saving, deleting);
    assert_eq!(house.save(entries(&fighters, ROUNDS + 1)).await, [SaveResult::Gone; PLAYERS]);
    house.books_are_sound().await;
    assert_eq!(user_svc::ledger::audit(&house.store).await.unwrap().players, 0);
}

#[tokio::test]
async fn cut_connections_are_replaced() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    assert_eq!(house.authenticate(&session.token).await.unwrap(), session);
    testkit::mariadb::cut_connections(house.url()).await;
    assert_eq!(house.authenticate(&session.token).await.unwrap(), session);
    house.battle(&session).await.unwrap();
}

/// Keys are told apart by every character, also by a space at their end.
#[tokio::test]
async fn keys_are_compared_as_they_are() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    for key in ["k", "K", "k ", " k", "é", "e"] {
        let request = BeginOnceRequest { caller: caller(&session), key: key.into(), digest: vec![7; 32] };
        assert_eq!(house.client().begin_once(request).await.unwrap().into_inner().answer, None, "{key:?}");
    }
}
