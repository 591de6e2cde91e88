//! The one way a backplane fails: it is away.

use std::error::Error;

use service_kit::Fault;

/// The shared server did not answer, or not in time. What was asked may or may not have happened.
#[derive(Debug, thiserror::Error)]
#[error("backplane: {operation} failed")]
pub struct BackplaneFault {
    operation: &'static str,
    #[source]
    cause: Box<dyn Error + Send + Sync>,
}

/// What every operation answers.
pub type Result<T> = std::result::Result<T, BackplaneFault>;

impl BackplaneFault {
    /// `operation` failed because of `cause`.
    pub fn new(operation: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { operation, cause: cause.into() }
    }

    /// What was asked for.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }
}

impl From<BackplaneFault> for Fault {
    fn from(fault: BackplaneFault) -> Self {
        Self::unavailable("backplane-away").caused_by(fault)
    }
}

#[cfg(test)]
mod tests {
    use service_kit::FaultKind;

    use super::*;

    #[test]
    fn it_is_a_dependency_that_is_away() {
        let fault = Fault::from(BackplaneFault::new("append", "connection refused"));
        assert_eq!(fault.kind(), FaultKind::Unavailable);
        let cause = fault.source().unwrap();
        assert_eq!(cause.to_string(), "backplane: append failed");
        assert_eq!(cause.source().unwrap().to_string(), "connection refused");
    }
}
