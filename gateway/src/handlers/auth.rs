//! Accounts and sessions.

use proto::user::v1::{
    DeleteAccountRequest, RefreshSessionRequest, Session as SessionMessage, SignInRequest, SignOutRequest,
    SignUpRequest,
};
use serde::Serialize;
use service_kit::Fault;

use super::player;
use crate::clients::{answer, hashing, present};
use crate::lang::Words;
use crate::payload::{self, Payload};
use crate::reply::{Outcome, Reply, Then};
use crate::session::{Lifetime, Session};
use crate::shape::CharacterShape;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignedIn<'a> {
    token: &'a str,
    expires_at: i64,
    character: CharacterShape<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refreshed {
    token: String,
    expires_at: i64,
}

pub(crate) async fn sign_up(session: &mut Session, payload: &Payload) -> Outcome {
    let wanted: payload::SignUp = payload.parse()?;
    let request = SignUpRequest {
        username: wanted.username,
        password: wanted.password,
        character: wanted.character,
        address: session.address.clone(),
        key: payload.key().unwrap_or_default().to_owned(),
    };
    let made = answer(session.gateway.clients.user().sign_up(hashing(request)).await)?;
    enter(made.session, session.line.words())
}

pub(crate) async fn sign_in(session: &mut Session, payload: &Payload) -> Outcome {
    let wanted: payload::SignIn = payload.parse()?;
    let request =
        SignInRequest { username: wanted.username, password: wanted.password, address: session.address.clone() };
    let found = answer(session.gateway.clients.user().sign_in(hashing(request)).await)?;
    enter(found.session, session.line.words())
}

pub(crate) async fn refresh(session: &mut Session, payload: &Payload) -> Outcome {
    let payload::Nothing {} = payload.parse()?;
    let request = RefreshSessionRequest { caller: Some(player(session)?.caller.clone()) };
    let fresh = answer(session.gateway.clients.user().refresh_session(request).await)?;
    session.refreshed(Lifetime::of(fresh.expires_at, fresh.expires_in_ms));
    Ok(Reply::of(&Refreshed { token: fresh.token, expires_at: fresh.expires_at }))
}

pub(crate) async fn sign_out(session: &mut Session, payload: &Payload) -> Outcome {
    let payload::Nothing {} = payload.parse()?;
    let request = SignOutRequest { caller: Some(player(session)?.caller.clone()) };
    let mut user = session.gateway.clients.user();
    session.aside(async { answer(user.sign_out(request).await) }).await?;
    Ok(Reply::done().then(Then::BecomeGuest))
}

pub(crate) async fn delete(session: &mut Session, payload: &Payload) -> Outcome {
    let wanted: payload::DeleteAccount = payload.parse()?;
    let caller = Some(player(session)?.caller.clone());
    let request = DeleteAccountRequest { caller, password: wanted.password };
    let mut user = session.gateway.clients.user();
    session.aside(async { answer(user.delete_account(hashing(request)).await) }).await?;
    Ok(Reply::done().then(Then::Dismiss))
}

fn enter(session: Option<SessionMessage>, words: &Words) -> Outcome {
    let session = present(session, "session")?;
    let character = session.character.as_ref().ok_or_else(|| Fault::internal("session without character"))?;
    let result = SignedIn {
        token: &session.token,
        expires_at: session.expires_at,
        character: CharacterShape::of(character, words),
    };
    Ok(Reply::of(&result).then(Then::Enter(Box::new(session))))
}
