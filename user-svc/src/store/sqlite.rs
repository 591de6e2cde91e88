//! SQLite: one file, one writer, several readers beside it.
//!
//! Write-ahead logging lets readers go on while the one write connection commits. `synchronous = NORMAL` gives every
//! commit to the operating system before it is answered, which outlives the death of this process at any moment; only
//! a power failure may take the last commits with it, and even then the file stays whole.

use std::error::Error;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::{Connection, ConnectionError, ConnectionResult, QueryResult, SqliteConnection};
use diesel_async::pooled_connection::bb8::{Pool, PooledConnection};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::sync_connection_wrapper::{SpawnBlocking, SyncConnectionWrapper};
use diesel_async::{AsyncConnection, TransactionManager};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use futures::FutureExt;
use futures::future::{self, BoxFuture};
use tokio::runtime::Handle;

use super::{Clock, PATIENCE, SetupError, StoreError, Txn};

/// The connection that the queries of `queries/` are written for.
pub(super) type Conn = SyncConnectionWrapper<SqliteConnection, InPlace>;

/// Runs each statement where it stands. A whole operation has a thread to itself that may block (see [`run`]): handing
/// over every single statement to such a thread and back takes several times as long as the statement.
pub(super) struct InPlace;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations/sqlite");

const PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
     PRAGMA foreign_keys = ON; PRAGMA cache_size = -16000;";

/// How often, and after which pause, a new file's migrator asks for write-ahead logging again.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// Readers at the same time. A read is short; more would only wait for the same two or three cores.
const READERS: u32 = 4;

/// An open database file.
pub(super) struct Sqlite {
    readers: Pool<Conn>,
    /// Exactly one connection: SQLite has one writer at a time, and a queue here is fairer than a lock there.
    writer: Pool<Conn>,
}

/// Where an operation's statements stand.
#[derive(Clone, Copy)]
enum Around {
    /// There is only one.
    Nothing,
    /// They see one moment.
    Snapshot,
    /// They take the lock before they read, so that nothing they read can change under them.
    Lock,
}

impl Sqlite {
    pub(super) async fn open(path: &str) -> Result<Self, SetupError> {
        Ok(Self { readers: pool(path, READERS).await?, writer: pool(path, 1).await? })
    }

    /// One statement, outside a transaction.
    pub(super) async fn read<T, W>(&self, clock: &Clock, work: W) -> Result<T, StoreError>
    where
        W: for<'c> FnOnce(Txn<'c, Conn>) -> BoxFuture<'c, QueryResult<T>> + Send + 'static,
        T: Send + 'static,
    {
        run(&self.readers, Around::Nothing, clock, work).await
    }

    /// Several statements that see the same moment.
    pub(super) async fn view<T, W>(&self, clock: &Clock, work: W) -> Result<T, StoreError>
    where
        W: for<'c> FnOnce(Txn<'c, Conn>) -> BoxFuture<'c, QueryResult<T>> + Send + 'static,
        T: Send + 'static,
    {
        run(&self.readers, Around::Snapshot, clock, work).await
    }

    /// A transaction that may write.
    pub(super) async fn write<T, W>(&self, clock: &Clock, work: W) -> Result<T, StoreError>
    where
        W: for<'c> FnOnce(Txn<'c, Conn>) -> BoxFuture<'c, QueryResult<T>> + Send + 'static,
        T: Send + 'static,
    {
        run(&self.writer, Around::Lock, clock, work).await
    }
}

impl Around {
    const fn begin(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Snapshot => Some("BEGIN DEFERRED"),
            Self::Lock => Some("BEGIN IMMEDIATE"),
        }
    }
}

impl Txn<'_, Conn> {
    /// The operation's moment. The writer has its lock by then: what waited longer is not earlier.
    async fn now(&mut self) -> QueryResult<i64> {
        Ok(*self.now.get_or_insert_with(|| self.clock.now()))
    }
}

