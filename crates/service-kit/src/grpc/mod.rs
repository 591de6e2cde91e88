//! gRPC as this house speaks it: one server, one kind of client.

mod body;
mod client;
mod deadline;
mod measure;
mod server;

pub use self::client::{Channels, GrpcService, in_process, within};
pub use self::server::{GrpcServer, ServeError};

use std::time::Duration;

/// What a connection may hold of data nobody has read yet. Small frames on many unread streams would otherwise freeze
/// every other stream, or make h2 close the connection as abused; both ends need it.
const CONNECTION_WINDOW: u32 = 16 << 20;

/// What one stream may hold of it.
const STREAM_WINDOW: u32 = 1 << 20;

/// How often a silent connection is asked whether it lives, and how long it may think.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The header that carries the secret of the house.
const AUTHORIZATION: http::HeaderName = http::header::AUTHORIZATION;
