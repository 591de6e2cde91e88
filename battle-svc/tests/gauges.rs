//! What is counted up is counted down: after everybody left, every gauge is back at zero. A process of its own, because
//! the metrics of a process are shared.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]
#![allow(dead_code, reason = "one test needs little of what the others share")]

#[path = "battles/house.rs"]
mod house;
#[path = "battles/store.rs"]
mod store;

use std::time::Duration;

use house::{House, Player, settings};
use service_kit::telemetry::Metrics;
use store::Store;

/// The gauges of battle-svc, with the sum of their values over all labels.
fn gauges(metrics: &Metrics) -> Vec<(String, f64)> {
    let names = ["battles_in_memory", "battles_catching_up", "battle_feeds", "battle_watchers", "battle_saves_waiting"];
    let text = metrics.render();
    let value = |name: &str| {
        let lines = text.lines().filter(|line| line.split([' ', '{']).next() == Some(name));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    };
    names.iter().map(|name| ((*name).to_owned(), value(name))).collect()
}

#[tokio::test(start_paused = true)]
async fn gauges_return_to_zero_when_everybody_left() {
    let metrics = Metrics::install();
    let store = Store::new();
    let mut house = House::open(&store, settings("a")).await;
    let mut gateway = house.gateway("1").await;
    for number in 0..100 {
        let player = Player::new(&store, &format!("Hero{number}")).await;
        let battle = house.auto(&player).await;
        gateway.attach(&player, &battle.id, Some(0)).await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let busy = gauges(&metrics);
    let of = |name: &str| busy.iter().find(|(listed, _)| listed == name).map(|(_, value)| *value);
    assert_eq!((of("battles_in_memory"), of("battle_watchers")), (Some(100.0), Some(100.0)));
    assert_eq!(of("battle_feeds"), Some(1.0));

    drop(gateway);
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert!(gauges(&metrics).iter().all(|(_, value)| *value == 0.0), "{:?}", gauges(&metrics));
}
