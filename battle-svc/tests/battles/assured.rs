//! The backplane is away, and the store says which battles are still whose.

use std::time::Duration;

use proto::battle::v1::EndReason;
use proto::battle::v1::feed_item::Kind;
use proto::user::v1::ClaimBattleRequest;
use proto::user::v1::user_service_server::UserService;
use tokio::time::{Instant, sleep, timeout};
use tonic::Request;

use crate::house::{Gateway, House, Player};
use crate::laws;
use crate::store::Store;
use crate::town::{TTL, Town};

/// More than fit into two questions.
const MANY: usize = 2_100;

/// As long as a battle is shown when nobody says anything any more.
const SILENT: Duration = Duration::from_millis(7_500);

/// An instance with so many battles.
async fn crowd(town: &Town, count: usize) -> (House, Vec<String>) {
    let mut house = town.open("a").await;
    let mut battles = Vec::new();
    for number in 0..count {
        let player = Player::new(&town.store, &format!("Alpha{number}")).await;
        battles.push(house.auto(&player).await.id);
    }
    (house, battles)
}

/// How many saves are made meanwhile.
async fn saves_within(store: &Store, time: Duration) -> u64 {
    let before = store.rows().await.saves;
    sleep(time).await;
    store.rows().await.saves - before
}

/// Attaches to each of them, and says which of them had been let go of.
async fn let_go_of(town: &Town, gateway: &mut Gateway, battles: &[String]) -> Vec<String> {
    let mut lost = Vec::new();
    for battle in battles {
        let before = town.store.rows().await.claims;
        gateway.ask(battle, true).await.unwrap().unwrap();
        if town.store.rows().await.claims > before {
            lost.push(battle.clone());
        }
    }
    lost
}

