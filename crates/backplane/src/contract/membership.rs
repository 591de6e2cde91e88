//! Who is in which room.

use std::time::Duration;

use super::{ARENA, LOBBY, World, enter, heard, heard_nothing_more, member, words};
use crate::{Channel, Leaving, Left, Member, RoomId, Stamp};

const GRACE: Duration = Duration::from_secs(1);
const NO_TIME: Duration = Duration::ZERO;

/// Enters a lobby of two.
async fn enter_pair(world: &World, id: &str, prefer: Option<&RoomId>) -> RoomId {
    world.enter(LOBBY, 2, member(id, 1), prefer, words("hello")).await.unwrap().standing.room
}

async fn names(world: &World, room: &RoomId) -> Vec<String> {
    world.members(room).await.unwrap().into_iter().map(|member| member.id).collect()
}

async fn due(world: &World) -> Vec<Left> {
    world.take_due_leaves(LOBBY, 100).await.unwrap()
}

pub(crate) async fn the_fullest_room_with_space_is_chosen(world: World) {
    let first = enter_pair(&world, "ann", None).await;
    assert_eq!(enter_pair(&world, "bob", None).await, first);
    let second = enter_pair(&world, "cid", None).await;
    assert_ne!(second, first, "the first is full");
    assert_eq!(enter_pair(&world, "dan", None).await, second);
    let third = enter_pair(&world, "eve", None).await;
    world.leave(&third, "eve", 1, words("bye")).await.unwrap();
    world.leave(&first, "ann", 1, words("bye")).await.unwrap();
    assert_eq!(enter_pair(&world, "fay", None).await, first, "one place is free there, and every other room is full");
    let counts: Vec<_> =
        world.rooms(LOBBY).await.unwrap().into_iter().map(|room| (room.count, room.capacity)).collect();
    assert_eq!(counts, [(2, 2), (2, 2)]);
}

pub(crate) async fn a_preferred_room_is_taken_while_it_has_space(world: World) {
    let first = enter_pair(&world, "ann", None).await;
    enter_pair(&world, "bob", None).await;
    let second = enter_pair(&world, "cid", None).await;
    world.leave(&first, "bob", 1, words("bye")).await.unwrap();
    assert_eq!(enter_pair(&world, "dan", Some(&second)).await, second);
    assert_eq!(enter_pair(&world, "eve", Some(&second)).await, first, "the preferred one is full");
    let gone = LOBBY.room(999);
    assert_ne!(enter_pair(&world, "fay", Some(&gone)).await, gone, "a room that is gone is not made again");
    assert!(enter_pair(&world, "gus", Some(&ARENA.room(1))).await.is(LOBBY), "nor is one of another kind taken");
}

pub(crate) async fn a_newcomer_is_announced_and_one_who_comes_back_is_not(world: World) {
    let ann = enter(&world, "ann", 1).await;
    assert!(ann.newcomer);
    let room = Channel::Room(ann.standing.room.clone());
    let subscription = world.subscribe("g1").await.unwrap();
    subscription.add(&room).await.unwrap();
    let bob = enter(&world, "bob", 1).await;
    assert_eq!((bob.newcomer, bob.standing.count), (true, 2));
    let again = enter(&world, "bob", 2).await;
    assert_eq!((again.newcomer, &again.standing.room, again.standing.count), (false, &ann.standing.room, 2));
    let message = heard(&subscription).await;
    assert_eq!((message.stamp, message.payload), (Stamp::Count(2), words("hello")));
    let left = world.leave(&ann.standing.room, "ann", 1, words("bye")).await.unwrap().unwrap();
    assert_eq!((left.count, left.member), (1, member("ann", 1)));
    let message = heard(&subscription).await;
    assert_eq!((message.stamp, message.payload), (Stamp::Count(1), words("bye")));
    heard_nothing_more(&world, "g1", &subscription).await;
}

pub(crate) async fn kinds_do_not_meet(world: World) {
    let lobby = enter(&world, "ann", 1).await.standing.room;
    let arena = world.enter(ARENA, 6, member("ann", 1), None, words("hello")).await.unwrap();
    assert!(arena.newcomer && arena.standing.room.is(ARENA));
    assert_eq!(world.find(LOBBY, "ann").await.unwrap(), Some((lobby.clone(), member("ann", 1))));
    assert_eq!(world.find(ARENA, "ann").await.unwrap().map(|(room, _)| room), Some(arena.standing.room));
    assert_eq!(world.find(LOBBY, "bob").await.unwrap(), None);
    assert_eq!(world.rooms(LOBBY).await.unwrap().len(), 1);
}

