//! The only code of the house that names diesel: accounts, sessions, characters and battle records in SQL.
//!
//! The queries are written once, under `queries/`, and compiled for each back end by its module (`sqlite`, `mysql`). Use cases
//! reach them through the list of operations at the end of this file, and only through it: every call is timed and
//! labelled there, repeated when it lost to another writer, and, when it writes, carried out to its end even if the
//! caller is gone.

/// Compiles the query files for the back end in whose module it stands, which gives them `Txn` with its moment
/// and its own `locked!`, `conflict!`, `insert_all!`, `given!` and `raise_all!`.
macro_rules! compile_queries {
    ($($noun:ident),+) => {$(
        pub(in crate::store) mod $noun {
            include!(concat!("queries/", stringify!($noun), ".rs"));
        }
    )+};
}

pub(crate) mod clock;
mod error;
mod exchange;
mod key;
mod mysql;
pub(crate) mod rows;
mod schema;
mod sole_server;
mod sqlite;
mod watch;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use service_kit::TaskGroup;
use tokio::time::{Instant, sleep};
use vocab::{AccountId, AuditId, BattleId, CharacterId};

pub use clock::Clock;
pub use error::StoreError;
use mysql::Mysql;
use rows::{
    AuditRow, BattleLine, Credentials, Entry, Epoch, Input, NewAccount, NewBattle, Record, SessionRow, Sheet, Standing,
    TokenHash,
};
pub use sole_server::SoleServer;
use sqlite::Sqlite;
pub use watch::watch;

use crate::audit_record::Deed;
use crate::battle_record::{Appended, Claimed, Created};
use crate::ledger::Books;
use crate::once::Begun;
use crate::progress::Outcome;
use crate::retention::Kept;

/// The number of this program on the scale of the migrations: the newest it was built with.
const PROGRAM: i64 = 13;

/// How often an operation that lost to another writer is tried again.
const RETRIES: u32 = 3;

/// The longest a caller waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait before a database that is away is asked again at the start.
const START_PAUSE: Duration = Duration::from_millis(500);

/// The database, open. Clones are the same one.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    tasks: TaskGroup,
}

enum Db {
    Sqlite(Sqlite),
    Mysql(Mysql),
}

/// Which database a URL names.
enum Url<'u> {
    /// A file.
    Sqlite(&'u str),
    /// A server; the whole URL.
    Mysql(&'u str),
}

/// What a query works with: a connection, and the one moment at which everything in it happens. The clock is looked at
/// when a query first asks, which is after it has locked what it reads: of two writers the one that waited is the later.
pub(crate) struct Txn<'c, C> {
    conn: &'c mut C,
    clock: &'c Clock,
    now: Option<i64>,
}

/// Why the database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The URL names no back end that this program knows. A database in memory is none: each connection would have
    /// its own.
    #[error("the database URL must be sqlite:// and the path of a file, or mysql://USER:PASSWORD@HOST:PORT/NAME")]
    Url,
    /// There is no such file.
    #[error("there is no such database: run `mud migrate` first, which makes it")]
    Missing,
    /// The database refuses connections.
    #[error("connecting to the database: {0}")]
    Connect(#[from] diesel::ConnectionError),
    /// The pool could not be filled.
    #[error("connecting to the database: {0}")]
    Pool(#[from] diesel_async::pooled_connection::PoolError),
    /// A migration failed; nothing of it stayed.
    #[error("migrating the database: {0}")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A statement of the setup failed.
    #[error("setting up the database: {0}")]
    Statement(#[from] diesel::result::Error),
    /// The tables have moved on without this program.
    #[error("the database wants program {floor} or newer, this one is {PROGRAM}")]
    ProgramTooOld {
        /// The oldest program the tables live with.
        floor: i64,
    },
    /// The tables are not there yet.
    #[error("the database is at migration {found}, this program wants {PROGRAM}: run `mud migrate` first")]
    NotMigrated {
        /// The newest migration found.
        found: i64,
    },
    /// The first look at the tables failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another program has the right to be the only one.
    #[error("another mud serves this database")]
    Served,
    /// A server gave no answer.
    #[error("the database did not answer within {0:?}")]
    Unanswered(Duration),
    /// A server takes no writes for now.
    #[error("the database is read-only")]
    ReadOnly,
    /// Another program has been migrating for too long.
    #[error("another program is migrating the database")]
    BeingMigrated,
    /// A task of the setup was cut.
    #[error("setting up the database was cut off")]
    Cut(#[from] tokio::task::JoinError),
}

impl SetupError {
    /// Whether the database's server is away: it may come.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Pool(_) | Self::Statement(_) | Self::Migration(_) => {
                error::passes(&self.to_string())
            }
            Self::Store(error) => match error {
                StoreError::Busy(_) | StoreError::Lost(_) | StoreError::Away(_) | StoreError::Unanswered(_) => true,
                StoreError::Taken(_) | StoreError::Cut(_) | StoreError::Failed(_) => false,
            },
            Self::Unanswered(_) | Self::ReadOnly => true,
            Self::Url
            | Self::Missing
            | Self::ProgramTooOld { .. }
            | Self::NotMigrated { .. }
            | Self::Served
            | Self::BeingMigrated
            | Self::Cut(_) => false,
        }
    }
}

