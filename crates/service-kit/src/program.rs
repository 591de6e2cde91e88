//! The life of a program: start, announce, wait for the end, drain. What each `main` does around its services.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use std::time::Duration;
//!
//! use service_kit::program::{Program, StartError};
//! use service_kit::ready_line::Listeners;
//! use service_kit::telemetry::LogSettings;
//!
//! async fn run(log: LogSettings, admin: std::net::SocketAddr) -> Result<ExitCode, StartError> {
//!     let program = Program::start(&log)?;
//!     let admin = program.serve_admin(admin).await?;
//!     // Bind, open stores, spawn services on `program.tasks`, each behind a latch of `program.readiness`.
//!     program.announce(Listeners { admin: Some(admin), ..Listeners::default() }).await?;
//!     program.ending().await;
//!     // Drain what needs more than its task group's stop.
//!     Ok(program.end(Duration::from_secs(10)).await)
//! }
//! ```

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::grpc::{GrpcServer, NOTICED_WITHIN};
use crate::listen::{self, BindError};
use crate::readiness::Latch;
use crate::ready_line::{self, Listeners};
use crate::settings::ServiceSettings;
use crate::telemetry::{self, LogSettings, Metrics};
use crate::{Readiness, Shutdown, TaskGroup, admin};

/// The exit code of a program that lost a vital task.
const EXIT_FALLEN: u8 = 70;

/// How long the operators' listener may take to close.
const ADMIN_GRACE: Duration = Duration::from_secs(1);

/// What the services of a program share.
#[derive(Debug)]
pub struct Program {
    /// Owns the services' tasks.
    pub tasks: TaskGroup,
    /// Begins on SIGTERM or ctrl-c.
    pub shutdown: Shutdown,
    /// Whether the program wants work.
    pub readiness: Readiness,
    /// Its metrics.
    pub metrics: Metrics,
    /// Owns what outlives the services: signals, metrics and the operators' listener.
    outer: TaskGroup,
}

/// A program of one service behind the gateway whose listeners are bound and of which nothing else runs yet.
#[derive(Debug)]
pub struct Standing {
    /// The program.
    pub program: Program,
    /// Keeps it from being ready until its service has started.
    pub starting: Latch,
    /// Where gRPC is to be served.
    pub grpc: TcpListener,
    /// What its ready line says.
    pub addresses: Listeners,
}

/// The program could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener's address is taken or not ours.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The system refused something.
    #[error("cannot start: {0}")]
    Io(#[from] io::Error),
}

impl Program {
    /// Starts log and metrics, and listens to signals.
    ///
    /// # Errors
    /// When the system refuses signal handlers.
    pub fn start(log: &LogSettings) -> Result<Self, StartError> {
        telemetry::init(log);
        let (metrics, outer) = (Metrics::install(), TaskGroup::new());
        metrics.keep_up(&outer);
        let shutdown = Shutdown::on_signals(&outer)?;
        Ok(Self { tasks: TaskGroup::new(), shutdown, readiness: Readiness::new(), metrics, outer })
    }

    /// Starts a program of one service and binds its listeners: gRPC, yet to be served, and the operators'.
    ///
    /// # Errors
    /// When the system refuses signal handlers, or an address can't be bound.
    pub async fn stand(settings: &ServiceSettings) -> Result<Standing, StartError> {
        let program = Self::start(&settings.log)?;
        let starting = program.readiness.latch("start");
        let grpc = listen::bind(settings.grpc_listen).await?;
        let admin = program.serve_admin(settings.admin_listen).await?;
        let addresses = Listeners { http: None, grpc: Some(grpc.local_addr()?), admin: Some(admin) };
        Ok(Standing { program, starting, grpc, addresses })
    }

