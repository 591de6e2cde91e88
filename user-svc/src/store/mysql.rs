//! MySQL and MariaDB: a server for many processes, locks by the row.
//!
//! A transaction that writes reads what is committed at each statement (`READ COMMITTED`), after it has locked the rows
//! it depends on, in the order of their ids; a deadlock that is left is told as passing, and the operation is done again.
//! One that only reads sees one moment. The clock is the server's, whichever process asks.

use std::time::Duration;

use diesel::sql_types::{BigInt, Integer, Nullable};
use diesel::{ConnectionError, ConnectionResult, IntoSql, QueryResult, dsl::sql};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::pooled_connection::bb8::{Pool, PooledConnection};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AnsiTransactionManager, AsyncConnection, AsyncMysqlConnection};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection, TransactionManager};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::timeout;

use super::exchange::Exchange;
use super::{Clock, SetupError, StoreError, Txn};

/// The connection that the queries of `queries/` are written for.
pub(super) type Conn = AsyncMysqlConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations/mysql");

/// Nothing is cut to fit a column, nobody waits for a row longer than for a connection, and errors are told in the
/// language in which they are understood (see `error`). A program that stands still amid a transaction loses it before
/// those who wait for its rows give up: they could else claim no battle of it for as long as it stands. Only MariaDB can
/// be told to.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
     SESSION innodb_lock_wait_timeout = 5, SESSION lc_messages = 'en_US' \
     /*M!100300 , SESSION idle_transaction_timeout = 3 */";
const READER: &str = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";
const WRITER: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

const SNAPSHOT: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
const WRITE: &str = "START TRANSACTION READ WRITE";

/// Connections of each kind. A server has a few hundred for all processes.
const READERS: u32 = 8;
const WRITERS: u32 = 8;

/// The longest a caller waits for a connection that answers, and a connection for its server. Callers have five seconds,
/// in which a question may be asked at two user-svc, and battle-svc asks what became of a change whose answer it didn't get;
/// so either hears in time that the database is away, and has time to say so.
pub(super) const PATIENCE: Duration = Duration::from_millis(1_500);

/// What is said of a server that takes a connection and then nothing more, in the words of the system for one that
/// doesn't even take it.
const SILENT: &str = "Input/output error: timed out";

/// The longest an operation takes; only a server that is frozen or cut off takes longer.
const LONGEST: Duration = Duration::from_secs(30);

/// Now, milliseconds since 1970 whatever the time zone.
const NOW: &str = "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)";

/// One migrator at a time; it lets go when its connection ends. Such locks have the whole server for their scope.
const MIGRATOR: &str = "GET_LOCK(LEFT(CONCAT('migrator of ', DATABASE()), 64), 60)";
const MIGRATORS_TURN: Duration = Duration::from_secs(65);

/// One server at a time where there is no Redis. A few seconds of patience: of a program that is gone, or of our own lost
/// connection, the server may hear a moment later.
const SERVER: &str = "GET_LOCK(LEFT(CONCAT('server of ', DATABASE()), 64), 3)";
const STILL_SERVER: &str = "IS_USED_LOCK(LEFT(CONCAT('server of ', DATABASE()), 64)) = CONNECTION_ID()";

/// Whether a server takes writes, which one that was made a replica doesn't. Newer ones tell it in words.
const TAKES_WRITES: &str = "CAST(@@GLOBAL.read_only AS CHAR) IN ('0', 'OFF')";

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
        let mut conn = take(&self.readers, READERS).await?;
        let work = async {
            let exchange = Exchange::on(&mut conn);
            let answer = work(Txn::new(exchange.conn, clock)).await.map_err(StoreError::from);
            exchange.end_with(&answer);
            answer
        };
        in_time(work).await
    }

    /// Several statements that see the same moment.
    pub(super) async fn view<T, W>(&self, clock: &Clock, work: W) -> Result<T, StoreError>
    where
        W: for<'c> FnOnce(Txn<'c, Conn>) -> BoxFuture<'c, QueryResult<T>>,
    {
        let mut conn = take(&self.readers, READERS).await?;
        in_time(transact(&mut conn, SNAPSHOT, clock, work)).await
    }

    /// A transaction that may write.
    pub(super) async fn write<T, W>(&self, clock: &Clock, work: W) -> Result<T, StoreError>
    where
        W: for<'c> FnOnce(Txn<'c, Conn>) -> BoxFuture<'c, QueryResult<T>>,
    {
        let mut conn = take(&self.writers, WRITERS).await?;
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
    timeout(LONGEST, work).await.unwrap_or_else(late)
}

