//! What a handler answers, and what happens after the answer has been given.

use proto::battle::v1::Battle;
use proto::user::v1;
use serde::Serialize;
use service_kit::Fault;

use crate::shape::json;

/// A handler's answer.
pub(crate) type Outcome = Result<Reply, Fault>;

/// A result and what follows it.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The text of a JSON object.
    pub(crate) result: String,
    /// What happens once it has been sent.
    pub(crate) then: Then,
}

/// What happens once an answer has been sent.
#[derive(Debug, PartialEq)]
pub(crate) enum Then {
    /// Nothing.
    Stay,
    /// The answer waits until the end of the player's battle has been told.
    AfterEnd,
    /// The client becomes the player of this session.
    Enter(Box<v1::Session>),
    /// The player follows this battle.
    Follow(Box<Battle>),
    /// The player becomes a guest.
    BecomeGuest,
    /// The client is sent away for good.
    Dismiss,
}

impl Reply {
    /// Answers with this and nothing more.
    pub(crate) fn of(result: &impl Serialize) -> Self {
        Self { result: json(result), then: Then::Stay }
    }

    /// Answers with nothing but that it was done.
    pub(crate) fn done() -> Self {
        Self { result: "{}".to_owned(), then: Then::Stay }
    }

    /// And then?
    pub(crate) fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }
}
