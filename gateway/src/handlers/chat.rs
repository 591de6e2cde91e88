//! Talk.

use std::sync::Arc;

use proto::chat::v1::SendRequest;
use serde::Serialize;
use service_kit::Fault;

use super::player;
use crate::chair::Chair;
use crate::clients::answer;
use crate::payload::{self, Payload};
use crate::reply::{Outcome, Reply};
use crate::session::Session;
use crate::shape::MessageShape;

#[derive(Serialize)]
struct Sent<'a> {
    room: &'a str,
    epoch: String,
    offset: u64,
}

#[derive(Serialize)]
struct Read<'a> {
    room: &'a str,
    epoch: &'a str,
    messages: Vec<MessageShape<'a>>,
    head: u64,
    recovered: bool,
}

pub(crate) async fn send(session: &mut Session, payload: &Payload) -> Outcome {
    let said: payload::Say = payload.parse()?;
    let (player, chair) = (player(session)?, chair(session)?);
    let request = SendRequest {
        caller: Some(player.caller.clone()),
        room: chair.room.clone(),
        name: player.name.clone(),
        text: said.text,
        key: payload.key().unwrap_or_default().to_owned(),
        unlimited: !session.gateway.settings.limited,
    };
    let gateway = &session.gateway;
    let send = || async { answer(gateway.clients.chat().send(request.clone()).await) };
    let sent = gateway.rooms.as_member(chair, send).await?;
    Ok(Reply::of(&Sent { room: &chair.room, epoch: sent.epoch, offset: sent.offset }))
}

pub(crate) async fn history(session: &mut Session, payload: &Payload) -> Outcome {
    let wanted: payload::History = payload.parse()?;
    let chair = chair(session)?;
    let read = session.gateway.rooms.history(chair, wanted.after, wanted.epoch.unwrap_or_default()).await?;
    Ok(Reply::of(&Read {
        room: &chair.room,
        epoch: &read.epoch,
        messages: read.messages.iter().map(MessageShape::of).collect(),
        head: read.head,
        recovered: read.recovered,
    }))
}

fn chair(session: &Session) -> Result<&Arc<Chair>, Fault> {
    player(session)?.chair.as_ref().ok_or_else(|| Fault::precondition("not-in-room").reason("not_in_room"))
}