pub(crate) async fn an_old_leave_cannot_remove_a_newer_entry(world: World) {
    let room = enter(&world, "ann", 1).await.standing.room;
    enter(&world, "ann", 2).await;
    assert_eq!(world.leave(&room, "ann", 1, words("bye")).await.unwrap(), None);
    assert!(!world.mark_leaving(&room, "ann", 1, NO_TIME, words("bye")).await.unwrap());
    assert!(due(&world).await.is_empty());
    assert_eq!(names(&world, &room).await, ["ann"]);
    assert!(world.leave(&room, "ann", 2, words("bye")).await.unwrap().is_some());
    assert_eq!(world.leave(&room, "ann", 2, words("bye")).await.unwrap(), None, "once");
}

pub(crate) async fn an_old_entry_cannot_take_over_a_newer_one(world: World) {
    let room = enter(&world, "ann", 2).await.standing.room;
    assert!(world.mark_leaving(&room, "ann", 2, NO_TIME, words("bye")).await.unwrap());
    let late = enter(&world, "ann", 1).await;
    assert!(!late.newcomer);
    assert_eq!(world.members(&room).await.unwrap(), [member("ann", 2)]);
    assert_eq!(due(&world).await.len(), 1, "nor does it call the newer one's leave off");
}

pub(crate) async fn the_last_one_takes_the_room_along(world: World) {
    let before = enter(&world, "ann", 1).await.standing;
    world.append(&before.room, words("hi")).await.unwrap();
    let left = world.leave(&before.room, "ann", 1, words("bye")).await.unwrap().unwrap();
    assert_eq!(left.count, 0);
    assert!(world.rooms(LOBBY).await.unwrap().is_empty());
    assert_eq!(world.find(LOBBY, "ann").await.unwrap(), None);
    assert!(world.members(&before.room).await.unwrap().is_empty());
    assert_eq!(world.append(&before.room, words("hi")).await.unwrap(), None);
    let after = enter(&world, "ann", 2).await.standing;
    assert_ne!(after.head.epoch, before.head.epoch, "another room, another life");
    assert_eq!(after.head.offset, 0);
}

pub(crate) async fn a_deferred_leave_is_announced_once(world: World) {
    enter(&world, "ann", 1).await;
    let room = enter(&world, "bob", 1).await.standing.room;
    let subscription = world.subscribe("g1").await.unwrap();
    subscription.add(&Channel::Room(room.clone())).await.unwrap();
    assert!(world.mark_leaving(&room, "bob", 1, GRACE, words("bye")).await.unwrap());
    assert!(world.mark_leaving(&room, "bob", 1, GRACE * 100, words("later")).await.unwrap(), "the earlier time stays");
    assert!(due(&world).await.is_empty(), "the grace is not over");
    assert_eq!(names(&world, &room).await, ["ann", "bob"]);
    tokio::time::sleep(GRACE * 2).await;
    let (one, two) = tokio::join!(due(&world), due(&world));
    let left: Vec<_> = one.into_iter().chain(two).collect();
    assert_eq!(left, [Left { room: room.clone(), member: member("bob", 1), count: 1 }]);
    let message = heard(&subscription).await;
    assert_eq!((message.stamp, message.payload), (Stamp::Count(1), words("bye")));
    heard_nothing_more(&world, "g1", &subscription).await;
}

pub(crate) async fn many_leave_at_once(world: World) {
    let connections = [("ann", 1), ("bob", 1), ("cid", 2)];
    let mut room = None;
    for (id, connection) in connections {
        room = Some(enter(&world, id, connection).await.standing.room);
    }
    let room = room.unwrap();
    let leaving = ["bob", "cid", "dan"].map(|id| Leaving { member: id.into(), connection: 1, announcement: words(id) });
    let subscription = world.subscribe("g1").await.unwrap();
    subscription.add(&Channel::Room(room.clone())).await.unwrap();
    world.mark_all_leaving(&room, leaving.to_vec(), NO_TIME).await.unwrap();
    assert_eq!(due(&world).await.into_iter().map(|left| left.member.id).collect::<Vec<_>>(), ["bob"]);
    assert_eq!(heard(&subscription).await.payload, words("bob"));
    assert_eq!(names(&world, &room).await, ["ann", "cid"], "who came back stays");
}

pub(crate) async fn coming_back_calls_the_leave_off(world: World) {
    let room = enter(&world, "ann", 1).await.standing.room;
    world.mark_leaving(&room, "ann", 1, NO_TIME, words("bye")).await.unwrap();
    assert!(!enter(&world, "ann", 2).await.newcomer);
    assert!(due(&world).await.is_empty());
    assert_eq!(names(&world, &room).await, ["ann"]);
}

