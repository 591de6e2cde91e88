//! Two gateways over one Redis that is restarted, emptied, frozen and cut off: what players hear of it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod cable;
mod player;
mod world;

use std::time::Duration;

use backplane::{Connections as _, Held, Leases as _};
use proto::chat::v1::JoinRequest;
use proto::common::v1::Caller;
use proto::user::v1::SignOutRequest;
use serde_json::json;
use service_kit::telemetry::Metrics;
use testkit::eventually;
use tokio::time::Instant;

use player::Player;
use world::World;

/// How soon after Redis answers again everything flows, by the house's promise.
const RECOVERY: Duration = Duration::from_secs(5);

/// After so long every lease has ended.
const LONGER_THAN_A_LEASE: Duration = Duration::from_secs(6);

/// How soon what nobody notices is found all the same, or a leave is told that follows on a lease's end and two more spans.
const SELDOM: Duration = Duration::from_secs(45);

/// Two players, one at each gateway, who hear each other.
async fn pair(world: &World) -> (Player, Player) {
    let (ann, bob) = (world.player(0, "anna", "Anna").await, world.player(1, "bobby", "Bobby").await);
    assert_eq!(ann.room().await, bob.room().await, "one lobby");
    ann.hears("chat:presence", |presence| presence["joined"] == "Bobby" && presence["count"] == 2).await;
    talk(&ann, &bob, "hello").await;
    talk(&bob, &ann, "hello to you").await;
    (ann, bob)
}

/// Says a line until chat takes it; both hear it, the speaker by the same road.
async fn talk(from: &Player, to: &Player, text: &'static str) {
    eventually("chat takes a line", RECOVERY, || from.ask("chat:send", json!({ "text": text }))).await;
    for player in [from, to] {
        player.hears("chat:message", |line| line["text"] == text).await;
    }
}

/// Frames are numbered without a hole from the first to the last heard.
fn frames(player: &Player) -> u64 {
    let seqs: Vec<u64> = player.heard("battle:frame").iter().map(|frame| frame["seq"].as_u64().unwrap()).collect();
    assert!(seqs.windows(2).all(|two| two[1] == two[0] + 1), "{seqs:?}");
    seqs.last().copied().unwrap_or_default()
}

async fn frames_go_on(player: &Player) {
    let before = frames(player);
    player.hears("battle:frame", |frame| frame["seq"].as_u64() >= Some(before + 3)).await;
}

