//! Who arrives: the `auth` of a handshake, checked and looked up.

use std::time::Duration;

use proto::user::v1::{AuthenticateRequest, Session};
use service_kit::{Fault, FaultKind};
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::clients::{self, present};
use crate::delivery::{Line, Manner};
use crate::gateway::Gateway;
use crate::payload::{self, Handshake, Resume};

/// How long an arrival waits for services that are away, all in all.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long somebody waits yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience(Instant);

/// What a handshake comes to.
pub(crate) enum Arrival {
    /// No token: somebody who may sign up or in.
    Guest,
    /// A player, and where they left off.
    Player(Box<Session>, Option<Resume>, Patience),
    /// A final verdict.
    Refused(Fault),
    /// Nobody could say; the client should come again.
    Nobody,
}

/// Checks a handshake.
pub(crate) async fn answer(gateway: &Gateway, line: &Line, auth: Option<&str>) -> Arrival {
    let handshake: Handshake = match payload::parse(auth.unwrap_or("{}")) {
        Ok(handshake) => handshake,
        Err(fault) => return Arrival::Refused(fault),
    };
    line.speak(Manner { lang: handshake.lang.unwrap_or_default(), style: handshake.style });
    let Some(token) = handshake.token else { return Arrival::Guest };
    let patience = Patience::begin();
    match patience.insist(|| authenticate(gateway, &token)).await {
        Ok(session) => Arrival::Player(Box::new(session), handshake.resume, patience),
        Err(fault) if is_final(fault.kind()) => Arrival::Refused(fault),
        Err(fault) => {
            tracing::warn!(error = ?fault, "handshake not answered");
            Arrival::Nobody
        }
    }
}

impl Patience {
    /// That of one who arrives now.
    pub(crate) fn begin() -> Self {
        Self(Instant::now() + PATIENCE)
    }

    /// Tries for as long as there is patience, while trying again can help.
    pub(crate) async fn insist<T, W>(self, mut attempt: impl FnMut() -> W) -> Result<T, Fault>
    where
        W: Future<Output = Result<T, Fault>>,
    {
        let Self(end) = self;
        let mut backoff = Backoff::new();
        loop {
            match tokio::time::timeout_at(end, attempt()).await {
                Ok(Err(fault)) if fault.is_temporary() && Instant::now() < end => backoff.wait().await,
                Ok(outcome) => return outcome,
                Err(_elapsed) => return Err(Fault::too_late("deadline-exceeded")),
            }
        }
    }
}

async fn authenticate(gateway: &Gateway, token: &str) -> Result<Session, Fault> {
    let request = AuthenticateRequest { token: token.to_owned() };
    present(clients::answer(gateway.clients.user().authenticate(request).await)?.session, "session")
}

/// Whether it is a verdict about who comes. After any other the client comes again.
fn is_final(kind: FaultKind) -> bool {
    match kind {
        FaultKind::InvalidArgument | FaultKind::Unauthenticated | FaultKind::PermissionDenied => true,
        FaultKind::NotFound
        | FaultKind::AlreadyExists
        | FaultKind::FailedPrecondition
        | FaultKind::OutOfRange
        | FaultKind::Aborted
        | FaultKind::ResourceExhausted
        | FaultKind::Unimplemented
        | FaultKind::DeadlineExceeded
        | FaultKind::Unavailable
        | FaultKind::Internal => false,
    }
}
