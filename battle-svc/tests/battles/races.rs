//! Who comes too early, too late, or at the same time as another.

use std::time::Duration;

use battle_svc::Pace;
use proto::battle::v1::OnDeath;
use proto::battle::v1::feed_item::Kind;
use tokio::task::yield_now;
use tokio::time::{Instant, advance, sleep};

use crate::house::{Gateway, House, Player, paced, settings};
use crate::laws;
use crate::store::Store;

/// Returns when the store has seen so many claims.
async fn claimed(store: &Store, claims: u64) {
    while store.rows().await.claims < claims {
        yield_now().await;
    }
}

/// Attaches the player, however long it takes; returns when it was answered.
async fn attached(gateway: &mut Gateway, player: &Player, battle: &str) -> Instant {
    gateway.attach_within(Duration::from_secs(3600), player, battle).await;
    Instant::now()
}

/// Lets time pass beside work that takes none by itself, from this number of claims on.
async fn age(store: &Store, claims: u64) {
    claimed(store, claims).await;
    loop {
        advance(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_attachment_whose_caller_has_gone_changes_nothing() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    sleep(Duration::from_secs(5 * 3600)).await;
    let mut gateway = house.gateway("1").await;
    tokio::select! {
        biased;
        _ = gateway.attach(&player, &battle.id, None) => panic!("answered before it caught up"),
        () = claimed(&store, 1) => {}
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(house.get(&battle.id).await.epoch, 2, "what was claimed came into memory");
    let told = gateway.attach(&player, &battle.id, None).await;
    let report = told.report.unwrap();
    assert_eq!((report.from_seq, report.to_seq), (1, told.battle.unwrap().seq), "nothing counts as told");
    gateway.detach(&battle.id, report.to_seq).await;
    sleep(Duration::from_secs(70)).await;
    assert_eq!(store.record(&battle.id).await.owner, "", "nobody watches it any more");
}

#[tokio::test(start_paused = true)]
async fn a_start_right_after_an_end_starts_anew() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto_in(&player, "5", OnDeath::Stop).await.unwrap();
    let mut gateway = house.gateway("1").await;
    gateway.attach(&player, &battle.id, Some(0)).await;
    while !matches!(gateway.next().await.unwrap().kind, Some(Kind::End(_))) {}
    assert_eq!(store.record(&battle.id).await.end_reason, None, "the end is told and not stored yet");
    let next = house.auto_in(&player, "5", OnDeath::Stop).await.unwrap();
    assert_ne!(next.id, battle.id);
    assert_eq!(store.record(&battle.id).await.end_reason.as_deref(), Some("died"));
}

#[tokio::test(start_paused = true)]
async fn a_battle_that_was_taken_over_before_its_start_was_answered_stays_taken_over() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    store.rows().await.slow_create = Duration::from_secs(2);
    let mut gateway = house.gateway("1").await;
    let early = async {
        sleep(Duration::from_secs(1)).await;
        let id = store.rows().await.battles.keys().next().cloned().unwrap();
        gateway.attach(&player, &id, Some(0)).await.battle.unwrap()
    };
    let (_, taken) = tokio::join!(house.auto(&player), early);
    let frames = gateway.frames(&taken.id, 100).await;
    laws::consecutive(&frames, taken.seq + 1);
    assert_eq!(house.get(&taken.id).await.epoch, 2);
}

#[tokio::test(start_paused = true)]
async fn a_long_catch_up_is_no_time_without_watchers() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let pace = Pace { detach_after: Duration::from_secs(5), ..Pace::default() };
    let mut house = House::open(&store, paced("a", pace)).await;
    let battle = house.auto(&player).await;
    sleep(Duration::from_secs(11 * 3600)).await;
    let mut gateway = house.gateway("1").await;
    let started = Instant::now();
    let answered = tokio::select! {
        answered = attached(&mut gateway, &player, &battle.id) => answered,
        () = age(&store, 1) => unreachable!(),
    };
    assert!(answered - started > Duration::from_secs(10), "{:?}", answered - started);
    assert_eq!(store.rows().await.claims, 1, "it was not let go of before its caller came to it");
}

#[tokio::test(start_paused = true)]
async fn who_returns_first_is_caught_up_first() {
    let store = Store::new();
    let players = [Player::new(&store, "Alpha").await, Player::new(&store, "Beta").await];
    let mut house = House::open(&store, battle_svc::Settings { shards: 1, ..settings("a") }).await;
    let battles = [house.auto(&players[0]).await, house.auto(&players[1]).await];
    sleep(Duration::from_secs(11 * 3600)).await;
    let (mut one, mut two) = (house.gateway("1").await, house.gateway("2").await);
    let started = Instant::now();
    let both = async {
        tokio::join!(attached(&mut one, &players[0], &battles[0].id), attached(&mut two, &players[1], &battles[1].id))
    };
    let (first, second) = tokio::select! {
        both = both => both,
        () = age(&store, 2) => unreachable!(),
    };
    let (first, second) = (first - started, second - started);
    assert!(first.min(second) * 3 < first.max(second) * 2, "{first:?} and {second:?}");
}
