//! Connection numbers.

use vocab::AccountId;

use super::World;
use crate::{Held, Numbered};

async fn give(world: &World, account: AccountId, gateway: &str) -> Numbered {
    world.next_connection(account, 1, gateway).await.unwrap().unwrap()
}

async fn take(world: &World, account: AccountId, gateway: &str) -> Numbered {
    let numbered = give(world, account, gateway).await;
    assert_eq!(confirm(world, account, gateway, numbered.connection).await, numbered.connection);
    numbered
}

async fn confirm(world: &World, account: AccountId, gateway: &str, connection: u64) -> u64 {
    world.confirm(gateway, &[held(account, connection)]).await.unwrap()[0]
}

fn held(account: AccountId, connection: u64) -> Held {
    Held { account, epoch: 1, connection }
}

pub(crate) async fn numbers_rise_for_each_account(world: World) {
    let accounts = [AccountId::from_bytes([1; 16]), AccountId::from_bytes([2; 16])];
    let mut last = [0; 2];
    for _ in 0..50 {
        for (account, last) in accounts.into_iter().zip(&mut last) {
            let next = take(&world, account, "g1").await.connection;
            assert!(next > *last, "{next} after {last}");
            *last = next;
        }
    }
    assert!(last[0] > 1_600_000_000_000, "numbers are at least the time in milliseconds, and {} is not", last[0]);
}

pub(crate) async fn the_gateway_before_is_known(world: World) {
    let [ann, bob] = [AccountId::from_bytes([1; 16]), AccountId::from_bytes([2; 16])];
    let mut previous = Vec::new();
    for (account, gateway) in [(ann, "g1"), (ann, "g 2"), (bob, "g1"), (ann, "g1")] {
        previous.push(take(&world, account, gateway).await.previous);
    }
    assert_eq!(previous, [None, Some("g1".to_owned()), None, Some("g 2".to_owned())]);
}

pub(crate) async fn a_number_nobody_confirmed_counts_against_nobody(world: World) {
    let ann = AccountId::from_bytes([1; 16]);
    let held = take(&world, ann, "g1").await.connection;
    let given = give(&world, ann, "g2").await;
    assert_eq!(given.previous.as_deref(), Some("g1"));
    assert_eq!(confirm(&world, ann, "g1", held).await, held);
    let next = give(&world, ann, "g3").await;
    assert_eq!(next.previous, None, "it may be g1 or g2");
    assert_eq!(confirm(&world, ann, "g2", given.connection).await, given.connection);
    assert_eq!(confirm(&world, ann, "g1", held).await, given.connection, "that one is newer");
    assert!(next.connection > given.connection);
}

pub(crate) async fn the_confirmed_of_many_are_answered_in_order(world: World) {
    let [ann, bob, cid] = [1, 2, 3].map(|n| AccountId::from_bytes([n; 16]));
    let one = take(&world, ann, "g1").await.connection;
    let first = take(&world, cid, "g1").await.connection;
    let two = take(&world, cid, "g2").await.connection;
    let answered = world.confirm("g1", &[held(cid, first), held(bob, 7), held(ann, one)]).await.unwrap();
    assert_eq!(answered, [two, 7, one]);
    assert!(world.confirm("g1", &[]).await.unwrap().is_empty());
}

pub(crate) async fn a_number_that_was_lost_is_put_back(world: World) {
    let ann = AccountId::from_bytes([1; 16]);
    let held = 1 << 52;
    assert_eq!(confirm(&world, ann, "g1", held).await, held);
    let next = take(&world, ann, "g2").await;
    assert_eq!((next.connection, next.previous.as_deref()), (held + 1, Some("g1")));
}

pub(crate) async fn a_session_that_is_over_gets_no_number_and_leaves_no_trace(world: World) {
    let ann = AccountId::from_bytes([1; 16]);
    let newer = world.next_connection(ann, 10, "g1").await.unwrap().unwrap().connection;
    let newer = Held { account: ann, epoch: 10, connection: newer };
    assert_eq!(world.confirm("g1", std::slice::from_ref(&newer)).await.unwrap(), [newer.connection]);
    assert_eq!(world.next_connection(ann, 9, "g2").await.unwrap(), None);
    let over = Held { account: ann, epoch: 9, connection: newer.connection + 1 };
    assert_eq!(world.confirm("g2", &[over]).await.unwrap(), [newer.connection]);
    let next = world.next_connection(ann, 11, "g3").await.unwrap().unwrap();
    assert!(next.connection > newer.connection);
    assert_eq!(next.previous.as_deref(), Some("g1"));
}