/// The sum of what is counted under a name.
fn count(metrics: &Metrics, name: &str) -> u64 {
    let shown = metrics.render();
    let counts = shown.lines().filter(|line| line.starts_with(name));
    counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_of_redis_everything_flows_again() {
    let mut world = World::new().await;
    let (ann, bob) = pair(&world).await;
    ann.fight().await;
    world.redis.kill();
    frames_go_on(&ann).await;
    world.redis.restart().await;
    talk(&ann, &bob, "after the restart").await;
    talk(&bob, &ann, "indeed").await;
    let eve = world.player(1, "evelyn", "Evelyn").await;
    eventually("all are counted again", RECOVERY, || async {
        let counts = [&ann, &bob].map(|player| player.heard("chat:presence").last().unwrap()["count"].as_u64());
        if counts == [Some(3); 2] { Ok(()) } else { Err(counts) }
    })
    .await;
    assert_eq!(eve.room().await, ann.room().await);
    frames_go_on(&ann).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_redis_costs_a_log_and_nothing_else() {
    let world = World::new().await;
    let (ann, bob) = pair(&world).await;
    let before = ann.heard("chat:message").last().unwrap()["epoch"].clone();
    world.redis.flush().await;
    let sent = ann.ask("chat:send", json!({ "text": "at once" })).await.expect("a lost member is put back");
    assert_ne!(sent["epoch"], before, "another log");
    for player in [&ann, &bob] {
        player.hears("chat:message", |line| line["text"] == "at once" && line["epoch"] == sent["epoch"]).await;
    }

    world.redis.flush().await;
    // Nobody says anything: the members are put back all the same.
    eventually("both are members again", RECOVERY, || async {
        let members = world.members().await;
        if members == 2 { Ok(()) } else { Err(members) }
    })
    .await;
    talk(&bob, &ann, "later").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_comes_back_from_a_snapshot_costs_a_log_and_nothing_else() {
    let mut world = World::new().await;
    let (ann, bob) = pair(&world).await;
    let cid = world.player(1, "cedric", "Cedric").await;
    world.redis.save().await;
    for text in ["not", "in", "the", "snapshot"] {
        talk(&ann, &bob, text).await;
    }
    cid.ask("auth:signout", json!({})).await.unwrap();
    bob.hears("chat:presence", |presence| presence["left"] == "Cedric").await;
    world.redis.restart().await;
    talk(&ann, &bob, "after the restart").await;
    talk(&bob, &ann, "indeed").await;
    eventually("who left is gone", RECOVERY, || async {
        let members = world.members().await;
        if members == 2 { Ok(()) } else { Err(members) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_redis_stops_no_frame_and_is_made_good_for() {
    let world = World::new().await;
    let (ann, bob) = pair(&world).await;
    ann.fight().await;
    world.redis.freeze();
    let said = ann.ask("chat:send", json!({ "text": "into the void" })).await;
    assert_eq!(said.unwrap_err(), "unavailable");
    let frozen = Instant::now();
    while frozen.elapsed() < LONGER_THAN_A_LEASE {
        frames_go_on(&ann).await;
    }
    world.redis.thaw();
    talk(&bob, &ann, "awake").await;
    talk(&ann, &bob, "me too").await;
    let again = world.again(0, &bob).await;
    bob.hears("session:replaced", |why| why["reason"] == "another_tab").await;
    talk(&again, &ann, "from another gateway").await;
    let gone = ann.heard("chat:presence").into_iter().filter(|presence| !presence["left"].is_null()).count();
    assert_eq!(gone, 0, "nobody was taken for gone");
    frames_go_on(&ann).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_that_was_lost_is_found_by_its_number() {
    let metrics = Metrics::install();
    let world = World::new().await;
    let (ann, bob) = pair(&world).await;
    world.user_cable.cut();
    let caller = Some(Caller { account_id: world.account(&ann).await, epoch: 1, connection: 0 });
    world.user.clone().sign_out(SignOutRequest { caller }).await.unwrap();
    // One of them may have been a number said again.
    eventually("the news could not be said", RECOVERY * 2, || async {
        let lost = count(&metrics, "bus_unpublished_total");
        if lost >= 2 { Ok(()) } else { Err(lost) }
    })
    .await;
    assert!(ann.heard("session:replaced").is_empty());
    world.user_cable.mend();
    ann.hears("session:replaced", |why| why["reason"] == "signed_out").await;
    assert!(count(&metrics, "gateway_resyncs_total{why=\"gap\"}") > 0);
    assert!(bob.heard("session:replaced").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_connection_of_which_nobody_told_ends_the_older_one() {
    let world = World::new().await;
    let (ann, bob) = pair(&world).await;
    let cid = world.player(0, "cedric", "Cedric").await;
    // As a gateway does that waits in vain: for the answer, or for somebody who has hung up.
    let account = world.account(&cid).await.parse().unwrap();
    world.plane.next_connection(account, 1, "gateway-9").await.unwrap();
    // As one does that dies before it says so.
    let account = world.account(&ann).await.parse().unwrap();
    let connection = world.plane.next_connection(account, 1, "gateway-9").await.unwrap().unwrap().connection;
    world.plane.confirm("gateway-9", &[Held { account, epoch: 1, connection }]).await.unwrap();
    ann.hears_within(SELDOM, "session:replaced", |why| why["reason"] == "another_tab").await;
    talk(&cid, &bob, "nobody took this one's place").await;
    assert!(cid.heard("session:replaced").is_empty());

    // Only chat-svc has heard of it.
    let caller = Some(Caller { account_id: world.account(&bob).await, epoch: 1, connection: u64::MAX / 2 });
    let request = JoinRequest { caller, name: "Bobby".into(), gateway: "gateway-9".into(), room: String::new() };
    world.chat(1).join(request).await.unwrap();
    assert_eq!(bob.ask("chat:send", json!({ "text": "still here" })).await.unwrap_err(), "unauthenticated");
    bob.hears("session:replaced", |why| why["reason"] == "another_tab").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_while_redis_is_frozen_is_missed_when_it_wakes() {
    let world = World::new().await;
    let (ann, bob) = pair(&world).await;
    world.redis.freeze();
    bob.hang_up().await;
    // Each lasts a second: by then its leave was given up.
    for _ in 0..4 {
        assert_eq!(ann.ask("chat:history", json!({})).await.unwrap_err(), "unavailable");
    }
    assert_eq!(ann.ask("chat:send", json!({ "text": "once", "key": "k" })).await.unwrap_err(), "unavailable");
    world.redis.thaw();
    eventually("a key in doubt is free", RECOVERY, || ann.ask("chat:send", json!({ "text": "once", "key": "k" })))
        .await;
    ann.hears_within(SELDOM, "chat:presence", |presence| presence["left"] == "Bobby").await;
    assert_eq!(ann.heard("chat:message").iter().filter(|line| line["text"] == "once").count(), 1);
    assert_eq!(world.members().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_a_dead_gateway_leave_though_another_start_has_its_name() {
    let mut world = World::new().await;
    let (ann, _bob) = pair(&world).await;
    let name = world.kill_gateway(1).await;
    world.start_gateway(&name).await;
    ann.hears_within(SELDOM, "chat:presence", |presence| presence["left"] == "Bobby").await;
    assert_eq!(world.members().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_is_alive_until_it_dies() {
    let mut world = World::new().await;
    let living = async |world: &World| -> Vec<String> {
        let leases = world.plane.living("gateway").await.unwrap();
        leases.into_iter().map(|lease| lease.instance.split(':').next().unwrap().to_owned()).collect()
    };
    eventually("both live", RECOVERY, || async {
        let names = living(&world).await;
        if names == ["gateway-0", "gateway-1"] { Ok(()) } else { Err(names) }
    })
    .await;
    world.kill_gateway(1).await;
    eventually("one is left", RECOVERY * 2, || async {
        let names = living(&world).await;
        if names == ["gateway-0"] { Ok(()) } else { Err(names) }
    })
    .await;
}
