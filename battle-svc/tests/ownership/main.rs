//! Ownership under everything that goes wrong: three instances of the real service, two model gateways and a few players
//! over one store, one Redis and a network that delays, loses and cuts, in virtual time and drawn from a seed
//! (`docs/adr/0033`).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it saw"
)]
#![allow(dead_code, reason = "what is shared with the other tests is more than is needed here")]

mod dice;
mod faults;
mod follow;
mod gateway;
mod instance;
mod judge;
mod latch;
#[path = "../battles/laws.rs"]
mod laws;
mod net;
mod player;
mod presence;
mod redis;
mod rescue;
mod scene;
mod seeds;
#[path = "../battles/store.rs"]
mod store;
mod witness;
mod world;
