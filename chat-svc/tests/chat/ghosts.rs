//! Members whose gateway died, and those whose gateway was only thought to.

use std::time::Duration;

use backplane::Leases as _;
use service_kit::FaultKind;

use crate::world::{GATEWAY, GRACE_OVER, LEASE_TTL, World, lease, presence, quiet};

const OTHER: &str = "gateway-2";
/// Between two signs of life.
const RENEWED: Duration = Duration::from_millis(1_500);

/// Lets time pass in which the other gateway lives.
async fn lives(world: &World, span: Duration) {
    let end = tokio::time::Instant::now() + span;
    while tokio::time::Instant::now() < end {
        world.plane.renew(&lease(OTHER), LEASE_TTL).await.unwrap();
        tokio::time::sleep(RENEWED).await;
    }
}

#[tokio::test(start_paused = true)]
async fn members_of_a_dead_gateway_leave_after_the_grace_and_are_announced_once() {
    let world = World::new().await;
    world.second_instance();
    let (alice, bob) = (world.player("Alice"), world.player("Bobby").at(OTHER));
    let room = alice.join().await;
    bob.join().await;
    let ear = world.listen(&room.id).await;
    lives(&world, LEASE_TTL * 4).await;
    // Its lease, a whole TTL without it, and the grace, but for the round.
    assert!(quiet(&ear, LEASE_TTL * 2 + Duration::from_secs(13) - RENEWED).await);
    assert_eq!(presence(&ear).await, (None, Some("Bobby".to_owned()), 1));
    assert!(quiet(&ear, GRACE_OVER * 4).await, "once, and nobody else");
}

#[tokio::test(start_paused = true)]
async fn who_came_back_by_another_gateway_stays() {
    let world = World::new().await;
    let (alice, bob) = (world.player("Alice"), world.player("Bobby").at(OTHER));
    let room = alice.join().await;
    bob.join().await;
    lives(&world, RENEWED).await;
    let ear = world.listen(&room.id).await;
    tokio::time::sleep(LEASE_TTL * 3).await;
    bob.reconnected().at(GATEWAY).join().await;
    assert!(quiet(&ear, GRACE_OVER * 2).await);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_was_only_away_puts_its_members_back() {
    let world = World::new().await;
    let (alice, bob) = (world.player("Alice"), world.player("Bobby").at(OTHER));
    let room = alice.join().await;
    bob.join().await;
    let ear = world.listen(&room.id).await;
    assert_eq!(presence(&ear).await, (None, Some("Bobby".to_owned()), 1), "it was never alive");
    let back = bob.reassert(&room.id).await.unwrap();
    assert_eq!(
        (back[0].id.as_str(), back[0].count, back[0].epoch.as_str()),
        (room.id.as_str(), 2, room.epoch.as_str())
    );
    assert_eq!(presence(&ear).await, (None, None, 2), "told by number, not by name");
    bob.say(&room.id, "hello").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_room_that_was_lost_comes_back_with_another_log() {
    let world = World::new().await;
    let bob = world.player("Bobby");
    let refused = bob.say("lobby-7", "hello").await.unwrap_err();
    assert_eq!(refused.because(), Some("not_in_room"));
    let room = bob.reassert("lobby-7").await.unwrap().remove(0);
    assert_eq!((room.id.as_str(), room.head, room.count), ("lobby-7", 0, 1));
    assert_eq!(bob.say("lobby-7", "hello").await.unwrap().epoch, room.epoch);
    let refused = bob.reassert("nowhere").await.unwrap_err();
    assert_eq!((refused.kind(), refused.at_field()), (FaultKind::InvalidArgument, Some("room")));
}