impl SpawnBlocking for InPlace {
    fn spawn_blocking<'a, R: Send + 'static>(
        &mut self,
        statement: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn Error + Send + Sync>>> {
        future::ready(Ok(statement())).boxed()
    }

    fn get_runtime() -> Self {
        Self
    }
}

/// Carries out an operation on a thread that may block, from its first statement to its last.
async fn run<T, W>(pool: &Pool<Conn>, around: Around, clock: &Clock, work: W) -> Result<T, StoreError>
where
    W: for<'c> FnOnce(Txn<'c, Conn>) -> BoxFuture<'c, QueryResult<T>> + Send + 'static,
    T: Send + 'static,
{
    let mut conn: PooledConnection<'static, Conn> = pool.get_owned().await.map_err(away)?;
    let (clock, here) = (clock.clone(), Handle::current());
    let whole = move || here.block_on(perform(&mut conn, around, &clock, work));
    let done = tokio::task::spawn_blocking(whole).await;
    Ok(done.map_err(|panic| StoreError::Failed(Box::new(panic)))??)
}

async fn perform<T, W>(conn: &mut Conn, around: Around, clock: &Clock, work: W) -> QueryResult<T>
where
    W: for<'c> FnOnce(Txn<'c, Conn>) -> BoxFuture<'c, QueryResult<T>>,
{
    type Manager = <Conn as AsyncConnection>::TransactionManager;
    let Some(begin) = around.begin() else { return work(Txn::new(conn, clock)).await };
    conn.spawn_blocking(move |conn| AnsiTransactionManager::begin_transaction_sql(conn, begin)).await?;
    match work(Txn::new(conn, clock)).await {
        Ok(value) => Manager::commit_transaction(conn).await.map(|()| value),
        Err(error) => {
            // A full disk makes SQLite roll back by itself, after which there is nothing left to roll back. The pool
            // drops a connection whose transaction is in doubt; the caller needs to know what came first.
            if let Err(undone) = Manager::rollback_transaction(conn).await {
                tracing::warn!(error = %undone, "transaction not rolled back");
            }
            Err(error)
        }
    }
}

/// Brings the file's tables up to date; makes the file when there is none. One migrator at a time: whoever comes second
/// waits and finds it done.
pub(super) async fn migrate(path: &str) -> Result<(), SetupError> {
    let path = path.to_owned();
    let migration = move || {
        make_private(&path);
        let mut conn = SqliteConnection::establish(&path)?;
        first_to_write_ahead(&mut conn)?;
        conn.immediate_transaction(|conn| {
            conn.run_pending_migrations(MIGRATIONS).map(drop).map_err(SetupError::Migration)
        })
    };
    tokio::task::spawn_blocking(migration).await?
}

/// Makes a file that isn't there for its owner alone: it will hold hashes of passwords. What SQLite puts beside it gets the
/// same rights.
fn make_private(path: &str) {
    // Whatever is wrong with the path SQLite says when it opens it.
    _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
}

