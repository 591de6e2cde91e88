//! Who acts when an operator's call changes something.

use std::sync::Arc;

use http::Extensions;

use crate::Fault;

/// The operator whose secret a call showed; it is among the extensions of requests to admin services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator(pub Arc<str>);

impl Operator {
    /// The name under which a change is recorded: that of the secret shown, which the request may repeat; without
    /// secrets (on the loopback alone) the one the request gives.
    ///
    /// # Errors
    /// Of the field `operator`: `permission_denied` when the request names somebody else, `invalid_argument` when
    /// nobody is named at all.
    pub fn acting(extensions: &Extensions, named: &str) -> Result<Self, Fault> {
        match extensions.get::<Self>() {
            Some(operator) if named.is_empty() || *operator.0 == *named => Ok(operator.clone()),
            Some(_) => Err(Fault::denied("permission-denied").field("operator")),
            None if named.is_empty() => Err(Fault::invalid("missing").field("operator")),
            None => Ok(Self(named.into())),
        }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FaultKind;

    #[test]
    fn a_secret_s_name_counts_and_cannot_be_another() {
        let (mut ann, nobody) = (Extensions::new(), Extensions::new());
        ann.insert(Operator("ann".into()));
        for named in ["", "ann"] {
            assert_eq!(Operator::acting(&ann, named).unwrap().name(), "ann");
        }
        assert_eq!(Operator::acting(&nobody, "bob").unwrap().name(), "bob");
        for (extensions, named, kind) in
            [(&ann, "bob", FaultKind::PermissionDenied), (&nobody, "", FaultKind::InvalidArgument)]
        {
            let fault = Operator::acting(extensions, named).unwrap_err();
            assert_eq!((fault.kind(), fault.at_field()), (kind, Some("operator")));
        }
    }
}
