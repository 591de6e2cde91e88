//! MySQL and MariaDB: a server for many processes, locks by the row.
//!
//! A transaction that writes reads what is committed at each statement (`READ COMMITTED`), after it has locked the rows
//! it depends on, in the order of their ids; a deadlock that is left is told as passing, and the operation is done again.
//! One that only reads sees one moment. The clock is the server's, whichever process asks.

use std::time::Duration;

use diesel::sql_types::{BigInt, Integer, Nullable};
use diesel::{ConnectionResult, QueryResult, dsl::sql};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::pooled_connection::bb8::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AnsiTransactionManager, AsyncConnection, AsyncMysqlConnection};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection, TransactionManager};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Clock, PATIENCE, SetupError, StoreError, Txn};

/// The connection that the queries of `queries/` are written for.
pub(super) type Conn = AsyncMysqlConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations/mysql");

/// Nothing is cut to fit a column, nobody waits for a row longer than for a connection, and errors are told in the
/// language in which they are understood (see `error`).
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
     SESSION innodb_lock_wait_timeout = 5, SESSION lc_messages = 'en_US'";
const READER: &str = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";
const WRITER: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

const SNAPSHOT: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
const WRITE: &str = "START TRANSACTION READ WRITE";

/// Connections of each kind. A server has a few hundred for all processes.
const READERS: u32 = 8;
const WRITERS: u32 = 8;

/// The longest an operation takes; only a server that is frozen or cut off takes longer.
const LONGEST: Duration = Duration::from_secs(30);

/// Now, milliseconds since 1970 whatever the time zone.
const NOW: &str = "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)";

/// One migrator at a time; it lets go when its connection ends. Such locks have the whole server for their scope.
const MIGRATOR: &str = "GET_LOCK(LEFT(CONCAT('migrator of ', DATABASE()), 64), 60)";

/// A database on a server.
pub(super) struct Mysql {
    readers: Pool<Conn>,
    writers: Pool<Conn>,
}

impl Mysql {
    pub(super) async fn open(url: &str) -> Result<Self, SetupError> {
        Ok(Self { readers: pool(url, READERS, READER).await?, writers: pool(url, WRITERS, WRITER).await? })
    }

    /// One statement, outside a transaction.
    pub(super) async fn read<T, W>(&self, clock: &Clock, work: W) -> Result<T, StoreError>
    where
        W: for<'c> FnOnce(Txn<'c, Conn>) -> BoxFuture<'c, QueryResult<T>>,
    {
        let mut conn = self.readers.get().await.map_err(away)?;
        in_time(async { Ok(work(Txn::new(&mut conn, clock)).await?) }).await
    }

    /// Several statements that see the same moment.
    pub(super) async fn view<T, W>(&self, clock: &Clock, work: W) -> Result<T, StoreError>
    where
        W: for<'c> FnOnce(Txn<'c, Conn>) -> BoxFuture<'c, QueryResult<T>>,
    {
        let mut conn = self.readers.get().await.map_err(away)?;
        in_time(transact(&mut conn, SNAPSHOT, clock, work)).await
    }

    /// A transaction that may write.
    pub(super) async fn write<T, W>(&self, clock: &Clock, work: W) -> Result<T, StoreError>
    where
        W: for<'c> FnOnce(Txn<'c, Conn>) -> BoxFuture<'c, QueryResult<T>>,
    {
        let mut conn = self.writers.get().await.map_err(away)?;
        in_time(transact(&mut conn, WRITE, clock, work)).await
    }
}

impl Txn<'_, Conn> {
    /// The operation's moment: the server's clock when first asked for.
    async fn now(&mut self) -> QueryResult<i64> {
        if let Some(now) = self.now {
            return Ok(now);
        }
        let actual = diesel::select(sql::<BigInt>(NOW)).get_result::<i64>(self.conn).await?;
        Ok(*self.now.insert(self.clock.shown(actual)))
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = |_| Err(StoreError::Unanswered(format!("no answer within {LONGEST:?}")));
    tokio::time::timeout(LONGEST, work).await.unwrap_or_else(late)
}

async fn transact<T, W>(conn: &mut Conn, begin: &str, clock: &Clock, work: W) -> Result<T, StoreError>
where
    W: for<'c> FnOnce(Txn<'c, Conn>) -> BoxFuture<'c, QueryResult<T>>,
{
    AnsiTransactionManager::begin_transaction_sql(conn, begin).await?;
    match work(Txn::new(conn, clock)).await {
        Ok(value) => {
            AnsiTransactionManager::commit_transaction(conn).await.map_err(StoreError::at_commit)?;
            Ok(value)
        }
        Err(error) => {
            // The pool drops a connection whose transaction is in doubt, and the server then rolls back; the caller needs
            // to know what came first.
            if let Err(undone) = AnsiTransactionManager::rollback_transaction(conn).await {
                tracing::warn!(error = %undone, "transaction not rolled back");
            }
            Err(error.into())
        }
    }
}

/// Brings the database's tables up to date; whoever comes second waits and finds it done.
pub(super) async fn migrate(url: &str) -> Result<(), SetupError> {
    let mut conn = Conn::establish(url).await?;
    let alone = diesel::select(sql::<Nullable<Integer>>(MIGRATOR)).get_result::<Option<i32>>(&mut conn).await?;
    if alone != Some(1) {
        return Err(SetupError::BeingMigrated);
    }
    let mut conn: AsyncConnectionWrapper<Conn> = conn.into();
    let migration = move || conn.run_pending_migrations(MIGRATIONS).map(drop).map_err(SetupError::Migration);
    tokio::task::spawn_blocking(migration).await?
}

/// Connections are tried before they are used: a server that was restarted leaves a pool full of closed ones.
async fn pool(url: &str, size: u32, isolation: &'static str) -> Result<Pool<Conn>, SetupError> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Verified;
    config.custom_setup = Box::new(move |url| connect(url, isolation).boxed());
    let manager = AsyncDieselConnectionManager::new_with_config(url, config);
    Ok(Pool::builder().connection_timeout(PATIENCE).max_size(size).min_idle(Some(1)).build(manager).await?)
}

async fn connect(url: &str, isolation: &str) -> ConnectionResult<Conn> {
    let mut conn = Conn::establish(url).await?;
    for setting in [SESSION, isolation] {
        conn.batch_execute(setting).await.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    }
    Ok(conn)
}

/// Not worth another try: the pool has tried again and again for as long as anybody waits.
fn away(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unanswered(error.to_string())
}

/// The rows stay as they are until the transaction ends.
macro_rules! locked {
    ($query:expr) => {
        diesel::QueryDsl::for_update($query)
    };
}

/// MySQL looks at every unique index of the table, whichever is meant.
macro_rules! conflict {
    ($column:expr) => {
        diesel::dsl::DuplicatedKeys
    };
}

/// Many rows at once: one statement.
macro_rules! insert_all {
    ($txn:expr, $table:expr, $rows:expr) => {
        diesel_async::RunQueryDsl::execute(diesel::insert_into($table).values($rows), $txn.conn).await
    };
}

/// The queries, compiled for this connection.
pub(super) mod queries {
    use super::Conn;
    type Txn<'c> = crate::store::Txn<'c, Conn>;

    compile_queries!(
        account, audit, bag, battle, character, clock, floor, ledger, once, progress, retention, ruleset, seed, session
    );
}
