//! Changing events that carry a `key` happen once: the first answer is kept and given again.
//!
//! Where it isn't certain whether something was done, the key stays taken until a repeat can't meet the first any more;
//! unless the service knows keys itself, and settles what a repeat is answered.

use futures::future::BoxFuture;
use proto::common::v1::Caller;
use proto::user::v1::{BeginOnceRequest, FinishOnceRequest};
use service_kit::Fault;

use crate::clients;
use crate::gateway::Gateway;
use crate::payload::Payload;
use crate::reply::{Outcome, Reply, Then};
use crate::session::Session;

/// What becomes of a key when nobody knows whether something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// It stays taken for a while.
    Waits,
    /// It is free: the service that is asked again knows.
    Settled,
}

/// Carries an event out, unless it was carried out under the same key before.
pub(crate) async fn once(
    session: &mut Session,
    event: &str,
    payload: &Payload,
    doubt: Doubt,
    handler: for<'a> fn(&'a mut Session, &'a Payload) -> BoxFuture<'a, Outcome>,
) -> Outcome {
    let (Some(key), Some(player)) = (payload.key(), &session.player) else {
        return handler(session, payload).await;
    };
    let (gateway, caller) = (std::sync::Arc::clone(&session.gateway), player.caller.clone());
    if let Some(result) = begin(&gateway, &caller, key, payload.digest(event)).await? {
        return Ok(Reply { result, then: Then::Stay });
    }
    let outcome = handler(session, payload).await;
    finish(&gateway, caller, key, doubt, &outcome).await;
    outcome
}

async fn begin(gateway: &Gateway, caller: &Caller, key: &str, digest: Vec<u8>) -> Result<Option<String>, Fault> {
    let request = BeginOnceRequest { caller: Some(caller.clone()), key: key.to_owned(), digest };
    let begun = clients::answer(gateway.clients.user().begin_once(request).await)?;
    begun.answer.map(|bytes| String::from_utf8(bytes).map_err(Fault::internal)).transpose()
}

/// Keeps the answer, or gives the key up when nothing was done.
async fn finish(gateway: &Gateway, caller: Caller, key: &str, doubt: Doubt, outcome: &Outcome) {
    let kept = match outcome {
        Ok(reply) => Some(reply.result.clone().into_bytes()),
        Err(fault) if fault.is_ours() && doubt == Doubt::Waits => return,
        Err(_) => None,
    };
    let request = FinishOnceRequest { caller: Some(caller), key: key.to_owned(), answer: kept };
    if let Err(fault) = clients::answer(gateway.clients.user().finish_once(request).await) {
        tracing::warn!(error = ?fault, "answer under a key not kept");
    }
}
