//! The contract, against a server of each test's own, and what only a server can suffer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use service_kit::{Fault, FaultKind, TaskGroup};
use testkit::eventually;
use testkit::redis::Server;
use tokio::time::timeout;

use super::door::DEADLINE;
use super::scripts::Scripts;
use super::{PREFIX, Redis};
use crate::connections::Connections;
use crate::memory::Memory;
use crate::rooms::LOG_AGE;
use crate::{
    Bus, Channel, Delivery, Lease, Leases, Member, Position, Rate, RoomId, RoomKind, Rooms, Subscription, Throttle,
    Verdict,
};

const LOBBY: RoomKind = RoomKind::new("lobby");
const SECOND: Duration = Duration::from_secs(1);
/// How long a recovery may take once the server answers, by the house's promise.
const RECOVERY: Duration = Duration::from_secs(5);

crate::contract::suite!(#[tokio::test(flavor = "multi_thread", worker_threads = 1)], host().await);

/// A world and the server it lies on.
async fn host() -> (Arc<Redis>, Server) {
    let server = Server::start().await;
    (world(&server, Duration::ZERO), server)
}

/// A world on this server, to whose scripts it is later by `shift`.
fn world(server: &Server, shift: Duration) -> Arc<Redis> {
    Redis::with(&server.url(), PREFIX, &TaskGroup::new(), Scripts::later(shift)).unwrap()
}

async fn enter(world: &Redis, id: &str) -> RoomId {
    let member = Member { id: id.into(), name: id.into(), gateway: "g1".into(), connection: 1 };
    world.enter(LOBBY, 10, member, None, Bytes::new()).await.unwrap().standing.room
}

/// Reads until this delivery comes.
async fn hears(subscription: &Subscription, awaited: impl Fn(&Delivery) -> bool) {
    let search = async { while !awaited(&subscription.recv().await.expect("it goes on")) {} };
    timeout(RECOVERY, search).await.expect("it is heard in time");
}

fn is_message(payload: &'static str) -> impl Fn(&Delivery) -> bool {
    move |delivery| matches!(delivery, Delivery::Message(message) if message.payload == payload)
}

async fn answers(world: &Redis) {
    eventually("the server answers", RECOVERY, || world.ping()).await;
}

/// Publishes until the publisher's own connection is back too.
async fn publish(world: &Redis, channel: &Channel, payload: &'static str) {
    let send = || world.publish(channel, Bytes::from_static(payload.as_bytes()));
    eventually("the bus carries messages", RECOVERY, send).await;
}

#[tokio::test]
async fn a_subscriber_comes_back_after_a_restart() {
    let (world, mut server) = host().await;
    let subscription = world.subscribe("g1").await.unwrap();
    let room = Channel::Room(LOBBY.room(1));
    subscription.add(&room).await.unwrap();
    publish(&world, &room, "before").await;
    hears(&subscription, is_message("before")).await;

    server.restart().await;
    hears(&subscription, |delivery| *delivery == Delivery::Reconnected).await;
    for (channel, payload) in [(room, "room"), (Channel::Gateway("g1".into()), "addressed"), (Channel::All, "all")] {
        publish(&world, &channel, payload).await;
        hears(&subscription, is_message(payload)).await;
    }
}

#[tokio::test]
async fn a_room_added_while_the_server_is_away_is_heard_when_it_is_back() {
    let (world, mut server) = host().await;
    let subscription = world.subscribe("g1").await.unwrap();
    let room = Channel::Room(LOBBY.room(1));
    server.kill();
    subscription.add(&room).await.unwrap_err();
    server.restart().await;
    hears(&subscription, |delivery| *delivery == Delivery::Reconnected).await;
    publish(&world, &room, "heard").await;
    hears(&subscription, is_message("heard")).await;
}

#[tokio::test]
async fn who_subscribes_while_the_server_is_away_hears_when_it_is_there() {
    let (world, mut server) = host().await;
    server.kill();
    let subscription = world.subscribe("g1").await.unwrap();
    server.restart().await;
    hears(&subscription, |delivery| *delivery == Delivery::Reconnected).await;
    publish(&world, &Channel::All, "heard").await;
    hears(&subscription, is_message("heard")).await;
}

#[tokio::test]
async fn after_a_restart_the_first_call_goes_through() {
    let (world, mut server) = host().await;
    tokio::join!(world.ping(), world.ping(), world.ping()).0.unwrap();
    server.restart().await;
    enter(&world, "ann").await;
}

#[tokio::test]
async fn an_emptied_server_is_noticed() {
    let (world, server) = host().await;
    let room = enter(&world, "ann").await;
    let before = world.append(&room, Bytes::new()).await.unwrap().unwrap().position;
    let last = world.next_connection(vocab::AccountId::from_bytes([1; 16]), 1, "g1").await.unwrap().unwrap().connection;
    let life = world.life().await.unwrap();
    server.flush().await;
    assert_ne!(world.life().await.unwrap(), life);

    assert_eq!(world.standing(&room).await.unwrap(), None);
    let ann = Member { id: "ann".into(), name: "Ann".into(), gateway: "g1".into(), connection: 1 };
    let standing = world.reassert(vec![(room.clone(), 10, ann)], Bytes::new()).await.unwrap().remove(0);
    assert_eq!((&standing.room, standing.count, standing.head.offset), (&room, 1, 0));
    assert_ne!(standing.head.epoch, before.epoch, "another life");
    world.append(&room, Bytes::new()).await.unwrap().unwrap();
    let page = world.read(&room, Some(Position { offset: 1, ..before }), 10).await.unwrap().unwrap();
    assert!(!page.recovered, "a place in the life before is no place in this one");
    let next = world.next_connection(vocab::AccountId::from_bytes([1; 16]), 1, "g1").await.unwrap().unwrap().connection;
    assert!(next > last, "numbers go on rising: {next} after {last}");
}

#[tokio::test]
async fn rooms_of_a_server_that_comes_back_from_a_snapshot_are_gone() {
    let (world, mut server) = host().await;
    let room = enter(&world, "ann").await;
    enter(&world, "bob").await;
    world.mark_leaving(&room, "ann", 1, SECOND, Bytes::new()).await.unwrap();
    let epoch = world.append(&room, Bytes::new()).await.unwrap().unwrap().position.epoch;
    let life = world.life().await.unwrap();
    server.save().await;
    world.append(&room, Bytes::new()).await.unwrap().unwrap();
    server.restart().await;

    // Not only for whoever asks for the life first.
    assert_eq!(world.append(&room, Bytes::new()).await.unwrap(), None);
    assert_ne!(world.life().await.unwrap(), life);
    assert_eq!(world.rooms(LOBBY).await.unwrap(), []);
    assert!(world.gateways(LOBBY).await.unwrap().is_empty());
    assert!(world.take_due_leaves(LOBBY, 10).await.unwrap().is_empty());
    let cid = Member { id: "cid".into(), name: "Cid".into(), gateway: "g1".into(), connection: 1 };
    let elsewhere = LOBBY.room(room.number() + 1);
    let claims = vec![(room.clone(), 10, cid.clone()), (elsewhere.clone(), 10, Member { id: "bob".into(), ..cid })];
    let standings = world.reassert(claims, Bytes::new()).await.unwrap();
    assert_eq!(
        standings.iter().map(|standing| (&standing.room, standing.count)).collect::<Vec<_>>(),
        [(&room, 1), (&elsewhere, 1)]
    );
    assert_ne!(standings[0].head.epoch, epoch, "another life");
    assert_eq!(enter(&world, "dan").await.kind_name(), "lobby");
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_nobody_waiting_or_alive() {
    let (today, server) = host().await;
    let later = world(&server, SECOND * 3_600);
    let rate = Rate { every: SECOND, burst: 2 };
    let lease = Lease { service: "s".into(), instance: "i".into(), nonce: 1, address: "a".into() };
    for _ in 0..rate.burst {
        assert_eq!(later.throttle("key", rate).await.unwrap(), Verdict::Allowed);
    }
    later.renew(&lease, rate.every).await.unwrap();
    // As anybody else's sign of life, which keeps the key.
    later.renew(&Lease { instance: "other".into(), ..lease.clone() }, SECOND * 60).await.unwrap();
    let room = enter(&later, "ann").await;
    later.mark_leaving(&room, "ann", 1, SECOND, Bytes::new()).await.unwrap();

    let Verdict::RetryAfter(wait) = today.throttle("key", rate).await.unwrap() else { panic!("the bucket is empty") };
    assert!(wait <= rate.every, "{wait:?}");
    assert_eq!(today.living("s").await.unwrap().len(), 2);
    assert_eq!(today.take_due_leaves(LOBBY, 10).await.unwrap().len(), 1);
    tokio::time::sleep(rate.every + Duration::from_millis(5)).await;
    assert_eq!(today.throttle("key", rate).await.unwrap(), Verdict::Allowed);
    assert_eq!(today.living("s").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_frozen_server_is_unavailable_in_time_and_comes_back() {
    let (world, server) = host().await;
    let room = enter(&world, "ann").await;
    let subscription = world.subscribe("g1").await.unwrap();
    let channel = Channel::Room(room.clone());
    server.freeze();
    let asked = async {
        let message = world.publish(&Channel::All, Bytes::new());
        tokio::join!(world.append(&room, Bytes::new()), message, subscription.add(&channel))
    };
    let (append, publish_all, add) = timeout(DEADLINE * 2, asked).await.expect("an answer in time");
    for fault in [append.unwrap_err(), publish_all.unwrap_err(), add.unwrap_err()] {
        assert_eq!(Fault::from(fault).kind(), FaultKind::Unavailable);
    }

    server.thaw();
    answers(&world).await;
    // Until the subscriber's connection is back too.
    eventually("it is heard", RECOVERY, || async {
        publish(&world, &channel, "heard").await;
        let heard = timeout(SECOND / 10, async { while !is_message("heard")(&subscription.recv().await.unwrap()) {} });
        heard.await.map_err(|_| "not yet")
    })
    .await;
    // What was sent while the server stood still may have been carried out, or not.
    world.append(&room, Bytes::from_static(b"after")).await.unwrap().unwrap();
    hears(&subscription, is_message("after")).await;
}

#[tokio::test]
async fn a_subscriber_notices_that_nobody_answers() {
    let (world, server) = host().await;
    let subscription = world.subscribe("g1").await.unwrap();
    server.freeze();
    // Longer than the pause between two probes and the deadline of one, which nothing outside shows.
    timeout(SECOND * 6, subscription.recv()).await.expect_err("nothing comes");
    server.thaw();
    hears(&subscription, |delivery| *delivery == Delivery::Reconnected).await;
}

#[tokio::test]
async fn a_dropped_subscription_ends_its_task() {
    let server = Server::start().await;
    let tasks = TaskGroup::new();
    let world = Redis::with(&server.url(), PREFIX, &tasks, Scripts::later(Duration::ZERO)).unwrap();
    let subscription = world.subscribe("g1").await.unwrap();
    assert_eq!(tasks.len(), 1);
    drop(subscription);
    eventually("the task ends", RECOVERY, || async { if tasks.is_empty() { Ok(()) } else { Err(tasks.len()) } }).await;
    let last = world.subscribe("g1").await.unwrap();
    assert_eq!(tasks.end(SECOND).await, Ok(()));
    assert_eq!(last.recv().await, None, "the backplane is gone for good");
}

#[tokio::test]
async fn entries_and_keys_of_yesterday_are_gone() {
    let (today, server) = host().await;
    let room = enter(&today, "ann").await;
    let first = today.append_once(&room, "key", Bytes::from_static(b"old")).await.unwrap();
    let tomorrow = world(&server, LOG_AGE + SECOND);
    let second = tomorrow.append_once(&room, "key", Bytes::from_static(b"new")).await.unwrap();
    assert_ne!(first, second, "the key was forgotten");
    let page = tomorrow.read(&room, None, 10).await.unwrap().unwrap();
    assert_eq!(page.entries.iter().map(|entry| entry.offset).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn as_many_keys_are_kept_as_promised_and_no_more() {
    let (world, _server) = host().await;
    let room = enter(&world, "ann").await;
    for n in 0..=crate::rooms::ONCE_KEYS {
        world.append_once(&room, &n.to_string(), Bytes::new()).await.unwrap();
    }
    let head = async || world.standing(&room).await.unwrap().unwrap().head.offset;
    let before = head().await;
    world.append_once(&room, "1", Bytes::new()).await.unwrap();
    assert_eq!(head().await, before, "the last of them are known");
    world.append_once(&room, "0", Bytes::new()).await.unwrap();
    assert_eq!(head().await, before + 1, "the first was forgotten");
}

/// Everything that is under the prefix, and how long it lives in milliseconds; -1 for ever.
async fn keys(server: &Server) -> Vec<(String, i64)> {
    let mut line = redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let names: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut line).await.unwrap();
    let mut keys = Vec::new();
    for name in names {
        let ttl = redis::cmd("PTTL").arg(&name).query_async(&mut line).await.unwrap();
        keys.push((name, ttl));
    }
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn what_is_left_behind_vanishes_by_itself() {
    let (world, server) = host().await;
    world.next_connection(vocab::AccountId::from_bytes([1; 16]), 1, "g1").await.unwrap();
    world.throttle("key", Rate { every: SECOND * 60, burst: 5 }).await.unwrap();
    let lease = Lease { service: "s".into(), instance: "i".into(), nonce: 1, address: "a".into() };
    world.renew(&lease, SECOND * 60).await.unwrap();
    let room = enter(&world, "ann").await;
    world.append_once(&room, "key", Bytes::new()).await.unwrap();
    world.mark_leaving(&room, "ann", 1, Duration::ZERO, Bytes::new()).await.unwrap();
    assert_eq!(world.take_due_leaves(LOBBY, 10).await.unwrap().len(), 1);

    let keys = keys(&server).await;
    assert!(keys.iter().all(|(name, _)| name.starts_with("mud:")), "{keys:?}");
    let lasting: Vec<_> = keys.iter().filter(|(_, ttl)| *ttl < 0).map(|(name, _)| name.as_str()).collect();
    assert_eq!(lasting, ["mud:last", "mud:life"], "of {keys:?}");
    assert_eq!(keys.len(), 5, "the room took everything along: {keys:?}");
}
