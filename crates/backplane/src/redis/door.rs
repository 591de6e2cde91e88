//! The one door through which the server is asked: every question has a deadline and is measured.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use bb8_redis::bb8::Pool;
use redis::{Client, FromRedisValue, RedisError, Script, ToRedisArgs};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::line::{Connector, Line};
use super::scripts::Operation;
use crate::fault::{BackplaneFault, Result};

/// How long an answer is waited for, the wait for a connection included. Below the time between two renewals of a
/// lease.
pub(super) const DEADLINE: Duration = Duration::from_secs(1);

/// Connections at most. The server answers one question at a time, so more would only wait there instead of here.
const CONNECTIONS: u32 = 16;

/// Questions that may be under way or wait for a connection. A server that stands still makes each last as long as the
/// deadline; what is asked beyond is refused at once.
const QUESTIONS: usize = 4_096;

type Cause = Box<dyn Error + Send + Sync>;

/// Asks with scripts, under a prefix.
pub(super) struct Door {
    pool: Pool<Connector>,
    prefix: String,
    questions: Semaphore,
}

impl Door {
    /// A door to `client`'s server, each connection to which begins with the script `life`. Nothing is connected before the
    /// first question.
    pub(super) fn new(client: Client, prefix: String, life: Script) -> Self {
        let pool = Pool::builder()
            .max_size(CONNECTIONS)
            .connection_timeout(DEADLINE)
            .test_on_check_out(true)
            .build_unchecked(Connector { client, prefix: prefix.clone(), life });
        Self { pool, prefix, questions: Semaphore::new(QUESTIONS) }
    }

    /// What keys and channels begin with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Runs a script and reads its answer.
    pub(super) async fn run<T: FromRedisValue>(&self, operation: &Operation, args: impl ToRedisArgs) -> Result<T> {
        let Ok(_asking) = self.questions.try_acquire() else {
            metrics::counter!("backplane_refused_total").increment(1);
            return Err(BackplaneFault::new(operation.name, "too many questions wait already"));
        };
        let mut call = operation.script.prepare_invoke();
        call.key(&self.prefix).arg(args);
        measured(operation.name, async {
            let mut line = self.pool.get().await?;
            line.answered = false;
            let answer = call.invoke_async(&mut line.connection).await;
            line.note(&answer);
            Ok(answer?)
        })
        .await
    }

    /// Whether the server answers.
    pub(super) async fn ping(&self) -> Result<()> {
        measured("ping", async {
            let mut line = self.pool.get().await?;
            line.ping().await?;
            Ok(())
        })
        .await
    }
}

impl Line {
    /// Whether the server answers on this line.
    pub(super) async fn ping(&mut self) -> std::result::Result<(), RedisError> {
        self.answered = false;
        let answer = redis::cmd("PING").query_async(&mut self.connection).await;
        self.note(&answer);
        answer
    }

    /// A server that refuses has answered too.
    fn note<T>(&mut self, answer: &std::result::Result<T, RedisError>) {
        self.answered = answer.as_ref().err().is_none_or(|error| !error.is_io_error());
    }
}

/// Carries `work` out within the deadline, timed under the name of `operation`.
pub(super) async fn measured<T>(
    operation: &'static str,
    work: impl Future<Output = std::result::Result<T, Cause>>,
) -> Result<T> {
    let started = Instant::now();
    let answer = timeout(DEADLINE, work).await.unwrap_or_else(|late| Err(late.into()));
    let outcome = if answer.is_ok() { "ok" } else { "error" };
    metrics::histogram!("backplane_seconds", "op" => operation, "outcome" => outcome).record(started.elapsed());
    answer.map_err(|cause| BackplaneFault::new(operation, cause))
}
