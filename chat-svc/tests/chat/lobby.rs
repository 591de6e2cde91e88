//! Coming and going: who gets which room, and what the others are told when.

use std::time::Duration;

use crate::world::{GRACE_OVER, World, hear, name, presence, quiet};
use proto::common::v1::envelope::Body;
use service_kit::FaultKind;

fn came(who: &str, count: u32) -> (Option<String>, Option<String>, u32) {
    (Some(who.to_owned()), None, count)
}

fn went(who: &str, count: u32) -> (Option<String>, Option<String>, u32) {
    (None, Some(who.to_owned()), count)
}

#[tokio::test(start_paused = true)]
async fn a_room_takes_a_hundred_and_the_next_one_opens() {
    let world = World::new().await;
    let mut rooms = Vec::new();
    for n in 0..101 {
        rooms.push(world.player(&name(n)).join().await);
    }
    assert!(rooms[..100].iter().all(|room| room.id == rooms[0].id));
    assert_eq!((rooms[99].count, rooms[99].capacity), (100, 100));
    assert_ne!(rooms[100].id, rooms[0].id);
    assert_eq!((rooms[100].count, rooms[100].head), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn newcomers_go_to_the_fullest_room_with_space() {
    let world = World::new().await;
    let mut first = Vec::new();
    for n in 0..100 {
        let player = world.player(&name(n));
        first.push((player.join().await, player));
    }
    let second = world.player("Second").join().await;
    let (full, leaver) = &first[0];
    leaver.leave_now(&full.id).await;
    assert_eq!(world.player("Third").join().await.id, full.id, "99 are more than 1");
    assert_eq!(world.player("Fourth").join().await.id, second.id, "the first is full again");
}

#[tokio::test(start_paused = true)]
async fn a_wish_counts_while_its_room_stands() {
    let world = World::new().await;
    for n in 0..101 {
        world.player(&name(n)).join().await;
    }
    let last = world.player("Last").join().await;
    let wishing = world.player("Wishing").join_wanting(&last.id).await.unwrap();
    assert_eq!(wishing.id, last.id);
    for nonsense in ["lobby-999", "arena-1", "<script>", "lobby-01"] {
        let room = world.player("Dreamer").join_wanting(nonsense).await.unwrap();
        assert_eq!(room.id, last.id, "{nonsense} is nowhere");
    }
}

#[tokio::test(start_paused = true)]
async fn coming_and_going_is_told_with_the_head_count() {
    let world = World::new().await;
    let (alice, bob) = (world.player("Alice"), world.player("Bobby"));
    let room = alice.join().await;
    let ear = world.listen(&room.id).await;
    bob.join().await;
    assert_eq!(presence(&ear).await, came("Bobby", 2));
    bob.leave_now(&room.id).await;
    assert_eq!(presence(&ear).await, went("Bobby", 1));
    bob.leave_now(&room.id).await;
    assert!(quiet(&ear, GRACE_OVER).await, "who is gone cannot go again");
}

#[tokio::test(start_paused = true)]
async fn a_leave_is_told_once_after_the_grace_whoever_marked_it() {
    let world = World::new().await;
    let elsewhere = world.second_instance();
    let (alice, bob) = (world.player("Alice"), world.player("Bobby"));
    let room = alice.join().await;
    bob.join().await;
    let ear = world.listen(&room.id).await;
    bob.leave(&room.id).await;
    bob.through(elsewhere).leave(&room.id).await;
    assert!(quiet(&ear, Duration::from_secs(14)).await, "a reconnect would make no noise");
    assert_eq!(presence(&ear).await, went("Bobby", 1));
    assert!(quiet(&ear, GRACE_OVER).await, "two instances, one leave");
}

#[tokio::test(start_paused = true)]
async fn a_reconnect_within_the_grace_makes_no_noise() {
    let world = World::new().await;
    let (alice, bob) = (world.player("Alice"), world.player("Bobby"));
    let room = alice.join().await;
    bob.join().await;
    let ear = world.listen(&room.id).await;
    bob.leave(&room.id).await;
    tokio::time::advance(Duration::from_secs(10)).await;
    let back = bob.reconnected().join_wanting("lobby-77").await.unwrap();
    assert_eq!((back.id.as_str(), back.count), (room.id.as_str(), 2), "the room it never left");
    assert!(quiet(&ear, GRACE_OVER).await);
}

#[tokio::test(start_paused = true)]
async fn who_never_learnt_its_room_can_leave_it() {
    let world = World::new().await;
    let (alice, bob) = (world.player("Alice"), world.player("Bobby"));
    let room = alice.join().await;
    bob.join().await;
    let ear = world.listen(&room.id).await;
    bob.leave_now("lobby-99").await;
    bob.leave_now("").await;
    assert_eq!(presence(&ear).await, went("Bobby", 1));
    bob.leave_now("").await;
    assert!(quiet(&ear, GRACE_OVER).await);
}

#[tokio::test(start_paused = true)]
async fn the_leave_of_an_older_connection_removes_nobody() {
    let world = World::new().await;
    let (alice, bob) = (world.player("Alice"), world.player("Bobby"));
    let room = alice.join().await;
    bob.join().await;
    let ear = world.listen(&room.id).await;
    bob.reconnected().join().await;
    bob.leave(&room.id).await;
    bob.leave_now(&room.id).await;
    assert!(quiet(&ear, GRACE_OVER).await);
    bob.by_tool().leave_now(&room.id).await;
    assert_eq!(presence(&ear).await, went("Bobby", 1), "a tool's word counts");
}

#[tokio::test(start_paused = true)]
async fn a_replaced_connection_can_do_nothing() {
    let world = World::new().await;
    let old = world.player("Alice");
    let room = old.join().await;
    old.reconnected().join().await;
    for refused in [
        old.join_wanting("").await.unwrap_err(),
        old.say(&room.id, "boo").await.unwrap_err(),
        old.history(&room.id, None, "").await.unwrap_err(),
    ] {
        assert_eq!(refused.kind(), FaultKind::Unauthenticated);
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_room_vanishes_with_its_log() {
    let world = World::new().await;
    let alice = world.player("Alice");
    let room = alice.join().await;
    alice.say(&room.id, "anybody?").await.unwrap();
    alice.leave(&room.id).await;
    tokio::time::sleep(GRACE_OVER).await;
    assert!(
        backplane::Rooms::members(&*world.plane, &backplane::RoomId::parse(&room.id).unwrap())
            .await
            .unwrap()
            .is_empty()
    );
    let again = alice.reconnected().join_wanting(&room.id).await.unwrap();
    assert_ne!(again.epoch, room.epoch);
    assert_eq!((again.head, again.count), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn lines_and_presence_come_in_the_order_they_happened() {
    let world = World::new().await;
    let (alice, bob) = (world.player("Alice"), world.player("Bobby"));
    let room = alice.join().await;
    let ear = world.listen(&room.id).await;
    bob.join().await;
    bob.say(&room.id, "hello").await.unwrap();
    bob.leave_now(&room.id).await;
    assert_eq!(presence(&ear).await, came("Bobby", 2));
    assert!(matches!(hear(&ear).await, (Body::Message(_), _)));
    assert_eq!(presence(&ear).await, went("Bobby", 1));
}

#[tokio::test(start_paused = true)]
async fn the_service_ends_with_its_tasks() {
    let world = World::new().await;
    assert_eq!(world.tasks.len(), 1);
    assert_eq!(world.tasks.end(Duration::from_secs(1)).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_malformed_request_names_its_field() {
    let world = World::new().await;
    let (alice, mut nobody) = (world.player("Alice"), world.player("x"));
    let refused = nobody.join_wanting("").await.unwrap_err();
    assert_eq!((refused.kind(), refused.at_field()), (FaultKind::InvalidArgument, Some("name")));
    nobody.name = "Nobody".to_owned();
    let room = alice.join().await;
    let refused = nobody.say(&room.id, "hi").await.unwrap_err();
    assert_eq!((refused.kind(), refused.because()), (FaultKind::FailedPrecondition, Some("not_in_room")));
    let refused = alice.say("no room", "hi").await.unwrap_err();
    assert_eq!((refused.kind(), refused.at_field()), (FaultKind::InvalidArgument, Some("room")));
}
