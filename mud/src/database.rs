//! The database as the operators' commands open it: for a moment, beside a server or without one.

use std::time::Duration;

use anyhow::Context;
use service_kit::TaskGroup;
use service_kit::settings::{Check, DatabaseArgs, DatabaseUrl, Faults, LogArgs};
use service_kit::telemetry::{self, LogSettings};
use user_svc::store::{Clock, Store};

/// How long writes under way may take when a command is done.
const GRACE: Duration = Duration::from_secs(10);

/// Flags of every command that opens the database.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DatabaseTools {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    log: LogArgs,
}

/// Which database, and what is logged meanwhile.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) url: DatabaseUrl,
    log: LogSettings,
}

/// An open database and the tasks that work on it.
pub(crate) struct Open {
    pub(crate) store: Store,
    pub(crate) tasks: TaskGroup,
}

impl Check for DatabaseTools {
    type Checked = Database;

    fn check(self, faults: &mut Faults) -> Option<Database> {
        let (url, log) = (self.database.check(faults), self.log.check(faults));
        Some(Database { url: url?, log: log? })
    }
}

impl Database {
    /// Starts the log and opens the database, after bringing it up to date if `migrate` says so.
    ///
    /// # Errors
    /// When it can't be opened.
    pub(crate) async fn open(&self, migrate: bool) -> anyhow::Result<Open> {
        telemetry::init(&self.log);
        let tasks = TaskGroup::new();
        let store = Store::open(&url_text(&self.url), migrate, Clock::system(), tasks.clone()).await?;
        Ok(Open { store, tasks })
    }

    /// Starts the log and brings the database up to date.
    ///
    /// # Errors
    /// When it can't be opened, or a migration fails.
    pub(crate) async fn migrate(&self) -> anyhow::Result<()> {
        telemetry::init(&self.log);
        Ok(user_svc::store::migrate(&url_text(&self.url)).await?)
    }
}

/// The URL as user-svc reads it.
pub(crate) fn url_text(url: &DatabaseUrl) -> String {
    match url {
        DatabaseUrl::Sqlite(path) => format!("sqlite://{path}"),
        DatabaseUrl::Mysql(url) => url.clone(),
    }
}

impl Open {
    /// Waits for what is under way.
    ///
    /// # Errors
    /// When something had to be cut off.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.tasks.end(GRACE).await.context("closing the database")
    }
}
