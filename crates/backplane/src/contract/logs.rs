//! The logs of rooms.

use super::{LOBBY, World, enter, heard, words};
use crate::rooms::LOG_ENTRIES;
use crate::{Channel, Once, Page, Position, RoomId, Stamp};

/// A room with one member and this many entries, each of which is its own offset in bytes.
async fn room_with(world: &World, entries: u64) -> RoomId {
    let room = enter(world, "ann", 1).await.standing.room;
    for n in 1..=entries {
        let appended = world.append(&room, n.to_be_bytes().to_vec().into()).await.unwrap().unwrap();
        assert_eq!(appended.position.offset, n);
    }
    room
}

async fn read(world: &World, room: &RoomId, after: Option<Position>, limit: usize) -> Page {
    world.read(room, after, limit).await.unwrap().unwrap()
}

fn offsets(page: &Page) -> Vec<u64> {
    page.entries.iter().map(|entry| entry.offset).collect()
}

pub(crate) async fn entries_are_numbered_and_published_with_their_place(world: World) {
    let entered = enter(&world, "ann", 1).await.standing;
    assert_eq!(entered.head.offset, 0);
    assert!(entered.head.epoch < 1 << 53, "every JSON reader can hold it");
    let room = Channel::Room(entered.room.clone());
    let subscription = world.subscribe("g1").await.unwrap();
    subscription.add(&room).await.unwrap();
    let appended = world.append(&entered.room, words("hi")).await.unwrap().unwrap();
    assert_eq!(appended.position, Position { epoch: entered.head.epoch, offset: 1 });
    let message = heard(&subscription).await;
    assert_eq!((message.channel, message.stamp), (room, Stamp::Appended(appended)));
    assert_eq!(message.payload, words("hi"));
    let page = read(&world, &entered.room, None, 10).await;
    assert_eq!((page.entries[0].at_ms, &page.entries[0].payload), (appended.at_ms, &words("hi")));
    assert_eq!(page.standing, world.standing(&entered.room).await.unwrap().unwrap());
}

pub(crate) async fn a_reader_goes_on_where_it_stopped(world: World) {
    let room = room_with(&world, 9).await;
    let latest = read(&world, &room, None, 3).await;
    assert_eq!((offsets(&latest), latest.recovered), (vec![7, 8, 9], false));
    let after = |offset| Some(Position { offset, ..latest.standing.head });
    let page = read(&world, &room, after(4), 3).await;
    assert_eq!((offsets(&page), page.recovered, page.standing.head.offset), (vec![5, 6, 7], true, 9));
    let rest = read(&world, &room, after(7), 3).await;
    assert_eq!((offsets(&rest), rest.recovered), (vec![8, 9], true));
    let nothing = read(&world, &room, after(9), 3).await;
    assert_eq!((offsets(&nothing), nothing.recovered), (vec![], true));
}

pub(crate) async fn a_log_keeps_the_latest_entries(world: World) {
    let kept = LOG_ENTRIES as u64;
    let room = room_with(&world, kept + 5).await;
    let all = read(&world, &room, None, usize::MAX).await;
    assert_eq!(offsets(&all), (6..=kept + 5).collect::<Vec<_>>());
    let after = |offset| Some(Position { offset, ..all.standing.head });
    assert!(read(&world, &room, after(5), 1).await.recovered);
    let lost = read(&world, &room, after(4), 2).await;
    assert_eq!((offsets(&lost), lost.recovered), (vec![kept + 4, kept + 5], false), "entry 5 is gone");
}

pub(crate) async fn a_place_in_another_life_is_noticed(world: World) {
    let room = room_with(&world, 3).await;
    let head = read(&world, &room, None, 1).await.standing.head;
    let elsewhere = Position { epoch: head.epoch ^ 1, offset: 2 };
    let page = read(&world, &room, Some(elsewhere), 10).await;
    assert_eq!((offsets(&page), page.recovered), (vec![1, 2, 3], false));
}

pub(crate) async fn a_place_that_does_not_exist_is_noticed(world: World) {
    let room = room_with(&world, 3).await;
    let head = read(&world, &room, None, 1).await.standing.head;
    let beyond = Position { offset: 4, ..head };
    assert!(!read(&world, &room, Some(beyond), 10).await.recovered);
}

pub(crate) async fn nothing_is_written_into_a_room_that_is_gone(world: World) {
    let nowhere = LOBBY.room(77);
    assert_eq!(world.append(&nowhere, words("hi")).await.unwrap(), None);
    assert_eq!(world.read(&nowhere, None, 10).await.unwrap(), None);
    assert_eq!(world.standing(&nowhere).await.unwrap(), None);
}

pub(crate) async fn racing_writers_leave_no_hole(world: World) {
    let room = enter(&world, "ann", 1).await.standing.room;
    let subscription = world.subscribe("g1").await.unwrap();
    subscription.add(&Channel::Room(room.clone())).await.unwrap();
    let write = async || {
        for _ in 0..25 {
            world.append(&room, words("hi")).await.unwrap().unwrap();
        }
    };
    tokio::join!(write(), write(), write());
    for expected in 1..=75 {
        let Stamp::Appended(appended) = heard(&subscription).await.stamp else { panic!("an entry") };
        assert_eq!(appended.position.offset, expected);
    }
    assert_eq!(offsets(&read(&world, &room, None, 100).await), (1..=75).collect::<Vec<_>>());
}

pub(crate) async fn what_is_written_under_one_key_is_written_once(world: World) {
    let room = enter(&world, "ann", 1).await.standing.room;
    let subscription = world.subscribe("g1").await.unwrap();
    subscription.add(&Channel::Room(room.clone())).await.unwrap();
    let first = world.append_once(&room, "ann:1", words("hi")).await.unwrap().unwrap();
    let between = world.append(&room, words("ho")).await.unwrap().unwrap();
    assert!(!first.again);
    assert_eq!(world.append_once(&room, "ann:1", words("hi")).await.unwrap(), Some(Once { again: true, ..first }));
    let other = world.append_once(&room, "ann:2", words("hi")).await.unwrap().unwrap();
    for appended in [first.appended, between, other.appended] {
        assert_eq!(heard(&subscription).await.stamp, Stamp::Appended(appended));
    }
    assert_eq!(offsets(&read(&world, &room, None, 10).await), [1, 2, 3]);
    assert_eq!(world.append_once(&LOBBY.room(77), "ann:1", words("hi")).await.unwrap(), None);
}
