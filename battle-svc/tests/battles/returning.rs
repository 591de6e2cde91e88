//! Players who come back: frames, reports, caps, clocks that jump.

use std::time::Duration;

use battle_svc::Pace;
use proto::battle::v1::feed_item::Kind;
use proto::battle::v1::{self as pb, EndReason};
use service_kit::FaultKind;
use tokio::time::sleep;

use crate::house::{House, Player, paced, ruleset, settings};
use crate::laws;
use crate::store::Store;

const HOUR: Duration = Duration::from_secs(3600);

/// A battle whose player was served `seen` frames, left, and is not watched any more.
async fn left_alone(store: &Store, house: &mut House, player: &Player, seen: u64) -> pb::Battle {
    let battle = house.auto(player).await;
    let mut gateway = house.gateway("left").await;
    gateway.attach(player, &battle.id, Some(0)).await;
    gateway.frames(&battle.id, usize::try_from(seen).unwrap()).await;
    gateway.detach(&battle.id, seen).await;
    sleep(Duration::from_secs(70)).await;
    assert_eq!(store.record(&battle.id).await.owner, "", "let go of after a minute");
    battle
}

#[tokio::test(start_paused = true)]
async fn a_short_absence_is_told_frame_by_frame() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = left_alone(&store, &mut house, &player, 20).await;
    sleep(Duration::from_secs(100)).await;

    let mut gateway = house.gateway("2").await;
    let told = gateway.attach(&player, &battle.id, Some(20)).await;
    let head = told.battle.unwrap().seq;
    assert_eq!((told.report, told.frames.len() as u64), (None, head - 20));
    let frames = [told.frames, gateway.frames(&battle.id, 10).await].concat();
    laws::consecutive(&frames, 21);
    assert_eq!(frames.last().unwrap().at, store.now().await, "the battle went on by the clock");
    assert_eq!(store.rows().await.claims, 1);
}

