//! What every program of the house calls: settings, telemetry, health, shutdown, the gRPC server and client, and the
//! one taxonomy of faults.
//!
//! Nothing here knows a word of the game: no player, no battle, no room, and no generated protocol code. A service
//! brings its own settings, its own generated servers and its own message keys.

pub mod admin;
pub mod fault;
pub mod fence;
pub mod gate;
pub mod grpc;
pub mod launch;
pub mod listen;
pub mod program;
pub mod readiness;
pub mod ready_line;
pub mod rendezvous;
pub mod settings;
pub mod shutdown;
pub mod tasks;
pub mod telemetry;
pub mod time;
pub mod trace;

pub use fault::{Fault, FaultKind};
pub use fence::{Fence, Superseded};
pub use gate::Gate;
pub use program::Program;
pub use readiness::Readiness;
pub use shutdown::Shutdown;
pub use tasks::TaskGroup;