async fn transact<T, W>(conn: &mut Conn, begin: &str, clock: &Clock, work: W) -> Result<T, StoreError>
where
    W: for<'c> FnOnce(Txn<'c, Conn>) -> BoxFuture<'c, QueryResult<T>>,
{
    let exchange = Exchange::on(conn);
    let answer = transact_on(exchange.conn, begin, clock, work).await;
    exchange.end_with(&answer);
    answer
}

async fn transact_on<T, W>(conn: &mut Conn, begin: &str, clock: &Clock, work: W) -> Result<T, StoreError>
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
                tracing::debug!(error = %undone, "transaction not rolled back");
            }
            Err(error.into())
        }
    }
}

/// Brings the database's tables up to date; whoever comes second waits and finds it done.
pub(super) async fn migrate(url: &str) -> Result<(), SetupError> {
    let mut conn = connect(url, []).await?;
    let our_turn = timeout(MIGRATORS_TURN, says_yes(&mut conn, MIGRATOR)).await;
    if !our_turn.map_err(|_| SetupError::Unanswered(MIGRATORS_TURN))?? {
        return Err(SetupError::BeingMigrated);
    }
    let mut conn: AsyncConnectionWrapper<Conn> = conn.into();
    let migration = move || conn.run_pending_migrations(MIGRATIONS).map(drop).map_err(SetupError::Migration);
    tokio::task::spawn_blocking(migration).await?
}

/// A connection that holds the right to be the one program that serves the database.
pub(super) async fn take_sole(url: &str) -> Result<Conn, SetupError> {
    let mut conn = connect(url, []).await?;
    if says_yes(&mut conn, SERVER).await? { Ok(conn) } else { Err(SetupError::Served) }
}

/// Whether such a connection still holds it; it does for as long as it lives.
pub(super) async fn is_sole(conn: &mut Conn) -> Result<bool, SetupError> {
    Ok(says_yes(conn, STILL_SERVER).await?)
}

/// Whether the server takes writes.
pub(super) async fn takes_writes(conn: &mut Conn) -> Result<bool, SetupError> {
    Ok(says_yes(conn, TAKES_WRITES).await?)
}

async fn says_yes(conn: &mut Conn, question: &str) -> QueryResult<bool> {
    let answer = diesel::select(sql::<Nullable<BigInt>>(question)).get_result::<Option<i64>>(conn).await?;
    Ok(answer == Some(1))
}

/// Connections are tried before they are used: a server that was restarted leaves a pool full of closed ones.
async fn pool(url: &str, size: u32, isolation: &'static str) -> Result<Pool<Conn>, SetupError> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::CustomFunction(Box::new(|conn| answers(conn).boxed()));
    config.custom_setup = Box::new(move |url| connect(url, [SESSION, isolation]).boxed());
    let manager = AsyncDieselConnectionManager::new_with_config(url, config);
    Ok(Pool::builder().connection_timeout(PATIENCE).max_size(size).min_idle(Some(1)).build(manager).await?)
}

