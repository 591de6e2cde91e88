//! Characters.

use proto::user::v1::GetCharacterRequest;
use proto::user::v1::get_character_request::By;
use serde::Serialize;

use super::player;
use crate::clients::{answer, present};
use crate::payload::{self, Payload};
use crate::reply::{Outcome, Reply};
use crate::session::Session;
use crate::shape::CharacterShape;

#[derive(Serialize)]
struct Got<'a> {
    character: CharacterShape<'a>,
}

pub(crate) async fn get(session: &mut Session, payload: &Payload) -> Outcome {
    let payload::Nothing {} = payload.parse()?;
    let player = player(session)?;
    let by = Some(By::AccountId(player.caller.account_id.clone()));
    let found = answer(session.gateway.clients.user().get_character(GetCharacterRequest { by }).await)?;
    let character = present(found.character, "character")?;
    let standing = player.follow.as_ref().and_then(|follow| follow.standing());
    Ok(Reply::of(&Got { character: CharacterShape::of(&character, session.line.words()).in_battle(standing) }))
}
