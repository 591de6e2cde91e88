//! gRPC as this house speaks it: one server, one kind of client.

mod balance;
mod body;
mod client;
mod deadline;
mod dialer;
mod door;
mod measure;
mod operator;
mod panic;
mod server;

pub(crate) use self::balance::NOTICED_WITHIN;
pub use self::client::{Channels, GrpcService, in_process, within};
pub use self::dialer::Dialer;
pub use self::operator::Operator;
pub use self::server::{GrpcServer, ServeError};

use std::time::Duration;

/// What a connection may hold of data nobody has read yet. Small frames on many unread streams would otherwise freeze
/// every other stream, or make h2 close the connection as abused; both ends need it.
const CONNECTION_WINDOW: u32 = 16 << 20;

/// What one stream may hold of it: little enough for 64 streams that nobody reads to leave room for the others, and
/// enough for a feed of 17 MB/s over a round trip of 15 ms.
const STREAM_WINDOW: u32 = 256 << 10;

/// How often a silent connection is asked whether it lives, and how long it may think. Together, how long a frozen peer
/// goes unnoticed on a stream.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(3);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(4);

/// The header that carries the secret of the house.
const AUTHORIZATION: http::HeaderName = http::header::AUTHORIZATION;

/// The reason for which a call is refused that doesn't show the secret of the house.
const INTERNAL_TOKEN: &str = "internal_token";
