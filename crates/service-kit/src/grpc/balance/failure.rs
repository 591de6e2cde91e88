//! What went wrong with one try of a call, and whether the other side can have begun to carry it out.

use std::error::Error;

use tonic::{ConnectError, Status};

/// A try that failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// What the caller gets if there is no other try.
    pub(super) status: Status,
    /// Whether the call may have got there. If not, it certainly has not been carried out.
    pub(super) reached: bool,
    /// Whether there is nobody at the address at all.
    pub(super) refused: bool,
}

impl Failure {
    /// The connection failed under the call.
    pub(super) fn broken(error: tonic::transport::Error) -> Self {
        let refused = chain(&error).any(|error| error.is::<ConnectError>());
        let unsent = chain(&error).any(unsent);
        Self { status: Status::from_error(error.into()), reached: !refused && !unsent, refused }
    }

    /// The other side answered, or broke off its answer, with this.
    pub(super) const fn answered(status: Status) -> Self {
        Self { status, reached: true, refused: false }
    }
}

/// An error and its causes.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// Whether this is HTTP/2's word that the request was never taken up: the connection was closing before it was sent, or
/// the peer said which requests it still takes, and this one came after (RFC 9113, 6.8 and 8.7).
fn unsent(error: &(dyn Error + 'static)) -> bool {
    if let Some(hyper) = error.downcast_ref::<hyper::Error>() {
        return hyper.is_canceled();
    }
    error.downcast_ref::<h2::Error>().is_some_and(|h2| {
        let parting = h2.is_go_away() && h2.reason() == Some(h2::Reason::NO_ERROR);
        let refused = h2.is_reset() && h2.reason() == Some(h2::Reason::REFUSED_STREAM);
        h2.is_remote() && (parting || refused)
    })
}
