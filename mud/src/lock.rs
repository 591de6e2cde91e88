//! One server per database file. Two of them would each run every battle and give one frame two contents, so a server
//! holds a lock beside the file for as long as it lives. The system takes the lock away when the process is gone,
//! however it went.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use service_kit::settings::DatabaseUrl;

/// The right to serve a database, until it is dropped.
#[derive(Debug)]
#[must_use = "a lock that is dropped keeps nobody away"]
pub(crate) struct ServerLock(#[expect(dead_code, reason = "held, never read")] Option<File>);

impl ServerLock {
    /// Takes the right to serve this database. A server of databases counts its programs itself, so there is a lock
    /// only for a file; it is made, directory and all, when it is missing.
    ///
    /// # Errors
    /// When another server has the lock, or the system refuses it.
    pub(crate) fn take(database: &DatabaseUrl) -> anyhow::Result<Self> {
        let DatabaseUrl::Sqlite(path) = database else { return Ok(Self(None)) };
        if path == ":memory:" {
            return Ok(Self(None));
        }
        let lock = lock_path(Path::new(path));
        let file = open(&lock).with_context(|| format!("cannot open {}", lock.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(Some(file))),
            Err(TryLockError::WouldBlock) => bail!("another mud serves this database: {path}"),
            Err(TryLockError::Error(cause)) => Err(cause).with_context(|| format!("cannot lock {}", lock.display())),
        }
    }
}

/// Beside the file itself, even when the path leads there through a link: two names of one file share a lock.
fn lock_path(database: &Path) -> PathBuf {
    let mut path = fs::canonicalize(database).unwrap_or_else(|_missing| database.to_owned()).into_os_string();
    path.push(".lock");
    path.into()
}

fn open(lock: &Path) -> std::io::Result<File> {
    if let Some(directory) = lock.parent() {
        fs::create_dir_all(directory)?;
    }
    OpenOptions::new().create(true).truncate(false).write(true).open(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &Path) -> DatabaseUrl {
        DatabaseUrl::Sqlite(path.display().to_string())
    }

    #[test]
    fn there_is_one_at_a_time_and_then_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let database = url(&directory.path().join("new/mud.db"));
        let first = ServerLock::take(&database).unwrap();
        let refused = ServerLock::take(&database).unwrap_err().to_string();
        assert!(refused.starts_with("another mud serves this database: ") && refused.ends_with("mud.db"), "{refused}");
        drop(first);
        let _next = ServerLock::take(&database).unwrap();
    }

    #[test]
    fn a_link_leads_to_the_same_lock() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("mud.db"), directory.path().join("link.db"));
        File::create(&file).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let _first = ServerLock::take(&url(&file)).unwrap();
        assert!(ServerLock::take(&url(&link)).is_err());
    }

    #[test]
    fn a_server_of_databases_has_none() {
        let database = DatabaseUrl::parse("mysql://u:p@h/n").unwrap();
        let _both = (ServerLock::take(&database).unwrap(), ServerLock::take(&database).unwrap());
    }
}
