//! The program as operators meet it: flags, the ready line, signals, exit codes, and databases it can't use.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use tempfile::TempDir;
use testkit::process::{Ended, Process};
use testkit::{mariadb, redis};

/// How long a program may take to leave.
const SOON: Duration = Duration::from_secs(15);

fn start(redis: &str, database: &str) -> Process {
    let ports = ["--grpc-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--bcrypt-cost", "4"];
    run(&[&ports[..], &["--redis-url", redis, "--database-url", database]].concat())
}

fn run(arguments: &[&str]) -> Process {
    Process::start(env!("CARGO_BIN_EXE_user-svc"), arguments)
}

/// A database of each kind, brought up to date.
async fn databases(directory: &TempDir) -> [String; 2] {
    let urls = [format!("sqlite://{}/mud.db", directory.path().display()), mariadb::database().await];
    for url in &urls {
        user_svc::store::migrate(url).await.unwrap();
    }
    urls
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_where_it_listens_and_leaves_politely() {
    let (redis, directory) = (redis::Server::start().await, tempfile::tempdir().unwrap());
    for database in databases(&directory).await {
        let mut program = start(&redis.url(), &database);
        let ready = program.ready().await;
        assert!(ready.grpc.is_some() && ready.admin.is_some() && ready.http.is_none(), "{ready:?}");
        program.signal("TERM");
        program.ended(SOON).await.left_politely();
    }
}

#[tokio::test]
async fn wrong_settings_are_told_all_at_once() {
    let wrong = ["--session-ttl", "never", "--bcrypt-cost", "99", "--database-url", "db", "--instance", "a b"];
    let flags = ["--session-ttl", "--bcrypt-cost", "--database-url", "--instance", "--redis-url"];
    run(&wrong).ended(SOON).await.refused(&flags);

    let nameless = ["--redis-url", "redis://127.0.0.1:1", "--database-url", "mysql://mud:hunter22@127.0.0.1"];
    let ended = run(&nameless).ended(SOON).await;
    ended.refused(&["--database-url"]);
    assert!(!ended.stderr.contains("hunter22"), "{}", ended.stderr);

    let exposed = ["--redis-url", "redis://127.0.0.1:1", "--grpc-listen", "0.0.0.0:0"];
    run(&exposed).ended(SOON).await.refused(&["--internal-token", "--admin-token"]);
}

/// It never changes the tables itself, so it says who does.
#[tokio::test]
async fn tables_it_can_not_use_are_named_with_the_way_out() {
    let directory = tempfile::tempdir().unwrap();
    let empty = [format!("sqlite://{}/empty.db", directory.path().display()), mariadb::database().await];
    for database in empty {
        failed(&start("redis://127.0.0.1:1", &database).ended(SOON).await, "run `mud migrate`");
    }
    assert!(!directory.path().join("empty.db").exists(), "what isn't there is not made");

    let [_, database] = databases(&directory).await;
    mariadb::execute(&database, "DELETE FROM schema_floor ORDER BY migration DESC LIMIT 1").await;
    failed(&start("redis://127.0.0.1:1", &database).ended(SOON).await, "run `mud migrate`");
    mariadb::execute(&database, "INSERT INTO schema_floor VALUES (900, 900)").await;
    failed(&start("redis://127.0.0.1:1", &database).ended(SOON).await, "wants program 900 or newer");
}

fn failed(ended: &Ended, why: &str) {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
    let last = ended.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("user-svc: database ") && last.contains(why), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_its_redis_and_says_so_once() {
    let (mut redis, directory) = (redis::Server::start().await, tempfile::tempdir().unwrap());
    let [database, _] = databases(&directory).await;
    redis.kill();
    let mut program = start(&redis.url(), &database);
    program.says("redis went away").await;
    assert!(program.is_silent(), "it isn't ready");
    redis.restart().await;
    program.ready().await;
    program.signal("TERM");
    let ended = program.ended(SOON).await;
    ended.left_politely();
    assert_eq!(ended.stderr.matches("redis went away").count(), 1, "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_its_database_and_can_be_told_to_leave_meanwhile() {
    let redis = redis::Server::start().await;
    // Nobody listens on this port, which needs rights that no test has.
    let program = start(&redis.url(), "mysql://nobody@127.0.0.1:1/mud");
    program.says("database went away").await;
    program.signal("TERM");
    let ended = program.ended(SOON).await;
    ended.left_politely();
    assert_eq!(ended.stderr.matches("WARN").count(), 1, "{}", ended.stderr);
}
