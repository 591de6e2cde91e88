//! What may go wrong: kills, drains, another owner, a store that is away.

use std::time::Duration;

use battle_svc::Pace;
use proto::battle::v1::feed_item::Kind;
use proto::battle::v1::{self as pb, EndReason, Phase};
use proto::user::v1::{BattleInput, BattleRecord};
use service_kit::{FaultKind, TaskGroup};
use tokio::time::sleep;

use crate::house::{House, Player, paced, settings};
use crate::laws;
use crate::store::Store;
use crate::town::{Town, address};

#[tokio::test(start_paused = true)]
async fn after_a_kill_another_instance_goes_on_with_the_very_same_frames() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut first = House::open(&store, settings("a")).await;
    let battle = first.auto(&player).await;
    let mut gateway = first.gateway("1").await;
    gateway.attach(&player, &battle.id, Some(0)).await;
    let before = gateway.frames(&battle.id, 100).await;
    first.kill().await;
    sleep(Duration::from_secs(5)).await;

    let mut second = House::open(&store, settings("b")).await;
    let mut gateway = second.gateway("1").await;
    let told = gateway.attach(&player, &battle.id, Some(50)).await;
    let after = [told.frames, gateway.frames(&battle.id, 50).await].concat();
    assert_eq!(after[..50], before[50..], "frames that were seen before come out the same");
    laws::consecutive(&after, 51);
    assert_eq!(after.last().unwrap().at, store.now().await, "the battle went on by the clock");
    let state = second.get(&battle.id).await;
    assert_eq!((state.owner.as_str(), state.epoch), ("b", 2));

    second.stop(&player).await.unwrap();
    let verdict = second.verify(&battle.id).await;
    assert!(verdict.verified, "{verdict:?}");
    let record = store.record(&battle.id).await;
    assert_eq!(laws::summed(record.totals.as_ref().unwrap()).0, {
        let whole = [&before[..50], &after[..]].concat();
        let last =
            second.players.watch_battle(pb::WatchBattleRequest { battle_id: battle.id.clone(), from_seq: record.seq });
        let last = last.await.unwrap().into_inner().message().await.unwrap().unwrap().frame.unwrap();
        laws::sums(&[whole, vec![last]].concat()).0
    });
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_is_given_as_much_as_it_can_write() {
    let store = Store::new();
    let mut house =
        House::open(&store, paced("a", Pace { save_every: Duration::from_secs(10), ..Pace::default() })).await;
    let mut battles = Vec::new();
    for n in 0..40 {
        let player = Player::new(&store, &format!("Alpha{n}")).await;
        battles.push(house.auto(&player).await.id);
    }
    // All of them in one call would take twice as long as a call may.
    store.rows().await.slow_save = Duration::from_millis(250);
    sleep(Duration::from_secs(60)).await;
    for battle in battles {
        let record = store.record(&battle).await;
        let old = store.now().await - record.saved_at;
        assert!(old < 40_000, "{battle} was saved {old} ms ago");
    }
}

#[tokio::test(start_paused = true)]
async fn a_save_that_the_store_fails_at_costs_no_battle_and_holds_up_no_other() {
    let store = Store::new();
    let mut house =
        House::open(&store, paced("a", Pace { save_every: Duration::from_secs(10), ..Pace::default() })).await;
    let mut battles = Vec::new();
    for n in 0..5 {
        let player = Player::new(&store, &format!("Alpha{n}")).await;
        battles.push(house.auto(&player).await.id);
    }
    store.rows().await.chokes_on = battles[2].clone();
    sleep(Duration::from_secs(42)).await;
    for battle in &battles {
        let record = store.record(battle).await;
        let old = store.now().await - record.saved_at;
        assert_eq!(old > 30_000, *battle == battles[2], "{battle} was saved {old} ms ago");
    }
    store.rows().await.chokes_on.clear();
    sleep(Duration::from_secs(12)).await;
    let record = store.record(&battles[2]).await;
    assert!(store.now().await - record.saved_at < 12_000);
    assert_eq!((store.rows().await.claims, record.owner.as_str()), (0, "a"), "it was never let go of");
}

