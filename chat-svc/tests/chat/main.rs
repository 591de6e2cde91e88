//! The chat service as its callers see it, on the backplane of one process and under a paused clock.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod ghosts;
mod lines;
mod lobby;
mod world;
