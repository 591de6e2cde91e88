//! What is said: order, places, history, limits.

use std::time::Duration;

use crate::world::{BEGIN_MS, World, hear, quiet};
use backplane::Stamp;
use proto::common::v1::{ChatKind, envelope::Body};
use service_kit::FaultKind;

#[tokio::test(start_paused = true)]
async fn a_line_reaches_the_room_under_its_place_and_time() {
    let world = World::new().await;
    let alice = world.player("Alice");
    let room = alice.join().await;
    let ear = world.listen(&room.id).await;
    tokio::time::advance(Duration::from_millis(250)).await;
    let sent = alice.say(&room.id, "  <b>hi</b>\u{7} ").await.unwrap();
    assert_eq!((sent.epoch.as_str(), sent.offset), (room.epoch.as_str(), 1));
    let (Body::Message(heard), Stamp::Appended(place)) = hear(&ear).await else { panic!("not a line") };
    assert_eq!((heard.from.as_str(), heard.text.as_str(), heard.kind()), ("Alice", "<b>hi</b>", ChatKind::Say));
    assert_eq!((place.position.epoch.to_string(), place.position.offset, place.at_ms), (sent.epoch, 1, BEGIN_MS + 250));
}

#[tokio::test(start_paused = true)]
async fn history_gives_whole_lines_after_an_offset() {
    let world = World::new().await;
    let alice = world.player("Alice");
    let room = alice.join().await;
    world.player("Robert").join().await;
    for n in 1..=5 {
        alice.say(&room.id, &format!("line {n}")).await.unwrap();
    }
    let page = alice.history(&room.id, Some(3), &room.epoch).await.unwrap();
    assert!(page.recovered);
    assert_eq!((page.epoch.as_str(), page.head, page.count), (room.epoch.as_str(), 5, 2));
    let lines: Vec<_> = page.messages.iter().map(|line| (line.offset, line.text.as_str())).collect();
    assert_eq!(lines, [(4, "line 4"), (5, "line 5")]);
    let first = &page.messages[0];
    assert_eq!((&first.room, &first.epoch, first.from.as_str()), (&room.id, &room.epoch, "Alice"));
    assert_eq!(first.at, i64::try_from(BEGIN_MS).unwrap());

    let all = alice.history(&room.id, None, "").await.unwrap();
    assert_eq!((all.messages.len(), all.recovered), (5, true), "nothing is missing since the first line");
    let none = alice.history(&room.id, Some(5), "").await.unwrap();
    assert_eq!((none.messages.len(), none.recovered), (0, true));
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_noticed() {
    let world = World::new().await;
    let alice = world.player("Alice");
    let room = alice.join().await;
    for n in 1..=230 {
        alice.say(&room.id, &format!("line {n}")).await.unwrap();
    }
    let page = alice.history(&room.id, Some(10), &room.epoch).await.unwrap();
    let offsets: Vec<_> = page.messages.iter().map(|line| line.offset).collect();
    assert_eq!(offsets, (31..=230).collect::<Vec<_>>(), "the last 200");
    assert!(!page.recovered, "lines 11 to 30 are gone");
    assert!(alice.history(&room.id, Some(30), &room.epoch).await.unwrap().recovered);
    for (after, epoch) in [(229, "12345"), (229, "never given"), (500, room.epoch.as_str())] {
        let page = alice.history(&room.id, Some(after), epoch).await.unwrap();
        assert_eq!((page.recovered, page.messages.len()), (false, 200), "{after} of {epoch}");
    }
}

#[tokio::test(start_paused = true)]
async fn lines_are_kept_for_a_day() {
    let world = World::new().await;
    let alice = world.player("Alice");
    let room = alice.join().await;
    alice.say(&room.id, "yesterday").await.unwrap();
    tokio::time::advance(Duration::from_secs(24 * 3600 + 1)).await;
    alice.say(&room.id, "today").await.unwrap();
    let page = alice.history(&room.id, None, "").await.unwrap();
    assert_eq!((page.messages.len(), page.messages[0].offset, page.recovered), (1, 2, false));
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_stopped_and_told_when_to_go_on() {
    let world = World::new().await;
    let (alice, bob) = (world.player("Alice").limited(), world.player("Bobby").limited());
    let room = alice.join().await;
    bob.join().await;
    for n in 0..10 {
        alice.say(&room.id, &format!("{n}")).await.unwrap();
    }
    let refused = alice.say(&room.id, "11").await.unwrap_err();
    assert_eq!((refused.kind(), refused.because()), (FaultKind::ResourceExhausted, Some("flood")));
    bob.say(&room.id, "others are not concerned").await.unwrap();
    tokio::time::advance(refused.retry_delay().unwrap()).await;
    alice.say(&room.id, "11").await.unwrap();
    assert_eq!(alice.say(&room.id, "12").await.unwrap_err().kind(), FaultKind::ResourceExhausted);
    let unlimited = world.player("Carol");
    unlimited.join().await;
    for n in 0..100 {
        unlimited.say(&room.id, &format!("{n}")).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn text_that_is_no_line_is_refused_by_its_field() {
    let world = World::new().await;
    let alice = world.player("Alice");
    let room = alice.join().await;
    for text in ["", " \n\t", &"a".repeat(501)] {
        let refused = alice.say(&room.id, text).await.unwrap_err();
        assert_eq!((refused.kind(), refused.at_field()), (FaultKind::InvalidArgument, Some("text")), "{text:?}");
    }
    assert_eq!(alice.history(&room.id, None, "").await.unwrap().head, 0, "nothing was said");
}

#[tokio::test(start_paused = true)]
async fn who_is_not_in_the_room_neither_speaks_nor_reads() {
    let world = World::new().await;
    let (alice, outsider) = (world.player("Alice"), world.player("Outsider"));
    let room = alice.join().await;
    for refused in [
        outsider.say(&room.id, "hi").await.unwrap_err(),
        outsider.history(&room.id, None, "").await.unwrap_err(),
        alice.say("lobby-99", "hi").await.unwrap_err(),
    ] {
        assert_eq!((refused.kind(), refused.because()), (FaultKind::FailedPrecondition, Some("not_in_room")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_key_says_it_once() {
    let world = World::new().await;
    let (alice, bob) = (world.player("Alice"), world.player("Bobby"));
    let room = alice.join().await;
    bob.join().await;
    let ear = world.listen(&room.id).await;
    let first = alice.say_once(&room.id, "hello", "k1").await.unwrap();
    alice.say(&room.id, "in between").await.unwrap();
    assert_eq!(alice.say_once(&room.id, "hello", "k1").await.unwrap(), first);
    assert_eq!(alice.say_once(&room.id, "hello", "k2").await.unwrap().offset, 3, "another key is another line");
    assert_eq!(bob.say_once(&room.id, "hello", "k1").await.unwrap().offset, 4, "keys of two players do not meet");
    for offset in 1..=4 {
        assert!(matches!(hear(&ear).await, (_, Stamp::Appended(place)) if place.position.offset == offset));
    }
    assert!(quiet(&ear, Duration::from_secs(1)).await);
    let refused = alice.say_once(&room.id, "hello", &"k".repeat(65)).await.unwrap_err();
    assert_eq!((refused.kind(), refused.at_field()), (FaultKind::InvalidArgument, Some("key")));
}