#[tokio::test(start_paused = true)]
async fn a_drain_saves_lets_go_tells_and_ends_the_feeds() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    let mut gateway = house.gateway("1").await;
    gateway.attach(&player, &battle.id, Some(0)).await;
    gateway.frames(&battle.id, 10).await;
    house.service.drain().await;
    assert!(matches!(gateway.next().await.unwrap().kind, Some(Kind::Moved(_))));
    assert_eq!(gateway.next().await, None);
    let record = store.record(&battle.id).await;
    assert_eq!((record.owner.as_str(), record.seq, record.seen_seq), ("", 10, 10));

    let refused =
        house.players.watch_battle(pb::WatchBattleRequest { battle_id: battle.id.clone(), from_seq: 0 }).await;
    assert_eq!(service_kit::Fault::from(refused.unwrap_err()).kind(), FaultKind::Unavailable);
    let seen = house.get(&battle.id).await;
    assert_eq!((seen.owner.as_str(), seen.battle.unwrap().seq), ("", 10), "what was saved can still be looked at");
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_was_overtaken_lets_go() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut first = House::open(&store, settings("a")).await;
    let second = House::open(&store, settings("b")).await;
    let battle = first.auto(&player).await;
    let (mut old, mut new) = (first.gateway("1").await, second.gateway("1").await);
    old.attach(&player, &battle.id, Some(0)).await;
    old.frames(&battle.id, 10).await;
    let told = new.attach(&player, &battle.id, Some(10)).await;
    assert_eq!(told.epoch, 2);
    let ours = new.frames(&battle.id, 40).await;
    laws::consecutive(&ours, told.battle.unwrap().seq + 1);
    let mut theirs = Vec::new();
    loop {
        match old.next().await.unwrap().kind.unwrap() {
            Kind::Frames(frames) => theirs.extend(frames.frames),
            Kind::Moved(_) => break,
            other => panic!("{other:?}"),
        }
    }
    for frame in &theirs {
        let twin = ours.iter().find(|ours| ours.seq == frame.seq);
        assert!(twin.is_none_or(|twin| twin == frame), "no number with two contents");
    }
    assert_eq!(first.get(&battle.id).await.owner, "b");
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_away_battles_go_on_and_are_saved_when_it_is_back() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    let mut gateway = house.gateway("1").await;
    gateway.attach(&player, &battle.id, Some(0)).await;
    gateway.frames(&battle.id, 5).await;
    store.rows().await.away = true;
    let frames = gateway.frames(&battle.id, 200).await;
    laws::consecutive(&frames, 6);
    assert!(store.record(&battle.id).await.seq <= 5);
    store.rows().await.away = false;
    sleep(Duration::from_secs(10)).await;
    let record = store.record(&battle.id).await;
    assert!(record.seq >= 205 - 30, "{}", record.seq);
}

#[tokio::test(start_paused = true)]
async fn an_input_that_cannot_be_stored_has_no_effect() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    sleep(Duration::from_millis(10_500)).await;
    let stop = pb::StopBattleRequest { battle_id: battle.id.clone(), operator: "op".to_owned(), dry_run: false };
    store.rows().await.away = true;
    let refused = house.admin.stop_battle(stop.clone()).await.unwrap_err();
    assert_eq!(service_kit::Fault::from(refused).kind(), FaultKind::Unavailable);
    store.rows().await.away = false;
    sleep(Duration::from_secs(10)).await;

    let mut gateway = house.gateway("1").await;
    let told = gateway.attach(&player, &battle.id, Some(0)).await;
    laws::consecutive(&told.frames, 1);
    assert_eq!((told.frames.len(), told.end), (20, None));

    let dry = pb::StopBattleRequest { dry_run: true, ..stop.clone() };
    assert_eq!(house.admin.stop_battle(dry).await.unwrap().into_inner().battle.unwrap().phase(), Phase::Fight);
    let stopped = house.admin.stop_battle(stop).await.unwrap().into_inner().battle.unwrap();
    assert_eq!(stopped.phase(), Phase::Ended);
    assert_eq!(store.record(&battle.id).await.end_reason.as_deref(), Some("operator"));
}

#[tokio::test(start_paused = true)]
async fn an_input_whose_answer_got_lost_takes_effect_for_whoever_comes_next() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    let mut gateway = house.gateway("1").await;
    gateway.attach(&player, &battle.id, Some(0)).await;
    let frames = gateway.frames(&battle.id, 10).await;
    store.rows().await.mute = true;
    assert_eq!(house.stop(&player).await.unwrap_err().kind(), FaultKind::Unavailable);
    store.rows().await.mute = false;
    assert!(matches!(gateway.next().await.unwrap().kind, Some(Kind::Moved(_))));

    let told = gateway.attach(&player, &battle.id, Some(10)).await;
    assert_eq!(told.frames.len(), 1, "the stop that was stored is the last frame");
    assert_eq!(told.end.unwrap().reason(), EndReason::Stopped);
    laws::consecutive(&[frames, told.frames].concat(), 1);
    let verdict = house.verify(&battle.id).await;
    assert!(verdict.verified, "{verdict:?}");
}

