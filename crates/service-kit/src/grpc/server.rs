//! The one gRPC server: several services on one port, reflection, health, and a door that every call passes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::IntoResponse;
use http::Request;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::SERVICE_NAME as HEALTH;
use tonic_health::server::HealthReporter;
use tonic_reflection::pb::v1::server_reflection_server::SERVICE_NAME as REFLECTION;
use tonic_reflection::pb::v1alpha::server_reflection_server::SERVICE_NAME as REFLECTION_ALPHA;
use tower::{Service, service_fn};

use super::door::Door;
use super::{CONNECTION_WINDOW, KEEPALIVE_EVERY, KEEPALIVE_TIMEOUT, STREAM_WINDOW};
use crate::program::Program;
use crate::settings::{AdminTokens, Secret};
use crate::{Readiness, Shutdown};

/// Streams open at once on one connection, calls included.
const MAX_STREAMS: u32 = 8192;

/// How long a stop waits for calls to end by themselves, and then for the connections of those that it cut.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// The services of one port, before it serves.
#[must_use = "a server serves nothing until `serve`"]
pub struct GrpcServer {
    routes: Routes,
    names: Vec<&'static str>,
    descriptors: Vec<&'static [u8]>,
    token: Option<Secret>,
    operators: AdminTokens,
    readiness: Readiness,
}

/// The server could not start, or broke.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A descriptor set given for reflection does not decode.
    #[error("descriptor set: {0}")]
    Descriptors(#[from] tonic_reflection::server::Error),
    /// The listener broke.
    #[error("gRPC listener: {0}")]
    Transport(#[from] tonic::transport::Error),
}

impl GrpcServer {
    /// A server whose health follows `readiness`.
    pub fn new(readiness: Readiness) -> Self {
        let (routes, names, descriptors) = (Routes::default(), Vec::new(), Vec::new());
        Self { routes, names, descriptors, token: None, operators: AdminTokens::default(), readiness }
    }

    /// The server of a program, with the secrets that callers and operators have to show.
    pub fn of(program: &Program, token: Option<Secret>, operators: AdminTokens) -> Self {
        Self { token, operators, ..Self::new(program.readiness.clone()) }
    }

    /// Adds a generated server.
    pub fn service<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        self.routes = self.routes.add_service(service);
        self.names.push(S::NAME);
        self
    }

    /// Adds an encoded descriptor set to reflection; once more, as when several services share one, changes nothing.
    pub fn descriptors(mut self, set: &'static [u8]) -> Self {
        if !self.descriptors.contains(&set) {
            self.descriptors.push(set);
        }
        self
    }

    /// Asks every call but health for this secret.
    pub fn token(mut self, token: Option<Secret>) -> Self {
        self.token = token;
        self
    }

    /// Asks calls of services named `…AdminService` for one of these instead, if there are any, and gives them an
    /// [`Operator`](super::Operator).
    pub fn admin_tokens(mut self, operators: AdminTokens) -> Self {
        self.operators = operators;
        self
    }

    /// Serves until `shutdown` begins; then refuses new connections, lets calls end, cuts the streams that do not, and
    /// returns within a few seconds.
    ///
    /// # Errors
    /// `ServeError` when the server cannot start or its listener breaks.
    pub async fn serve(mut self, listener: TcpListener, shutdown: Shutdown) -> Result<(), ServeError> {
        self.add_reflection()?;
        let reporter = self.add_health().await;
        let door = Arc::new(Door::new(self.token.as_ref(), &self.operators));
        let routes = self.routes.prepare();
        let cut = door.cut.clone();
        let service = service_fn(move |request| Arc::clone(&door).pass(routes.clone(), request));
        let serving =
            builder().serve_with_incoming_shutdown(service, TcpListenerStream::new(listener), shutdown.wait());
        tokio::select! {
            served = serving => Ok(served?),
            never = follow(&reporter, &self.names, &self.readiness) => match never {},
            () = stop(&shutdown, &cut) => {
                tracing::warn!("gRPC connections did not close in time");
                Ok(())
            }
        }
    }

    fn add_reflection(&mut self) -> Result<(), ServeError> {
        let configured = |own: &'static str| {
            let sets = self.descriptors.iter().copied().chain([tonic_health::pb::FILE_DESCRIPTOR_SET]);
            let names = self.names.iter().copied().chain([HEALTH, own]);
            let builder = sets.fold(tonic_reflection::server::Builder::configure(), |builder, set| {
                builder.register_encoded_file_descriptor_set(set)
            });
            // The descriptors may tell of more services than are answered here.
            names.fold(builder, tonic_reflection::server::Builder::with_service_name)
        };
        // Python's reflection client still speaks v1alpha.
        let (v1, v1alpha) = (configured(REFLECTION).build_v1()?, configured(REFLECTION_ALPHA).build_v1alpha()?);
        self.routes = std::mem::take(&mut self.routes).add_service(v1).add_service(v1alpha);
        Ok(())
    }

    async fn add_health(&mut self) -> HealthReporter {
        let (reporter, health) = tonic_health::server::health_reporter();
        report(&reporter, &self.names, self.readiness.is_ready()).await;
        self.routes = std::mem::take(&mut self.routes).add_service(health);
        reporter
    }
}

fn builder() -> Server {
    Server::builder()
        .tcp_nodelay(true)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW)
        .max_concurrent_streams(MAX_STREAMS)
        .http2_keepalive_interval(Some(KEEPALIVE_EVERY))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
}

/// Keeps health saying what readiness says.
async fn follow(reporter: &HealthReporter, names: &[&'static str], readiness: &Readiness) -> Infallible {
    loop {
        readiness.ready().await;
        report(reporter, names, true).await;
        readiness.unready().await;
        report(reporter, names, false).await;
    }
}

async fn report(reporter: &HealthReporter, names: &[&'static str], ready: bool) {
    let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
    for name in std::iter::once(&"").chain(names) {
        reporter.set_service_status(name, status).await;
    }
}

/// Ends when a stop has taken as long as it may.
async fn stop(shutdown: &Shutdown, cut: &CancellationToken) {
    shutdown.wait().await;
    tokio::time::sleep(STOP_GRACE).await;
    cut.cancel();
    tokio::time::sleep(STOP_GRACE).await;
}
