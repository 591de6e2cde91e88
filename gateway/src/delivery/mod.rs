//! The only code that emits to sockets.
//!
//! A [`Line`] is the way to one client. Everything for it passes its outbox, which keeps little enough in flight that
//! the transport library never has to refuse, and which tells frames as one when a client can't keep up.

mod digest;
mod line;
mod outbox;

pub(crate) use line::{EngineSocket, Line, Manner, Place};
pub(crate) use outbox::Track;
