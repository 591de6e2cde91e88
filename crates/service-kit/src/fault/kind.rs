//! The words for kinds of failure, and their two tables: one to gRPC codes, one back.

use std::fmt;

use tonic::Code;

/// The kinds of failure. Each is one gRPC code and one word on the players' wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The request itself is wrong, whatever the state of the system.
    InvalidArgument,
    /// Nobody we know, or no longer.
    Unauthenticated,
    /// Known, and not allowed.
    PermissionDenied,
    /// The thing named does not exist.
    NotFound,
    /// The thing to be made exists.
    AlreadyExists,
    /// The state of the system forbids it now.
    FailedPrecondition,
    /// A position beyond what there is.
    OutOfRange,
    /// Lost to a concurrent change.
    Aborted,
    /// A limit is reached.
    ResourceExhausted,
    /// Not something this program does.
    Unimplemented,
    /// Took longer than it may; it may have happened all the same.
    DeadlineExceeded,
    /// A dependency is away.
    Unavailable,
    /// A fault of ours.
    Internal,
}

impl FaultKind {
    /// Every kind, for tables and their tests.
    pub const ALL: [Self; 13] = [
        Self::InvalidArgument,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::NotFound,
        Self::AlreadyExists,
        Self::FailedPrecondition,
        Self::OutOfRange,
        Self::Aborted,
        Self::ResourceExhausted,
        Self::Unimplemented,
        Self::DeadlineExceeded,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The word players' programs see: a gRPC status name in lower snake case.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::FailedPrecondition => "failed_precondition",
            Self::OutOfRange => "out_of_range",
            Self::Aborted => "aborted",
            Self::ResourceExhausted => "resource_exhausted",
            Self::Unimplemented => "unimplemented",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// Whether the very same may be done a little later: nothing is wrong with it but the moment. What was lost to a
    /// concurrent change isn't: whoever asked for it has to look anew first.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        match self {
            Self::ResourceExhausted | Self::DeadlineExceeded | Self::Unavailable => true,
            Self::InvalidArgument
            | Self::Unauthenticated
            | Self::PermissionDenied
            | Self::NotFound
            | Self::AlreadyExists
            | Self::FailedPrecondition
            | Self::OutOfRange
            | Self::Aborted
            | Self::Unimplemented
            | Self::Internal => false,
        }
    }

    /// Whether nobody says what came of it: it may not have happened, or may have all the same.
    #[must_use]
    pub const fn is_unanswered(self) -> bool {
        match self {
            Self::DeadlineExceeded | Self::Unavailable => true,
            Self::InvalidArgument
            | Self::Unauthenticated
            | Self::PermissionDenied
            | Self::NotFound
            | Self::AlreadyExists
            | Self::FailedPrecondition
            | Self::OutOfRange
            | Self::Aborted
            | Self::ResourceExhausted
            | Self::Unimplemented
            | Self::Internal => false,
        }
    }

    /// Whether it is the house's own: whether something was done is uncertain then. Any other is the doing of whoever
    /// asked, and nothing was done.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        match self {
            Self::DeadlineExceeded | Self::Unavailable | Self::Internal => true,
            Self::InvalidArgument
            | Self::Unauthenticated
            | Self::PermissionDenied
            | Self::NotFound
            | Self::AlreadyExists
            | Self::FailedPrecondition
            | Self::OutOfRange
            | Self::Aborted
            | Self::ResourceExhausted
            | Self::Unimplemented => false,
        }
    }

    /// The gRPC code this kind travels as.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::InvalidArgument => Code::InvalidArgument,
            Self::Unauthenticated => Code::Unauthenticated,
            Self::PermissionDenied => Code::PermissionDenied,
            Self::NotFound => Code::NotFound,
            Self::AlreadyExists => Code::AlreadyExists,
            Self::FailedPrecondition => Code::FailedPrecondition,
            Self::OutOfRange => Code::OutOfRange,
            Self::Aborted => Code::Aborted,
            Self::ResourceExhausted => Code::ResourceExhausted,
            Self::Unimplemented => Code::Unimplemented,
            Self::DeadlineExceeded => Code::DeadlineExceeded,
            Self::Unavailable => Code::Unavailable,
            Self::Internal => Code::Internal,
        }
    }

    /// What a code from another process means here.
    ///
    /// `Unknown` is what a client reports when a peer died in the middle of an answer: a dependency that is away.
    /// `Cancelled` is what the gRPC library says of a call whose deadline passed, and nothing else here cancels calls.
    #[must_use]
    pub const fn from_code(code: Code) -> Self {
        match code {
            Code::InvalidArgument => Self::InvalidArgument,
            Code::Unauthenticated => Self::Unauthenticated,
            Code::PermissionDenied => Self::PermissionDenied,
            Code::NotFound => Self::NotFound,
            Code::AlreadyExists => Self::AlreadyExists,
            Code::FailedPrecondition => Self::FailedPrecondition,
            Code::OutOfRange => Self::OutOfRange,
            Code::Aborted => Self::Aborted,
            Code::ResourceExhausted => Self::ResourceExhausted,
            Code::Unimplemented => Self::Unimplemented,
            Code::DeadlineExceeded | Code::Cancelled => Self::DeadlineExceeded,
            Code::Unavailable | Code::Unknown => Self::Unavailable,
            Code::Internal | Code::DataLoss | Code::Ok => Self::Internal,
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_back_from_its_code() {
        for kind in FaultKind::ALL {
            assert_eq!(FaultKind::from_code(kind.code()), kind);
        }
    }

    #[test]
    fn what_is_unanswered_is_ours_and_may_be_asked_again() {
        for kind in FaultKind::ALL.into_iter().filter(|kind| kind.is_unanswered()) {
            assert!(kind.is_ours() && kind.is_temporary(), "{kind}");
        }
    }

    #[test]
    fn what_libraries_say_has_a_meaning_here() {
        assert_eq!(FaultKind::from_code(Code::Unknown), FaultKind::Unavailable);
        assert_eq!(FaultKind::from_code(Code::Cancelled), FaultKind::DeadlineExceeded);
    }
}
