//! Battles that somebody watches.

use proto::battle::v1::event::Kind as EventKind;
use proto::battle::v1::feed_item::Kind;
use proto::battle::v1::{self as pb, EndReason, OnDeath, Phase};
use service_kit::FaultKind;

use crate::house::{House, Player, settings};
use crate::laws;
use crate::store::{BEGINNING, Store};

#[tokio::test(start_paused = true)]
async fn frames_come_one_a_tick_and_a_stop_is_the_last() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    assert_eq!((battle.seq, battle.character.as_str(), battle.tick_ms), (0, "Alpha", 1_000));
    let mut gateway = house.gateway("1").await;
    let attached = gateway.attach(&player, &battle.id, Some(0)).await;
    assert_eq!((attached.frames.len(), attached.report, attached.end), (0, None, None));

    let frames = gateway.frames(&battle.id, 100).await;
    laws::consecutive(&frames, 1);
    assert!(matches!(frames[0].events[0].kind, Some(EventKind::Spawn(_))));
    for frame in &frames {
        assert_eq!(frame.at, BEGINNING + i64::try_from(frame.tick).unwrap() * 1_000);
    }
    assert_eq!(store.now().await, frames[99].at, "a frame comes when it is due");

    let stopped = house.stop(&player).await.unwrap();
    assert_eq!((stopped.seq, stopped.phase()), (101, Phase::Ended));
    let last = gateway.frames(&battle.id, 1).await.remove(0);
    let stop = pb::Stop { reason: EndReason::Stopped.into() };
    assert_eq!(last.events.last().unwrap().kind, Some(EventKind::Stop(stop)));
    let Some(Kind::End(end)) = gateway.next().await.unwrap().kind else { panic!("no end") };
    assert_eq!((end.seq, end.reason()), (101, EndReason::Stopped));
    let all = [frames, vec![last]].concat();
    assert_eq!(laws::summed(end.totals.as_ref().unwrap()), laws::sums(&all));

    let record = store.record(&battle.id).await;
    assert_eq!((record.seq, record.end_reason.as_deref(), record.owner.as_str()), (101, Some("stopped"), ""));
    assert_eq!(record.totals, end.totals);
    let verdict = house.verify(&battle.id).await;
    assert!(verdict.verified, "{verdict:?}");
    assert_eq!(house.stop(&player).await.unwrap_err().because(), Some("no_battle"));
}

#[tokio::test(start_paused = true)]
async fn a_watching_tool_gets_old_frames_live_ones_and_the_end() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    tokio::time::sleep(std::time::Duration::from_millis(10_500)).await;

    let watch = |from_seq| pb::WatchBattleRequest { battle_id: battle.id.clone(), from_seq };
    let mut all = house.players.watch_battle(watch(1)).await.unwrap().into_inner();
    let mut live = house.players.watch_battle(watch(0)).await.unwrap().into_inner();
    let mut frames = Vec::new();
    for _ in 0..15 {
        frames.push(all.message().await.unwrap().unwrap().frame.unwrap());
    }
    laws::consecutive(&frames, 1);
    assert_eq!(live.message().await.unwrap().unwrap().frame.unwrap(), frames[10]);

    house.stop(&player).await.unwrap();
    let last = all.message().await.unwrap().unwrap();
    assert_eq!(last.frame.unwrap().seq, 16);
    assert_eq!(last.end.unwrap().reason(), EndReason::Stopped);
    assert_eq!(all.message().await.unwrap(), None);

    let mut ended = house.players.watch_battle(watch(16)).await.unwrap().into_inner();
    let again = ended.message().await.unwrap().unwrap();
    assert_eq!((again.frame.unwrap().seq, again.end.is_some()), (16, true));
    assert_eq!(ended.message().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn an_equal_start_answers_the_battle_that_runs_and_another_is_refused() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    tokio::time::sleep(std::time::Duration::from_millis(3_500)).await;
    let equal = house.auto_in(&player, "1", OnDeath::Unspecified).await.unwrap();
    assert_eq!((equal.id.as_str(), equal.seq), (battle.id.as_str(), 3));
    for (dungeon, on_death) in [("2", OnDeath::Revive), ("1", OnDeath::Stop)] {
        let refused = house.auto_in(&player, dungeon, on_death).await.unwrap_err();
        assert_eq!((refused.kind(), refused.because()), (FaultKind::AlreadyExists, Some("in_battle")));
    }
    // Lying dead in it changes nothing.
    store.rows().await.characters.get_mut(&player.account).unwrap().hp = 0;
    assert_eq!(house.auto(&player).await.id, equal.id);
    let refused = house.auto_in(&player, "2", OnDeath::Revive).await.unwrap_err();
    assert_eq!((refused.kind(), refused.because()), (FaultKind::AlreadyExists, Some("in_battle")));
    let unknown = house.auto_in(&player, "9", OnDeath::Revive).await.unwrap_err();
    assert_eq!((unknown.kind(), unknown.at_field()), (FaultKind::InvalidArgument, Some("dungeon")));
}

