//! Connection numbers.

use vocab::AccountId;

use super::World;
use crate::Numbered;

async fn take(world: &World, account: AccountId, gateway: &str) -> Numbered {
    world.next_connection(account, 1, gateway).await.unwrap().unwrap()
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

pub(crate) async fn the_latest_of_many_are_answered_in_order(world: World) {
    let [ann, bob, cid] = [1, 2, 3].map(|n| AccountId::from_bytes([n; 16]));
    let one = take(&world, ann, "g1").await.connection;
    take(&world, cid, "g1").await;
    let two = take(&world, cid, "g2").await.connection;
    assert_eq!(world.latest(&[cid, bob, ann]).await.unwrap(), [Some(two), None, Some(one)]);
    assert_eq!(world.latest(&[]).await.unwrap(), []);
}

pub(crate) async fn a_session_that_is_over_gets_no_number_and_leaves_no_trace(world: World) {
    let ann = AccountId::from_bytes([1; 16]);
    let newer = world.next_connection(ann, 10, "g1").await.unwrap().unwrap();
    assert_eq!(world.next_connection(ann, 9, "g2").await.unwrap(), None);
    assert_eq!(world.latest(&[ann]).await.unwrap(), [Some(newer.connection)]);
    let next = world.next_connection(ann, 11, "g3").await.unwrap().unwrap();
    assert!(next.connection > newer.connection);
    assert_eq!(next.previous.as_deref(), Some("g1"));
}
