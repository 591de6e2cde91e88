//! The one taxonomy of faults.
//!
//! A [`Fault`] says what kind of failure it is, which text describes it (a message key, never a sentence: sentences are
//! made at the edge, in the player's language), and what a caller may do about it. It travels between services as a
//! gRPC status and comes out of it whole, except for its cause, which is for this process's log alone.

mod kind;
mod status;

use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use kind::FaultKind;

/// Text that is nearly always a literal, but owned when it came over the wire.
pub type Word = Cow<'static, str>;

/// A failure as callers see it. Cheap to move and to clone.
#[derive(Clone)]
pub struct Fault(Box<Body>);

#[derive(Clone)]
struct Body {
    kind: FaultKind,
    key: Word,
    args: Vec<(Word, String)>,
    field: Option<Word>,
    reason: Option<Word>,
    retry_after: Option<Duration>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident;)*) => {
        impl Fault {
            $($(#[$doc])*
            #[must_use]
            pub fn $name(key: impl Into<Word>) -> Self {
                Self::new(FaultKind::$kind, key)
            })*
        }
    };
}

constructors! {
    /// The request itself is wrong, whatever the state of the system.
    invalid => InvalidArgument;
    /// Nobody we know, or no longer.
    unauthenticated => Unauthenticated;
    /// Known, and not allowed.
    denied => PermissionDenied;
    /// The thing named does not exist.
    not_found => NotFound;
    /// The thing to be made exists.
    exists => AlreadyExists;
    /// The state of the system forbids it now.
    precondition => FailedPrecondition;
    /// A position beyond what there is.
    out_of_range => OutOfRange;
    /// Lost to a concurrent change; trying again may succeed.
    aborted => Aborted;
    /// A limit is reached.
    exhausted => ResourceExhausted;
    /// Not something this program does.
    unimplemented => Unimplemented;
    /// Took longer than it may.
    too_late => DeadlineExceeded;
    /// A dependency is away; trying again later may succeed.
    unavailable => Unavailable;
}

impl Fault {
    /// A fault of `kind`, described by the text under `key`.
    #[must_use]
    pub fn new(kind: FaultKind, key: impl Into<Word>) -> Self {
        Self(Box::new(Body {
            kind,
            key: key.into(),
            args: Vec::new(),
            field: None,
            reason: None,
            retry_after: None,
            cause: None,
        }))
    }

    /// A fault of ours. Callers learn only that it happened; `cause` is logged when the fault leaves the process.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(FaultKind::Internal, "internal").caused_by(cause)
    }

    /// Adds a value that the text under the key may show.
    #[must_use]
    pub fn arg(mut self, name: impl Into<Word>, value: impl fmt::Display) -> Self {
        self.0.args.push((name.into(), value.to_string()));
        self
    }

    /// Names the field of the request that is at fault.
    #[must_use]
    pub fn field(mut self, field: impl Into<Word>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// Tells apart several causes of one kind, for programs.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<Word>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }

    /// Says when trying again makes sense.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    /// Keeps what went wrong underneath, for the log of this process.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(Arc::from(cause.into()));
        self
    }

    /// What kind of failure.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        self.0.kind
    }

    /// The key of the text that describes it.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.0.key
    }

    /// The values the text may show, in the order they were given.
    pub fn args(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.args.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    /// The field of the request at fault.
    #[must_use]
    pub fn at_field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The word that tells apart several causes of one kind.
    #[must_use]
    pub fn because(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// As [`FaultKind::is_temporary`].
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.kind().is_temporary()
    }

    /// As [`FaultKind::is_unanswered`].
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        self.kind().is_unanswered()
    }

    /// As [`FaultKind::is_ours`].
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.kind().is_ours()
    }

    /// How long to wait before trying again.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind(), self.key())?;
        if let Some(field) = self.at_field() {
            write!(f, " (field {field})")?;
        }
        self.args().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fault({self}")?;
        if let Some(reason) = self.because() {
            write!(f, ", reason {reason}")?;
        }
        if let Some(cause) = &self.0.cause {
            write!(f, ", cause {cause:?}")?;
        }
        f.write_str(")")
    }
}

impl From<Infallible> for Fault {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_what_where_and_with_which_values() {
        let fault = Fault::invalid("name-too-long").field("username").arg("max", 16);
        assert_eq!(fault.to_string(), "invalid_argument: name-too-long (field username) max=16");
        assert_eq!(fault.at_field(), Some("username"));
        assert_eq!(fault.args().collect::<Vec<_>>(), [("max", "16")]);
    }

    #[test]
    fn the_cause_is_for_the_log_and_not_for_callers() {
        let fault = Fault::internal("disk on fire");
        assert_eq!(fault.to_string(), "internal: internal");
        assert!(fault.source().is_some_and(|cause| cause.to_string() == "disk on fire"));
        assert!(format!("{fault:?}").contains("disk on fire"));
    }
}
