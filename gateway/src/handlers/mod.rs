//! What carries events out: decode, act by a service, answer. Nothing here emits, waits for frames, or knows sockets.

pub(crate) mod auth;
pub(crate) mod battle;
pub(crate) mod character;
pub(crate) mod chat;

use service_kit::Fault;

use crate::session::{Player, Session};

/// The player of a session.
pub(crate) fn player(session: &Session) -> Result<&Player, Fault> {
    session.player.as_ref().ok_or_else(|| Fault::unauthenticated("sign-in-first").reason("guest"))
}
