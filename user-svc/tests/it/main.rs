//! The service as its callers see it: every call over a real SQLite file, one file per test.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail the test")]

mod account;
mod audit;
mod audit_record;
mod battle;
mod crash;
mod once;
mod progress;
mod seed;
mod session;
mod support;
