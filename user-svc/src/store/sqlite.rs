//! SQLite: one file, one writer, several readers beside it.
//!
//! Write-ahead logging lets readers go on while the one write connection commits. `synchronous = NORMAL` gives every
//! commit to the operating system before it is answered, which outlives the death of this process at any moment; only
//! a power failure may take the last commits with it, and even then the file stays whole.

use diesel::connection::SimpleConnection;
use diesel::{Connection, ConnectionError, ConnectionResult, SqliteConnection};
use diesel_async::pooled_connection::bb8::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use diesel_async::{AsyncConnection, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Clock, PATIENCE, SetupError, StoreError, Txn};

/// The connection that the queries of `queries/` are written for.
pub(super) type Conn = SyncConnectionWrapper<SqliteConnection>;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations/sqlite");

const PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
     PRAGMA foreign_keys = ON; PRAGMA cache_size = -16000;";

/// Readers at the same time. A read is short; more would only wait for the same two or three cores.
const READERS: u32 = 4;

/// An open database file.
pub(super) struct Sqlite {
    readers: Pool<Conn>,
    /// Exactly one connection: SQLite has one writer at a time, and a queue here is fairer than a lock there.
    writer: Pool<Conn>,
}

/// One unit of work on a connection.
pub(super) type Work<T> = dyn for<'c> Fn(Txn<'c, Conn>) -> BoxFuture<'c, diesel::QueryResult<T>> + Send + Sync;

impl Sqlite {
    pub(super) async fn open(path: &str) -> Result<Self, SetupError> {
        Ok(Self { readers: pool(path, READERS).await?, writer: pool(path, 1).await? })
    }

    /// One statement, outside a transaction.
    pub(super) async fn read<T>(&self, clock: &Clock, work: &Work<T>) -> Result<T, StoreError> {
        let mut conn = self.readers.get().await.map_err(away)?;
        Ok(work(Txn { conn: &mut conn, now: clock.now() }).await?)
    }

    /// Several statements that see the same moment.
    pub(super) async fn view<T: Send>(&self, clock: &Clock, work: &Work<T>) -> Result<T, StoreError> {
        let mut conn = self.readers.get().await.map_err(away)?;
        Ok(conn.transaction(async |conn| work(Txn { conn, now: clock.now() }).await).await?)
    }

    /// A transaction that may write. It takes the lock before it reads, so that nothing it read can change under
    /// it, and looks at the clock after that, so that what waited longer is not earlier.
    pub(super) async fn write<T: Send>(&self, clock: &Clock, work: &Work<T>) -> Result<T, StoreError> {
        let mut conn = self.writer.get().await.map_err(away)?;
        Ok(conn.immediate_transaction(async |conn| work(Txn { conn, now: clock.now() }).await).await?)
    }
}

/// Brings the file's tables up to date. Blocks; one migrator at a time, whoever comes second waits and finds it done.
pub(super) fn migrate(path: &str) -> Result<(), SetupError> {
    let mut conn = SqliteConnection::establish(path)?;
    conn.batch_execute(PRAGMAS)?;
    conn.immediate_transaction(|conn| conn.run_pending_migrations(MIGRATIONS).map(drop).map_err(SetupError::Migration))
}

async fn pool(path: &str, size: u32) -> Result<Pool<Conn>, SetupError> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(|path| connect(path).boxed());
    let manager = AsyncDieselConnectionManager::new_with_config(path, config);
    Ok(Pool::builder().connection_timeout(PATIENCE).max_size(size).min_idle(Some(size)).build(manager).await?)
}

async fn connect(path: &str) -> ConnectionResult<Conn> {
    let mut conn = Conn::establish(path).await?;
    conn.batch_execute(PRAGMAS).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
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

/// The queries, compiled for this connection.
pub(super) mod queries {
    use super::Conn;
    type Txn<'c> = crate::store::Txn<'c, Conn>;

    compile_queries!(account, bag, battle, character, floor, ledger, once, progress, retention, ruleset, seed, session);
}
