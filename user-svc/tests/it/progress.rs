//! Saves: absolute values, written once, booked once.

use std::time::Duration;

use proto::common::v1::Totals;
use proto::user::v1::*;
use service_kit::Fault;
use service_kit::FaultKind::InvalidArgument;
use vocab::BattleId;

use super::support::{House, entry, items, kills, piece};

/// Keys of the shipped world: a piece of equipment, and a thing that stacks.
fn keys(house: &House) -> (String, String) {
    let items = house.ruleset.content().items();
    let piece = items.iter().find(|item| item.kind.is_equipment()).unwrap();
    let stack = items.iter().find(|item| !item.kind.is_equipment()).unwrap();
    (piece.key.clone(), stack.key.clone())
}

#[tokio::test]
async fn a_repeat_changes_nothing() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    let (worn, stack) = keys(&house);
    let save = SaveEntry {
        lag_ms: 400,
        level: 3,
        hp: 120,
        totals: Some(Totals {
            frames: 12,
            gold: 30,
            kills_by_monster: kills(&[("moss-rat", 2)]),
            items: items(&[(&worn, 3), (&stack, 4)]),
            pieces: vec![piece(7, 0, &worn), piece(7, 1, &worn)],
            ..Default::default()
        }),
        seen: seen(11, 0),
        ..entry(&battle, 12, 0)
    };
    assert_eq!(house.save(vec![save.clone()]).await, [SaveResult::Saved]);
    let (record, character) = (house.record(&battle).await, house.character(&session).await);
    assert_eq!((character.level, character.exp, character.hp, character.gold), (3, 12, 120, 30));
    assert_eq!(character.bag_free, 98, "two pieces lie in the bag, the third was sold");
    assert_eq!(character.version, 1, "a running battle doesn't change what a battle starts from");
    assert_eq!((record.seen_seq, record.seq), (11, 12));

    house.clock.advance(Duration::from_secs(3));
    assert_eq!(house.save(vec![save]).await, [SaveResult::Saved]);
    assert_eq!(house.record(&battle).await, record, "not even the moment at which it stood there");
    assert_eq!(house.character(&session).await, character);
    house.books_are_sound().await;
}

#[tokio::test]
async fn only_the_difference_is_booked() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    for (seq, gold) in [(1, 10), (2, 10), (5, 35)] {
        house.save(vec![entry(&battle, seq, gold)]).await;
        house.clock.advance(Duration::from_secs(3_600));
    }
    assert_eq!(house.character(&session).await.gold, 35);
    house.books_are_sound().await;
    let books = user_svc::ledger::audit(&house.store).await.unwrap();
    assert_eq!(books.counters, [("drops".to_owned(), -35)]);
}

#[tokio::test]
async fn a_save_that_forgot_something_is_stale_and_one_that_sold_all_it_found_is_not() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    let (worn, stack) = keys(&house);
    let save = |seq, monsters: &[(&str, u64)], pieces| {
        let totals = Totals {
            frames: seq,
            kills_by_monster: kills(monsters),
            // A piece that was sold is among the things found, and nowhere else.
            items: items(&[(&worn, 1 + seq), (&stack, 4)]),
            pieces,
            ..Default::default()
        };
        SaveEntry { totals: Some(totals), ..entry(&battle, seq, 0) }
    };
    assert_eq!(house.save(vec![save(1, &[], vec![])]).await, [SaveResult::Saved], "sold");
    assert_eq!(house.save(vec![save(2, &[("moss-rat", 2)], vec![])]).await, [SaveResult::Saved]);
    let all = || vec![piece(3, 0, &worn)];
    assert_eq!(house.save(vec![save(3, &[("moss-rat", 3)], all())]).await, [SaveResult::Saved]);
    assert_eq!(house.save(vec![save(4, &[("bat", 9)], all())]).await, [SaveResult::Stale], "no kill is undone");
    assert_eq!(house.save(vec![save(4, &[("moss-rat", 3)], vec![])]).await, [SaveResult::Stale], "nor a piece lost");
    assert_eq!(house.save(vec![save(4, &[("moss-rat", 3)], all())]).await, [SaveResult::Saved]);
    house.books_are_sound().await;
}

