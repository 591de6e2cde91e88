//! The gateway: where players' sockets meet the services.
//!
//! It speaks Socket.IO to stock clients and gRPC to the house, checks everything that comes in, and is the only place
//! that makes sentences. It keeps nothing that matters: any player may come to any gateway at any time.
//!
//! The way in: `acceptor` → `http` → `engine` → `inbox` → `session` → `router` → `handlers` → `clients`. The way out:
//! `feed` and `bus` → `follow` and `rooms` → `delivery`, the only code that emits.

mod acceptor;
mod answer;
mod backoff;
mod bus;
mod chair;
mod clients;
mod connection;
mod delivery;
mod drain;
mod engine;
mod feed;
mod follow;
mod gateway;
mod handlers;
mod handshake;
mod http;
mod inbox;
mod lang;
mod lease;
mod limits;
mod lines;
mod lobby;
mod numbering;
mod once;
mod owed;
mod packet;
mod particle;
mod payload;
pub mod program;
mod registry;
mod reply;
mod resync;
mod rooms;
mod router;
mod service;
mod session;
mod settings;
mod shape;
mod stays;
mod welcome;

pub use clients::{Battles, Clients};
pub use lang::BrokenTexts;
pub use service::{Service, StartError, start};
pub use settings::{GatewayArgs, GatewaySettings, Settings};
