//! The chat service: lobbies with head counts, lines with offsets, and history.
//!
//! It keeps nothing itself. Rooms, logs, throttles and the bus are the backplane's, so any instance answers for any
//! room and none has to be drained. What a line may be, who may say it, and when a leave is announced is decided here.
//! No socket, no SQL and no rule of the game is known in this crate.

mod caller;
mod ghosts;
mod line;
mod log;
pub mod program;
mod room;
mod service;
mod sweep;
mod wire;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use backplane::Backplane;
use proto::chat::v1::chat_service_server::ChatServiceServer;
use service_kit::{Fence, TaskGroup};

pub use service::Handlers;

use ghosts::Ghosts;
use log::Log;
use room::Lobby;

/// Accounts whose newest connection is remembered, about 100 bytes each.
const FENCED_ACCOUNTS: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

/// What an operator decides about this service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Name of this start of this instance, unlike any other: it signs what rooms are told.
    pub publisher: String,
    /// For how long a gateway's lease has to be over, as seen from here, before the gateway is dead.
    pub lease_ttl: Duration,
}

/// The running service. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Service {
    handlers: Arc<Handlers>,
}

impl Service {
    /// The gRPC service, to be called in process or put behind a listener.
    #[must_use]
    pub fn server(&self) -> ChatServiceServer<Handlers> {
        ChatServiceServer::from_arc(Arc::clone(&self.handlers))
    }
}

/// Starts the service on a backplane; its one task belongs to `tasks` and ends with them.
#[must_use]
pub fn start(settings: Settings, plane: Arc<dyn Backplane>, tasks: &TaskGroup) -> Service {
    let publisher: Arc<str> = settings.publisher.into();
    let lobby = Lobby::new(Arc::clone(&plane), Arc::clone(&publisher));
    let ghosts = Ghosts::new(Arc::clone(&plane), lobby.clone(), settings.lease_ttl);
    sweep::start(lobby.clone(), ghosts, settings.lease_ttl, tasks);
    let log = Log::new(plane, publisher, lobby.clone());
    Service { handlers: Arc::new(Handlers::new(Fence::new(FENCED_ACCOUNTS), lobby, log)) }
}
