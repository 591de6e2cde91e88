//! The right to be the only program that serves a database on a server. It hangs on a connection of its own: the server
//! takes it away when the connection ends, however that happens.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::mysql::{self, Conn};
use super::{SetupError, Url};

/// How often the right is looked at, which also keeps its connection from being closed as idle.
const PERIOD: Duration = Duration::from_secs(2);

/// How long the server may think about it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The right, for as long as this lives.
pub struct SoleServer {
    url: String,
    conn: Conn,
}

impl SoleServer {
    /// Takes the right to serve the database behind `url`, which is that of a server.
    ///
    /// # Errors
    /// `Served` when another program has it; else when the server can't be reached or refuses.
    pub async fn take(url: &str) -> Result<Self, SetupError> {
        match Url::parse(url)? {
            Url::Sqlite(_) => Err(SetupError::Url),
            Url::Mysql(url) => Ok(Self { url: url.to_owned(), conn: in_time(mysql::take_sole(url)).await? }),
        }
    }

    /// Keeps the right: where its connection was lost, it is taken again as soon as the server is back. Ends when
    /// another program was faster.
    pub async fn kept(mut self) {
        loop {
            sleep(PERIOD).await;
            if !matches!(in_time(mysql::is_sole(&mut self.conn)).await, Ok(true)) {
                tracing::warn!("connection that keeps other servers off the database lost");
                let Some(conn) = again(&self.url).await else { return };
                self.conn = conn;
                tracing::info!("connection that keeps other servers off the database is back");
            }
        }
    }
}

async fn again(url: &str) -> Option<Conn> {
    loop {
        match in_time(mysql::take_sole(url)).await {
            Ok(conn) => return Some(conn),
            Err(SetupError::Served) => return None,
            Err(_away) => sleep(PERIOD).await,
        }
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, SetupError>>) -> Result<T, SetupError> {
    timeout(PATIENCE, work).await.unwrap_or(Err(SetupError::Unanswered(PATIENCE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn there_is_one_at_a_time_and_then_the_next() {
        let (url, other) = (testkit::mariadb::database().await, testkit::mariadb::database().await);
        let first = SoleServer::take(&url).await.unwrap();
        assert!(matches!(SoleServer::take(&url).await.err(), Some(SetupError::Served)));
        SoleServer::take(&other).await.unwrap();
        drop(first);
        SoleServer::take(&url).await.unwrap();
    }

    #[tokio::test]
    async fn a_lost_connection_is_made_again_unless_another_was_faster() {
        let url = testkit::mariadb::database().await;
        let mut first = SoleServer::take(&url).await.unwrap();
        testkit::mariadb::cut_connections(&url).await;
        assert!(!matches!(mysql::is_sole(&mut first.conn).await, Ok(true)));
        first.conn = again(&url).await.unwrap();
        assert!(mysql::is_sole(&mut first.conn).await.unwrap());

        testkit::mariadb::cut_connections(&url).await;
        let _faster = SoleServer::take(&url).await.unwrap();
        first.kept().await;
    }
}
