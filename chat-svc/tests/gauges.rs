//! The gauges of rooms and members, in a program of its own: they are global, and other worlds would write them too.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[allow(dead_code, reason = "one test needs few of them")]
#[path = "chat/world.rs"]
mod world;

use service_kit::telemetry::Metrics;
use world::{GRACE_OVER, World};

#[tokio::test(start_paused = true)]
async fn rooms_and_members_are_counted_down_to_zero() {
    let metrics = Metrics::install();
    let world = World::new().await;
    let (alice, bob) = (world.player("Alice"), world.player("Bobby"));
    let room = alice.join().await;
    bob.join().await;
    tokio::time::sleep(GRACE_OVER).await;
    let shown = metrics.render();
    assert!(shown.contains("chat_rooms 1\n") && shown.contains("chat_members 2\n"), "{shown}");

    alice.leave_now(&room.id).await;
    bob.leave(&room.id).await;
    tokio::time::sleep(GRACE_OVER).await;
    let shown = metrics.render();
    assert!(shown.contains("chat_rooms 0\n") && shown.contains("chat_members 0\n"), "{shown}");
    assert!(shown.contains("chat_left_total 2\n"), "{shown}");
}