impl Store {
    /// Opens the database behind `url` (`sqlite://…`, `mysql://…`), after bringing its tables up to date if `migrate` says so.
    ///
    /// # Errors
    /// When it can't be reached, or its tables and this program don't fit together.
    pub async fn open(url: &str, migrate: bool, clock: Clock, tasks: TaskGroup) -> Result<Self, SetupError> {
        let named = Url::parse(url)?;
        if migrate {
            self::migrate(url).await?;
        } else if let Url::Sqlite(path) = named
            && !tokio::fs::try_exists(path).await.unwrap_or(true)
        {
            // Whoever opens a file that isn't there makes it.
            return Err(SetupError::Missing);
        }
        let db = match named {
            Url::Sqlite(path) => Db::Sqlite(Sqlite::open(path).await?),
            Url::Mysql(url) => Db::Mysql(Mysql::open(url).await?),
        };
        let store = Self(Arc::new(Inner { db, clock, tasks }));
        let (newest, floor) = match store.floor().await {
            Err(fault) if fault.names_no_table() => (0, 0),
            found => found?,
        };
        match () {
            () if floor > PROGRAM => Err(SetupError::ProgramTooOld { floor }),
            () if newest < PROGRAM => Err(SetupError::NotMigrated { found: newest }),
            () => Ok(store),
        }
    }

    /// Carries an operation out to its end, even when its caller leaves: a transaction cut in the middle would take its
    /// connection with it.
    async fn carry_out<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.tasks.carry_out(name, work).await?
    }

    /// Times `attempt`, and repeats it while it loses to others.
    async fn measured<T, F>(&self, name: &'static str, attempt: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let started = Instant::now();
        let mut answer = attempt().await;
        for _ in 0..RETRIES {
            if !answer.as_ref().is_err_and(StoreError::is_passing) {
                break;
            }
            metrics::counter!("store_retries_total", "op" => name).increment(1);
            answer = attempt().await;
        }
        let outcome = if answer.is_ok() { "ok" } else { "error" };
        metrics::histogram!("store_seconds", "op" => name, "outcome" => outcome).record(started.elapsed());
        answer
    }
}

impl<'u> Url<'u> {
    fn parse(url: &'u str) -> Result<Self, SetupError> {
        match url.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() && path != ":memory:" => Ok(Self::Sqlite(path)),
            Some(("mysql", rest)) if !rest.is_empty() => Ok(Self::Mysql(url)),
            _ => Err(SetupError::Url),
        }
    }
}

impl<'c, C> Txn<'c, C> {
    fn new(conn: &'c mut C, clock: &'c Clock) -> Self {
        Self { conn, clock, now: None }
    }
}

