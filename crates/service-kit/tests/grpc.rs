//! The server and the clients against each other, over a real connection and inside one process. The health service
//! serves as the service, since it has both a unary call and a stream.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::convert::Infallible;
use std::error::Error as _;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{BoxFuture, Ready, ready};
use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use service_kit::grpc::{Channels, GrpcServer, GrpcService, Operator, ServeError, in_process, within};
use service_kit::settings::{AdminTokens, Secret};
use service_kit::{Fault, FaultKind, Readiness, Shutdown, TaskGroup, listen};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::server::NamedService;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::{v1, v1alpha};

/// Never answers, or panics.
#[derive(Clone)]
struct Silent;

impl NamedService for Silent {
    const NAME: &'static str = "test.Silent";
}

impl tower::Service<Request<Body>> for Silent {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        assert!(!request.uri().path().ends_with("Panic"), "asked to");
        Box::pin(std::future::pending())
    }
}

/// Refuses every call with the name of the operator who made it.
#[derive(Clone)]
struct Who;

impl NamedService for Who {
    const NAME: &'static str = "test.WhoAdminService";
}

impl tower::Service<Request<Body>> for Who {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let operator = request.extensions().get::<Operator>().map(|operator| operator.name().to_owned());
        ready(Ok(Status::from(Fault::exists(operator.unwrap_or_default())).into_http()))
    }
}

/// A server on a free port.
struct Running {
    address: SocketAddr,
    readiness: Readiness,
    shutdown: Shutdown,
    ended: oneshot::Receiver<Result<(), ServeError>>,
    _tasks: TaskGroup,
}