#[tokio::test(start_paused = true)]
async fn hours_away_are_one_report_equal_to_an_unbroken_battle() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = left_alone(&store, &mut house, &player, 30).await;
    sleep(5 * HOUR).await;

    let mut gateway = house.gateway("2").await;
    let told = gateway.attach(&player, &battle.id, None).await;
    let report = told.report.unwrap();
    let record = store.record(&battle.id).await;
    assert_eq!((report.from_seq, report.to_seq), (31, told.battle.unwrap().seq));
    assert_eq!((report.capped, report.partial, told.frames.len()), (false, false, 0));
    assert!(report.away_ms >= 5 * 3_600_000 && report.away_ms - report.counted_ms <= 1_000, "{report:?}");
    laws::report_holds(&record, &ruleset(), &report);
    laws::consecutive(&gateway.frames(&battle.id, 5).await, report.to_seq + 1);

    house.stop(&player).await.unwrap();
    let verdict = house.verify(&battle.id).await;
    assert!(verdict.verified && verdict.frames > 17_000, "{verdict:?}");
    assert_eq!(store.record(&battle.id).await.segments.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_report_without_news_is_empty() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    let mut gateway = house.gateway("1").await;
    let told = gateway.attach(&player, &battle.id, None).await;
    let report = told.report.unwrap();
    assert_eq!((report.from_seq, report.to_seq, report.partial), (1, 0, false));
    assert_eq!(report.summary.unwrap().frames, 0);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_cap_counts_and_the_rest_stands_still() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let pace = Pace { idle_cap: HOUR, ..Pace::default() };
    let mut house = House::open(&store, paced("a", pace)).await;
    let battle = left_alone(&store, &mut house, &player, 30).await;
    sleep(10 * HOUR).await;

    let mut gateway = house.gateway("2").await;
    let told = gateway.attach(&player, &battle.id, None).await;
    let report = told.report.unwrap();
    assert!(report.capped && report.away_ms >= 36_000_000, "{report:?}");
    let counted = report.counted_ms / 1_000;
    assert!((3_590..=3_601).contains(&counted), "{counted} s counted");
    assert_eq!(store.record(&battle.id).await.segments.len(), 2, "the rest of the battle has an origin of its own");
    let next = gateway.frames(&battle.id, 3).await;
    laws::consecutive(&next, report.to_seq + 1);
    assert_eq!(next[2].at, store.now().await, "live frames are on time again");

    house.stop(&player).await.unwrap();
    let verdict = house.verify(&battle.id).await;
    assert!(verdict.verified, "{verdict:?}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_neither_pays_twice_nor_takes_away() {
    for jump_ms in [-7_200_000, 100 * 3_600_000] {
        let store = Store::new();
        let player = Player::new(&store, "Alpha").await;
        let mut house = House::open(&store, settings("a")).await;
        let battle = left_alone(&store, &mut house, &player, 30).await;
        let before = store.record(&battle.id).await;
        store.rows().await.skew_ms += jump_ms;

        let mut gateway = house.gateway("2").await;
        let told = gateway.attach(&player, &battle.id, Some(before.seen_seq)).await;
        let head = told.battle.unwrap().seq;
        assert!(head >= before.seq && head <= before.seq + 12 * 3_600 + 10, "{jump_ms}: {head}");
        laws::consecutive(&gateway.frames(&battle.id, 3).await, head + 1);
        house.stop(&player).await.unwrap();
        let verdict = house.verify(&battle.id).await;
        assert!(verdict.verified, "{jump_ms}: {verdict:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_lies_before_the_oldest_keyframe_is_told_in_part() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = left_alone(&store, &mut house, &player, 30).await;
    sleep(2 * HOUR).await;

    let mut gateway = house.gateway("2").await;
    // Frame 30 is the last that was seen, so a client that stopped at 10 hears of what followed that.
    let report = gateway.attach(&player, &battle.id, Some(10)).await.report.unwrap();
    assert_eq!((report.from_seq, report.partial), (31, true));
    laws::report_holds(&store.record(&battle.id).await, &ruleset(), &report);
    gateway.detach(&battle.id, report.to_seq).await;

    let report = gateway.attach(&player, &battle.id, Some(40)).await.report.unwrap();
    assert!(report.partial && report.from_seq % 1_200 == 1, "{report:?}");
    laws::report_holds(&store.record(&battle.id).await, &ruleset(), &report);

    let from_start = gateway.attach(&player, &battle.id, Some(0)).await.report.unwrap();
    assert_eq!((from_start.from_seq, from_start.partial), (1, false), "nothing had happened before the first frame");
}

#[tokio::test(start_paused = true)]
async fn a_sync_gives_frames_again_and_changes_nothing() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    let mut gateway = house.gateway("1").await;
    gateway.attach(&player, &battle.id, Some(0)).await;
    let live = gateway.frames(&battle.id, 3_000).await;

    let sync = |after| pb::SyncBattleRequest { caller: Some(player.caller(1)), battle_id: String::new(), after };
    let again = house.players.sync_battle(sync(1_800)).await.unwrap().into_inner();
    assert_eq!((again.head, again.report), (3_000, None));
    assert_eq!(again.frames, live[1_800..2_200]);
    let behind = house.players.sync_battle(sync(5)).await.unwrap().into_inner();
    assert_eq!(behind.frames, []);
    let report = behind.report.unwrap();
    assert_eq!((report.from_seq, report.to_seq, report.partial), (1_201, 3_000, true));
    assert_eq!(laws::summed(report.summary.as_ref().unwrap()), laws::sums(&live[1_200..]));
    let head = house.players.sync_battle(sync(9_999)).await.unwrap().into_inner();
    assert_eq!((head.frames.len(), head.report), (0, None));

    let old = pb::WatchBattleRequest { battle_id: battle.id.clone(), from_seq: 1_200 };
    let refused = house.players.watch_battle(old).await.unwrap_err();
    assert_eq!(service_kit::Fault::from(refused).kind(), FaultKind::OutOfRange);
    laws::consecutive(&gateway.frames(&battle.id, 2).await, 3_001);
}

#[tokio::test(start_paused = true)]
async fn many_who_come_at_once_claim_once() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = left_alone(&store, &mut house, &player, 3).await;
    sleep(HOUR).await;
    let watch = || {
        let mut players = house.players.clone();
        let request = pb::WatchBattleRequest { battle_id: battle.id.clone(), from_seq: 0 };
        async move { players.watch_battle(request).await.unwrap().into_inner().message().await.unwrap().unwrap() }
    };
    let first = futures::future::join_all((0..50).map(|_| watch())).await;
    assert!(first.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(store.rows().await.claims, 1);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_missed_is_told_later_without_a_claim() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = left_alone(&store, &mut house, &player, 10).await;
    house.stop(&player).await.unwrap();
    sleep(HOUR).await;
    let claims = store.rows().await.claims;

    let mut gateway = house.gateway("2").await;
    let told = gateway.attach(&player, &battle.id, None).await;
    let (report, end) = (told.report.unwrap(), told.end.unwrap());
    assert_eq!((report.from_seq, report.to_seq, end.reason()), (11, end.seq, EndReason::Stopped));
    assert!(!report.capped && report.away_ms > 3_600_000 && report.counted_ms < 100_000, "{report:?}");
    assert_eq!(store.rows().await.claims, claims);
}

#[tokio::test(start_paused = true)]
async fn an_end_is_told_as_missed_once() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = left_alone(&store, &mut house, &player, 10).await;
    let head = house.stop(&player).await.unwrap().seq;
    let mut gateway = house.gateway("2").await;
    gateway.try_attach(&battle.id, None, None, false).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(store.record(&battle.id).await.seen_seq, 10, "a spectator is not the player");

    let first = gateway.attach(&player, &battle.id, None).await.report.unwrap();
    assert_eq!((first.from_seq, first.to_seq), (11, head));
    sleep(Duration::from_secs(1)).await;
    let record = store.record(&battle.id).await;
    assert_eq!((record.seen_seq, &record.seen_totals), (head, &record.totals));
    let again = gateway.attach(&player, &battle.id, None).await.report.unwrap();
    assert_eq!((again.from_seq, again.to_seq), (head + 1, head));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_before_being_served_has_missed_no_less() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = left_alone(&store, &mut house, &player, 30).await;
    let left_at = store.record(&battle.id).await.seen_at;
    sleep(HOUR).await;

    let mut gateway = house.gateway("2").await;
    for served in [0, 20] {
        // Saves go on meanwhile, and take the player for one who hears.
        gateway.attach(&player, &battle.id, None).await;
        sleep(Duration::from_secs(40)).await;
        assert!(store.record(&battle.id).await.seen_seq > 1_000);
        gateway.detach(&battle.id, served).await;
        sleep(Duration::from_secs(70)).await;
        let record = store.record(&battle.id).await;
        assert_eq!((record.owner.as_str(), record.seen_seq), ("", 30), "neither more nor less than before");
        assert!((record.seen_at - left_at).abs() <= 1_000, "{} ms later", record.seen_at - left_at);
    }
    let report = gateway.attach(&player, &battle.id, None).await.report.unwrap();
    assert_eq!((report.from_seq, report.partial), (31, false));
    laws::report_holds(&store.record(&battle.id).await, &ruleset(), &report);
}

#[tokio::test(start_paused = true)]
async fn a_player_left_when_they_left_however_late_it_is_written() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    let mut gateway = house.gateway("1").await;
    gateway.attach(&player, &battle.id, Some(0)).await;
    gateway.frames(&battle.id, 20).await;
    let left_at = store.now().await;
    store.rows().await.away = true;
    gateway.detach(&battle.id, 20).await;
    sleep(Duration::from_secs(50)).await;
    store.rows().await.away = false;
    sleep(Duration::from_secs(10)).await;
    let record = store.record(&battle.id).await;
    assert_eq!((record.seen_seq, record.seen_at), (20, left_at));
}

