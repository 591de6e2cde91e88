//! What can go wrong at the store, and what a caller makes of it.

use diesel::result::{DatabaseErrorKind, Error as Diesel};
use service_kit::Fault;

/// What a broken unique index means: part of its name or its column's, and the fault it stands for.
pub(crate) type Meaning = (&'static str, fn() -> Fault);

/// What SQLite says of troubles that pass, for which diesel has no kind of its own: a lock it did not get, and a disk
/// that takes nothing for now. Whoever saves must keep what it has until the disk takes it again.
const PASSING_ON_SQLITE: [&str; 3] = ["locked", "database or disk is full", "disk I/O error"];

/// The same of MySQL: a lock that was given to another, a statement that was stopped, a disk without room. Diesel keeps
/// its words only, not their number.
const PASSING_ON_MYSQL: [&str; 5] =
    ["Deadlock found", "Lock wait timeout exceeded", "Query execution was interrupted", "Disk full", "is full"];

/// What MySQL and the way to it say of a server that goes away, is away, or takes nothing for now: because it was made
/// a replica, or a node of its cluster isn't in step.
const AWAY: [&str; 7] = [
    "Input/output error: ",
    "Connection to the server is closed",
    "Connection was killed",
    "shutdown in progress",
    "Too many connections",
    "read-only option",
    "WSREP has not yet prepared node",
];

/// What is said of a table that isn't there, by SQLite and by MySQL.
const NO_TABLE: [&str; 2] = ["no such table", "doesn't exist"];

/// A failed operation.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique index refused a row: the name of the index, or its column as `table.column`.
    #[error("{0} is taken")]
    Taken(String),
    /// Lost to another writer, or the disk takes nothing for the moment.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The database's server went away, or takes nothing for now; nothing was done. Another connection may lead to one
    /// that does.
    #[error("the connection to the database was lost: {0}")]
    Lost(String),
    /// There was no connection to be had in time.
    #[error("the database is away: {0}")]
    Away(String),
    /// The database gave no answer in time, or its answer was lost: whether a write was done is not known, and done again
    /// it might be done twice.
    #[error("the database did not answer: {0}")]
    Unanswered(String),
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

    /// A failed commit: when it was the way to the database that failed, nobody knows what became of the transaction.
    pub(super) fn at_commit(error: Diesel) -> Self {
        let failed = Self::from(error);
        if let Self::Busy(said) | Self::Lost(said) = failed { Self::Unanswered(said) } else { failed }
    }

    /// Whether a table asked for isn't there.
    pub(super) fn names_no_table(&self) -> bool {
        let Self::Failed(cause) = self else { return false };
        let said = cause.to_string();
        NO_TABLE.iter().any(|missing| said.contains(missing))
    }

    /// Whether the same operation may succeed when tried again at once.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Lost(_))
    }
}

impl From<Diesel> for StoreError {
    fn from(error: Diesel) -> Self {
        use DatabaseErrorKind::{ClosedConnection, SerializationFailure, UniqueViolation};
        let Diesel::DatabaseError(kind, info) = &error else { return Self::Failed(Box::new(error)) };
        let said = info.message().to_owned();
        if matches!(kind, UniqueViolation) {
            Self::Taken(index(&said).to_owned())
        } else if matches!(kind, ClosedConnection) || is_away(&said) {
            Self::Lost(said)
        } else if matches!(kind, SerializationFailure) || passes(&said) {
            Self::Busy(said)
        } else {
            Self::Failed(Box::new(error))
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy(_) | StoreError::Unanswered(_) => Self::unavailable("store-busy").caused_by(error),
            // That it is away is told once, by its watch.
            StoreError::Lost(_) | StoreError::Away(_) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "operation without database");
                Self::unavailable("store-busy")
            }
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

/// Whether this is said of a trouble that passes.
pub(super) fn passes(said: &str) -> bool {
    PASSING_ON_SQLITE.iter().chain(&PASSING_ON_MYSQL).chain(&AWAY).any(|passing| said.contains(passing))
}

/// Whether it is a server that is away.
fn is_away(said: &str) -> bool {
    AWAY.iter().any(|away| said.contains(away))
}

/// What a message says of the broken index. MySQL's begins with the row's own words, in which anything may stand.
fn index(said: &str) -> &str {
    said.rsplit_once(" for key ").map_or(said, |(_, index)| index)
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

    #[test]
    fn a_lost_way_to_the_database_passes_but_not_at_a_commit() {
        let lost = || {
            let said = "Input/output error: Connection reset by peer (os error 104)".to_owned();
            Diesel::DatabaseError(DatabaseErrorKind::Unknown, Box::new(said))
        };
        assert!(StoreError::from(lost()).is_passing());
        let open = StoreError::at_commit(lost());
        assert!(!open.is_passing(), "{open:?}");
        assert_eq!(Fault::from(open).kind(), FaultKind::Unavailable);
    }

    #[test]
    fn a_server_that_takes_nothing_for_now_is_away() {
        let away = [
            "The MariaDB server is running with the --read-only option so it cannot execute this statement",
            "The MySQL server is running with the --super-read-only option so it cannot execute this statement",
            "WSREP has not yet prepared node for application use",
        ];
        for said in away {
            let error = Diesel::DatabaseError(DatabaseErrorKind::Unknown, Box::new(said.to_owned()));
            let error = StoreError::from(error);
            assert!(matches!(error, StoreError::Lost(_)), "{error:?}");
            assert_eq!(Fault::from(error).kind(), FaultKind::Unavailable, "{said}");
        }
    }

    #[test]
    fn what_a_player_wrote_is_no_index() {
        let said = "Duplicate entry 'live_character for key name_key' for key 'account_username_key'".to_owned();
        let taken = StoreError::from(Diesel::DatabaseError(DatabaseErrorKind::UniqueViolation, Box::new(said)));
        let meanings: [Meaning; 2] =
            [("live_character", || Fault::exists("in-battle")), ("username_key", || Fault::exists("username-taken"))];
        assert_eq!(taken.on_unique(&meanings).key(), "username-taken");
    }
}
