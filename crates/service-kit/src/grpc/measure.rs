//! One histogram for calls made and one for calls answered, by method and code.

use http::Response;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};

/// The label shared by calls of what nobody serves, and of those that weren't let in: their paths come from outside and are
/// without number.
const UNKNOWN: &str = "unknown";

/// Times a call from here until its answer begins.
pub(super) struct Measure {
    metric: &'static str,
    path: String,
    began: Instant,
}

impl Measure {
    /// A call that begins now. `path` is `/package.Service/Method`.
    pub(super) fn begin(metric: &'static str, path: &str) -> Self {
        Self { metric, path: path.to_owned(), began: Instant::now() }
    }

    /// A call from outside that begins now, of nobody knows what until it is [let in](Self::let_in).
    pub(super) fn begin_unknown(metric: &'static str) -> Self {
        Self::begin(metric, UNKNOWN)
    }

    /// The call has shown that it may ask for `path`.
    pub(super) fn let_in(&mut self, path: &str) {
        path.clone_into(&mut self.path);
    }

    /// The call's answer has begun.
    pub(super) fn end(self, answer: &Response<Body>) {
        let code = Status::from_header_map(answer.headers()).map_or(Code::Ok, |status| status.code());
        self.record(code);
    }

    /// The call has failed without an answer.
    pub(super) fn fail(self, status: &Status) {
        self.record(status.code());
    }

    fn record(self, code: Code) {
        let seconds = self.began.elapsed().as_secs_f64();
        let path = if code == Code::Unimplemented { UNKNOWN.to_owned() } else { self.path };
        metrics::histogram!(self.metric, "method" => path, "code" => name(code)).record(seconds);
    }
}

const fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "cancelled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}
