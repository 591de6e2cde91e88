//! battle-svc over its own services, as a gateway and a tool see it. Time is virtual and so are the tests' hours.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

mod assured;
mod engines;
mod failover;
mod faults;
mod house;
mod laws;
mod live;
mod operators;
mod races;
mod returning;
mod several;
mod store;
mod storms;
mod town;
