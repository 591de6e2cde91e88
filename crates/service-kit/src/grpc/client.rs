//! Clients: over a connection, or straight over a server of the same process.
//!
//! Generated clients are typed over [`GrpcService`], so that code above does not know which of the two it holds:
//! `XClient::new(channels.to(&url)?)` or `XClient::new(in_process(XServer::new(x)))`.

use std::time::Duration;

use http::{HeaderValue, Request, Response, Uri};
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request as Call, Status};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt, service_fn};

use super::balance::{self, Methods};
use super::measure::Measure;
use super::panic::contained;
use super::{
    AUTHORIZATION, CONNECTION_WINDOW, INTERNAL_TOKEN, KEEPALIVE_EVERY, KEEPALIVE_TIMEOUT, STREAM_WINDOW, deadline,
};
use crate::settings::Secret;
use crate::{Fault, Readiness, trace};

/// What a generated client runs over. Clones share the connection or the server behind it.
///
/// Its error is a concrete type: over a boxed one the compiler can't prove that a call's future is `Send`.
pub type GrpcService = BoxCloneSyncService<Request<Body>, Response<Body>, Status>;

/// How long a call may take when it says nothing itself.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The one factory of connections.
#[derive(Debug, Clone, Default)]
pub struct Channels {
    token: Option<Secret>,
    pub(super) readiness: Readiness,
    pub(super) methods: Methods,
}

impl Channels {
    /// Connections that show this secret, if there is one.
    #[must_use]
    pub fn new(token: Option<Secret>) -> Self {
        Self { token, ..Self::default() }
    }

    /// Tells of services that are away where operators look.
    #[must_use]
    pub fn reporting(self, readiness: Readiness) -> Self {
        Self { readiness, ..self }
    }

    /// Knows these methods (path, whether it is repeatable, that is, whether a repeat changes nothing), each of which takes
    /// one message and gives one. Calls of others are never made twice.
    #[must_use]
    pub fn methods(self, methods: &[(&'static str, bool)]) -> Self {
        Self { methods: balance::methods(methods), ..self }
    }

    /// A connection to one instance, made at its first call and made again after it breaks.
    ///
    /// # Errors
    /// When `url` is not one of the form `http://HOST:PORT`.
    pub fn to(&self, url: &Uri) -> Result<GrpcService, tonic::transport::Error> {
        Ok(boxed(channel(url)?, self.bearer()))
    }

    pub(super) fn bearer(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&self.token.as_ref()?.bearer()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// A client's way to a generated server in this very process: no connection, no task, no secret.
pub fn in_process<S>(server: S) -> GrpcService
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    boxed(server, None)
}

/// A call with a deadline of its own instead of the default of five seconds.
pub fn within<T>(limit: Duration, message: T) -> Call<T> {
    let mut call = Call::new(message);
    call.set_timeout(limit);
    call
}

/// A connection without anything around it.
#[expect(clippy::disallowed_methods, reason = "this is the one factory of channels")]
pub(super) fn channel(url: &Uri) -> Result<Channel, tonic::transport::Error> {
    Ok(Endpoint::new(url.clone())?
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW)
        .http2_keep_alive_interval(KEEPALIVE_EVERY)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .connect_lazy())
}

pub(super) fn boxed<S>(inner: S, bearer: Option<HeaderValue>) -> GrpcService
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    BoxCloneSyncService::new(service_fn(move |mut request: Request<Body>| {
        if let Some(bearer) = &bearer {
            // A secret that the call brings along, such as an operator's that is passed on, is meant.
            request.headers_mut().entry(AUTHORIZATION).or_insert_with(|| bearer.clone());
        }
        trace::pass_on(request.headers_mut());
        call(inner.clone(), request)
    }))
}

/// The service called doesn't know the secret of the house as this program does. That is a fault of the house: passed on
/// as it came, it would pass for a word about the player, or the operator, that is called for.
fn is_stranger(answer: &Response<Body>) -> bool {
    let refused = Status::from_header_map(answer.headers()).filter(|status| status.code() == Code::Unauthenticated);
    refused.is_some_and(|status| Fault::from(status).because() == Some(INTERNAL_TOKEN))
}

async fn call<S>(service: S, mut request: Request<Body>) -> Result<Response<Body>, Status>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: Into<BoxError>,
{
    let measure = Measure::begin("grpc_client_seconds", request.uri().path());
    let limit = deadline::asked(request.headers()).unwrap_or_else(|| {
        deadline::ask(request.headers_mut(), DEFAULT_DEADLINE);
        DEFAULT_DEADLINE
    });
    let failed = match tokio::time::timeout(limit, contained(service.oneshot(request))).await {
        Ok(Ok(Ok(answer))) if is_stranger(&answer) => {
            Status::internal("the service called has another --internal-token")
        }
        Ok(Ok(Ok(answer))) => {
            measure.end(&answer);
            return Ok(answer);
        }
        Ok(Ok(Err(broken))) => Status::from_error(broken.into()),
        Ok(Err(panicked)) => panicked.into(),
        Err(_elapsed) => deadline::passed(),
    };
    measure.fail(&failed);
    Err(failed)
}
