//! Several instances: who answers, who takes what nobody has, and what is no reason to take anything.

use std::time::Duration;

use proto::battle::v1::feed_item::Kind;
use proto::battle::v1::{self as pb, OnDeath, Phase};
use service_kit::{FaultKind, TaskGroup};
use tokio::time::{Instant, sleep};

use crate::house::{Gateway, House, Player, settings};
use crate::laws;
use crate::town::{KNOWN_DEAD, Shaky, TTL, Town, address};

/// Asks one instance for a battle as a gateway does whom another sent there, until it has it.
async fn taken(gateway: &mut Gateway, battle: &str) -> pb::AttachResponse {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        if let Ok(Ok(attached)) = gateway.ask(battle, true).await {
            return attached;
        }
        sleep(Duration::from_millis(500)).await;
    }
    panic!("nobody took it for a minute");
}

/// Two instances, and a battle that the first one has.
async fn pair(town: &Town) -> (House, House, Player, pb::Battle) {
    let (mut a, b) = (town.open("a").await, town.open("b").await);
    town.settle().await;
    let player = Player::new(&town.store, "Alpha").await;
    let battle = a.auto(&player).await;
    (a, b, player, battle)
}

/// Lets go of a battle by leaving it alone.
async fn leave_alone(town: &Town, battle: &str) {
    sleep(Duration::from_secs(70)).await;
    assert_eq!(town.store.record(battle).await.owner, "");
}

#[tokio::test(start_paused = true)]
async fn whoever_attaches_elsewhere_is_sent_to_the_owner() {
    let town = Town::new();
    let (a, b, _player, battle) = pair(&town).await;
    let (mut here, mut there) = (a.gateway("1").await, b.gateway("1").await);
    for redirected in [false, true] {
        assert_eq!(there.ask(&battle.id, redirected).await.unwrap().unwrap_err(), address("a"));
    }
    here.ask(&battle.id, true).await.unwrap().unwrap();
    laws::consecutive(&here.frames(&battle.id, 30).await, 1);
    assert_eq!(town.store.rows().await.claims, 0);
}

#[tokio::test(start_paused = true)]
async fn every_other_call_is_passed_on_to_the_owner() {
    let town = Town::new();
    let (a, mut b, player, battle) = pair(&town).await;
    sleep(Duration::from_millis(10_500)).await;
    let equal = b.auto(&player).await;
    assert_eq!((equal.id.as_str(), equal.seq), (battle.id.as_str(), 10), "as it stands, not as it was saved");
    let other = b.auto_in(&player, "2", OnDeath::Revive).await.unwrap_err();
    assert_eq!(other.because(), Some("in_battle"));
    let seen = b.get(&battle.id).await;
    assert_eq!((seen.owner.as_str(), seen.epoch, seen.battle.unwrap().seq), ("a", 1, 10));
    let sync = pb::SyncBattleRequest { caller: Some(player.caller(1)), battle_id: battle.id.clone(), after: 4 };
    laws::consecutive(&b.players.sync_battle(sync).await.unwrap().into_inner().frames, 5);

    let watch = pb::WatchBattleRequest { battle_id: battle.id.clone(), from_seq: 1 };
    let mut watched = b.players.watch_battle(watch).await.unwrap().into_inner();
    let mut frames = Vec::new();
    for _ in 0..20 {
        frames.push(watched.message().await.unwrap().unwrap().frame.unwrap());
    }
    laws::consecutive(&frames, 1);
    let stopped = b.stop(&player).await.unwrap();
    assert_eq!((stopped.seq, stopped.phase()), (21, Phase::Ended));
    assert!(watched.message().await.unwrap().unwrap().end.is_some());
    assert_eq!(town.store.rows().await.claims, 0);
    drop(a);
}