/// Waits until a battle is let go of.
async fn moved(gateway: &mut Gateway, battle: &str) {
    loop {
        let item = gateway.next().await.unwrap();
        match item.kind.unwrap() {
            Kind::Moved(_) => return assert_eq!(item.battle_id, battle),
            Kind::Frames(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn thousands_of_battles_outlive_the_backplane_without_a_save_more() {
    let town = Town::new();
    let (house, battles) = crowd(&town, MANY).await;
    let mut gateway = house.gateway("1").await;
    gateway.ask(&battles[0], false).await.unwrap().unwrap();
    gateway.frames(&battles[0], 1).await;
    let away = Duration::from_secs(20);
    let usual = saves_within(&town.store, away).await;
    assert!(town.store.rows().await.checks.is_empty(), "nothing is asked while the lease is renewed");
    town.leases.set_away(true);
    let saves = saves_within(&town.store, away).await;
    assert!(saves < usual * 2, "{saves} saves, and {usual} before");

    let checks = std::mem::take(&mut town.store.rows().await.checks);
    assert!(checks.iter().all(|asked| *asked <= 1_000));
    let rounds = checks.iter().sum::<usize>() / MANY;
    assert!((8..=10).contains(&rounds), "{rounds} rounds in {away:?}");
    laws::consecutive(&gateway.frames(&battles[0], 39).await, 2);
    assert_eq!(let_go_of(&town, &mut gateway, &battles).await, [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_battle_claimed_elsewhere_is_let_go_of_although_the_backplane_is_away() {
    let town = Town::new();
    let (house, battles) = crowd(&town, 2).await;
    let mut gateway = house.gateway("1").await;
    gateway.ask(&battles[0], false).await.unwrap().unwrap();
    town.leases.set_away(true);
    sleep(Duration::from_secs(10)).await;
    let claim = ClaimBattleRequest { battle_id: battles[0].clone(), epoch: 1, owner: "b".to_owned() };
    town.store.claim_battle(Request::new(claim)).await.unwrap();
    let claimed = Instant::now();
    moved(&mut gateway, &battles[0]).await;
    assert!(claimed.elapsed() <= TTL * 4 / 10, "{:?}", claimed.elapsed());
    assert_eq!(let_go_of(&town, &mut gateway, &battles[1..]).await, [] as [String; 0], "the other goes on");
}

#[tokio::test(start_paused = true)]
async fn a_battle_deleted_while_the_backplane_is_away_ends_for_those_who_watch() {
    let town = Town::new();
    let (house, battles) = crowd(&town, 1).await;
    let mut gateway = house.gateway("1").await;
    gateway.ask(&battles[0], false).await.unwrap().unwrap();
    // The next save is far enough away not to be the first to say so.
    sleep(Duration::from_secs(31)).await;
    town.leases.set_away(true);
    sleep(TTL).await;
    town.store.rows().await.battles.remove(&battles[0]);
    let deleted = Instant::now();
    let end = loop {
        match gateway.next().await.unwrap().kind.unwrap() {
            Kind::End(end) => break end,
            Kind::Frames(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(end.reason(), EndReason::Deleted);
    assert!(deleted.elapsed() <= TTL * 4 / 10, "{:?}", deleted.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_question_without_an_answer_holds_up_no_other() {
    let town = Town::new();
    let (house, battles) = crowd(&town, MANY).await;
    let mut gateway = house.gateway("1").await;
    town.store.rows().await.mute_about = battles[0].clone();
    town.leases.set_away(true);
    sleep(Duration::from_secs(20)).await;
    let lost = let_go_of(&town, &mut gateway, &battles).await;
    assert!(lost.contains(&battles[0]) && lost.len() <= 1_000, "{} of {MANY}", lost.len());
}

#[tokio::test(start_paused = true)]
async fn with_the_store_away_as_well_a_battle_is_let_go_of_in_time() {
    let town = Town::new();
    let (house, battles) = crowd(&town, 1).await;
    let mut gateway = house.gateway("1").await;
    gateway.ask(&battles[0], false).await.unwrap().unwrap();
    gateway.frames(&battles[0], 10).await;
    town.leases.set_away(true);
    town.store.rows().await.away = true;
    let silent = Instant::now();
    moved(&mut gateway, &battles[0]).await;
    // The last renewal may lie 0.3 TTL back, and what is due is looked at once in a tick.
    let (least, most) = (SILENT - TTL * 3 / 10, SILENT + Duration::from_secs(1));
    assert!((least..=most).contains(&silent.elapsed()), "{:?}", silent.elapsed());
    town.store.rows().await.away = false;
    gateway.ask(&battles[0], true).await.unwrap().unwrap();
    assert_eq!(town.store.record(&battles[0]).await.epoch, 2);
}

#[tokio::test(start_paused = true)]
async fn a_battle_claimed_while_the_lease_was_away_is_let_go_of_although_the_lease_is_back() {
    let town = Town::new();
    let (house, battles) = crowd(&town, 1).await;
    let mut gateway = house.gateway("1").await;
    gateway.ask(&battles[0], false).await.unwrap().unwrap();
    // The next save is far enough away not to be the first to say so.
    sleep(Duration::from_secs(31)).await;
    town.leases.set_away(true);
    sleep(TTL * 2).await;
    town.leases.set_away(false);
    sleep(TTL).await;
    // It was under way since before the lease was back.
    let claim = ClaimBattleRequest { battle_id: battles[0].clone(), epoch: 1, owner: "b".to_owned() };
    town.store.claim_battle(Request::new(claim)).await.unwrap();
    let claimed = Instant::now();
    moved(&mut gateway, &battles[0]).await;
    assert!(claimed.elapsed() <= TTL * 4 / 10, "{:?}", claimed.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_short_absence_of_the_backplane_costs_a_few_questions_and_no_battle() {
    let town = Town::new();
    let (house, battles) = crowd(&town, 1).await;
    let mut gateway = house.gateway("1").await;
    gateway.ask(&battles[0], false).await.unwrap().unwrap();
    gateway.frames(&battles[0], 20).await;
    town.leases.set_away(true);
    gateway.frames(&battles[0], 2).await;
    town.leases.set_away(false);
    laws::consecutive(&gateway.frames(&battles[0], 40).await, 23);
    assert!(!std::mem::take(&mut town.store.rows().await.checks).is_empty());
    laws::consecutive(&gateway.frames(&battles[0], 20).await, 63);
    assert!(town.store.rows().await.checks.is_empty(), "no claim can be under way any more");
}

/// What befell others while this machine slept, its clock with it: its lease ran out, and one of them claimed.
async fn slept(town: &Town, claimed: &str) {
    town.leases.empty();
    let claim = ClaimBattleRequest { battle_id: claimed.to_owned(), epoch: 1, owner: "b".to_owned() };
    town.store.claim_battle(Request::new(claim)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_battle_claimed_while_this_machine_slept_is_let_go_of_with_the_next_renewal() {
    let town = Town::new();
    let (house, battles) = crowd(&town, 2).await;
    let mut gateway = house.gateway("1").await;
    gateway.ask(&battles[0], false).await.unwrap().unwrap();
    sleep(Duration::from_secs(10)).await;
    slept(&town, &battles[0]).await;
    let woke = Instant::now();
    moved(&mut gateway, &battles[0]).await;
    assert!(woke.elapsed() <= TTL * 3 / 10 + Duration::from_millis(10), "{:?}", woke.elapsed());
    assert_eq!(let_go_of(&town, &mut gateway, &battles[1..]).await, [] as [String; 0], "the other goes on");
}

#[tokio::test(start_paused = true)]
async fn a_battle_is_shown_for_no_more_than_a_ttl_when_the_store_does_not_say_whose_it_is_after_a_sleep() {
    let town = Town::new();
    let (house, battles) = crowd(&town, 1).await;
    let mut gateway = house.gateway("1").await;
    gateway.ask(&battles[0], false).await.unwrap().unwrap();
    sleep(Duration::from_secs(10)).await;
    slept(&town, &battles[0]).await;
    town.store.rows().await.away = true;
    let woke = Instant::now();
    // It is noticed with the next renewal, and what is due is looked at once in a tick.
    let most = TTL + TTL * 3 / 10 + Duration::from_secs(1);
    timeout(most, moved(&mut gateway, &battles[0])).await.expect("shown on and on");
    assert!(woke.elapsed() >= TTL, "{:?}", woke.elapsed());
}
