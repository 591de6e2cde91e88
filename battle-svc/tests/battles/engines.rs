//! Battles that were fought under another ruleset, or by another engine.

use std::sync::Arc;
use std::time::Duration;

use proto::battle::v1::{self as pb, EndReason};
use proto::user::v1::BattleInput;
use rules::Ruleset;
use rules::content::Content;
use tokio::time::sleep;

use crate::house::{House, Player, settings};
use crate::laws;
use crate::store::Store;
use crate::town::{KNOWN_DEAD, TTL, Town};

/// Makes a stored battle one that an engine which is no longer there has run.
async fn make_foreign(store: &Store, battle: &str) {
    store.rows().await.battles.get_mut(battle).unwrap().segments[0].ruleset = "0:0123456789abcdef".to_owned();
}

#[tokio::test(start_paused = true)]
async fn another_ruleset_opens_a_segment_and_the_old_frames_stay_what_they_were() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut first = House::open(&store, settings("a")).await;
    let battle = first.auto(&player).await;
    let mut gateway = first.gateway("1").await;
    gateway.attach(&player, &battle.id, Some(0)).await;
    let before = gateway.frames(&battle.id, 60).await;
    first.service.drain().await;

    let mut second = House::open_with(&store, settings("b"), richer()).await;
    let mut gateway = second.gateway("1").await;
    let told = gateway.attach(&player, &battle.id, Some(0)).await;
    assert_eq!(told.frames, before);
    laws::consecutive(&gateway.frames(&battle.id, 60).await, 61);
    let record = store.record(&battle.id).await;
    assert_eq!(record.segments.iter().map(|segment| segment.from_seq).collect::<Vec<_>>(), [1, 61]);
    assert_ne!(record.segments[0].ruleset, record.segments[1].ruleset);
    second.stop(&player).await.unwrap();
    let verdict = second.verify(&battle.id).await;
    assert!(verdict.verified, "{verdict:?}");

    let request = pb::ReplayBattleRequest { battle_id: battle.id.clone() };
    let mut replay = second.admin.replay_battle(request).await.unwrap().into_inner();
    let mut frames = Vec::new();
    while let Some(response) = replay.message().await.unwrap() {
        frames.push(response.frame.unwrap());
    }
    laws::consecutive(&frames, 1);
    assert_eq!((frames.len(), &frames[..60]), (121, &before[..]));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_taken_for_dead_may_show_what_its_heir_shows() {
    let town = Town::new();
    let mut a = town.open("a").await;
    let b = town.open_with("b", richer()).await;
    town.settle().await;
    let player = Player::new(&town.store, "Alpha").await;
    let battle = a.auto(&player).await.id;
    town.kill("a", a).await;
    sleep(KNOWN_DEAD + TTL).await;
    let mut gateway = b.gateway("1").await;
    for segments in [1, 2] {
        gateway.ask(&battle, true).await.unwrap().unwrap();
        gateway.frames(&battle, 5).await;
        let record = town.store.record(&battle).await;
        assert_eq!((record.owner.as_str(), record.segments.len()), ("b", segments));
        // Let go of in good order, it is nobody's, and whoever takes it next is the only one to show it.
        gateway.leave(&battle).await;
        sleep(Duration::from_secs(70)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_battle_of_another_engine_goes_on_from_where_it_was_saved() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    sleep(Duration::from_secs(200)).await;
    let saved = store.record(&battle.id).await;
    assert_eq!(saved.owner, "");
    make_foreign(&store, &battle.id).await;

    let mut gateway = house.gateway("1").await;
    let told = gateway.attach(&player, &battle.id, Some(5)).await;
    let report = told.report.unwrap();
    assert_eq!((report.from_seq, report.partial), (saved.seq + 1, true));
    laws::consecutive(&gateway.frames(&battle.id, 100).await, report.to_seq + 1);
    assert_eq!(store.record(&battle.id).await.segments[1].from_seq, saved.seq + 1);
    house.stop(&player).await.unwrap();
    let request = pb::VerifyBattleRequest { battle_id: battle.id.clone() };
    let refused = house.admin.verify_battle(request).await.unwrap_err();
    assert_eq!(service_kit::Fault::from(refused).because(), Some("engine"));

    // Once it has its own segment, it can be told again like any other.
    let told = gateway.attach(&player, &battle.id, Some(report.to_seq)).await;
    laws::consecutive(&told.frames, report.to_seq + 1);
    assert_eq!(told.end.unwrap().reason(), EndReason::Stopped);
}

#[tokio::test(start_paused = true)]
async fn what_another_engine_was_told_to_do_is_done() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    sleep(Duration::from_secs(100)).await;
    let saved = store.record(&battle.id).await;
    // A stop whose answer gets lost, for a frame that this engine may make at a later tick.
    let input = [&[1], "stopped".as_bytes()].concat();
    let stop = BattleInput { n: 1, epoch: saved.epoch, at_seq: saved.seq + 20, tick: 1, input };
    store.rows().await.battles.get_mut(&battle.id).unwrap().inputs.push(stop);
    make_foreign(&store, &battle.id).await;
    sleep(Duration::from_secs(600)).await;

    let mut gateway = house.gateway("1").await;
    let told = gateway.attach(&player, &battle.id, Some(saved.seq)).await;
    laws::consecutive(&told.frames, saved.seq + 1);
    assert_eq!((told.frames.len(), told.end.unwrap().reason()), (20, EndReason::Stopped));
    assert_eq!(store.record(&battle.id).await.end_reason.as_deref(), Some("stopped"));
}

#[tokio::test(start_paused = true)]
async fn an_absence_under_another_engine_is_one_report_even_after_a_kill() {
    let store = Store::new();
    let player = Player::new(&store, "Alpha").await;
    let mut house = House::open(&store, settings("a")).await;
    let battle = house.auto(&player).await;
    sleep(Duration::from_secs(5 * 3600)).await;
    make_foreign(&store, &battle.id).await;

    let mut gateway = house.gateway("1").await;
    let told = gateway.attach(&player, &battle.id, None).await.report.unwrap();
    assert!(told.to_seq > 10_000, "{told:?}");
    // The segment is stored, and nothing of what came after it.
    assert_eq!(store.record(&battle.id).await.segments.len(), 2);
    house.kill().await;

    let mut house = House::open(&store, settings("b")).await;
    let mut gateway = house.gateway("1").await;
    let again = gateway.attach(&player, &battle.id, None).await.report.unwrap();
    assert_eq!((again.to_seq, &again.summary), (told.to_seq, &told.summary));
    laws::consecutive(&gateway.frames(&battle.id, 3).await, again.to_seq + 1);
    house.stop(&player).await.unwrap();
    assert_eq!(store.record(&battle.id).await.segments.len(), 2, "its time is unbroken");
}

/// The world with a longer rest after a death: another ruleset that knows the same keys.
fn richer() -> Arc<Ruleset> {
    let longer = |(name, text): &(&'static str, &'static str)| {
        let text = if *name == "balance.toml" {
            text.replace("revive_ms = 60000", "revive_ms = 61000")
        } else {
            (*text).to_owned()
        };
        (*name, text)
    };
    let files: Vec<(&str, String)> = content::rules().iter().map(longer).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let ruleset = Ruleset::new(Content::parse(&files).unwrap());
    assert_ne!(ruleset.id(), crate::house::ruleset().id());
    Arc::new(ruleset)
}
