//! What is counted, in a program of its own: metrics are global, and other worlds would write them too.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[allow(dead_code, reason = "one test needs few of them")]
#[path = "chat/world.rs"]
mod world;

use service_kit::telemetry::Metrics;
use world::{GRACE_OVER, LEASE_TTL, World};

#[tokio::test(start_paused = true)]
async fn members_lines_and_dead_gateways_are_counted_once() {
    let metrics = Metrics::install();
    let world = World::new().await;
    world.second_instance();
    let (alice, bob) = (world.player("Alice"), world.player("Bobby"));
    let room = alice.join().await;
    bob.join().await;
    tokio::time::sleep(GRACE_OVER).await;
    let shown = metrics.render();
    assert!(shown.contains("chat_rooms 1\n") && shown.contains("chat_members 2\n"), "{shown}");

    for _ in 0..2 {
        alice.say_once(&room.id, "hello", "key").await.unwrap();
    }
    assert!(metrics.render().contains("chat_lines_total 1\n"));

    // Nobody has ever seen its gateway alive.
    world.player("Cedric").at("gateway-2").join().await;
    tokio::time::sleep(LEASE_TTL + GRACE_OVER).await;
    let shown = metrics.render();
    assert!(shown.contains("chat_members 2\n") && shown.contains("chat_gateways_died_total 1\n"), "{shown}");

    alice.leave_now(&room.id).await;
    bob.leave(&room.id).await;
    tokio::time::sleep(GRACE_OVER).await;
    let shown = metrics.render();
    assert!(shown.contains("chat_rooms 0\n") && shown.contains("chat_members 0\n"), "{shown}");
    assert!(shown.contains("chat_left_total 3\n"), "{shown}");
}