#[tokio::test(start_paused = true)]
async fn a_detach_that_was_overtaken_takes_nobodys_frames() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    let mut gateway = house.gateway("1").await;
    gateway.attach(&player, &battle.id, Some(0)).await;
    gateway.frames(&battle.id, 5).await;
    let overtaken = gateway.detachment(&battle.id, 5);
    let back = gateway.attach(&player, &battle.id, Some(5)).await;
    gateway.late(overtaken).await;
    laws::consecutive(&gateway.frames(&battle.id, 5).await, back.battle.unwrap().seq + 1);
}

#[tokio::test(start_paused = true)]
async fn news_of_a_battle_follows_the_player_to_another_gateway() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    let (mut old, mut new) = (house.gateway("old").await, house.gateway("new").await);
    old.attach(&player, &battle.id, Some(0)).await;
    let seen = old.frames(&battle.id, 10).await;
    let told = new.attach(&player, &battle.id, Some(10)).await;
    assert_eq!(told.frames, []);
    old.detach(&battle.id, seen[9].seq).await;
    laws::consecutive(&new.frames(&battle.id, 5).await, 11);
    drop(new);
    sleep(Duration::from_secs(2)).await;
    // The feed ended without a word: what was sent on it counts as seen.
    let record = store.record(&battle.id).await;
    assert!((15..=17).contains(&record.seen_seq), "{}", record.seen_seq);
}

#[tokio::test(start_paused = true)]
async fn what_a_full_feed_dropped_has_not_been_seen() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, battle_svc::Settings { feed_bound: 10, ..settings("a") }).await;
    let battle = house.auto(&player).await;
    let mut gateway = house.gateway("1").await;
    gateway.attach(&player, &battle.id, Some(0)).await;
    sleep(Duration::from_secs(100)).await;
    let while_full = store.record(&battle.id).await;
    let mut frames = Vec::new();
    while let Kind::Frames(more) = gateway.next().await.unwrap().kind.unwrap() {
        frames.extend(more.frames);
    }
    let sent = frames.last().unwrap();
    assert_eq!(while_full.seen_seq, sent.seq, "saves went on, and {} frames", while_full.seq);
    assert_eq!(laws::summed(while_full.seen_totals.as_ref().unwrap()), laws::sums(&frames));
    let cut_off = while_full.seen_at - sent.at;
    assert!((0..=60_000).contains(&cut_off), "the moment is that of the first frame dropped, {cut_off} ms later");

    // A spectator behind the same feed brings the frames back, and not what the player had not.
    gateway.try_attach(&battle.id, Some(sent.seq), None, true).await.unwrap();
    gateway.frames(&battle.id, 40).await;
    drop(gateway);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(store.record(&battle.id).await.seen_seq, sent.seq, "nobody was left to ask for the player");
    let mut gateway = house.gateway("2").await;
    let report = gateway.attach(&player, &battle.id, None).await.report.unwrap();
    assert_eq!((report.from_seq, report.partial), (sent.seq + 1, false));
    laws::report_holds(&store.record(&battle.id).await, &ruleset(), &report);
    laws::consecutive(&gateway.frames(&battle.id, 5).await, report.to_seq + 1);
    sleep(Duration::from_secs(31)).await;
    assert!(store.record(&battle.id).await.seen_seq > report.to_seq, "who attached again hears again");
}
