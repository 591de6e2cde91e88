//! The program as operators meet it: flags, the ready line, signals and exit codes.

use std::time::Duration;

use testkit::process::Process;
use testkit::redis;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a program may take to leave.
const SOON: Duration = Duration::from_secs(25);

fn run(arguments: &[&str]) -> Process {
    Process::start(env!("CARGO_BIN_EXE_gateway"), arguments)
}

/// None of the services it calls is there: it starts all the same, and leaves although a client is connected.
#[tokio::test(flavor = "multi_thread")]
async fn it_starts_before_the_services_and_leaves_politely() {
    let redis = redis::Server::start().await;
    let (url, nowhere) = (redis.url(), "http://127.0.0.1:1,http://127.0.0.1:2");
    let ports = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--redis-url", &url];
    let peers = ["--user-url", nowhere, "--battle-url", nowhere, "--chat-url", nowhere];
    let mut program = run(&[&ports[..], &peers[..]].concat());
    let ready = program.ready().await;
    assert!(ready.http.is_some() && ready.admin.is_some() && ready.grpc.is_none(), "{ready:?}");

    let mut client = TcpStream::connect(ready.http.unwrap()).await.unwrap();
    client.write_all(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");

    program.signal("TERM");
    program.ended(SOON).await.left_politely();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_its_redis_and_says_so_once() {
    let mut redis = redis::Server::start().await;
    let url = redis.url();
    redis.kill();
    let ports = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let log = ["--log", "info,backplane=debug,gateway=debug"];
    let mut program = run(&[&ports[..], &log, &["--redis-url", &url]].concat());
    // Each of those who notice.
    for notice in ["redis went away", "channel not subscribed to", "messages not published", "bus went away"] {
        program.says(notice).await;
    }
    program.says("bus fell silent").await;
    assert!(program.is_silent(), "it isn't ready");
    redis.restart().await;
    program.ready().await;
    program.signal("INT");
    let ended = program.ended(SOON).await;
    ended.left_politely();
    let warned = |line: &&str| line.contains("WARN") && !line.contains("no peer serves");
    let warnings: Vec<_> = ended.stderr.lines().filter(warned).collect();
    assert!(matches!(warnings[..], [line] if line.contains("redis went away")), "{}", ended.stderr);
}

#[tokio::test]
async fn wrong_settings_are_told_all_at_once() {
    let wrong = ["--listen=here", "--limits=some", "--user-url=", "--battle-url=b:1", "--outbox-bytes=1"];
    let flags = ["--listen", "--limits", "--user-url", "--battle-url", "--outbox-bytes", "--redis-url"];
    run(&wrong).ended(SOON).await.refused(&flags);

    let exposed = ["--redis-url", "redis://127.0.0.1:1", "--listen", "0.0.0.0:0", "--limits", "off"];
    run(&exposed).ended(SOON).await.refused(&["--limits"]);
}
