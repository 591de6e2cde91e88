//! What can go wrong at the store, and what a caller makes of it.

use diesel::result::{DatabaseErrorKind, Error as Diesel};
use service_kit::Fault;

/// What a broken unique index means: part of its column's name, and the fault it stands for.
pub(crate) type Meaning = (&'static str, fn() -> Fault);

/// What SQLite says of troubles that pass, for which it has no kind of its own: a lock it did not get, and a disk that
/// takes nothing for now. Whoever saves must keep what it has until the disk takes it again.
const PASSING: [&str; 3] = ["locked", "database or disk is full", "disk I/O error"];

/// A failed operation.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique index refused a row: the name of the index' column, `table.column`.
    #[error("{0} is taken")]
    Taken(String),
    /// Lost to another writer, or the database or its disk is away for the moment.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The work was cut: it panicked, or the program is ending.
    #[error("the operation was cut off: {0}")]
    Cut(Fault),
    /// Anything else: a fault of ours or of the disk.
    #[error("the database failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Gives a broken unique index the fault that it means; everything else is a fault of its own.
    pub(crate) fn on_unique(self, meanings: &[Meaning]) -> Fault {
        if let Self::Taken(column) = &self
            && let Some((_, fault)) = meanings.iter().find(|(index, _)| column.contains(index))
        {
            return fault();
        }
        self.into()
    }

    /// Whether the same operation may succeed when tried again at once.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Busy(_))
    }
}

impl From<Diesel> for StoreError {
    fn from(error: Diesel) -> Self {
        use DatabaseErrorKind::{ClosedConnection, SerializationFailure, UniqueViolation};
        let Diesel::DatabaseError(kind, info) = &error else { return Self::Failed(Box::new(error)) };
        let said = info.message().to_owned();
        if matches!(kind, UniqueViolation) {
            Self::Taken(said)
        } else if matches!(kind, SerializationFailure | ClosedConnection) || PASSING.iter().any(|p| said.contains(p)) {
            Self::Busy(said)
        } else {
            Self::Failed(Box::new(error))
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy(_) => Self::unavailable("store-busy").caused_by(error),
            StoreError::Cut(fault) => fault,
            StoreError::Taken(_) | StoreError::Failed(_) => Self::internal(error),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        Self::Cut(fault)
    }
}

#[cfg(test)]
mod tests {
    use service_kit::FaultKind;

    use super::*;

    #[test]
    fn a_disk_in_trouble_is_told_as_passing() {
        for said in ["disk I/O error", "database or disk is full", "database is locked", "database table is locked"] {
            let error = Diesel::DatabaseError(DatabaseErrorKind::Unknown, Box::new(said.to_owned()));
            assert_eq!(Fault::from(StoreError::from(error)).kind(), FaultKind::Unavailable, "{said}");
        }
        let torn =
            Diesel::DatabaseError(DatabaseErrorKind::Unknown, Box::new("database disk image is malformed".to_owned()));
        assert_eq!(Fault::from(StoreError::from(torn)).kind(), FaultKind::Internal);
    }
}
