//! The gRPC services. A handler says decode, act, answer; what is behind it lives in the use cases.

mod admin;
mod answer;
mod battle;
mod forward;
mod watch;

use std::pin::Pin;

use futures::Stream;
use tonic::Status;

pub use admin::BattleAdmin;
pub use battle::BattlePlayers;

/// A stream of responses.
pub(crate) type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
