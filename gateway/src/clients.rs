//! The gateway's way to the services: generated clients, and what every call of a player carries.

use std::time::Duration;

use proto::battle::v1::FeedResponse;
use proto::battle::v1::battle_service_client::BattleServiceClient;
use proto::chat::v1::chat_service_client::ChatServiceClient;
use proto::user::v1::user_service_client::UserServiceClient;
use service_kit::Fault;
use service_kit::grpc::{Dialer, GrpcService, within};
use tonic::{Request, Response, Status, Streaming};

/// Deadline of calls that may have to wait for a password's hash.
const HASHING: Duration = Duration::from_secs(15);

/// News of battles as it comes from one instance.
pub(crate) type FeedStream = Streaming<FeedResponse>;

/// Clients of every service. Clones share connections.
#[derive(Clone)]
pub struct Clients {
    /// Accounts and characters.
    pub user: UserServiceClient<GrpcService>,
    /// Chat.
    pub chat: ChatServiceClient<GrpcService>,
    /// Battles.
    pub battles: Battles,
}

/// The way to battles.
#[derive(Clone)]
pub enum Battles {
    /// One battle-svc, in this process or the only one there is.
    Here(BattleServiceClient<GrpcService>),
    /// Many instances, known by their leases.
    Many {
        /// To whichever instance answers: for calls that any of them can take.
        service: BattleServiceClient<GrpcService>,
        /// To a certain one.
        dialer: Dialer,
    },
}

impl Clients {
    pub(crate) fn user(&self) -> UserServiceClient<GrpcService> {
        self.user.clone()
    }

    pub(crate) fn battle(&self) -> BattleServiceClient<GrpcService> {
        match &self.battles {
            Battles::Here(service) | Battles::Many { service, .. } => service.clone(),
        }
    }

    pub(crate) fn chat(&self) -> ChatServiceClient<GrpcService> {
        self.chat.clone()
    }
}

/// A call that hashes a password. Other calls have the default deadline of five seconds.
pub(crate) fn hashing<T>(message: T) -> Request<T> {
    within(HASHING, message)
}

/// The message of an answer, or the fault of a status.
pub(crate) fn answer<T>(result: Result<Response<T>, Status>) -> Result<T, Fault> {
    result.map(Response::into_inner).map_err(Fault::from)
}

/// A part that the services always send; without it their answer is a fault of ours.
pub(crate) fn present<T>(part: Option<T>, what: &'static str) -> Result<T, Fault> {
    part.ok_or_else(|| Fault::internal(format!("answer without {what}")))
}
