//! The program as operators meet it: flags, the ready line, signals and exit codes. Its user-svc is the tests' own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "battles/store.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod store;

use std::net::SocketAddr;
use std::time::Duration;

use proto::battle::v1::battle_service_client::BattleServiceClient;
use proto::battle::v1::{FeedRequest, OnDeath, StartAutoRequest, WatchBattleRequest};
use proto::common::v1::Caller;
use proto::user::v1::user_service_server::UserServiceServer;
use service_kit::grpc::{Channels, GrpcServer, GrpcService, within};
use service_kit::settings::Secret;
use service_kit::{Readiness, TaskGroup};
use testkit::process::{Process, Ready};
use testkit::redis;
use tokio::net::TcpListener;

use crate::store::Store;

/// How long a program may take to leave.
const SOON: Duration = Duration::from_secs(20);

fn start(redis: &str, user: SocketAddr) -> Process {
    let user = format!("http://{user}");
    let ports = ["--grpc-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--tick-ms", "50"];
    run(&[&ports[..], &["--redis-url", redis, "--user-url", &user]].concat())
}

fn run(arguments: &[&str]) -> Process {
    Process::start(env!("CARGO_BIN_EXE_battle-svc"), arguments)
}

/// Serves a store as user-svc does.
async fn serve(store: &Store, listener: TcpListener, tasks: &TaskGroup) {
    serve_to(None, store, listener, tasks).await;
}

/// The same, to whoever knows this secret.
async fn serve_to(token: Option<Secret>, store: &Store, listener: TcpListener, tasks: &TaskGroup) {
    let server = GrpcServer::new(Readiness::new()).token(token).service(UserServiceServer::new(store.clone()));
    let serving = server.serve(listener, tasks.stopping());
    tasks.spawn("user-svc", async move { serving.await.unwrap() });
}

fn client(ready: Ready) -> BattleServiceClient<GrpcService> {
    let url = format!("http://{}", ready.grpc.unwrap()).parse().unwrap();
    BattleServiceClient::new(Channels::default().to(&url).unwrap())
}

/// Streams that nobody ends hold no program up: it ends them itself, and its battles are saved before.
#[tokio::test(flavor = "multi_thread")]
async fn it_leaves_in_time_although_streams_are_open() {
    let (redis, tasks, store) = (redis::Server::start().await, TaskGroup::new(), Store::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let user = listener.local_addr().unwrap();
    serve(&store, listener, &tasks).await;
    let mut program = start(&redis.url(), user);
    let mut players = client(program.ready().await);

    let account = vocab::AccountId::generate().to_string();
    store.character(&account, "Hero").await;
    let caller = Some(Caller { account_id: account, epoch: 1, connection: 1 });
    let auto = StartAutoRequest { caller, dungeon: "1".into(), on_death: OnDeath::Revive.into() };
    let battle_id = players.start_auto(auto).await.unwrap().into_inner().battle.unwrap().id;
    let feed = FeedRequest { gateway: "gateway".into(), nonce: "1".into() };
    let mut feed = players.feed(feed).await.unwrap().into_inner();
    feed.message().await.unwrap();
    let watch = within(SOON, WatchBattleRequest { battle_id: battle_id.clone(), from_seq: 0 });
    let mut watch = players.watch_battle(watch).await.unwrap().into_inner();
    watch.message().await.unwrap();

    program.signal("TERM");
    program.ended(SOON).await.left_politely();
    let record = store.record(&battle_id).await;
    assert_eq!(record.owner, "", "the battle is given back");
    assert!(record.seq > 0, "and saved where it stood");
    tasks.end(SOON).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_user_svc_and_says_so_once() {
    let (redis, tasks) = (redis::Server::start().await, TaskGroup::new());
    // A port that was free a moment ago.
    let user = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut program = start(&redis.url(), user);
    program.says("dependency away at the start").await;
    assert!(program.is_silent(), "it isn't ready");
    serve(&Store::new(), TcpListener::bind(user).await.unwrap(), &tasks).await;
    let ready = program.ready().await;
    assert!(ready.grpc.is_some() && ready.admin.is_some() && ready.http.is_none(), "{ready:?}");
    program.signal("INT");
    let ended = program.ended(SOON).await;
    ended.left_politely();
    assert_eq!(ended.stderr.matches("dependency away").count(), 1, "{}", ended.stderr);
    tasks.end(SOON).await.unwrap();
}

/// Each ends the other's lease for that of an earlier start, and neither would ever be told.
#[tokio::test(flavor = "multi_thread")]
async fn two_of_one_name_are_told() {
    let (redis, tasks) = (redis::Server::start().await, TaskGroup::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (user, url) = (format!("http://{}", listener.local_addr().unwrap()), redis.url());
    serve(&Store::new(), listener, &tasks).await;
    let ports = ["--grpc-listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--instance=battles", "--lease-ttl=1s"];
    let flags = [&ports[..], &["--redis-url", &url, "--user-url", &user]].concat();
    let (one, two) = (run(&flags), run(&flags));
    tokio::join!(one.says("another process has this name"), two.says("another process has this name"));
    for program in [one, two] {
        program.signal("TERM");
        assert_eq!(program.ended(SOON).await.code, Some(0));
    }
    tasks.end(SOON).await.unwrap();
}

/// Nobody has to look up whose secret the words are about.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_user_svc_does_not_know_is_named_by_its_flag() {
    let (redis, tasks) = (redis::Server::start().await, TaskGroup::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let user = format!("http://{}", listener.local_addr().unwrap());
    let token = Secret::parse("a-secret-of-the-house").unwrap();
    serve_to(Some(token), &Store::new(), listener, &tasks).await;
    let arguments =
        ["--grpc-listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--internal-token=another-secret-it-is"];
    let ended = run(&[&arguments[..], &["--redis-url", &redis.url(), "--user-url", &user]].concat()).ended(SOON).await;
    let last = ended.stderr.lines().last().unwrap_or_default();
    assert_eq!((ended.code, last.contains("--internal-token")), (Some(1), true), "{}", ended.stderr);
    tasks.end(SOON).await.unwrap();
}

#[tokio::test]
async fn wrong_settings_are_told_all_at_once() {
    let wrong = ["--tick-ms=1", "--save-every=never", "--idle-cap=0s", "--user-url=nowhere", "--lease-ttl=1ms"];
    let flags = ["--tick-ms", "--save-every", "--idle-cap", "--user-url", "--lease-ttl", "--redis-url"];
    run(&wrong).ended(SOON).await.refused(&flags);

    let exposed = ["--redis-url", "redis://127.0.0.1:1", "--grpc-listen", "0.0.0.0:0"];
    run(&exposed).ended(SOON).await.refused(&["--internal-token", "--admin-token"]);
}