#[tokio::test]
async fn older_and_foreign_saves_are_stale_and_those_of_ended_battles_gone() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    assert_eq!(house.save(vec![entry(&battle, 5, 50)]).await, [SaveResult::Saved]);
    assert_eq!(house.save(vec![entry(&battle, 4, 40)]).await, [SaveResult::Stale]);
    assert_eq!(house.save(vec![entry(&battle, 6, 49)]).await, [SaveResult::Stale], "gold can't fall");
    assert_eq!(house.save(vec![SaveEntry { epoch: 2, ..entry(&battle, 6, 60) }]).await, [SaveResult::Stale]);
    assert_eq!(house.character(&session).await.gold, 50);

    let end = SaveEntry { hp: 0, end_reason: Some("died".into()), ..entry(&battle, 6, 60) };
    assert_eq!(house.save(vec![end.clone()]).await, [SaveResult::Saved]);
    let character = house.character(&session).await;
    assert_eq!((character.hp, character.version), (1, 2), "death leaves one hp");
    assert_eq!(house.save(vec![end]).await, [SaveResult::Saved], "the last save again");
    assert_eq!(house.save(vec![entry(&battle, 7, 70)]).await, [SaveResult::Gone]);
    assert_eq!(house.save(vec![entry(&BattleId::generate().to_string(), 1, 1)]).await, [SaveResult::Gone]);
    assert_eq!(house.character(&session).await, character);
    house.books_are_sound().await;
}

#[tokio::test]
async fn the_saved_moment_is_where_the_state_stands() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    let started = house.record(&battle).await.started_at;
    house.clock.advance(Duration::from_secs(100));
    house.save(vec![SaveEntry { lag_ms: 40_000, release: true, ..entry(&battle, 5, 0) }]).await;
    let record = house.record(&battle).await;
    assert!((60_000..75_000).contains(&(record.saved_at - started)), "{}", record.saved_at - started);
    assert_eq!(record.owner, "", "it was let go");
    assert_eq!(record.end_reason, None);

    let segment = BattleSegment { from_seq: 6, ruleset: "1:00".into(), state: vec![6], origin_ms: 1 };
    house.clock.advance(Duration::from_secs(100));
    house.save(vec![SaveEntry { new_segment: Some(segment), ..entry(&battle, 5, 0) }]).await;
    let moved = house.record(&battle).await.saved_at - record.saved_at;
    assert!(moved >= 140_000, "a new origin is a new moment for the same frame: {moved}");
}

fn seen(seq: u64, lag_ms: u64) -> Option<Seen> {
    Some(Seen { seq, totals: Some(Totals { frames: seq, ..Default::default() }), lag_ms })
}

#[tokio::test]
async fn what_the_player_has_seen_is_what_the_owner_says_last() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    let started = house.record(&battle).await.started_at;
    house.clock.advance(Duration::from_secs(100));
    house.save(vec![SaveEntry { seen: seen(8, 0), ..entry(&battle, 9, 0) }]).await;
    house.save(vec![SaveEntry { seen: seen(3, 40_000), ..entry(&battle, 10, 0) }]).await;
    let record = house.record(&battle).await;
    assert_eq!((record.seen_seq, record.seen_totals.unwrap().frames), (3, 3), "less was sent than was thought");
    let left = record.seen_at - started;
    assert!((60_000..75_000).contains(&left), "the moment is that of leaving: {left}");

    house.claim(&battle, 1, "battle-2").await.unwrap();
    let outdated = SaveEntry { seen: seen(10, 0), ..entry(&battle, 10, 0) };
    assert_eq!(house.save(vec![outdated]).await, [SaveResult::Stale]);
    assert_eq!(house.record(&battle).await.seen_seq, 3, "who has lost the battle says nothing any more");
}