pub(crate) async fn due_leaves_come_in_portions_and_by_kind(world: World) {
    for id in ["ann", "bob", "cid"] {
        let room = enter(&world, id, 1).await.standing.room;
        world.mark_leaving(&room, id, 1, NO_TIME, words("bye")).await.unwrap();
    }
    let arena = world.enter(ARENA, 6, member("dan", 1), None, words("hello")).await.unwrap().standing.room;
    world.mark_leaving(&arena, "dan", 1, NO_TIME, words("bye")).await.unwrap();
    assert_eq!(world.take_due_leaves(LOBBY, 2).await.unwrap().len(), 2);
    assert_eq!(world.take_due_leaves(LOBBY, 2).await.unwrap().len(), 1);
    assert_eq!(world.take_due_leaves(LOBBY, 2).await.unwrap().len(), 0);
    assert_eq!(names(&world, &arena).await, ["dan"]);
}

pub(crate) async fn members_can_be_put_back(world: World) {
    let lost = LOBBY.room(41);
    let moved = enter(&world, "cid", 9).await.standing.room;
    let claims = ["ann", "bob", "cid"].map(|id| (lost.clone(), 10, member(id, 1)));
    let standings = world.reassert(claims.to_vec(), words("back")).await.unwrap();
    let rooms: Vec<_> = standings.iter().map(|standing| (&standing.room, standing.capacity)).collect();
    assert_eq!(rooms, [(&lost, 10), (&lost, 10), (&moved, 10)]);
    assert_eq!(names(&world, &lost).await, ["ann", "bob"]);
    assert_eq!(world.members(&moved).await.unwrap(), [member("cid", 9)], "the newer connection stays");
    let full = world.enter(LOBBY, 1, member("dan", 1), Some(&LOBBY.room(7)), words("hello")).await.unwrap();
    assert_eq!(full.standing.room, lost, "the fullest with space");
    assert_eq!(full.standing.count, 3);
}

pub(crate) async fn a_room_is_told_once_how_many_were_put_back(world: World) {
    let room = enter(&world, "ann", 1).await.standing.room;
    let subscription = world.subscribe("g1").await.unwrap();
    subscription.add(&Channel::Room(room.clone())).await.unwrap();
    let claim = |id| (room.clone(), 10, member(id, 1));
    let standings = world.reassert(vec![claim("ann"), claim("bob"), claim("cid")], words("back")).await.unwrap();
    assert_eq!(standings.iter().map(|standing| standing.count).collect::<Vec<_>>(), [3, 3, 3]);
    let message = heard(&subscription).await;
    assert_eq!((message.stamp, message.payload), (Stamp::Count(3), words("back")));
    world.reassert(vec![claim("bob"), claim("cid")], words("back")).await.unwrap();
    heard_nothing_more(&world, "g1", &subscription).await;
}

pub(crate) async fn being_put_back_calls_the_leave_off(world: World) {
    let room = enter(&world, "ann", 1).await.standing.room;
    world.mark_leaving(&room, "ann", 1, NO_TIME, words("bye")).await.unwrap();
    world.reassert(vec![(room.clone(), 10, member("ann", 1))], words("back")).await.unwrap();
    assert!(due(&world).await.is_empty());
    assert_eq!(names(&world, &room).await, ["ann"]);
}

pub(crate) async fn gateways_are_known_while_they_hold_members(world: World) {
    let at = |id: &str, gateway: &str, connection| Member { gateway: gateway.to_owned(), ..member(id, connection) };
    let enter = async |member: Member| {
        let entered = world.enter(LOBBY, 2, member, None, words("hello")).await.unwrap();
        entered.standing.room
    };
    let gateways = async || world.gateways(LOBBY).await.unwrap();
    assert!(gateways().await.is_empty());
    let room = enter(at("ann", "g1", 1)).await;
    enter(at("bob", "g1", 1)).await;
    let other = enter(at("cid", "g2", 1)).await;
    assert_eq!(gateways().await, ["g1", "g2"]);
    enter(at("ann", "g3", 2)).await;
    enter(at("ann", "g4", 1)).await;
    assert_eq!(gateways().await, ["g1", "g2", "g3"], "the older connection took nothing over");
    world.leave(&room, "bob", 1, words("bye")).await.unwrap();
    world.mark_leaving(&other, "cid", 1, NO_TIME, words("bye")).await.unwrap();
    due(&world).await;
    assert_eq!(gateways().await, ["g3"]);
    world.reassert(vec![(room.clone(), 10, at("dan", "g5", 1))], words("back")).await.unwrap();
    assert_eq!(gateways().await, ["g3", "g5"]);
    assert!(world.gateways(ARENA).await.unwrap().is_empty(), "kinds do not meet");
}

pub(crate) async fn racing_entries_never_overfill_a_room(world: World) {
    let crowd = async |group: &str| {
        for n in 0..15 {
            world.enter(LOBBY, 10, member(&format!("{group}{n}"), 1), None, words("hello")).await.unwrap();
        }
    };
    tokio::join!(crowd("a"), crowd("b"), crowd("c"));
    let mut counts: Vec<_> = world.rooms(LOBBY).await.unwrap().into_iter().map(|room| room.count).collect();
    counts.sort_unstable();
    assert_eq!(counts, [5, 10, 10, 10, 10]);
}
