//! Whether the database's server answers and takes writes, told to operators and in the log when it changes: here, and
//! nowhere else above `debug`, however many notice. A program that starts before its database waits for it here.

use std::error::Error;
use std::time::Duration;

use service_kit::telemetry::Outage;
use service_kit::time::every;
use service_kit::{Readiness, TaskGroup};
use tokio::time::timeout;

use super::mysql::{self, Conn, PATIENCE};
use super::{SetupError, Url};

/// How often the server is asked.
const PERIOD: Duration = Duration::from_secs(1);

/// Watches the server of the database behind `url` until the tasks end. The program isn't ready before the first good
/// answer; later, a server that is away is a dependency that is down. A file has no server: it is always up.
///
/// # Errors
/// When the URL names no database.
pub fn watch(url: &str, tasks: &TaskGroup, readiness: &Readiness) -> Result<(), SetupError> {
    let url = Url::parse(url)?;
    let dependency = readiness.dependency("database");
    let Url::Mysql(url) = url else { return Ok(()) };
    let (mut server, stop) = (Server { url: url.to_owned(), conn: None }, tasks.stopping());
    let mut waiting = Some(readiness.latch("database"));
    tasks.spawn("store-watch", async move {
        let mut periods = every(PERIOD);
        let mut stopped = std::pin::pin!(stop.wait());
        let mut outage = Outage::default();
        loop {
            tokio::select! {
                () = &mut stopped => return,
                _ = periods.tick() => {}
            }
            match server.ask().await {
                Ok(()) => {
                    waiting.take();
                    if outage.ends() {
                        tracing::info!("database came back");
                        dependency.up();
                    }
                }
                Err(fault) => {
                    dependency.down(fault.to_string());
                    if outage.begins() {
                        tracing::warn!(error = &fault as &dyn Error, "database went away");
                    }
                }
            }
        }
    });
    Ok(())
}

/// The server, asked over a connection of its own: what goes wrong there is told by its cause, which a pool keeps.
struct Server {
    url: String,
    conn: Option<Conn>,
}

impl Server {
    /// Whether it answers in time and takes writes. Only a connection that says so is asked again: another may lead to
    /// a server that does.
    async fn ask(&mut self) -> Result<(), SetupError> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => mysql::connect(&self.url, []).await?,
        };
        let answer = timeout(PATIENCE, mysql::takes_writes(&mut conn)).await;
        if !answer.map_err(|_| SetupError::Unanswered(PATIENCE))?? {
            return Err(SetupError::ReadOnly);
        }
        self.conn = Some(conn);
        Ok(())
    }
}
