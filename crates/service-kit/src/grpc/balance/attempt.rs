//! One try of a call at one address.

use std::sync::Arc;

use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::ServiceExt;

use super::failure::Failure;
use super::peers::{Peer, Peers, Standing};
use crate::Fault;

/// The largest answer that is read whole before it is passed on; four times what a client takes by default.
const LARGEST_ANSWER: usize = 16 << 20;

/// How a call may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::grpc) enum Manner {
    /// What was carried out must not be carried out again.
    Once,
    /// A repeat changes nothing: an answer counts only when it is there as a whole, and one that fails to come from an
    /// address that is away is not waited for longer than a check would wait.
    Repeatable,
}

impl Manner {
    /// That of a method of which this is said.
    pub(super) const fn of(repeatable: bool) -> Self {
        if repeatable { Self::Repeatable } else { Self::Once }
    }
}

/// Tries a call at an address.
pub(super) async fn attempt(
    peers: &Peers,
    peer: &Arc<Peer>,
    request: Request<Body>,
    manner: Manner,
) -> Result<Response<Body>, Failure> {
    let _underway = peer.underway();
    let sent = peer.channel().oneshot(request);
    let outcome = match manner {
        Manner::Once => sent.await.map_err(Failure::broken),
        Manner::Repeatable => tokio::select! {
            outcome = whole(sent) => outcome,
            () = peers.away(peer) => Err(Failure::answered(Fault::unavailable("unavailable").into())),
        },
    };
    if outcome.as_ref().is_err_and(|failure| failure.refused) {
        peers.note(peer, Standing::Away);
    }
    outcome
}

/// An answer to its end; one that says `unavailable` is a failure.
async fn whole(
    sent: impl Future<Output = Result<Response<Body>, tonic::transport::Error>>,
) -> Result<Response<Body>, Failure> {
    let (head, body) = sent.await.map_err(Failure::broken)?.into_parts();
    let body = Limited::new(body, LARGEST_ANSWER).collect().await;
    let body = body.map_err(|broken| Failure::answered(Status::from_error(broken)))?;
    let status = body.trailers().and_then(Status::from_header_map).or_else(|| Status::from_header_map(&head.headers));
    match status {
        Some(status) if status.code() == Code::Unavailable => Err(Failure::answered(status)),
        _ => Ok(Response::from_parts(head, Body::new(body))),
    }
}