    /// Serves operators, from before the services start until after they have ended, and answers where.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn serve_admin(&self, address: SocketAddr) -> Result<SocketAddr, StartError> {
        let listener = listen::bind(address).await?;
        let bound = listener.local_addr()?;
        let serving = admin::serve(listener, self.readiness.clone(), self.metrics.clone(), self.outer.stopping());
        self.outer.spawn("admin", async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "admin listener broke");
            }
        });
        Ok(bound)
    }

    /// Serves gRPC until the services have ended; without it the program can't do.
    pub fn serve_grpc(&self, server: GrpcServer, listener: TcpListener) {
        let serving = server.serve(listener, self.tasks.stopping());
        self.tasks.spawn_vital("grpc", async move {
            if let Err(broken) = serving.await {
                tracing::error!(error = %broken, "gRPC server broke");
            }
        });
    }

    /// Carries out a part of the start that may wait for others; `None` when the program has to end before it is done.
    pub async fn unless_ending<T>(&self, starting: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            started = starting => Some(started),
            () = self.ending() => None,
        }
    }

    /// Waits until the program is ready and says so on standard output; says nothing if it ends before.
    ///
    /// # Errors
    /// When standard output is closed.
    pub async fn announce(&self, listeners: Listeners) -> Result<(), StartError> {
        tokio::select! {
            () = self.readiness.ready() => {
                ready_line::print(listeners)?;
                let told = |address: SocketAddr| tracing::field::display(format!("http://{address}"));
                let Listeners { http, grpc, admin } = listeners;
                let (http, grpc, admin) = (http.map(told), grpc.map(told), admin.map(told));
                let version = env!("CARGO_PKG_VERSION");
                tracing::info!(program.version = version, program.http = http, program.grpc = grpc, program.admin = admin, "program started");
                Ok(())
            }
            () = self.ending() => Ok(()),
        }
    }

    /// Ends when the program has to: a signal came, or a vital task is gone.
    pub async fn ending(&self) {
        tokio::select! {
            () = self.shutdown.wait() => {}
            () = self.tasks.fallen().wait() => {}
        }
    }

    /// Wants no more work from here on, and carries out what has to be done before the tasks end, at most for `grace`.
    pub async fn drain(&self, grace: Duration, work: impl Future<Output = ()>) {
        self.readiness.drain();
        if tokio::time::timeout(grace, work).await.is_err() {
            tracing::warn!(drain.grace_s = grace.as_secs(), "drain took too long and was left");
        }
    }

    /// Wants no more work from here on, and goes on serving until callers have noticed, which ask for the health of those
    /// they call. For services that have nothing else to bring to an end.
    pub async fn bow_out(&self) {
        self.readiness.drain();
        tokio::time::sleep(NOTICED_WITHIN).await;
    }

    /// Wants no more work, lets the services end within `grace`, and then everything else. The answer is the exit code:
    /// 0, or 70 when a vital task was lost.
    pub async fn end(self, grace: Duration) -> ExitCode {
        self.readiness.drain();
        self.shutdown.begin();
        let fallen = self.tasks.fallen().begun();
        if let Err(unfinished) = self.tasks.end(grace).await {
            tracing::warn!(tasks.left = unfinished.left, "stopped before every task had ended");
        }
        if let Err(unfinished) = self.outer.end(ADMIN_GRACE).await {
            tracing::warn!(tasks.left = unfinished.left, "stopped before every task had ended");
        }
        tracing::info!("program stopped");
        if fallen { ExitCode::from(EXIT_FALLEN) } else { ExitCode::SUCCESS }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::telemetry::{LogFilter, LogFormat};

    async fn started() -> (Program, SocketAddr) {
        let log = LogSettings { filter: LogFilter::parse("off").unwrap(), format: LogFormat::Text };
        let program = Program::start(&log).unwrap();
        let admin = program.serve_admin("127.0.0.1:0".parse().unwrap()).await.unwrap();
        (program, admin)
    }

    async fn ready_status(admin: SocketAddr) -> String {
        let mut stream = TcpStream::connect(admin).await.unwrap();
        stream.write_all(b"GET /ready HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    }

    #[tokio::test]
    async fn operators_see_the_drain_and_the_program_leaves_with_0() {
        let (program, admin) = started().await;
        let latch = program.readiness.latch("service");
        assert_eq!(ready_status(admin).await, "HTTP/1.1 503 Service Unavailable");
        drop(latch);
        assert_eq!(ready_status(admin).await, "HTTP/1.1 200 OK");
        let (stopping, readiness) = (program.tasks.stopping(), program.readiness.clone());
        program.tasks.spawn_vital("service", async move {
            stopping.wait().await;
            assert!(!readiness.is_ready());
            assert_eq!(ready_status(admin).await, "HTTP/1.1 503 Service Unavailable");
        });
        program.shutdown.begin();
        program.ending().await;
        let fallen = program.tasks.fallen();
        assert_eq!(program.end(Duration::from_secs(5)).await, ExitCode::SUCCESS);
        assert!(!fallen.begun());
        assert!(TcpStream::connect(admin).await.is_err());
    }

    #[tokio::test]
    async fn a_lost_vital_task_ends_the_program_with_70() {
        let (program, _admin) = started().await;
        program.tasks.spawn_vital("wheel", async {});
        program.ending().await;
        assert_eq!(program.end(Duration::from_secs(5)).await, ExitCode::from(EXIT_FALLEN));
    }
}