/// Two that bring a new file to write-ahead logging at the same moment wait for each other, which SQLite sees and tells
/// one of them at once, whatever `busy_timeout` says: that one finds it done a moment later.
#[expect(clippy::disallowed_methods, reason = "on a thread that may block; SQLite has no event to wait for")]
fn first_to_write_ahead(conn: &mut SqliteConnection) -> QueryResult<()> {
    for _ in 0..TRIES {
        match conn.batch_execute(PRAGMAS) {
            Err(error) if error.to_string().contains("locked") => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
    conn.batch_execute(PRAGMAS)
}

async fn pool(path: &str, size: u32) -> Result<Pool<Conn>, SetupError> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(|path| connect(path).boxed());
    let manager = AsyncDieselConnectionManager::new_with_config(path, config);
    Ok(Pool::builder().connection_timeout(PATIENCE).max_size(size).min_idle(Some(size)).build(manager).await?)
}

async fn connect(path: &str) -> ConnectionResult<Conn> {
    let path = path.to_owned();
    let connected = tokio::task::spawn_blocking(move || {
        let mut conn = SqliteConnection::establish(&path)?;
        conn.batch_execute(PRAGMAS).map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(Conn::new(conn))
    });
    connected.await.map_err(|panic| ConnectionError::BadConnection(panic.to_string()))?
}

fn away(error: impl std::fmt::Display) -> StoreError {
    StoreError::Busy(error.to_string())
}

/// Where MySQL locks the rows it reads, SQLite already has the whole file.
macro_rules! locked {
    ($query:expr) => {
        $query
    };
}

/// What an insert does nothing about is a row with the same value here.
macro_rules! conflict {
    ($column:expr) => {
        $column
    };
}

/// Many rows at once: SQLite takes them one by one, so they go to the connection's thread together.
macro_rules! insert_all {
    ($txn:expr, $table:expr, $rows:expr) => {{
        let rows = $rows;
        let insert = move |conn: &mut diesel::SqliteConnection| {
            diesel::RunQueryDsl::execute(diesel::insert_into($table).values(rows), conn)
        };
        $txn.conn.spawn_blocking(insert).await
    }};
}

/// The number that the row that was to be inserted has in this column.
macro_rules! given {
    ($table:ident, $column:ident) => {
        diesel::upsert::excluded($table::$column)
    };
}

/// Rows that are new, or raise those that are there as `$raise` says: a statement here is a function call.
macro_rules! raise_all {
    ($txn:expr, $table:expr, $rows:expr, $unique:expr, $raise:expr) => {{
        for row in $rows {
            let insert = diesel::insert_into($table).values(row).on_conflict($unique);
            diesel_async::RunQueryDsl::execute(insert.do_update().set($raise()), $txn.conn).await?;
        }
        Ok(())
    }};
}

/// The queries, compiled for this connection.
pub(super) mod queries {
    use super::Conn;
    type Txn<'c> = crate::store::Txn<'c, Conn>;

    compile_queries!(
        account, audit, bag, battle, character, clock, floor, ledger, once, progress, retention, ruleset, seed, session
    );
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use diesel_async::SimpleAsyncConnection;

    use super::*;

    async fn put(db: &Sqlite, id: &'static str, pack: Vec<u8>) -> Result<(), StoreError> {
        db.write(&Clock::system(), move |mut txn| {
            async move { queries::ruleset::put(&mut txn, id.into(), pack.into()).await }.boxed()
        })
        .await
    }

    #[tokio::test]
    async fn a_new_file_and_what_lies_beside_it_are_for_the_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = format!("{}/mud.db", directory.path().display());
        migrate(&path).await.unwrap();
        let db = Sqlite::open(&path).await.unwrap();
        put(&db, "1:00", vec![0; 1]).await.unwrap();
        let files: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(Result::unwrap).collect();
        assert_eq!(files.len(), 3, "{files:?}");
        for file in files {
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file:?}");
        }
    }

    #[tokio::test]
    async fn a_full_disk_passes_and_leaves_a_connection_that_writes() {
        let directory = tempfile::tempdir().unwrap();
        let path = format!("{}/mud.db", directory.path().display());
        migrate(&path).await.unwrap();
        let db = Sqlite::open(&path).await.unwrap();
        // Less than it has: no page more.
        db.writer.get().await.unwrap().batch_execute("PRAGMA max_page_count = 1").await.unwrap();
        let refused = put(&db, "1:00", vec![0; 1 << 20]).await.unwrap_err();
        assert!(refused.is_passing(), "{refused:?}");
        // The connection may have been replaced, and its limit with it.
        db.writer.get().await.unwrap().batch_execute("PRAGMA max_page_count = 100000").await.unwrap();
        put(&db, "1:00", vec![0; 1 << 20]).await.unwrap();
    }
}
