//! Throttles.

use std::time::Duration;

use super::World;
use crate::{Rate, Verdict};

/// So slow that no token comes back while a crowded machine spends a burst.
const RATE: Rate = Rate { every: Duration::from_secs(3), burst: 3 };

async fn burst(world: &World, key: &str) {
    for _ in 0..RATE.burst {
        assert_eq!(world.throttle(key, RATE).await.unwrap(), Verdict::Allowed);
    }
}

async fn refused(world: &World, key: &str) -> Duration {
    match world.throttle(key, RATE).await.unwrap() {
        Verdict::RetryAfter(wait) => wait,
        Verdict::Allowed => panic!("the bucket of {key} should be empty"),
    }
}

pub(crate) async fn a_burst_and_then_one_at_a_time(world: World) {
    burst(&world, "key").await;
    let wait = refused(&world, "key").await;
    assert!(wait <= RATE.every && !wait.is_zero(), "{wait:?}");
    tokio::time::sleep(wait + Duration::from_millis(5)).await;
    assert_eq!(world.throttle("key", RATE).await.unwrap(), Verdict::Allowed, "the time it named was right");
    refused(&world, "key").await;
}

pub(crate) async fn keys_do_not_meet(world: World) {
    burst(&world, "one").await;
    burst(&world, "two").await;
    refused(&world, "one").await;
}

pub(crate) async fn what_is_given_back_may_be_spent_again(world: World) {
    burst(&world, "key").await;
    for _ in 0..2 {
        world.give_back("key", RATE).await.unwrap();
        assert_eq!(world.throttle("key", RATE).await.unwrap(), Verdict::Allowed);
        refused(&world, "key").await;
    }
    for _ in 0..=RATE.burst {
        world.give_back("key", RATE).await.unwrap();
    }
    burst(&world, "key").await;
    refused(&world, "key").await;
}

pub(crate) async fn forgiving_fills_the_bucket(world: World) {
    burst(&world, "key").await;
    refused(&world, "key").await;
    world.forgive("key").await.unwrap();
    burst(&world, "key").await;
}