#[tokio::test(start_paused = true)]
async fn an_operator_stops_a_battle_from_anywhere_and_it_is_recorded_once() {
    let town = Town::new();
    let (_a, mut b, _player, battle) = pair(&town).await;
    let stop = |dry_run| pb::StopBattleRequest { battle_id: battle.id.clone(), operator: "op".to_owned(), dry_run };
    let dry = b.admin.stop_battle(stop(true)).await.unwrap().into_inner().battle.unwrap();
    assert_ne!(dry.phase(), Phase::Ended);
    let stopped = b.admin.stop_battle(stop(false)).await.unwrap().into_inner().battle.unwrap();
    assert_eq!(stopped.phase(), Phase::Ended);
    assert_eq!(town.store.record(&battle.id).await.end_reason.as_deref(), Some("operator"));
    let rows = town.store.rows().await;
    assert_eq!((rows.audit.len(), rows.claims), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_killed_owners_battle_is_claimed_once_and_in_time() {
    let town = Town::new();
    let (a, b, _player, battle) = pair(&town).await;
    let c = town.open("c").await;
    let mut gateway = a.gateway("1").await;
    gateway.ask(&battle.id, false).await.unwrap().unwrap();
    let before = gateway.frames(&battle.id, 20).await;
    town.kill("a", a).await;
    let killed = Instant::now();

    let (mut one, mut two) = (b.gateway("1").await, c.gateway("1").await);
    assert_eq!(one.ask(&battle.id, true).await.unwrap().unwrap_err(), address("a"), "it may live");
    let told = loop {
        match tokio::join!(one.ask(&battle.id, true), two.ask(&battle.id, true)) {
            (Ok(Ok(told)), other) | (other, Ok(Ok(told))) => {
                assert!(!matches!(other, Ok(Ok(_))), "one of them alone has it");
                break told;
            }
            _ => sleep(Duration::from_millis(500)).await,
        }
    };
    assert!(killed.elapsed() <= KNOWN_DEAD + Duration::from_millis(600), "{:?}", killed.elapsed());
    assert!(killed.elapsed() > TTL, "nobody was in a hurry");
    assert_eq!(town.store.rows().await.claims, 1);
    assert_eq!((told.epoch, &told.frames[..20]), (2, &before[..]), "what was shown is what comes out again");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_has_goes_to_the_one_that_all_choose() {
    let town = Town::new();
    let (a, b, _player, battle) = pair(&town).await;
    leave_alone(&town, &battle.id).await;
    let (mut one, mut two) = (a.gateway("1").await, b.gateway("1").await);
    let (first, second) = (one.ask(&battle.id, false).await.unwrap(), two.ask(&battle.id, false).await.unwrap());
    let owner = town.store.record(&battle.id).await.owner;
    let sent: Vec<String> = [first, second].into_iter().filter_map(Result::err).collect();
    assert_eq!(sent, [address(&owner)], "one took it, the other sent there");
    assert_eq!(town.store.rows().await.claims, 1);
}

#[tokio::test(start_paused = true)]
async fn who_was_sent_here_is_not_sent_on_for_what_nobody_has() {
    let town = Town::new();
    let (a, b, _player, battle) = pair(&town).await;
    leave_alone(&town, &battle.id).await;
    let (mut one, mut two) = (a.gateway("1").await, b.gateway("1").await);
    let chosen_first = one.ask(&battle.id, false).await.unwrap().is_ok();
    if chosen_first {
        leave_alone_again(&town, &mut one, &battle.id).await;
    }
    let unchosen = if chosen_first { &mut two } else { &mut one };
    unchosen.ask(&battle.id, true).await.unwrap().unwrap();
}

async fn leave_alone_again(town: &Town, gateway: &mut Gateway, battle: &str) {
    gateway.leave(battle).await;
    leave_alone(town, battle).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_chosen_one_does_not_answer_is_answered_here() {
    let town = Town::new();
    let (a, b, player, battle) = pair(&town).await;
    leave_alone(&town, &battle.id).await;
    for (name, mut house) in [("a", b), ("b", a)] {
        town.unplug(name);
        let sync = pb::SyncBattleRequest { caller: Some(player.caller(1)), battle_id: battle.id.clone(), after: 0 };
        let told = house.players.sync_battle(sync).await.unwrap().into_inner();
        // What was saved is a minute old; who has fallen since makes no frames.
        let fallen = told.battle.is_some_and(|battle| battle.phase() == pb::Phase::Dead);
        assert!(told.head >= 69 || fallen, "{}", told.head);
        leave_alone(&town, &battle.id).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_frozen_owner_costs_a_call_two_seconds_and_is_no_reason_to_take_its_battle() {
    let town = Town::new();
    let (mut a, gate) = town.open_gated("a").await;
    let mut b = town.open("b").await;
    town.settle().await;
    let player = Player::new(&town.store, "Alpha").await;
    let battle = a.auto(&player).await;
    sleep(Duration::from_secs(3)).await;
    gate.close();
    let asked = Instant::now();
    let refused = b.stop(&player).await.unwrap_err();
    assert_eq!((refused.kind(), refused.because()), (FaultKind::Unavailable, Some("owner_silent")));
    let seen = b.get(&battle.id).await;
    assert_eq!((seen.owner.as_str(), seen.epoch), ("a", 1), "as it was saved");
    assert_eq!(asked.elapsed(), Duration::from_secs(4));
    assert_eq!(town.store.rows().await.claims, 0);
}

#[tokio::test(start_paused = true)]
async fn what_an_owner_refuses_is_told_in_its_own_words() {
    let town = Town::new();
    let (a, b, player, battle) = pair(&town).await;
    let mut c = town.open("c").await;
    town.kill("a", a).await;
    taken(&mut b.gateway("1").await, &battle.id).await;
    let refused = c.stop(&player).await.unwrap_err();
    assert_eq!((refused.kind(), refused.because()), (FaultKind::Unavailable, Some("taken_over")));
    sleep(refused.retry_delay().unwrap()).await;
    assert_eq!(c.stop(&player).await.unwrap().phase(), Phase::Ended);
}

#[tokio::test(start_paused = true)]
async fn who_wakes_after_its_battle_was_taken_shows_and_writes_nothing() {
    let town = Town::new();
    let (mut a, gate) = town.open_gated("a").await;
    let b = town.open("b").await;
    town.settle().await;
    let player = Player::new(&town.store, "Alpha").await;
    let battle = a.auto(&player).await;
    let (mut old, mut new) = (a.gateway("1").await, b.gateway("1").await);
    old.ask(&battle.id, false).await.unwrap().unwrap();
    let before = old.frames(&battle.id, 10).await;
    gate.close();
    let frozen = Instant::now();
    let told = taken(&mut new, &battle.id).await;
    assert!(frozen.elapsed() <= KNOWN_DEAD + Duration::from_millis(600), "{:?}", frozen.elapsed());
    assert_eq!((told.epoch, &told.frames[..10]), (2, &before[..]));
    sleep(Duration::from_secs(20).saturating_sub(frozen.elapsed())).await;
    let saved = town.store.record(&battle.id).await.seq;
    gate.open();

    let item = old.next().await.unwrap();
    assert!(matches!(item.kind, Some(Kind::Moved(_))), "{item:?}");
    assert_eq!(old.ask(&battle.id, true).await.unwrap().unwrap_err(), address("b"));
    sleep(Duration::from_secs(5)).await;
    let record = town.store.record(&battle.id).await;
    assert_eq!((record.owner.as_str(), record.epoch), ("b", 2));
    assert!(record.seq >= saved);
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_a_rest_made_worthless_is_made_again() {
    let town = Town::new();
    let (mut a, gate) = town.open_gated("a").await;
    let player = Player::new(&town.store, "Alpha").await;
    let battle = a.auto(&player).await;
    leave_alone(&town, &battle.id).await;
    town.store.rows().await.slow_claim = Duration::from_secs(2);
    let mut gateway = a.gateway("1").await;
    let frozen = async {
        sleep(Duration::from_secs(1)).await;
        gate.close();
        sleep(Duration::from_secs(20)).await;
        town.store.rows().await.slow_claim = Duration::ZERO;
        gate.open();
    };
    let (refused, ()) = tokio::join!(gateway.ask(&battle.id, true), frozen);
    assert_eq!(refused.unwrap_err().kind(), FaultKind::DeadlineExceeded);
    sleep(Duration::from_secs(3)).await;
    let told = gateway.ask(&battle.id, true).await.unwrap().unwrap();
    assert_eq!((told.epoch, town.store.rows().await.claims), (3, 2));
    let frame = gateway.frames(&battle.id, 1).await.remove(0);
    assert_eq!(frame.at, town.store.now().await, "its time did not stand still");
}

#[tokio::test(start_paused = true)]
async fn a_claim_under_way_when_a_drain_begins_is_given_back() {
    let town = Town::new();
    let mut a = town.open("a").await;
    let player = Player::new(&town.store, "Alpha").await;
    let battle = a.auto(&player).await;
    leave_alone(&town, &battle.id).await;
    town.store.rows().await.slow_claim = Duration::from_secs(2);
    let mut gateway = a.gateway("1").await;
    let drained = async {
        sleep(Duration::from_secs(1)).await;
        assert_eq!(town.store.record(&battle.id).await.owner, "a");
        a.service.drain().await;
    };
    let (refused, ()) = tokio::join!(gateway.ask(&battle.id, true), drained);
    assert_eq!(refused.unwrap_err().kind(), FaultKind::Unavailable);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(town.store.record(&battle.id).await.owner, "");
}

#[tokio::test(start_paused = true)]
async fn a_drain_hands_over_at_once() {
    let town = Town::new();
    let (a, mut b, player, battle) = pair(&town).await;
    let mut gateway = a.gateway("1").await;
    gateway.ask(&battle.id, false).await.unwrap().unwrap();
    let before = gateway.frames(&battle.id, 10).await;
    a.service.drain().await;
    let began = Instant::now();
    assert!(matches!(gateway.next().await.unwrap().kind, Some(Kind::Moved(_))));

    let mut next = b.gateway("1").await;
    let told = match next.ask(&battle.id, false).await.unwrap() {
        Ok(told) => told,
        Err(elsewhere) => {
            assert_eq!(elsewhere, address("a"), "it is chosen until everybody has seen that it left");
            next.ask(&battle.id, true).await.unwrap().unwrap()
        }
    };
    assert_eq!((told.epoch, &told.frames[..]), (2, &before[..]));
    laws::consecutive(&next.frames(&battle.id, 10).await, 11);
    assert!(began.elapsed() < Duration::from_secs(12));
    assert_eq!(b.get(&battle.id).await.owner, "b");

    // What still comes to the one that left is passed on, too.
    let mut leaving = a;
    assert_eq!(leaving.auto(&player).await.id, battle.id);
    assert_eq!(leaving.get(&battle.id).await.owner, "b");
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_although_leases_are_away() {
    let town = Town::new();
    let (a, _b, _player, battle) = pair(&town).await;
    town.leases.set_away(true);
    let began = Instant::now();
    a.service.drain().await;
    assert!(began.elapsed() <= TTL, "{:?}", began.elapsed());
    assert_eq!(town.store.record(&battle.id).await.owner, "");
}

#[tokio::test(start_paused = true)]
async fn a_new_start_of_a_name_has_what_the_record_says_is_its_own() {
    let town = Town::new();
    let (a, b, _player, battle) = pair(&town).await;
    town.kill("a", a).await;
    let a = town.open_as(settings("a"), "http://elsewhere:1", TaskGroup::new()).await;
    town.settle().await;
    let (mut here, mut there) = (a.gateway("1").await, b.gateway("1").await);
    assert_eq!(there.ask(&battle.id, false).await.unwrap().unwrap_err(), "http://elsewhere:1");
    let told = here.ask(&battle.id, true).await.unwrap().unwrap();
    assert_eq!(told.epoch, 2);
}

#[tokio::test(start_paused = true)]
async fn leases_that_are_away_or_forgotten_make_nobody_dead() {
    let town = Town::new();
    let (a, b, _player, battle) = pair(&town).await;
    let (mut here, mut there) = (a.gateway("1").await, b.gateway("1").await);
    here.ask(&battle.id, false).await.unwrap().unwrap();
    type Harm = fn(&Shaky);
    let faults: [(&str, Harm); 3] =
        [("away", |leases| leases.set_away(true)), ("back", |leases| leases.set_away(false)), ("empty", Shaky::empty)];
    for (name, befall) in faults {
        befall(&town.leases);
        for _ in 0..20 {
            sleep(Duration::from_secs(1)).await;
            assert_eq!(there.ask(&battle.id, true).await.unwrap().unwrap_err(), address("a"), "leases {name}");
        }
    }
    laws::consecutive(&here.frames(&battle.id, 60).await, 1);
    assert_eq!(town.store.rows().await.claims, 0);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_has_is_taken_although_leases_are_away() {
    let town = Town::new();
    let (a, b, _player, battle) = pair(&town).await;
    town.leases.set_away(true);
    leave_alone(&town, &battle.id).await;
    let (mut here, mut there) = (a.gateway("1").await, b.gateway("1").await);
    if there.ask(&battle.id, false).await.unwrap().is_err() {
        here.ask(&battle.id, true).await.unwrap().unwrap();
    }
    assert_eq!(town.store.rows().await.claims, 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_end_of_an_earlier_starts_lease() {
    let town = Town::new();
    let (mut a, old) = (town.open("a").await, town.open("b").await);
    let player = Player::new(&town.store, "Alpha").await;
    let battle = a.auto(&player).await;
    town.store.rows().await.battles.get_mut(&battle.id).unwrap().owner = "seen by nobody".to_owned();
    town.leases.set_stuck();
    town.kill("b", old).await;
    let new = town.open("b").await;
    let mut gateway = new.gateway("1").await;
    let asked = Instant::now();
    let refused = gateway.ask(&battle.id, true).await.unwrap_err();
    assert_eq!(refused.because(), Some("owner_unknown"), "it looked, and saw what the earlier start left behind");
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn leases_that_nobody_can_renew_make_nobody_dead() {
    let town = Town::new();
    let (a, b, _player, battle) = pair(&town).await;
    let (mut here, mut there) = (a.gateway("1").await, b.gateway("1").await);
    here.ask(&battle.id, false).await.unwrap().unwrap();
    town.leases.set_full(true);
    for _ in 0..30 {
        sleep(Duration::from_secs(1)).await;
        assert_eq!(there.ask(&battle.id, true).await.unwrap().unwrap_err(), address("a"));
    }
    laws::consecutive(&here.frames(&battle.id, 30).await, 1);
    town.leases.set_full(false);
    town.kill("a", a).await;
    let killed = Instant::now();
    taken(&mut there, &battle.id).await;
    assert!(killed.elapsed() <= KNOWN_DEAD + Duration::from_millis(600), "{:?}", killed.elapsed());
}

#[tokio::test(start_paused = true)]
async fn while_nobody_knows_where_an_owner_is_nobody_takes_its_battle() {
    let town = Town::new();
    town.leases.set_away(true);
    let (mut a, b) = (town.open("a").await, town.open("b").await);
    let player = Player::new(&town.store, "Alpha").await;
    let battle = a.auto(&player).await;
    let mut gateway = b.gateway("1").await;
    for _ in 0..10 {
        let refused = gateway.ask(&battle.id, true).await.unwrap_err();
        assert_eq!((refused.kind(), refused.because()), (FaultKind::Unavailable, Some("owner_unknown")));
        assert!(refused.retry_delay().is_some());
        sleep(Duration::from_secs(3)).await;
    }
    town.leases.set_away(false);
    town.settle().await;
    assert_eq!(gateway.ask(&battle.id, true).await.unwrap().unwrap_err(), address("a"));
    assert_eq!(town.store.rows().await.claims, 0);
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_has_just_come_is_not_taken_for_dead() {
    let town = Town::new();
    let b = town.open("b").await;
    sleep(Duration::from_secs(60)).await;
    let mut a = town.open("a").await;
    let player = Player::new(&town.store, "Alpha").await;
    let battle = a.auto(&player).await;
    let mut gateway = b.gateway("1").await;
    assert_eq!(gateway.ask(&battle.id, true).await.unwrap().unwrap_err(), address("a"), "never seen before");
    assert_eq!(town.store.rows().await.claims, 0);
}

#[tokio::test(start_paused = true)]
async fn a_start_whose_answer_was_lost_is_answered_by_the_next_one_anywhere() {
    let town = Town::new();
    let (mut a, mut b) = (town.open("a").await, town.open("b").await);
    town.settle().await;
    let player = Player::new(&town.store, "Alpha").await;
    town.store.rows().await.slow_create = Duration::from_secs(3600);
    assert_eq!(a.auto_in(&player, "1", OnDeath::Revive).await.unwrap_err().kind(), FaultKind::DeadlineExceeded);
    let id = town.store.rows().await.battles.keys().next().cloned().unwrap();
    assert_eq!(b.auto(&player).await.id, id);
    let mut gateway = a.gateway("1").await;
    let told = gateway.ask(&id, false).await.unwrap().unwrap();
    assert_eq!(told.epoch, 2, "the record said it was ours");
    laws::consecutive(&gateway.frames(&id, 10).await, told.battle.unwrap().seq + 1);
}

/// A stop at this instance has to wait for the one that may still show the battle, and no longer.
async fn stops_after_a_while(house: &mut House, player: &Player) {
    let refused = house.stop(player).await.unwrap_err();
    assert_eq!((refused.kind(), refused.because()), (FaultKind::Unavailable, Some("taken_over")));
    sleep(refused.retry_delay().unwrap()).await;
    assert_eq!(house.stop(player).await.unwrap().phase(), Phase::Ended);
}

#[tokio::test(start_paused = true)]
async fn a_battle_claimed_by_a_call_that_was_never_answered_takes_no_input_for_a_while() {
    let town = Town::new();
    let (a, mut b, player, battle) = pair(&town).await;
    town.kill("a", a).await;
    sleep(KNOWN_DEAD).await;
    town.store.rows().await.slow_claim = Duration::from_secs(3600);
    let refused = b.gateway("1").await.ask(&battle.id, true).await.unwrap_err();
    assert_eq!(refused.kind(), FaultKind::DeadlineExceeded);
    town.store.rows().await.slow_claim = Duration::ZERO;
    assert_eq!(town.store.record(&battle.id).await.owner, "b");
    stops_after_a_while(&mut b, &player).await;
}

#[tokio::test(start_paused = true)]
async fn a_takeover_from_the_dead_is_quiet_for_the_next_owner_as_well() {
    let town = Town::new();
    let (a, b, player, battle) = pair(&town).await;
    let mut c = town.open("c").await;
    town.kill("a", a).await;
    taken(&mut b.gateway("1").await, &battle.id).await;
    b.service.drain().await;
    let left = Instant::now();
    town.kill("b", b).await;
    assert_eq!(town.store.record(&battle.id).await.owner, "b", "not free for all: the dead may show it");
    taken(&mut c.gateway("1").await, &battle.id).await;
    assert!(left.elapsed() <= KNOWN_DEAD - TTL + Duration::from_millis(600), "{:?}", left.elapsed());
    stops_after_a_while(&mut c, &player).await;
}
