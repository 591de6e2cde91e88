//! A fault's form on the gRPC wire: a status with `google.rpc` details, there and back without loss.
//!
//! `ErrorInfo` carries the reason and, as metadata, the message key and its values; `BadRequest` the field;
//! `RetryInfo` the delay. The cause does not travel, so it is logged here, at the door it would be lost at.

use std::collections::HashMap;

use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};

use super::{Fault, FaultKind, Word};

const DOMAIN: &str = "mud";
const KEY: &str = "key";
const ARG: &str = "arg.";

impl From<Fault> for Status {
    fn from(fault: Fault) -> Self {
        log_cause(&fault);
        let message = match fault.at_field() {
            Some(field) => format!("{}: {field}", fault.key()),
            None => fault.key().to_owned(),
        };
        Self::with_error_details(fault.kind().code(), message, details(&fault))
    }
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let kind = FaultKind::from_code(status.code());
        let mut fault = Self::new(kind, default_key(kind));
        if let Some(info) = details.error_info().filter(|info| info.domain == DOMAIN) {
            fault = with_info(fault, &info.reason, &info.metadata);
        }
        if let Some(violation) = details.bad_request().and_then(|bad| bad.field_violations.first()) {
            fault = fault.field(violation.field.clone());
        }
        fault.0.retry_after = details.retry_info().and_then(|info| info.retry_delay);
        if matches!(kind, FaultKind::Internal | FaultKind::Unavailable) && details.error_info().is_none() {
            // Not one of ours: a transport or a library spoke, and its words are all there is to find it by.
            fault = fault.caused_by(status);
        }
        fault
    }
}

fn log_cause(fault: &Fault) {
    let Some(error) = &fault.0.cause else { return };
    let (kind, key) = (fault.kind().word(), fault.key());
    if fault.kind() == FaultKind::Internal {
        tracing::error!(fault.kind = kind, fault.key = key, ?error, "call failed");
    } else {
        tracing::warn!(fault.kind = kind, fault.key = key, ?error, "call failed");
    }
}

fn details(fault: &Fault) -> ErrorDetails {
    let mut metadata = HashMap::from([(KEY.to_owned(), fault.key().to_owned())]);
    metadata.extend(fault.args().map(|(name, value)| (format!("{ARG}{name}"), value.to_owned())));
    let mut details = ErrorDetails::with_error_info(fault.because().unwrap_or_default(), DOMAIN, metadata);
    if let Some(field) = fault.at_field() {
        details.add_bad_request_violation(field, fault.key());
    }
    if let Some(delay) = fault.retry_delay() {
        details.set_retry_info(Some(delay));
    }
    details
}

fn with_info(mut fault: Fault, reason: &str, metadata: &HashMap<String, String>) -> Fault {
    if let Some(key) = metadata.get(KEY) {
        fault.0.key = Word::Owned(key.clone());
    }
    let mut args: Vec<_> =
        metadata.iter().filter_map(|(name, value)| name.strip_prefix(ARG).map(|name| (name, value))).collect();
    args.sort_unstable();
    fault = args.into_iter().fold(fault, |fault, (name, value)| fault.arg(name.to_owned(), value));
    if reason.is_empty() { fault } else { fault.reason(reason.to_owned()) }
}

/// The text for a status that came without one of our keys.
const fn default_key(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::InvalidArgument => "invalid-argument",
        FaultKind::Unauthenticated => "unauthenticated",
        FaultKind::PermissionDenied => "permission-denied",
        FaultKind::NotFound => "not-found",
        FaultKind::AlreadyExists => "already-exists",
        FaultKind::FailedPrecondition => "failed-precondition",
        FaultKind::OutOfRange => "out-of-range",
        FaultKind::Aborted => "aborted",
        FaultKind::ResourceExhausted => "resource-exhausted",
        FaultKind::Unimplemented => "unimplemented",
        FaultKind::DeadlineExceeded => "deadline-exceeded",
        FaultKind::Unavailable => "unavailable",
        FaultKind::Internal => "internal",
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::time::Duration;

    use tonic::Code;

    use super::*;

    #[test]
    fn a_fault_survives_the_wire_whole() {
        let sent = Fault::exhausted("too-fast")
            .field("text")
            .reason("flood")
            .arg("limit", 5)
            .arg("window", "10s")
            .retry_after(Duration::from_millis(1_500));
        let got = Fault::from(Status::from(sent.clone()));
        assert_eq!(got.to_string(), sent.to_string());
        assert_eq!(got.because(), Some("flood"));
        assert_eq!(got.retry_delay(), Some(Duration::from_millis(1_500)));
    }

    #[test]
    fn every_kind_travels_as_its_code() {
        for kind in FaultKind::ALL {
            let status = Status::from(Fault::new(kind, "some-key"));
            assert_eq!(status.code(), kind.code());
            assert_eq!(Fault::from(status).kind(), kind);
        }
    }

    #[test]
    fn a_strangers_status_gets_a_key_and_keeps_its_words_for_the_log() {
        let fault = Fault::from(Status::new(Code::Unknown, "error reading a body from connection"));
        assert_eq!(fault.kind(), FaultKind::Unavailable);
        assert_eq!(fault.key(), "unavailable");
        assert!(fault.source().is_some_and(|cause| cause.to_string().contains("reading a body")));
    }

    #[test]
    fn a_cause_never_reaches_the_wire() {
        let status = Status::from(Fault::internal("password table missing"));
        assert!(!format!("{:?} {:?}", status.message(), status.details()).contains("password table"));
    }
}
