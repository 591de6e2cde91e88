//! Rooms and what is said in them.

use proto::chat::v1::Room;
use proto::common::v1::{ChatKind, ChatMessage, ChatPresence};
use serde::Serialize;

/// `chat`: the room a player is in.
#[derive(Serialize)]
pub(crate) struct RoomShape<'a> {
    room: &'a str,
    epoch: &'a str,
    head: u64,
    count: u32,
    capacity: u32,
}

/// `message`.
#[derive(Serialize)]
pub(crate) struct MessageShape<'a> {
    room: &'a str,
    epoch: &'a str,
    offset: u64,
    at: i64,
    from: &'a str,
    text: &'a str,
    kind: &'static str,
}

/// `chat:presence`.
#[derive(Serialize)]
pub(crate) struct PresenceShape<'a> {
    room: &'a str,
    count: u32,
    capacity: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    joined: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<&'a str>,
}

impl<'a> RoomShape<'a> {
    pub(crate) fn of(room: &'a Room) -> Self {
        Self { room: &room.id, epoch: &room.epoch, head: room.head, count: room.count, capacity: room.capacity }
    }
}

impl<'a> MessageShape<'a> {
    pub(crate) fn of(message: &'a ChatMessage) -> Self {
        Self {
            room: &message.room,
            epoch: &message.epoch,
            offset: message.offset,
            at: message.at,
            from: &message.from,
            text: &message.text,
            kind: kind(message.kind()),
        }
    }
}

impl<'a> PresenceShape<'a> {
    pub(crate) fn of(presence: &'a ChatPresence) -> Self {
        Self {
            room: &presence.room,
            count: presence.count,
            capacity: presence.capacity,
            joined: presence.joined.as_deref(),
            left: presence.left.as_deref(),
        }
    }
}

fn kind(kind: ChatKind) -> &'static str {
    match kind {
        ChatKind::Unspecified | ChatKind::Say => "say",
        ChatKind::Whisper => "whisper",
        ChatKind::System => "system",
    }
}