#[tokio::test(start_paused = true)]
async fn of_two_stops_one_ends_the_battle_even_while_it_is_being_taken_over() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    sleep(Duration::from_secs(100)).await;
    // A jump opens a segment, which the claim has to wait for.
    store.rows().await.skew_ms -= 3_600_000;
    let mut gateway = house.gateway("1").await;
    let stop = || {
        let mut players = house.players.clone();
        let request = pb::StopRequest { caller: Some(player.caller(1)) };
        async move { players.stop(request).await.map_err(service_kit::Fault::from) }
    };
    let (told, first, second) = tokio::join!(gateway.attach(&player, &battle.id, None), stop(), stop());
    let (won, lost) = if first.is_ok() { (first, second) } else { (second, first) };
    let head = won.unwrap().into_inner().battle.unwrap();
    assert_eq!((head.id.as_str(), head.phase()), (battle.id.as_str(), Phase::Ended));
    assert_eq!(lost.unwrap_err().because(), Some("no_battle"));
    assert!(told.end.is_some() || head.seq > told.battle.unwrap().seq);
    let verdict = house.verify(&battle.id).await;
    assert!(verdict.verified, "{verdict:?}");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_account_ends_its_battle_for_those_who_watch() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    let mut gateway = house.gateway("1").await;
    gateway.attach(&player, &battle.id, Some(0)).await;
    store.rows().await.battles.remove(&battle.id);
    let end = loop {
        if let Kind::End(end) = gateway.next().await.unwrap().kind.unwrap() {
            break end;
        }
    };
    assert_eq!(end.reason(), EndReason::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_stood_still_lets_go_before_it_shows_another_frame() {
    let town = Town::new();
    let mut house = town.open("a").await;
    let player = Player::new(&town.store, "Alpha").await;
    let battle = house.auto(&player).await;
    let mut gateway = house.gateway("1").await;
    gateway.attach(&player, &battle.id, Some(0)).await;
    let frames = gateway.frames(&battle.id, 10).await;
    tokio::time::advance(Duration::from_secs(20)).await;
    assert!(matches!(gateway.next().await.unwrap().kind, Some(Kind::Moved(_))));
    let told = gateway.attach(&player, &battle.id, Some(10)).await;
    assert_eq!(told.epoch, 2);
    laws::consecutive(&[frames, told.frames].concat(), 1);
}

#[tokio::test(start_paused = true)]
async fn neither_a_long_rest_nor_idleness_is_a_standstill() {
    let town = Town::new();
    let player = Player::new(&town.store, "Alpha").await;
    let pace = Pace { save_every: Duration::from_secs(1), ..Pace::default() };
    let mut house = town.open_as(paced("a", pace), &address("a"), TaskGroup::new()).await;
    sleep(Duration::from_secs(100)).await;
    let battle = house.auto_in(&player, "5", pb::OnDeath::Revive).await.unwrap();
    let mut gateway = house.gateway("1").await;
    gateway.attach(&player, &battle.id, Some(0)).await;
    let frames = gateway.frames(&battle.id, 50).await;
    let longest = frames.windows(2).map(|pair| pair[1].tick - pair[0].tick).max();
    assert_eq!(longest, Some(60), "there was a death");
    assert_eq!(house.get(&battle.id).await.epoch, 1, "nobody had to take it over");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_was_tampered_with_is_found_out() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    sleep(Duration::from_secs(120)).await;
    house.stop(&player).await.unwrap();
    store.rows().await.battles.get_mut(&battle.id).unwrap().totals.as_mut().unwrap().gold += 1;
    let verdict = house.verify(&battle.id).await;
    assert_eq!((verdict.verified, verdict.differences), (false, vec!["the stored totals differ".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_to_try_a_broken_record_again() {
    let breaks: [fn(&mut BattleRecord); 3] = [
        |record| record.state.truncate(7),
        |record| record.key_a.clear(),
        // A second stop has no place: catching up comes upon it.
        |record| {
            let input = [&[1], "stopped".as_bytes()].concat();
            let stop = |n| BattleInput { n, epoch: 1, at_seq: record.seq + n, tick: 1, input: input.clone() };
            record.inputs = vec![stop(1), stop(2)];
        },
    ];
    for breaks in breaks {
        let store = Store::new();
        let player = Player::new(&store, "Alpha").await;
        let mut house = House::open(&store, settings("a")).await;
        let battle = house.auto(&player).await;
        sleep(Duration::from_secs(100)).await;
        breaks(store.rows().await.battles.get_mut(&battle.id).unwrap());
        sleep(Duration::from_secs(100)).await;
        let mut gateway = house.gateway("1").await;
        let refused = gateway.try_attach(&battle.id, None, Some(player.caller(1)), true).await.unwrap_err();
        assert_eq!((refused.kind(), refused.because()), (FaultKind::FailedPrecondition, Some("battle_broken")));
    }
}
