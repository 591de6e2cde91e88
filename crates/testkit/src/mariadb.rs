//! A MariaDB of this process's own, and databases on it; more of them for tests that do a server harm.
//!
//! Each is started when it is wanted, from nothing but the two programs `mariadb-install-db` and `mariadbd`,
//! in a new directory, in memory where there is such a place, and on a socket there; no server that is already running is
//! ever touched. It ends with the process, however that ends: its keeper is a shell that reads a pipe of ours to its end.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use tokio::sync::OnceCell;

use crate::eventually;

/// Installs and runs the server in a directory of its own until its standard input ends, then kills it: nothing of it is
/// worth the time of stopping it well. It says the directory's path first.
const KEEPER: &str = r#"
PATH="$PATH:/usr/sbin"
home=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) && echo "$home" && exec >"$home/log" 2>&1 || exit 1
export TMPDIR="$home" # a starting server sweeps away what others have in a shared one
trap 'rm -rf "$home"' EXIT
{
  mariadb-install-db --no-defaults --datadir="$home/data" --user="$(id -un)" --auth-root-authentication-method=normal \
    --skip-test-db --skip-name-resolve --innodb-log-file-size=4M &&
  exec mariadbd --no-defaults --datadir="$home/data" --user="$(id -un)" --socket="$home/socket" \
    --pid-file="$home/pid" --skip-networking --skip-name-resolve --max-connections=2000 --performance-schema=off \
    --innodb-log-file-size=4M --innodb-buffer-pool-size=32M --innodb-flush-log-at-trx-commit=2
} &
cat >/dev/null
kill -KILL $!
wait
"#;

/// What the server says of a connection that is gone since it was listed, as one that was just closed may be.
const ENDED_MEANWHILE: u16 = 1094;

/// How long installing and starting may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

static SERVER: OnceCell<Server> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A server.
#[derive(Debug)]
pub struct Server {
    home: String,
    /// Holds the pipe.
    _keeper: Child,
}

/// Makes an empty database on the server that all tests of this process share, and says its URL.
///
/// # Panics
/// When the server doesn't start; its log is told.
pub async fn database() -> String {
    SERVER.get_or_init(Server::start).await.database().await
}

/// Executes a statement on the database behind `url`.
///
/// # Panics
/// When the server refuses it.
pub async fn execute(url: &str, statement: &str) {
    let done = async {
        let mut conn = connect(url).await?;
        conn.query_drop(statement).await?;
        conn.disconnect().await
    };
    if let Err(refused) = done.await {
        panic!("{statement}: {refused}");
    }
}

/// Cuts every connection to the database behind `url`, as a restart of its server would.
///
/// # Panics
/// When the server refuses.
pub async fn cut_connections(url: &str) {
    let others = "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()";
    let cut = async {
        let mut conn = connect(url).await?;
        for id in conn.query::<u64, _>(others).await? {
            match conn.query_drop(format!("KILL {id}")).await {
                Err(mysql_async::Error::Server(refused)) if refused.code == ENDED_MEANWHILE => {}
                killed => killed?,
            }
        }
        conn.disconnect().await
    };
    if let Err(refused) = cut.await {
        panic!("cutting connections: {refused}");
    }
}

impl Server {
    /// Starts one for a single test.
    ///
    /// # Panics
    /// When it doesn't start; its log is told.
    pub async fn start() -> Self {
        let (home, keeper) = start_keeper();
        let server = Self { home, _keeper: keeper };
        let url = server.url("");
        eventually("MariaDB answers", PATIENCE, || async {
            match connect(&url).await {
                Ok(conn) => conn.disconnect().await.map_err(|error| error.to_string()),
                Err(error) => Err(format!("{error}\n{}", server.log())),
            }
        })
        .await;
        server
    }

    /// Makes an empty database and says its URL.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn database(&self) -> String {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        execute(&self.url(""), &format!("CREATE DATABASE {name}")).await;
        self.url(&name)
    }

    /// The same for somebody who may do everything with that database and nothing else on the server.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn users_database(&self) -> String {
        let url = self.database().await;
        execute(&url, "CREATE USER IF NOT EXISTS mud@localhost").await;
        execute(&url, "GRANT ALL ON `test\\_%`.* TO mud@localhost").await;
        url.replacen("root@", "mud@", 1)
    }

    /// Takes writes, or takes them from its administrator alone, as a replica does.
    ///
    /// # Panics
    /// When it refuses.
    pub async fn set_read_only(&self, read_only: bool) {
        execute(&self.url(""), &format!("SET GLOBAL read_only = {read_only}")).await;
    }

    fn url(&self, database: &str) -> String {
        format!("mysql://root@localhost/{database}?socket={}/socket", self.home)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(format!("{}/log", self.home)).unwrap_or_else(|error| error.to_string())
    }
}

async fn connect(url: &str) -> mysql_async::Result<Conn> {
    Conn::new(Opts::from_url(url)?).await
}

#[expect(clippy::expect_used, reason = "a helper of tests fails the test")]
fn start_keeper() -> (String, Child) {
    let mut keeper = Command::new("sh")
        .args(["-c", KEEPER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("a shell");
    let said = keeper.stdout.take().expect("its output");
    let home = BufReader::new(said).lines().next().expect("a line").expect("text");
    (home, keeper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_database_is_empty_and_its_own() {
        let (one, other) = (database().await, database().await);
        for url in [&one, &other] {
            execute(url, "CREATE TABLE t (n INT)").await;
        }
        execute(&one, "INSERT INTO t VALUES (1)").await;
        let mut conn = connect(&other).await.unwrap();
        assert_eq!(conn.query_first::<u32, _>("SELECT COUNT(*) FROM t").await.unwrap(), Some(0));
    }
}
