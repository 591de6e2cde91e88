//! What only a server has: several services at once on one database, and a way to it that may break.

use proto::user::v1::{BeginOnceRequest, DeleteAccountRequest, SaveEntry, SaveProgressRequest, SaveResult, Session};

use std::time::Duration;

use futures::future::join_all;
use service_kit::{Fault, FaultKind, Readiness, TaskGroup};
use testkit::eventually;
use testkit::mariadb::{self, Server};

use super::support::{House, PASSWORD, caller, entry};
use crate::way::Way;

/// How long an outage may take to be noticed, and its end.
const SOON: Duration = Duration::from_secs(30);

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

/// More callers than any pool has connections: none of these may wait for ever for an answer that doesn't come.
#[tokio::test]
async fn a_way_that_forgets_its_connections_is_found_again() {
    let tasks = TaskGroup::new();
    let way = Way::to(&mariadb::database().await, &tasks).await;
    let house = House::visit(way.url()).await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    way.fall_silent();
    let reads = join_all((0..24).map(|_| house.authenticate(&session.token)));
    let writes = join_all((0..24).map(|_| house.battle(&session)));
    let (reads, writes) = tokio::join!(reads, writes);
    for fault in reads.into_iter().map(Result::unwrap_err).chain(writes.into_iter().map(Result::unwrap_err)) {
        assert_eq!(fault.kind(), FaultKind::Unavailable, "{fault:?}");
    }
    way.mend();
    let asked = || async { house.authenticate(&session.token).await };
    eventually("reads are answered again", SOON, asked).await;
    eventually("writes are answered again", SOON, || async { house.battle(&session).await }).await;
}

/// As during a planned change of the primary: what is read is answered, what is to be written is refused for now.
#[tokio::test]
async fn a_server_that_takes_no_writes_for_now_loses_none() {
    let server = Server::start().await;
    let house = House::visit(server.users_database().await).await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    house.save(vec![entry(&battle, 1, 5)]).await;
    server.set_read_only(true).await;
    let refused: Fault = {
        let entries = vec![entry(&battle, 2, 9)];
        house.client().save_progress(SaveProgressRequest { entries }).await.unwrap_err().into()
    };
    assert_eq!(refused.kind(), FaultKind::Unavailable, "{refused:?}");
    assert_eq!(house.sign_up("juno", "준호").await.unwrap_err().kind(), FaultKind::Unavailable);
    assert_eq!(house.character(&session).await.gold, 5);
    server.set_read_only(false).await;
    assert_eq!(house.save(vec![entry(&battle, 2, 9)]).await, [SaveResult::Saved]);
    assert_eq!(house.character(&session).await.gold, 9);
    house.sign_up("juno", "준호").await.unwrap();
    house.books_are_sound().await;
}

#[tokio::test]
async fn what_keeps_the_database_away_is_told() {
    let (server, tasks, readiness) = (Server::start().await, TaskGroup::new(), Readiness::new());
    let way = Way::to(&server.database().await, &tasks).await;
    let told = async |words: Option<&str>| {
        eventually("it is told", SOON, || async {
            let fault = readiness.report().dependencies["database"].clone();
            let as_expected = match (&fault, words) {
                (Some(fault), Some(words)) => fault.contains(words),
                (fault, words) => fault.is_none() && words.is_none(),
            };
            if as_expected { Ok(()) } else { Err((fault, words)) }
        })
        .await;
    };
    way.fall_silent();
    user_svc::store::watch(&way.url(), &tasks, &readiness).unwrap();
    told(Some("timed out")).await;
    assert_eq!(readiness.report().waiting, ["database"]);
    way.mend();
    told(None).await;
    assert!(readiness.is_ready());

    server.set_read_only(true).await;
    told(Some("read-only")).await;
    server.set_read_only(false).await;
    told(None).await;
    way.fall_silent();
    told(Some("did not answer")).await;
    assert!(readiness.is_ready(), "a hiccup of a shared server must not empty a balancer");
    way.mend();
    told(None).await;
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