impl Running {
    async fn start(token: Option<Secret>) -> Self {
        let listener = listen::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (readiness, shutdown, tasks) = (Readiness::new(), Shutdown::new(), TaskGroup::new());
        let (end, ended) = oneshot::channel();
        let server = GrpcServer::new(readiness.clone())
            .service(Silent)
            .service(Who)
            .descriptors(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
            .descriptors(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
            .token(token)
            .admin_tokens(AdminTokens::parse(&["ann:the-secret-of-ann"]).unwrap());
        let serving = server.serve(listener, shutdown.clone());
        tasks.spawn("server", async move {
            end.send(serving.await).ok();
        });
        Self { address, readiness, shutdown, ended, _tasks: tasks }
    }

    fn url(&self) -> Uri {
        format!("http://{}", self.address).parse().unwrap()
    }

    fn client(&self) -> GrpcService {
        Channels::new(None).to(&self.url()).unwrap()
    }
}

/// A wire to a server that can freeze: connections stay open, and nothing comes through any more.
struct Wire {
    url: Uri,
    frozen: Shutdown,
    _tasks: TaskGroup,
}

impl Wire {
    async fn to(server: SocketAddr) -> Self {
        let listener = listen::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let (tasks, frozen) = (TaskGroup::new(), Shutdown::new());
        let freezing = frozen.clone();
        tasks.spawn("wire", async move {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = TcpStream::connect(server).await.unwrap();
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                () = freezing.wait() => std::future::pending().await,
            }
        });
        Self { url, frozen, _tasks: tasks }
    }
}

fn secret() -> Secret {
    Secret::parse("a-secret-of-the-house").unwrap()
}

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

async fn status(client: &mut HealthClient<GrpcService>, service: &str) -> ServingStatus {
    client.check(about(service)).await.unwrap().into_inner().status()
}

/// Calls the service that never answers.
async fn wait_for_silence(service: GrpcService, limit: Option<Duration>) -> Fault {
    call(service, "/test.Silent/Wait", limit).await
}

async fn call(service: GrpcService, path: &'static str, limit: Option<Duration>) -> Fault {
    let mut grpc = Grpc::new(service);
    grpc.ready().await.unwrap();
    let request = limit.map_or_else(|| tonic::Request::new(about("")), |limit| within(limit, about("")));
    let codec = ProstCodec::<HealthCheckRequest, HealthCheckResponse>::default();
    grpc.unary(request, PathAndQuery::from_static(path), codec).await.expect_err("nothing ever answers").into()
}

#[tokio::test]
async fn health_follows_readiness() {
    let server = Running::start(None).await;
    let mut client = HealthClient::new(server.client());
    assert_eq!(status(&mut client, "").await, ServingStatus::Serving);
    assert_eq!(status(&mut client, "test.Silent").await, ServingStatus::Serving);
    let mut watch = client.watch(about("test.Silent")).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    server.readiness.drain();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert_eq!(status(&mut client, "").await, ServingStatus::NotServing);
}

#[tokio::test]
async fn both_reflections_list_what_is_served_and_nothing_else() {
    let server = Running::start(None).await;
    let mut new = v1::server_reflection_client::ServerReflectionClient::new(server.client());
    let question = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    let answer = new.server_reflection_info(tokio_stream::once(question)).await.unwrap();
    let answer = answer.into_inner().message().await.unwrap().unwrap();
    let Some(v1::server_reflection_response::MessageResponse::ListServicesResponse(list)) = answer.message_response
    else {
        panic!("{answer:?}");
    };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    assert_eq!(names, [Silent::NAME, Who::NAME, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]);

    let mut old = v1alpha::server_reflection_client::ServerReflectionClient::new(server.client());
    let question = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    let answer = old.server_reflection_info(tokio_stream::once(question)).await.unwrap();
    let answer = answer.into_inner().message().await.unwrap().unwrap();
    let Some(v1alpha::server_reflection_response::MessageResponse::ListServicesResponse(list)) =
        answer.message_response
    else {
        panic!("{answer:?}");
    };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    assert_eq!(names, [Silent::NAME, Who::NAME, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"]);
}

#[tokio::test]
async fn without_the_secret_only_health_answers() {
    let server = Running::start(Some(secret())).await;
    assert_eq!(status(&mut HealthClient::new(server.client()), "").await, ServingStatus::Serving);
    let wrong = Secret::parse("another-secret-altogether").unwrap();
    for token in [None, Some(wrong)] {
        let stranger = Channels::new(token).to(&server.url()).unwrap();
        let refused = wait_for_silence(stranger, None).await;
        assert_eq!(refused.kind(), FaultKind::Internal, "no word about whom it is called for");
        assert!(refused.source().is_some_and(|cause| cause.to_string().contains("--internal-token")), "{refused:?}");
    }
    let known = Channels::new(Some(secret())).to(&server.url()).unwrap();
    let limit = Some(Duration::from_millis(100));
    assert_eq!(wait_for_silence(known, limit).await.kind(), FaultKind::DeadlineExceeded, "let in, it waits in vain");
}

#[tokio::test]
async fn operators_are_known_by_their_secrets() {
    let server = Running::start(Some(secret())).await;
    let whom = async |token: Secret| {
        call(Channels::new(Some(token)).to(&server.url()).unwrap(), "/test.WhoAdminService/Am", None).await
    };
    assert_eq!(whom(Secret::parse("the-secret-of-ann").unwrap()).await.key(), "ann");
    assert_eq!(whom(secret()).await.because(), Some("admin_token"), "the secret of the house is not enough");
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented() {
    let server = Running::start(None).await;
    assert_eq!(call(server.client(), "/test.Nobody/Knows", None).await.kind(), FaultKind::Unimplemented);
}

#[tokio::test]
async fn a_handler_that_panics_fails_its_own_call_alone() {
    let server = Running::start(None).await;
    let client = server.client();
    let mut watch = HealthClient::new(client.clone()).watch(about("")).await.unwrap().into_inner();
    watch.message().await.unwrap();
    assert_eq!(call(client.clone(), "/test.Silent/Panic", None).await.kind(), FaultKind::Internal);
    server.readiness.drain();
    let next = watch.message().await.unwrap().unwrap();
    assert_eq!(next.status(), ServingStatus::NotServing, "a stream on the same connection goes on");
    assert_eq!(call(in_process(Silent), "/test.Silent/Panic", None).await.kind(), FaultKind::Internal);
}

#[tokio::test]
async fn a_client_inside_the_process_is_the_same_client() {
    let (_reporter, health) = tonic_health::server::health_reporter();
    let mut client = HealthClient::new(in_process(health));
    assert_eq!(status(&mut client, "").await, ServingStatus::Serving);
    let missing = client.check(about("nobody")).await.unwrap_err();
    assert_eq!(Fault::from(missing).kind(), FaultKind::NotFound);
    let mut watch = client.watch(about("")).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
}

#[tokio::test(start_paused = true)]
async fn every_call_has_a_deadline() {
    let began = Instant::now();
    assert_eq!(wait_for_silence(in_process(Silent), None).await.kind(), FaultKind::DeadlineExceeded);
    assert_eq!(began.elapsed().as_secs(), 5, "by default");
    let began = Instant::now();
    let limit = Duration::from_millis(1_200);
    assert_eq!(wait_for_silence(in_process(Silent), Some(limit)).await.kind(), FaultKind::DeadlineExceeded);
    assert_eq!(began.elapsed().as_millis(), 1_200);
}

#[tokio::test]
async fn a_peer_that_is_not_there_is_unavailable_at_once() {
    let listener = listen::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url: Uri = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let fault = wait_for_silence(Channels::default().to(&url).unwrap(), None).await;
    assert_eq!(fault.kind(), FaultKind::Unavailable);
}

#[tokio::test]
async fn a_stop_ends_although_a_stream_is_open() {
    let server = Running::start(None).await;
    let mut client = HealthClient::new(server.client());
    let mut watch = client.watch(about("")).await.unwrap().into_inner();
    watch.message().await.unwrap();
    server.shutdown.begin();
    let next = tokio::time::timeout(Duration::from_secs(10), watch.message()).await.expect("in time");
    let cut = next.expect_err("the stream is cut");
    assert_eq!(Fault::from(cut).key(), "shutting-down");
    let ended = tokio::time::timeout(Duration::from_secs(10), server.ended).await;
    assert!(matches!(ended, Ok(Ok(Ok(())))), "{ended:?}");
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_stop_without_calls_is_quick() {
    let server = Running::start(None).await;
    let mut client = HealthClient::new(server.client());
    status(&mut client, "").await;
    server.shutdown.begin();
    let ended = tokio::time::timeout(Duration::from_millis(1_500), server.ended).await;
    assert!(matches!(ended, Ok(Ok(Ok(())))), "{ended:?}");
}

#[tokio::test]
async fn a_frozen_peer_is_noticed_on_an_open_stream() {
    let server = Running::start(None).await;
    let wire = Wire::to(server.address).await;
    let mut client = HealthClient::new(Channels::default().to(&wire.url).unwrap());
    let mut watch = client.watch(about("")).await.unwrap().into_inner();
    watch.message().await.unwrap();
    wire.frozen.begin();
    let ended = tokio::time::timeout(Duration::from_secs(21), watch.message()).await;
    let status = ended.expect("noticed in time").expect_err("the stream is broken");
    assert_eq!(Fault::from(status).kind(), FaultKind::Unavailable);
}
