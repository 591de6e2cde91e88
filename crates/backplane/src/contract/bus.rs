//! The bus.

use super::{LOBBY, World, heard, heard_nothing_more, words};
use crate::{Channel, Message, Stamp};

pub(crate) async fn a_message_reaches_whom_it_is_for(world: World) {
    let one = world.subscribe("g1").await.unwrap();
    let two = world.subscribe("g2").await.unwrap();
    let addressed = Channel::Gateway("g1".to_owned());
    world.publish(&addressed, words("kick")).await.unwrap();
    world.publish(&Channel::All, words("notice")).await.unwrap();
    let expected = Message { channel: addressed, stamp: Stamp::None, payload: words("kick") };
    assert_eq!(heard(&one).await, expected);
    assert_eq!(heard(&one).await.payload, words("notice"));
    assert_eq!(heard(&two).await.channel, Channel::All, "the first is not for this gateway");
}

pub(crate) async fn order_is_kept(world: World) {
    let subscription = world.subscribe("g1").await.unwrap();
    for n in 0..200_u16 {
        world.publish(&Channel::All, n.to_be_bytes().to_vec().into()).await.unwrap();
    }
    for n in 0..200_u16 {
        assert_eq!(heard(&subscription).await.payload, n.to_be_bytes().to_vec());
    }
}

pub(crate) async fn rooms_are_heard_from_when_they_are_added_until_they_are_removed(world: World) {
    let subscription = world.subscribe("g1").await.unwrap();
    let room = Channel::Room(LOBBY.room(1));
    world.publish(&room, words("too early")).await.unwrap();
    subscription.add(&room).await.unwrap();
    subscription.add(&room).await.unwrap();
    world.publish(&room, words("heard")).await.unwrap();
    assert_eq!(heard(&subscription).await.payload, words("heard"));
    subscription.remove(&room).await.unwrap();
    world.publish(&room, words("too late")).await.unwrap();
    heard_nothing_more(&world, "g1", &subscription).await;
}