#[tokio::test]
async fn an_end_is_seen_once_and_for_all() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    let end = SaveEntry { end_reason: Some("died".into()), ..entry(&battle, 11, 7) };
    house.save(vec![SaveEntry { seen: seen(8, 0), ..end.clone() }]).await;
    let unseen = house.record(&battle).await;

    let told = SaveEntry { seen: seen(11, 0), ..end.clone() };
    assert_eq!(house.save(vec![told]).await, [SaveResult::Saved]);
    assert!(house.authenticate(&session.token).await.unwrap().battle.unwrap().end_seen);
    let record = house.record(&battle).await;
    let rest = BattleRecord {
        seen_seq: unseen.seen_seq,
        seen_at: unseen.seen_at,
        seen_totals: unseen.seen_totals.clone(),
        ..record.clone()
    };
    assert_eq!(rest, unseen, "nothing but what was seen is written");
    assert_eq!(record.seen_totals.unwrap().frames, 11);

    assert_eq!(house.save(vec![SaveEntry { seen: seen(8, 0), ..end }]).await, [SaveResult::Saved], "a late repeat");
    assert_eq!(house.record(&battle).await.seen_seq, 11);
    house.books_are_sound().await;
}

#[tokio::test]
async fn who_has_lost_a_battle_is_told_so_even_when_it_has_ended() {
    let house = House::new().await;
    let session = house.sign_up("mina", "민아").await.unwrap();
    let battle = house.battle(&session).await.unwrap();
    house.claim(&battle, 1, "battle-2").await.unwrap();
    let end = SaveEntry { epoch: 2, end_reason: Some("died".into()), ..entry(&battle, 3, 0) };
    house.save(vec![end]).await;
    assert_eq!(house.save(vec![entry(&battle, 4, 0)]).await, [SaveResult::Stale], "it isn't deleted");
}

#[tokio::test]
async fn a_large_batch_is_answered_in_its_order() {
    let house = House::new().await;
    let mut entries = Vec::new();
    for n in 0..20 {
        let session = house.sign_up(&format!("user{n:02}"), &format!("user{n:02}")).await.unwrap();
        entries.push(entry(&house.battle(&session).await.unwrap(), 1, n));
    }
    let known = entries.len();
    entries.extend((known..1_000).map(|_| entry(&BattleId::generate().to_string(), 1, 1)));
    // Ids rise with time: turned round, the order of the request is not that of the ids.
    entries.reverse();
    let results = house.save(entries.clone()).await;
    let expected = (0..1_000).map(|n| if n < 1_000 - known { SaveResult::Gone } else { SaveResult::Saved });
    assert_eq!(results, expected.collect::<Vec<_>>());
    house.books_are_sound().await;

    entries.push(entry(&BattleId::generate().to_string(), 1, 1));
    let fault: Fault = house.client().save_progress(SaveProgressRequest { entries }).await.unwrap_err().into();
    assert_eq!(fault.kind(), InvalidArgument);
}

#[tokio::test]
async fn what_is_no_save_is_refused() {
    let house = House::new().await;
    let id = BattleId::generate().to_string();
    let good = entry(&id, 1, 1);
    for (bad, field) in [
        (vec![good.clone(), good.clone()], "entries"),
        (vec![SaveEntry { battle_id: "x".into(), ..good.clone() }], "battle_id"),
        (vec![SaveEntry { totals: None, ..good.clone() }], "totals"),
        (vec![SaveEntry { level: 0, ..good.clone() }], "level"),
        (vec![SaveEntry { level: 101, ..good.clone() }], "level"),
        (vec![SaveEntry { exp: u64::MAX, ..good.clone() }], "exp"),
        (vec![SaveEntry { skills: vec![], ..good }], "skills"),
    ] {
        let request = SaveProgressRequest { entries: bad };
        let fault: Fault = house.client().save_progress(request).await.unwrap_err().into();
        assert_eq!((fault.kind(), fault.at_field()), (InvalidArgument, Some(field)));
    }
}
