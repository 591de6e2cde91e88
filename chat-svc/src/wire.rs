//! The door between protobuf and this service's own words: nothing else in the crate reads or writes a message's bytes.
//!
//! What goes out over the bus is an `Envelope` whose room, place, time and head count are empty: the backplane knows
//! them at the moment of publishing and stamps them on (`backplane::Stamp`). A log keeps the same envelopes.

use bytes::Bytes;
use prost::Message;
use proto::ENVELOPE_VERSION;
use proto::chat::v1 as chat;
use proto::common::v1::{self as common, ChatKind, ChatMessage, ChatPresence, Envelope, envelope::Body};
use service_kit::{Fault, trace};
use vocab::CharacterName;

use backplane::{Entry, Page, RoomId, Standing};

use crate::caller::{Caller, Seat, Visitor};
use crate::line::{InvalidText, MAX_CHARS, Text};
use crate::log::{Asked, Said};
use crate::room::CAPACITY;

/// Longest idempotency key, in characters.
const MAX_KEY_CHARS: usize = 64;

/// Seats in one request.
const SEATS_AT_ONCE: usize = 500;

/// What a room is told.
#[derive(Debug)]
pub(crate) enum News<'a> {
    /// A line.
    Said {
        /// The speaker's name.
        from: &'a str,
        /// What was said.
        text: Text,
    },
    /// Somebody came.
    Joined {
        /// Who.
        name: &'a str,
    },
    /// Somebody went.
    Left {
        /// Who.
        name: &'a str,
    },
    /// The head count is another one; nobody came and nobody went.
    Counted,
}

// === in ===

/// Reads for whom a request acts.
pub(crate) fn caller(caller: Option<common::Caller>) -> Result<Caller, Fault> {
    let caller = caller.ok_or_else(|| Fault::invalid("field-missing").field("caller"))?;
    let account = caller.account_id.parse().map_err(|_not_an_id| Fault::invalid("id-form").field("caller"))?;
    Ok(Caller { account, epoch: caller.epoch, connection: caller.connection })
}

/// Reads who wants to be in a room.
pub(crate) fn visitor(caller: Caller, name: &str, gateway: String) -> Result<Visitor, Fault> {
    Ok(Visitor { caller, name: character(name)?, gateway: self::gateway(gateway)? })
}

/// Reads whom a gateway holds in rooms, and the gateway's name.
pub(crate) fn seats(request: chat::ReassertRequest) -> Result<(String, Vec<Seat>), Fault> {
    if request.seats.len() > SEATS_AT_ONCE {
        return Err(Fault::invalid("too-many-entries").field("seats").arg("max", SEATS_AT_ONCE));
    }
    let seats = request
        .seats
        .into_iter()
        .map(|seat| Ok(Seat { caller: caller(seat.caller)?, name: character(&seat.name)?, room: room(&seat.room)? }));
    Ok((gateway(request.gateway)?, seats.collect::<Result<_, Fault>>()?))
}

fn gateway(name: String) -> Result<String, Fault> {
    if name.is_empty() { Err(Fault::invalid("field-missing").field("gateway")) } else { Ok(name) }
}

/// Reads a room's name.
pub(crate) fn room(text: &str) -> Result<RoomId, Fault> {
    RoomId::parse(text).ok_or_else(|| Fault::invalid("room-form").field("room"))
}

/// Reads which room is left; `None` for whichever it is.
pub(crate) fn room_left(text: &str) -> Result<Option<RoomId>, Fault> {
    if text.is_empty() { Ok(None) } else { room(text).map(Some) }
}

/// Reads the room a client says it was in. A client's memory may be of anything: what is no room's name is no wish.
pub(crate) fn wanted_room(text: &str) -> Option<RoomId> {
    RoomId::parse(text)
}

/// Reads a line that wants to be said.
pub(crate) fn said(caller: Caller, request: &chat::SendRequest) -> Result<Said, Fault> {
    let text = Text::parse(&request.text).map_err(|error| match error {
        InvalidText::Empty => Fault::invalid("text-empty").field("text"),
        InvalidText::TooLong => Fault::invalid("text-too-long").field("text").arg("max", MAX_CHARS),
    })?;
    let (name, room, key) = (character(&request.name)?, room(&request.room)?, key(&request.key)?);
    Ok(Said { caller, name, room, text, key, unlimited: request.unlimited })
}

/// Reads what of a log is wanted.
pub(crate) fn asked(caller: Caller, request: &chat::HistoryRequest) -> Result<Asked, Fault> {
    // An epoch we never gave out is one that is gone.
    let epoch = (!request.epoch.is_empty()).then(|| request.epoch.parse().unwrap_or(u64::MAX));
    Ok(Asked { caller, room: room(&request.room)?, after: request.after.unwrap_or(0), epoch })
}

fn key(text: &str) -> Result<Option<String>, Fault> {
    match text.chars().count() {
        0 => Ok(None),
        1..=MAX_KEY_CHARS => Ok(Some(text.to_owned())),
        _ => Err(Fault::invalid("key-form").field("key")),
    }
}

fn character(text: &str) -> Result<CharacterName, Fault> {
    CharacterName::parse(text).map_err(|_wrong_form| Fault::invalid("character-form").field("name"))
}

// === out ===

/// How a room stands, for a member.
pub(crate) fn standing(room: &Standing) -> chat::Room {
    chat::Room {
        id: room.room.to_string(),
        epoch: room.head.epoch.to_string(),
        head: room.head.offset,
        count: room.count,
        capacity: room.capacity,
    }
}

/// A stretch of a room's log, for a member.
pub(crate) fn history(room: &RoomId, page: Page) -> chat::HistoryResponse {
    let Standing { head, count, .. } = page.standing;
    let epoch = head.epoch.to_string();
    let messages = page.entries.into_iter().filter_map(|entry| message(room, &epoch, entry)).collect();
    chat::HistoryResponse { messages, head: head.offset, recovered: page.recovered, epoch, count }
}

/// What a room is told, for its log and the bus.
pub(crate) fn envelope(publisher: &str, news: News<'_>) -> Bytes {
    let envelope = Envelope {
        version: ENVELOPE_VERSION,
        publisher: publisher.to_owned(),
        trace: trace::of_message(),
        body: Some(match news {
            News::Said { from, text } => Body::Message(ChatMessage {
                from: from.to_owned(),
                text: text.into_string(),
                kind: ChatKind::Say.into(),
                ..ChatMessage::default()
            }),
            News::Joined { name } => Body::Presence(presence(Some(name), None)),
            News::Left { name } => Body::Presence(presence(None, Some(name))),
            News::Counted => Body::Presence(presence(None, None)),
        }),
        ..Envelope::default()
    };
    envelope.encode_to_vec().into()
}

fn presence(joined: Option<&str>, left: Option<&str>) -> ChatPresence {
    ChatPresence {
        capacity: CAPACITY,
        joined: joined.map(str::to_owned),
        left: left.map(str::to_owned),
        ..ChatPresence::default()
    }
}

/// An entry of a log with its place filled in; `None`, and counted, when it is nothing this program can read.
fn message(room: &RoomId, epoch: &str, entry: Entry) -> Option<ChatMessage> {
    let Some(Body::Message(message)) = Envelope::decode(entry.payload).ok().and_then(|envelope| envelope.body) else {
        metrics::counter!("chat_entries_unreadable_total").increment(1);
        return None;
    };
    Some(ChatMessage {
        room: room.to_string(),
        epoch: epoch.to_owned(),
        offset: entry.offset,
        at: i64::try_from(entry.at_ms).unwrap_or(i64::MAX),
        ..message
    })
}
