//! The program as operators meet it: flags, the ready line, signals and exit codes.

use std::process::Command;
use std::time::Duration;

use testkit::process::Process;
use testkit::redis;

/// How long a program may take to leave.
const SOON: Duration = Duration::from_secs(15);

fn run(arguments: &[&str]) -> Process {
    Process::start(env!("CARGO_BIN_EXE_chat-svc"), arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_where_it_listens_and_leaves_politely() {
    let redis = redis::Server::start().await;
    let url = redis.url();
    for signal in ["TERM", "INT"] {
        let ports = ["--grpc-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        let mut program = run(&[&ports[..], &["--redis-url", &url]].concat());
        let ready = program.ready().await;
        assert!(ready.grpc.is_some() && ready.admin.is_some() && ready.http.is_none(), "{ready:?}");
        program.signal(signal);
        program.ended(SOON).await.left_politely();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_variable_counts_as_none() {
    let redis = redis::Server::start().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-svc"));
    command.args(["--grpc-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]).env("MUD_INTERNAL_TOKEN", "");
    Process::spawn(command.env("MUD_REDIS_URL", "")).ended(SOON).await.refused(&["--redis-url"]);
    let mut program = Process::spawn(command.env("MUD_REDIS_URL", redis.url()));
    program.ready().await;
    program.signal("TERM");
    program.ended(SOON).await.left_politely();
}

#[tokio::test]
async fn wrong_settings_are_told_all_at_once() {
    let wrong = ["--lease-ttl", "2h", "--log-format", "xml", "--advertise", "here"];
    let flags = ["--lease-ttl", "--log-format", "--advertise", "--redis-url"];
    run(&wrong).ended(SOON).await.refused(&flags);

    let exposed = ["--redis-url", "redis://127.0.0.1:1", "--grpc-listen", "0.0.0.0:0"];
    run(&exposed).ended(SOON).await.refused(&["--internal-token"]);
}
