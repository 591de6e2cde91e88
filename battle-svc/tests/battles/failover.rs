//! What gateways are told while an owner that is gone may still live.

use std::time::Duration;

use proto::battle::v1::{self as pb, AttachRequest};
use tokio::time::{Instant, sleep};

use crate::house::{House, Player};
use crate::town::{KNOWN_DEAD, TTL, Town, address};

/// Asks as a gateway does whom another sent here.
async fn ask(house: &House, battle: &str) -> pb::AttachResponse {
    let request = AttachRequest {
        gateway: "gateway".to_owned(),
        nonce: "1".to_owned(),
        battle_id: battle.to_owned(),
        redirected: true,
        ..AttachRequest::default()
    };
    house.players.clone().attach(request).await.unwrap().into_inner()
}

#[tokio::test(start_paused = true)]
async fn whoever_is_sent_to_an_owner_hears_how_long_nobody_takes_its_place() {
    let town = Town::new();
    let (mut a, b) = (town.open("a").await, town.open("b").await);
    town.settle().await;
    let player = Player::new(&town.store, "Alpha").await;
    let battle = a.auto(&player).await.id;
    let _gateway = b.gateway("1").await;
    town.kill("a", a).await;
    let killed = Instant::now();
    let mut asked = 0;
    loop {
        let answer = ask(&b, &battle).await;
        asked += 1;
        if answer.redirect.is_empty() {
            break;
        }
        assert_eq!(answer.redirect, address("a"));
        let alone = Duration::from_millis(answer.redirect_alone_ms);
        assert!(alone <= TTL, "{alone:?}");
        // Whoever comes back when that time is over is not late.
        sleep(alone.max(Duration::from_millis(500))).await;
    }
    assert!(killed.elapsed() <= KNOWN_DEAD + Duration::from_millis(500), "{:?}", killed.elapsed());
    assert!(asked <= 8, "asked {asked} times");
}

#[tokio::test(start_paused = true)]
async fn nobody_promises_anything_while_the_backplane_is_away() {
    let town = Town::new();
    let (mut a, b) = (town.open("a").await, town.open("b").await);
    town.settle().await;
    let player = Player::new(&town.store, "Alpha").await;
    let battle = a.auto(&player).await.id;
    town.leases.set_away(true);
    sleep(TTL).await;
    let _gateway = b.gateway("1").await;
    let answer = ask(&b, &battle).await;
    assert_eq!((answer.redirect, answer.redirect_alone_ms), (address("a"), 0));
}
