//! The one gRPC server: several services on one port, reflection, health, and a door that every call passes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::IntoResponse;
use http::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tower::{Service, ServiceExt, service_fn};
use tracing::Instrument;

use super::body::Cuttable;
use super::measure::Measure;
use super::panic::contained;
use super::{AUTHORIZATION, CONNECTION_WINDOW, KEEPALIVE_EVERY, KEEPALIVE_TIMEOUT, STREAM_WINDOW, deadline};
use crate::settings::InternalToken;
use crate::{Fault, Readiness, Shutdown};

/// Calls at work at once, all connections together; one more is turned away at once. A stream counts until it is open.
const MAX_CALLS: usize = 4096;

/// Streams open at once on one connection, calls included.
const MAX_STREAMS: u32 = 8192;

/// What a call gets when it asks for no deadline, and the most it can get.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);
const LONGEST_DEADLINE: Duration = Duration::from_secs(60);

/// How long a stop waits for calls to end by themselves, and then for the connections of those that it cut.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// Health has to answer load balancers that know no secret.
const OPEN_TO_ALL: &str = "/grpc.health.v1.Health/";

/// The services of one port, before it serves.
#[must_use = "a server serves nothing until `serve`"]
pub struct GrpcServer {
    routes: Routes,
    names: Vec<&'static str>,
    descriptors: Vec<&'static [u8]>,
    token: Option<InternalToken>,
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

/// What every call passes on its way in.
struct Door {
    bearer: Option<String>,
    places: Arc<Semaphore>,
    cut: CancellationToken,
}

impl GrpcServer {
    /// A server whose health follows `readiness`.
    pub fn new(readiness: Readiness) -> Self {
        let (routes, names, descriptors) = (Routes::default(), Vec::new(), Vec::new());
        Self { routes, names, descriptors, token: None, readiness }
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
    pub fn token(mut self, token: Option<InternalToken>) -> Self {
        self.token = token;
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
        let door = Arc::new(Door::new(self.token.as_ref()));
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
        let configured = || {
            self.descriptors
                .iter()
                .fold(tonic_reflection::server::Builder::configure(), |builder, set| {
                    builder.register_encoded_file_descriptor_set(set)
                })
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        // Python's reflection client still speaks v1alpha.
        let (v1, v1alpha) = (configured().build_v1()?, configured().build_v1alpha()?);
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

impl Door {
    fn new(token: Option<&InternalToken>) -> Self {
        Self {
            bearer: token.map(InternalToken::bearer),
            places: Arc::new(Semaphore::new(MAX_CALLS)),
            cut: CancellationToken::new(),
        }
    }

    /// Lets a call in, times it, and makes its answer cuttable.
    async fn pass(self: Arc<Self>, routes: Routes, request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let measure = Measure::begin("grpc_server_seconds", request.uri().path());
        let answer = self.admit(routes, request).await.unwrap_or_else(|fault| tonic::Status::from(fault).into_http());
        measure.end(&answer);
        Ok(answer.map(|body| Cuttable::wrap(body, &self.cut)))
    }

    async fn admit(&self, routes: Routes, request: Request<Body>) -> Result<Response<Body>, Fault> {
        self.check_token(&request)?;
        let _place = self.places.try_acquire().map_err(|_full| {
            metrics::counter!("grpc_server_shed_total").increment(1);
            Fault::exhausted("too-busy").reason("busy").retry_after(Duration::from_secs(1))
        })?;
        let limit = deadline::asked(request.headers()).unwrap_or(DEFAULT_DEADLINE).min(LONGEST_DEADLINE);
        let span = tracing::debug_span!("call", call.method = request.uri().path());
        let answer = contained(routes.oneshot(request).instrument(span));
        crate::time::deadline(limit, answer).await.map(|answer| answer.unwrap_or_else(|never| match never {}))
    }

    fn check_token(&self, request: &Request<Body>) -> Result<(), Fault> {
        let Some(expected) = &self.bearer else { return Ok(()) };
        let shown = request.headers().get(AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
        if request.uri().path().starts_with(OPEN_TO_ALL) || same(shown, expected.as_bytes()) {
            return Ok(());
        }
        Err(Fault::unauthenticated("internal-token-missing").reason("internal_token"))
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

/// Compares in a time that does not depend on where the difference is.
fn same(shown: &[u8], expected: &[u8]) -> bool {
    shown.len() == expected.len() && shown.iter().zip(expected).fold(0, |found, (a, b)| found | (a ^ b)) == 0
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FaultKind;

    fn request(path: &str) -> Request<Body> {
        Request::post(path).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn one_call_too_many_is_turned_away_at_once() {
        let door = Door { places: Arc::new(Semaphore::new(0)), ..Door::new(None) };
        let fault = door.admit(Routes::default(), request("/a.B/C")).await.unwrap_err();
        assert_eq!((fault.kind(), fault.because()), (FaultKind::ResourceExhausted, Some("busy")));
        assert!(fault.retry_delay().is_some());
    }

    #[test]
    fn secrets_are_compared_whole() {
        assert!(same(b"Bearer x", b"Bearer x"));
        for other in [&b""[..], b"Bearer y", b"Bearer ", b"Bearer xx"] {
            assert!(!same(other, b"Bearer x"));
        }
    }
}