/// A new connection with these settings, or a fault in time: behind a way that has forgotten its connections, or on a
/// server that stands still, it would wait for ever, and the pool with it.
pub(super) async fn connect<const N: usize>(url: &str, settings: [&'static str; N]) -> ConnectionResult<Conn> {
    let connected = async {
        let mut conn = Conn::establish(url).await?;
        for setting in settings {
            conn.batch_execute(setting).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
        }
        Ok(conn)
    };
    timeout(PATIENCE, connected).await.unwrap_or_else(|_| Err(ConnectionError::BadConnection(SILENT.to_owned())))
}

async fn answers(conn: &mut Conn) -> QueryResult<()> {
    let exchange = Exchange::on(conn);
    let answer = diesel::select(1.into_sql::<Integer>()).execute(exchange.conn).await;
    exchange.end();
    answer.map(|_| ())
}

/// A connection of a pool of so many. When there is none that isn't worth another try: the pool has tried again and again
/// for as long as anybody waits.
async fn take(pool: &Pool<Conn>, size: u32) -> Result<PooledConnection<'_, Conn>, StoreError> {
    pool.get().await.map_err(|none| {
        let all_in_use = pool.state().connections == size;
        if all_in_use {
            StoreError::Unanswered(format!("all {size} connections are in use"))
        } else {
            StoreError::Away(none.to_string())
        }
    })
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

/// The number that the row that was to be inserted has in this column.
macro_rules! given {
    ($table:ident, $column:ident) => {
        diesel::dsl::sql::<diesel::sql_types::BigInt>(concat!("VALUES(`", stringify!($column), "`)"))
    };
}

/// Rows that are new, or raise those that are there as `$raise` says: one statement, none for no rows.
macro_rules! raise_all {
    ($txn:expr, $table:expr, $rows:expr, $unique:expr, $raise:expr) => {{
        let rows = $rows;
        if !rows.is_empty() {
            let insert = diesel::insert_into($table).values(rows).on_conflict(diesel::dsl::DuplicatedKeys);
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
    use tokio::time::timeout;

    use super::*;

    async fn number(mysql: &Mysql, expression: String) -> i64 {
        let clock = Clock::system();
        let read = mysql
            .read(&clock, move |txn| diesel::select(sql::<BigInt>(&expression)).get_result::<i64>(txn.conn).boxed());
        read.await.unwrap()
    }

    /// Changes a row, and ends the change after `then`.
    async fn change(of: &Mysql, then: impl Future<Output = ()> + Send + 'static) -> Result<(), StoreError> {
        of.write(&Clock::system(), move |mut txn| {
            async move {
                queries::ruleset::put(&mut txn, "1:00".into(), vec![1].into()).await?;
                then.await;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    #[tokio::test]
    async fn a_program_that_stands_still_amid_a_change_holds_nobody_up_for_long() {
        let url = testkit::mariadb::database().await;
        migrate(&url).await.unwrap();
        let (still, other) = (Mysql::open(&url).await.unwrap(), Mysql::open(&url).await.unwrap());
        let (locked, is_locked) = tokio::sync::oneshot::channel();
        let stands = async move {
            locked.send(()).unwrap();
            std::future::pending::<()>().await;
        };
        let comes = async {
            is_locked.await.unwrap();
            change(&other, std::future::ready(())).await
        };
        tokio::select! {
            ended = change(&still, stands) => panic!("{ended:?}"),
            done = comes => done.unwrap(),
        }
    }

    #[tokio::test]
    async fn a_connection_to_a_server_that_takes_no_writes_is_given_up() {
        let server = testkit::mariadb::Server::start().await;
        let url = server.users_database().await;
        migrate(&url).await.unwrap();
        let mysql = Mysql::open(&url).await.unwrap();
        let id = diesel::select(sql::<BigInt>("CONNECTION_ID()"));
        let writer = mysql.write(&Clock::system(), |txn| id.get_result::<i64>(txn.conn).boxed()).await.unwrap();
        server.set_read_only(true).await;
        for _ in 0..2 * WRITERS {
            let refused = change(&mysql, std::future::ready(())).await;
            assert!(matches!(refused, Err(StoreError::Lost(_))), "{refused:?}");
        }
        let is_there = format!("(SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {writer})");
        testkit::eventually("the connection ends", Duration::from_secs(10), || async {
            if number(&mysql, is_there.clone()).await == 0 { Ok(()) } else { Err("it is there") }
        })
        .await;
        server.set_read_only(false).await;
        change(&mysql, std::future::ready(())).await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_that_came_too_late_is_not_the_next_ones() {
        let mysql = Mysql::open(&testkit::mariadb::database().await).await.unwrap();
        for round in 0..i64::from(READERS) {
            let late = number(&mysql, format!("{round} + SLEEP(2)"));
            timeout(Duration::from_millis(10), late).await.unwrap_err();
        }
        for n in 100..200 {
            assert_eq!(number(&mysql, n.to_string()).await, n);
        }
    }
}
