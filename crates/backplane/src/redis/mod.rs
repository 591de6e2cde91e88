//! The backplane of a world of many processes: one Redis server, or what speaks like it, and the only place that knows.
//!
//! What must change together is one script (`lua/`), run over pooled connections; times are the server's. The scripts
//! make up the names of keys as they go, so the server is one and not a cluster of them; its eviction policy has to be
//! `noeviction`. Nothing is connected before it is needed, and a server that is away makes every call fail within a
//! second, until it is back.

mod bus;
mod connections;
mod door;
mod leases;
mod line;
mod memory;
mod record;
mod rooms;
mod scripts;
mod stamped;
mod subscriber;
#[cfg(test)]
mod tests;
mod throttle;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::Client;
use redis::aio::ConnectionManager;
use service_kit::settings::RedisUrl;
use service_kit::{Readiness, TaskGroup};

use self::door::Door;
use self::scripts::Scripts;
use crate::fault::{BackplaneFault, Result};

/// What every key begins with unless a world is told otherwise.
pub const PREFIX: &str = "mud";

/// Everything on a shared server.
pub struct Redis {
    client: Client,
    door: Door,
    scripts: Scripts,
    publisher: ConnectionManager,
    tasks: TaskGroup,
}

impl Redis {
    /// What programs share on the server at `url`, watched: see [`connect`](Self::connect) and [`watch`](Self::watch).
    ///
    /// # Errors
    /// When the URL can't be read.
    pub fn open(url: &RedisUrl, tasks: &TaskGroup, readiness: &Readiness) -> Result<Arc<Self>> {
        let redis = Self::connect(url, PREFIX, tasks)?;
        redis.watch(readiness);
        Ok(redis)
    }

    /// The world under `prefix` on the server at `url`. Its subscribers are looked after until `tasks` end. To be called
    /// within a runtime; waits for nothing.
    ///
    /// # Errors
    /// When the URL can't be read.
    pub fn connect(url: &RedisUrl, prefix: &str, tasks: &TaskGroup) -> Result<Arc<Self>> {
        Self::with(url.expose(), prefix, tasks, Scripts::later(Duration::ZERO))
    }

    /// Whether the server answers.
    ///
    /// # Errors
    /// When it doesn't, or not within a second.
    pub async fn ping(&self) -> Result<()> {
        self.door.ping().await
    }

    fn with(url: &str, prefix: &str, tasks: &TaskGroup, scripts: Scripts) -> Result<Arc<Self>> {
        let refused = |cause| BackplaneFault::new("connect", cause);
        let client = line::client(url).map_err(refused)?;
        let publisher = bus::publisher(&client).map_err(refused)?;
        let door = Door::new(client.clone(), prefix.to_owned(), scripts.life.script.clone());
        Ok(Arc::new(Self { client, door, scripts, publisher, tasks: tasks.clone() }))
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("prefix", &self.door.prefix()).finish_non_exhaustive()
    }
}

/// What lies on the server was not written by this program.
fn unreadable(operation: &'static str) -> BackplaneFault {
    BackplaneFault::new(operation, "what the server keeps can't be read")
}