/// Repeats a part of the setup for as long as the database's server is away, which its watch tells.
///
/// # Errors
/// When it is there and the part fails all the same.
pub async fn once_there<T, F>(part: impl Fn() -> F) -> Result<T, SetupError>
where
    F: Future<Output = Result<T, SetupError>>,
{
    loop {
        match part().await {
            Err(fault) if fault.is_away() => {
                tracing::debug!(error = &fault as &dyn std::error::Error, "database away at the start");
                sleep(START_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

/// Brings the tables of the database behind `url` up to date. A file is made when there is none; its directory, or a
/// server's database, must be there.
///
/// # Errors
/// When the database can't be reached or a migration fails.
pub async fn migrate(url: &str) -> Result<(), SetupError> {
    match Url::parse(url)? {
        Url::Sqlite(path) => sqlite::migrate(path).await,
        Url::Mysql(url) => mysql::migrate(url).await,
    }
}

/// Makes a method of [`Store`] out of each line: how it reaches the database (`read` one statement, `view` several
/// that see the same moment, `write` a transaction), which query it is, what goes in and what comes out.
macro_rules! operations {
    ($($access:ident $module:ident :: $query:ident => $name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {
        impl Store {$(
            pub(crate) async fn $name(&self $(, $arg: $type)*) -> Result<$out, StoreError> {
                const NAME: &str = stringify!($name);
                let store = self.clone();
                let attempt = move || {
                    let store = store.clone();
                    $(let $arg = $arg.clone();)*
                    async move {
                        match &store.0.db {
                            Db::Sqlite(db) => db.$access(&store.0.clock, move |mut txn| {
                                async move { sqlite::queries::$module::$query(&mut txn $(, $arg)*).await }.boxed()
                            }).await,
                            Db::Mysql(db) => db.$access(&store.0.clock, move |mut txn| {
                                async move { mysql::queries::$module::$query(&mut txn $(, $arg)*).await }.boxed()
                            }).await,
                        }
                    }
                };
                let store = self.clone();
                self.carry_out(NAME, async move { store.measured(NAME, attempt).await }).await
            }
        )*}
    };
}

operations! {
    read  account::credentials    => credentials(username_key: Arc<str>) -> Option<Credentials>;
    read  account::credentials_of => credentials_of(account: AccountId) -> Option<Credentials>;
    write account::sign_up        => sign_up(new: Arc<NewAccount>) -> ();
    write account::replace_hash   => replace_hash(account: AccountId, old: Arc<str>, fresh: Arc<str>) -> ();
    write account::delete         => delete_account(account: AccountId, hash: Arc<str>) -> Option<i64>;

    write session::open           => open_session(account: AccountId, hash: Arc<str>, token: TokenHash, ttl: i64) -> Option<SessionRow>;
    write session::close          => close_session(account: AccountId, epoch: i64) -> Option<i64>;
    write session::refresh        => refresh_session(account: AccountId, epoch: i64, token: TokenHash, ttl: i64) -> Option<i64>;
    read  session::epochs         => epochs(accounts: Arc<[AccountId]>) -> HashMap<AccountId, Epoch>;
    view  session::authenticate   => authenticate(token: TokenHash) -> Option<(SessionRow, i64, Standing)>;
    view  session::standing       => standing(account: AccountId) -> Option<Standing>;

    view  character::of_account   => sheet_of_account(account: AccountId) -> Option<Sheet>;
    view  character::by_id        => sheet_by_id(character: CharacterId) -> Option<Sheet>;
    view  character::by_name      => sheet_by_name(name_key: Arc<str>) -> Option<Sheet>;

    write battle::create          => create_battle(new: Arc<NewBattle>) -> Created;
    write battle::claim           => claim_battle(battle: BattleId, epoch: i64, owner: Arc<str>) -> Claimed;
    write battle::append          => append_input(battle: BattleId, input: Arc<Input>) -> Appended;
    read  battle::epochs          => battle_epochs(battles: Arc<[BattleId]>) -> HashMap<BattleId, (i64, Option<i64>)>;
    view  battle::by_id           => battle_by_id(battle: BattleId, history: bool) -> Option<Record>;
    view  battle::of_character    => battle_of_character(character: CharacterId, history: bool) -> Option<Record>;
    read  battle::list            => list_battles(live_only: bool, after: Option<BattleId>, limit: i64) -> Vec<(BattleLine, String)>;
    write progress::save          => save_progress(entries: Arc<[Entry]>) -> Vec<Outcome>;

    write ruleset::put            => put_ruleset(id: Arc<str>, pack: Arc<[u8]>) -> ();
    read  ruleset::get            => get_ruleset(id: Arc<str>) -> Option<Vec<u8>>;
    write once::begin             => begin_once(account: AccountId, client_key: Arc<str>, digest: [u8; 32]) -> Begun;
    write once::finish            => finish_once(account: AccountId, client_key: Arc<str>, answer: Option<Arc<[u8]>>) -> ();

    write audit::record           => record_audit(id: AuditId, deed: Arc<Deed>) -> ();
    read  audit::list             => list_audit(before: Option<AuditId>, limit: i64) -> Vec<AuditRow>;
    view  ledger::books           => books() -> Books;
    write retention::sweep        => sweep(what: Kept, limit: i64) -> usize;
    write seed::insert            => seed_rows(rows: Arc<crate::seed::Batch>) -> ();
    read  floor::newest_and_floor => floor() -> (i64, i64);
    read  clock::now              => now() -> i64;
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, SqliteConnection};
    use tempfile::TempDir;

    use super::*;

    /// An empty database of each kind.
    async fn urls(directory: &TempDir) -> [String; 2] {
        let file = format!("sqlite://{}/mud.db", directory.path().display());
        [file, testkit::mariadb::database().await]
    }

    async fn open(url: &str, migrate: bool) -> Result<Store, SetupError> {
        Store::open(url, migrate, Clock::system(), TaskGroup::new()).await
    }

    async fn execute(url: &str, statement: &str) {
        match Url::parse(url).unwrap() {
            Url::Sqlite(path) => SqliteConnection::establish(path).unwrap().batch_execute(statement).unwrap(),
            Url::Mysql(url) => testkit::mariadb::execute(url, statement).await,
        }
    }

    #[tokio::test]
    async fn several_migrators_at_once_make_one_database() {
        for url in urls(&tempfile::tempdir().unwrap()).await {
            let opened = futures::future::join_all((0..4).map(|_| open(&url, true))).await;
            for store in opened {
                assert_eq!(store.unwrap().floor().await.unwrap().0, PROGRAM);
            }
        }
    }

    #[tokio::test]
    async fn tables_that_are_not_there_yet_are_not_used() {
        let directory = tempfile::tempdir().unwrap();
        for url in urls(&directory).await {
            execute(&url, "CREATE TABLE anothers (n INT)").await;
            assert!(matches!(open(&url, false).await.err(), Some(SetupError::NotMigrated { found: 0 })), "no tables");
            open(&url, true).await.unwrap();
            open(&url, false).await.unwrap();
            execute(&url, "DELETE FROM schema_floor WHERE migration = 13").await;
            assert!(matches!(open(&url, false).await.err(), Some(SetupError::NotMigrated { found: 12 })));
        }
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_told_and_not_made() {
        let directory = tempfile::tempdir().unwrap();
        for path in ["mud.db", "no/folder/mud.db"].map(|path| directory.path().join(path)) {
            let url = format!("sqlite://{}", path.display());
            assert!(matches!(open(&url, false).await.err(), Some(SetupError::Missing)), "{url}");
            assert!(!path.exists());
        }
        let lost = format!("sqlite://{}/no/folder/mud.db", directory.path().display());
        open(&lost, true).await.err().unwrap();
        assert!(!directory.path().join("no").exists(), "a directory that is missing is a typo");
    }

    #[tokio::test]
    async fn a_newer_database_is_used_unless_it_says_otherwise() {
        for url in urls(&tempfile::tempdir().unwrap()).await {
            open(&url, true).await.unwrap();
            execute(&url, "INSERT INTO schema_floor VALUES (14, 13)").await;
            open(&url, true).await.unwrap();
            execute(&url, "INSERT INTO schema_floor VALUES (15, 14)").await;
            assert!(matches!(open(&url, true).await.err(), Some(SetupError::ProgramTooOld { floor: 14 })));
        }
    }

    /// Where a change of tables can't be rolled back, what was done before the cut is found done.
    #[tokio::test]
    async fn a_migration_that_was_cut_off_is_run_again() {
        let url = testkit::mariadb::database().await;
        open(&url, true).await.unwrap();
        execute(&url, "DELETE FROM __diesel_schema_migrations").await;
        execute(&url, "DROP TABLE audit").await;
        execute(&url, "DELETE FROM schema_floor WHERE migration > 11").await;
        open(&url, true).await.unwrap().list_audit(None, 1).await.unwrap();
    }

    #[tokio::test]
    async fn a_url_names_a_file_or_a_server() {
        for url in ["", "mud.db", "sqlite://", "sqlite://:memory:", "mysql://", "postgres://u:p@h/n"] {
            let refused = open(url, true).await.err();
            assert!(matches!(refused, Some(SetupError::Url)), "{url}");
        }
    }

    #[tokio::test]
    async fn a_write_goes_on_when_its_caller_leaves() {
        for url in urls(&tempfile::tempdir().unwrap()).await {
            let store = open(&url, true).await.unwrap();
            let mut write = Box::pin(store.put_ruleset("1:00".into(), (*b"pack").into()));
            assert!(futures::poll!(&mut write).is_pending());
            drop(write);
            store.0.tasks.end(Duration::from_secs(10)).await.unwrap();
            assert_eq!(store.get_ruleset("1:00".into()).await.unwrap().as_deref(), Some(&b"pack"[..]));
        }
    }
}
