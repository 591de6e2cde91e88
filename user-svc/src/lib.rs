//! Accounts, sessions, characters, their gold and things, and the record of battles.
//!
//! From the outside in: `service` is the gRPC face, the use cases are one module per noun, `store` is the only code of
//! the house that knows SQL. Messages of the wire stop in `wire`. Battles are recorded here, because progress commits
//! together with the character; how they are fought is not known here.

mod account;
mod args;
mod attempt;
mod audit_record;
mod battle_record;
mod character;
pub mod ledger;
mod notice;
mod once;
mod page;
mod password;
pub mod program;
mod progress;
mod retention;
pub mod seed;
mod service;
mod session;
pub mod store;
mod tally;
mod users;
mod wire;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use backplane::Backplane;
use proto::user::v1::user_admin_service_server::UserAdminServiceServer;
use proto::user::v1::user_service_server::UserServiceServer;
use rules::Ruleset;
use service_kit::{Fault, Fence, TaskGroup};

pub use args::{UserArgs, UserSettings};
pub use service::{UserAdmin, UserApi};
use store::{Clock, SetupError, Store};
use users::Users;

/// Accounts whose newest connection is remembered, about 100 bytes each.
const FENCED_ACCOUNTS: NonZeroUsize = NonZeroUsize::new(200_000).expect("not zero");

/// The largest request: a full batch of saves with three states and two totals each.
const MAX_REQUEST: usize = 64 << 20;

/// How the service is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `sqlite://PATH` or `mysql://USER:PASSWORD@HOST:PORT/NAME`.
    pub database_url: String,
    /// Whether to bring the tables up to date first.
    pub migrate: bool,
    /// Life of a session from sign-in or refresh on.
    pub session_ttl: Duration,
    /// Cost of a password hash: each step doubles its time. 4 to 31.
    pub bcrypt_cost: u32,
    /// The name of this process, for what it publishes.
    pub instance: String,
}

/// The running service.
#[derive(Clone)]
pub struct Service {
    /// The gRPC server, to be mounted or called in process.
    pub server: UserServiceServer<UserApi>,
    /// The same for what operators ask.
    pub admin: UserAdminServiceServer<UserAdmin>,
    /// The database, for the operators' tools.
    pub store: Store,
}

/// Why the service can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The first hash failed: the cost is out of range, or there is no randomness.
    #[error("hashing passwords: {0}")]
    Password(Fault),
}

/// Opens the database, as soon as its server is there, and starts the service; its jobs belong to `tasks` and end with
/// it.
///
/// # Errors
/// When the database can't be used.
pub async fn start(
    settings: Settings,
    ruleset: Arc<Ruleset>,
    backplane: Arc<dyn Backplane>,
    tasks: &TaskGroup,
) -> Result<Service, StartError> {
    start_on(Clock::system(), settings, ruleset, backplane, tasks).await
}

/// The same on a clock of the caller's, for tests that let time pass.
///
/// # Errors
/// When the database can't be used.
pub async fn start_on(
    clock: Clock,
    settings: Settings,
    ruleset: Arc<Ruleset>,
    backplane: Arc<dyn Backplane>,
    tasks: &TaskGroup,
) -> Result<Service, StartError> {
    let open = || Store::open(&settings.database_url, settings.migrate, clock.clone(), tasks.clone());
    let store = store::once_there(open).await?;
    let begun = store.now().await.map_err(SetupError::from)?;
    let name = format!("{}:{:x}", settings.instance, begun);
    let users = Users {
        store: store.clone(),
        notices: notice::Notices::start(name, Arc::clone(&backplane), tasks),
        backplane,
        ruleset,
        hasher: password::Hasher::new(settings.bcrypt_cost).await.map_err(StartError::Password)?,
        fence: Fence::new(FENCED_ACCOUNTS),
        session_ttl: store::clock::millis(settings.session_ttl),
        tasks: tasks.clone(),
    };
    tasks.spawn("retention", retention::run(store.clone(), tasks.stopping()));
    let server = UserServiceServer::new(UserApi::new(users)).max_decoding_message_size(MAX_REQUEST);
    let admin = UserAdminServiceServer::new(UserAdmin::new(store.clone()));
    Ok(Service { server, admin, store })
}