#[tokio::test(start_paused = true)]
async fn a_character_that_changed_meanwhile_is_read_once_more() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    store.rows().await.changes = 2;
    let refused = house.auto_in(&player, "1", OnDeath::Revive).await.unwrap_err();
    assert_eq!((refused.kind(), refused.because()), (FaultKind::Aborted, Some("character_changed")));
    store.rows().await.changes = 1;
    assert_eq!(house.auto(&player).await.seq, 0);
}

#[tokio::test(start_paused = true)]
async fn a_fallen_character_starts_no_battle() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    store.rows().await.characters.get_mut(&player.account).unwrap().hp = 0;
    let refused = house.auto_in(&player, "1", OnDeath::Revive).await.unwrap_err();
    assert_eq!((refused.kind(), refused.because()), (FaultKind::FailedPrecondition, Some("no_hp")));
}

#[tokio::test(start_paused = true)]
async fn a_death_that_stops_ends_the_battle_by_itself() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto_in(&player, "5", OnDeath::Stop).await.unwrap();
    let mut gateway = house.gateway("1").await;
    gateway.attach(&player, &battle.id, Some(0)).await;
    let mut last = None;
    let end = loop {
        match gateway.next().await.unwrap().kind.unwrap() {
            Kind::Frames(frames) => last = frames.frames.last().cloned(),
            Kind::End(end) => break end,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((end.reason(), end.seq), (EndReason::Died, last.unwrap().seq));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(store.record(&battle.id).await.end_reason.as_deref(), Some("died"));
    let verdict = house.verify(&battle.id).await;
    assert!(verdict.verified, "{verdict:?}");

    // Who missed it is told: the frames, and the end.
    let told = gateway.attach(&player, &battle.id, Some(1)).await;
    laws::consecutive(&told.frames, 2);
    assert_eq!(told.end, Some(end));
}

#[tokio::test(start_paused = true)]
async fn a_replaced_connection_and_a_stranger_can_do_nothing() {
    let store = Store::new();
    let (player, stranger) = (Player::new(&store, "Alpha").await, Player::new(&store, "Beta").await);
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    let mut gateway = house.gateway("1").await;
    gateway.try_attach(&battle.id, None, Some(player.caller(2)), false).await.unwrap();
    let replaced = house.stop(&player).await.unwrap_err();
    assert_eq!(replaced.because(), Some("session_replaced"));
    let refused = gateway.try_attach(&battle.id, None, Some(stranger.caller(1)), false).await.unwrap_err();
    assert_eq!(refused.kind(), FaultKind::PermissionDenied);
    let unknown = gateway.try_attach(&vocab::BattleId::generate().to_string(), None, None, false).await.unwrap_err();
    assert_eq!(unknown.kind(), FaultKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_falls_behind_is_told_so_and_gets_every_frame_after_all() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, battle_svc::Settings { feed_bound: 10, ..settings("a") }).await;
    let battle = house.auto(&player).await;
    let mut gateway = house.gateway("1").await;
    gateway.attach(&player, &battle.id, Some(0)).await;
    tokio::time::sleep(std::time::Duration::from_millis(900_500)).await;

    let mut frames = Vec::new();
    let behind = loop {
        match gateway.next().await.unwrap().kind.unwrap() {
            Kind::Frames(more) => frames.extend(more.frames),
            Kind::Behind(behind) => break behind,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(behind.from_seq, frames.last().unwrap().seq + 1);
    let again = gateway.try_attach(&battle.id, Some(behind.from_seq - 1), Some(player.caller(1)), true).await.unwrap();
    assert!(again.frames.len() > 400, "after a break of the feed nobody was away");
    frames.extend(again.frames);
    frames.extend(gateway.frames(&battle.id, 5).await);
    laws::consecutive(&frames, 1);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_battles_at_once_give_every_frame_and_leave_nothing_behind() {
    let store = Store::new();
    let mut house = House::open(&store, settings("a")).await;
    let mut gateway = house.gateway("1").await;
    let mut battles = std::collections::HashMap::new();
    for number in 0..1_000 {
        let player = Player::new(&store, &format!("Hero{number}")).await;
        let battle = house.auto(&player).await;
        gateway.attach(&player, &battle.id, Some(0)).await;
        battles.insert(battle.id, Vec::new());
    }
    let mut left = 1_000 * 20;
    while left > 0 {
        let item = gateway.next().await.unwrap();
        let Some(Kind::Frames(frames)) = item.kind else { panic!("{item:?}") };
        let seen: &mut Vec<pb::Frame> = battles.get_mut(&item.battle_id).unwrap();
        left -= frames.frames.len().min(20_usize.saturating_sub(seen.len()));
        seen.extend(frames.frames);
    }
    for frames in battles.values() {
        laws::consecutive(frames, 1);
    }
    drop(gateway);
    tokio::time::sleep(std::time::Duration::from_secs(200)).await;
    for id in battles.keys() {
        let record = store.record(id).await;
        assert_eq!(record.owner, "", "unwatched battles are let go");
        assert!(record.seen_seq >= 20 && record.seq > record.seen_seq);
    }
}
