//! One server per database, where the servers don't know of each other. Two of them would each run every battle and give
//! one frame two contents, so a server holds a lock for as long as it lives: beside a file, or on the database's server.
//! The system takes the lock away when the process is gone, however it went. Servers that share a Redis share the lock
//! beside a file; on a database's server there is none to share.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use service_kit::settings::DatabaseUrl;
use service_kit::{Shutdown, TaskGroup};
use user_svc::store::{SoleServer, once_there};

use crate::Settings;
use crate::database::has_directory;

/// The right to serve a database, until it is dropped or, where a task keeps it, the tasks end.
#[derive(Debug)]
#[must_use = "a lock that is dropped keeps nobody away"]
pub(crate) struct ServerLock(#[expect(dead_code, reason = "held, never read")] Option<File>);

impl ServerLock {
    /// Takes the right to serve the database of these settings, as soon as its server is there. Without it the program
    /// can't go on: when it is lost to another server, `tasks` lose a vital one.
    ///
    /// # Errors
    /// When another server has the lock, or the system refuses it.
    pub(crate) async fn take(settings: &Settings, tasks: &TaskGroup) -> anyhow::Result<Self> {
        has_directory(&settings.database)?;
        match (&settings.redis, &settings.database) {
            (_, DatabaseUrl::Sqlite(path)) if path == ":memory:" => Ok(Self(None)),
            (None, DatabaseUrl::Sqlite(path)) => beside(path, File::try_lock),
            (Some(_), DatabaseUrl::Sqlite(path)) => beside(path, File::try_lock_shared),
            (Some(_), DatabaseUrl::Mysql(_)) => Ok(Self(None)),
            (None, DatabaseUrl::Mysql(url)) => {
                let sole = once_there(|| SoleServer::take(url)).await;
                let sole = sole.with_context(|| format!("database {}", settings.database))?;
                tasks.spawn_vital("server-lock", keep(sole, tasks.stopping()));
                Ok(Self(None))
            }
        }
    }
}

/// Holds the lock until the tasks are told to end and everything that writes has been drained.
async fn keep(sole: SoleServer, stop: Shutdown) {
    tokio::select! {
        () = sole.kept() => tracing::error!("another mud serves this database"),
        () = stop.wait() => {}
    }
}

/// The lock beside a file; it is made when it is missing.
fn beside(database: &str, lock_it: fn(&File) -> Result<(), TryLockError>) -> anyhow::Result<ServerLock> {
    let lock = lock_path(Path::new(database));
    let file = open(&lock).with_context(|| format!("cannot open {}", lock.display()))?;
    match lock_it(&file) {
        Ok(()) => Ok(ServerLock(Some(file))),
        Err(TryLockError::WouldBlock) => bail!("database {database}: another mud serves this database"),
        Err(TryLockError::Error(cause)) => Err(cause).with_context(|| format!("cannot lock {}", lock.display())),
    }
}

/// Beside the file itself, even when the path leads there through a link: two names of one file share a lock.
fn lock_path(database: &Path) -> PathBuf {
    let mut path = fs::canonicalize(database).unwrap_or_else(|_missing| database.to_owned()).into_os_string();
    path.push(".lock");
    path.into()
}

fn open(lock: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(path: &Path) -> anyhow::Result<ServerLock> {
        beside(&path.display().to_string(), File::try_lock)
    }

    #[test]
    fn there_is_one_at_a_time_and_then_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("mud.db");
        let first = take(&database).unwrap();
        let refused = take(&database).unwrap_err().to_string();
        assert!(refused.ends_with("/mud.db: another mud serves this database"), "{refused}");
        drop(first);
        let _next = take(&database).unwrap();
    }

    #[test]
    fn those_that_share_a_redis_share_it_and_one_that_is_alone_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("mud.db");
        let share = || beside(&database.display().to_string(), File::try_lock_shared);
        let several = [share().unwrap(), share().unwrap()];
        assert!(take(&database).is_err());
        drop(several);
        let _alone = take(&database).unwrap();
        assert!(share().is_err());
    }

    #[test]
    fn a_link_leads_to_the_same_lock() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("mud.db"), directory.path().join("link.db"));
        File::create(&file).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let _first = take(&file).unwrap();
        assert!(take(&link).is_err());
    }
}
