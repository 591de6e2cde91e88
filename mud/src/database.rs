//! The database as the operators' commands open it: for a moment, beside a server or without one.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use service_kit::TaskGroup;
use service_kit::settings::{Check, DatabaseArgs, DatabaseUrl, Faults, LogArgs};
use service_kit::telemetry::{self, LogSettings};
use user_svc::store::{Clock, Store};

use crate::terminal;

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
    /// Starts the log and opens the database, after making it or bringing it up to date if `migrate` says so.
    ///
    /// # Errors
    /// When it can't be opened, or is not there and not to be made.
    pub(crate) async fn open(&self, migrate: bool) -> anyhow::Result<Open> {
        telemetry::init(&self.log);
        if migrate {
            has_directory(&self.url)?;
        }
        let (url, tasks) = (self.url.expose(), TaskGroup::new());
        let store = Store::open(&url, migrate, Clock::system(), tasks.clone());
        let store = store.await.with_context(|| format!("database {}", self.url))?;
        Ok(Open { store, tasks })
    }

    /// Starts the log, brings the database up to date and says so.
    ///
    /// # Errors
    /// When it can't be opened, or a migration fails.
    pub(crate) async fn migrate(&self) -> anyhow::Result<()> {
        telemetry::init(&self.log);
        has_directory(&self.url)?;
        let migrated = user_svc::store::migrate(&self.url.expose()).await;
        migrated.with_context(|| format!("database {}", self.url))?;
        terminal::say(format_args!("database {} is up to date", self.url));
        Ok(())
    }
}

/// Sees to it that there is a directory for a file that is to be made. That of the default file is made; any other has to
/// be there, so that a slip of the pen makes no new world.
///
/// # Errors
/// When it is missing or can't be made.
pub(crate) fn has_directory(url: &DatabaseUrl) -> anyhow::Result<()> {
    let DatabaseUrl::Sqlite(path) = url else { return Ok(()) };
    let named = Path::new(path).parent().filter(|directory| !directory.as_os_str().is_empty());
    let Some(directory) = named else { return Ok(()) };
    if url.is_default() {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    }
    ensure!(directory.is_dir(), "database {path}: there is no directory {}", directory.display());
    Ok(())
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
