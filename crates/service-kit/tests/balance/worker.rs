//! A server that counts what it does.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::uri::PathAndQuery;
use http::{Request, Response};
use service_kit::grpc::{GrpcServer, GrpcService};
use service_kit::trace::Trace;
use service_kit::{Fault, Readiness, Shutdown, TaskGroup, listen};
use tokio::sync::oneshot;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::server::NamedService;
use tonic_health::pb::HealthCheckRequest as Text;
use tonic_prost::ProstCodec;
use tower::service_fn;

pub(crate) const DO: &str = "/test.Worker/Do";
pub(crate) const READ: &str = "/test.Worker/Read";
pub(crate) const TRACE: &str = "/test.Worker/Trace";

/// A running server. It answers with its name.
pub(crate) struct Worker {
    pub(crate) readiness: Readiness,
    address: SocketAddr,
    work: Work,
    shutdown: Shutdown,
    ended: oneshot::Receiver<()>,
    _tasks: TaskGroup,
}

#[derive(Clone)]
struct Work {
    name: &'static str,
    done: Arc<AtomicUsize>,
    held: Shutdown,
    refusing: Shutdown,
}

impl Worker {
    pub(crate) async fn start(name: &'static str) -> Self {
        Self::start_on(name, 0).await
    }

    pub(crate) async fn start_on(name: &'static str, port: u16) -> Self {
        let listener = listen::bind(SocketAddr::from(([127, 0, 0, 1], port))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (readiness, shutdown, tasks) = (Readiness::new(), Shutdown::new(), TaskGroup::new());
        let work = Work { name, done: Arc::default(), held: Shutdown::new(), refusing: Shutdown::new() };
        let serving = GrpcServer::new(readiness.clone()).service(work.clone()).serve(listener, shutdown.clone());
        let (end, ended) = oneshot::channel();
        tasks.spawn("server", async move {
            serving.await.unwrap();
            end.send(()).ok();
        });
        Self { readiness, address, work, shutdown, ended, _tasks: tasks }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many calls it has carried out.
    pub(crate) fn done(&self) -> usize {
        self.work.done.load(Ordering::SeqCst)
    }

    /// From now on it does what it is asked and doesn't answer.
    pub(crate) fn hold(&self) {
        self.work.held.begin();
    }

    /// From now on it is asked in vain, and says why.
    pub(crate) fn refuse(&self) {
        self.work.refusing.begin();
    }

    /// Drains as a program does, and says how much it has done.
    pub(crate) async fn stop(self) -> usize {
        self.readiness.drain();
        self.shutdown.begin();
        self.ended.await.unwrap();
        self.work.done.load(Ordering::SeqCst)
    }
}

/// A port where nobody listens.
pub(crate) async fn free_port() -> u16 {
    listen::bind("127.0.0.1:0".parse().unwrap()).await.unwrap().local_addr().unwrap().port()
}

/// Calls a method and gives its answer.
pub(crate) async fn ask(client: &GrpcService, method: &'static str) -> Result<String, Fault> {
    let mut grpc = Grpc::new(client.clone());
    grpc.ready().await.unwrap();
    let codec = ProstCodec::<Text, Text>::default();
    let request = tonic::Request::new(Text::default());
    let answer = grpc.unary(request, PathAndQuery::from_static(method), codec).await;
    answer.map(|answer| answer.into_inner().service).map_err(Fault::from)
}

impl NamedService for Work {
    const NAME: &'static str = "test.Worker";
}

impl tower::Service<Request<Body>> for Work {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (work, tracing) = (self.clone(), request.uri().path() == TRACE);
        let handler = service_fn(move |_: tonic::Request<Text>| {
            let work = work.clone();
            async move {
                work.done.fetch_add(1, Ordering::SeqCst);
                if work.held.begun() {
                    std::future::pending::<()>().await;
                }
                if work.refusing.begun() {
                    return Err(Fault::unavailable("refused").reason("worker").into());
                }
                let service = if tracing { Trace::current().unwrap().to_string() } else { work.name.to_owned() };
                Ok::<_, tonic::Status>(tonic::Response::new(Text { service }))
            }
        });
        async move { Ok(tonic::server::Grpc::new(ProstCodec::<Text, Text>::default()).unary(handler, request).await) }
            .boxed()
    }
}
