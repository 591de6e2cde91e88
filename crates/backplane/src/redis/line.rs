//! A connection that knows whether it is still good for anything.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bb8_redis::bb8::ManageConnection;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo, ProtocolVersion, PushInfo, PushKind, RedisError, Script,
};

use super::door::DEADLINE;
use crate::epoch::random_epoch;

/// After this long without an answer to what was sent, the system gives a connection up. It is what ends a connection
/// to a machine that is gone without a word.
#[cfg(target_os = "linux")]
const SILENCE: Duration = Duration::from_secs(10);

/// A connection. Dropping it ends it, and with it what it pushes.
pub(super) struct Line {
    pub(super) connection: MultiplexedConnection,
    closed: Arc<AtomicBool>,
    /// Whether the last question was answered. The answer to one that was given up may still be under way.
    pub(super) answered: bool,
}

/// Opens lines for a pool.
pub(super) struct Connector {
    pub(super) client: Client,
    pub(super) prefix: String,
    /// Asked before anything else: the server may be another process than before, whose memory went back.
    pub(super) life: Script,
}

/// A client for a URL, of the newer protocol: with it a server tells without being asked that a connection ends.
pub(super) fn client(url: &str) -> Result<Client, RedisError> {
    let info = url.into_connection_info()?;
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Client::open(info.set_redis_settings(redis).set_tcp_settings(tcp()))
}

fn tcp() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(SILENCE);
    settings
}

impl Line {
    /// Opens one. `pushed` is given what the server sends without being asked, and the notice that the line is lost; it
    /// must not wait.
    pub(super) async fn open(
        client: &Client,
        pushed: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> Result<Self, RedisError> {
        let closed = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&closed);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(DEADLINE))
            .set_response_timeout(Some(DEADLINE))
            .set_push_sender(move |info: PushInfo| {
                let lost = info.kind == PushKind::Disconnection;
                // A line that was replaced says nothing more: its successor does.
                if !seen.fetch_or(lost, Ordering::Relaxed) {
                    pushed(info);
                }
                Ok::<(), std::convert::Infallible>(())
            });
        let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Self { connection, closed, answered: true })
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}

impl ManageConnection for Connector {
    type Connection = Line;
    type Error = RedisError;

    async fn connect(&self) -> Result<Line, RedisError> {
        let mut line = Line::open(&self.client, |_pushed| ()).await?;
        let mut life = self.life.prepare_invoke();
        life.key(&self.prefix).arg(random_epoch()).invoke_async::<u64>(&mut line.connection).await?;
        Ok(line)
    }

    /// Costs nothing: a line hears of its own end. (The pool's usual way is to ask the server at every check-out.)
    async fn is_valid(&self, line: &mut Line) -> Result<(), RedisError> {
        if line.is_closed() { Err(io::Error::from(io::ErrorKind::NotConnected).into()) } else { Ok(()) }
    }

    fn has_broken(&self, line: &mut Line) -> bool {
        line.is_closed() || !line.answered
    }
}
