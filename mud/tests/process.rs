//! The program as operators meet it: flags, the ready line, signals and exit codes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use testkit::process::Process;
use testkit::{mariadb, redis};

/// How long a program may take to leave.
const SOON: Duration = Duration::from_secs(25);

const ANY_PORT: &str = "127.0.0.1:0";

/// The program on free ports and a database of its own.
fn mud(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mud"));
    command.env_clear().args(arguments).current_dir(directory);
    command
}

fn serve(directory: &Path, arguments: &[&str]) -> Process {
    let ports = ["--listen", ANY_PORT, "--grpc-listen", ANY_PORT, "--admin-listen", ANY_PORT, "--bcrypt-cost", "4"];
    Process::spawn(mud(directory, arguments).args(ports))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn it_says_where_it_listens_and_leaves_politely() {
    for name in ["TERM", "INT"] {
        let directory = tempfile::tempdir().unwrap();
        let mut program = serve(directory.path(), &[]);
        let ready = program.ready().await;
        for listener in [ready.http, ready.grpc, ready.admin] {
            assert!(listener.is_some_and(|address| address.port() != 0), "{ready:?}");
        }
        assert!(directory.path().join("data/mud.db").exists(), "the default database, directory and all");

        program.signal(name);
        program.ended(SOON).await.left_politely();
    }
}

#[test]
fn wrong_settings_are_told_all_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let output =
        mud(directory.path(), &["--tick-ms", "soon", "--listen", "here", "--limits", "some"]).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    let message = text(&output.stderr);
    for flag in ["--tick-ms", "--listen", "--limits"] {
        assert!(message.contains(flag), "{message}");
    }
    assert_eq!(output.stdout, b"");
}

#[test]
fn a_tools_faults_name_only_what_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let output = mud(directory.path(), &["seed", "--users", "-1", "--bcrypt-cost", "-5"]).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    let message = text(&output.stderr);
    assert!(message.contains("\n  --users = \"-1\": "), "{message}");
    assert!(message.contains("\n  --bcrypt-cost (MUD_BCRYPT_COST) = \"-5\": "), "{message}");
}

#[test]
fn a_database_that_is_not_there_is_not_made_by_reading() {
    let directory = tempfile::tempdir().unwrap();
    let battle = "019abcde-0000-7000-8000-000000000000";
    for arguments in [&["audit"][..], &["replay", battle]] {
        let output = mud(directory.path(), arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let message = "mud: database data/mud.db: there is no such database: run `mud migrate` first, which makes it\n";
        assert_eq!(text(&output.stderr), message);
        assert!(!directory.path().join("data").exists());
    }
}

#[test]
fn a_directory_that_is_missing_is_told_and_not_made() {
    let directory = tempfile::tempdir().unwrap();
    for command in [&["serve"][..], &["migrate"], &["seed", "--users", "1"]] {
        let mut mud = mud(directory.path(), &[command, &["--database-url", "sqlite://dat/mud.db"]].concat());
        let output = mud.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        let message = text(&output.stderr);
        assert!(message.ends_with("mud: database dat/mud.db: there is no directory dat\n"), "{message}");
        assert!(!directory.path().join("dat").exists(), "{command:?}");
    }
}

#[test]
fn a_reader_that_leaves_and_a_closed_log_are_no_failures() {
    let directory = tempfile::tempdir().unwrap();
    let closed = || std::io::pipe().unwrap().1;
    let mut simulate = mud(directory.path(), &["simulate", "--hours", "1"]);
    let output = simulate.stdout(closed()).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));

    assert_eq!(mud(directory.path(), &["audit"]).stderr(closed()).status().unwrap().code(), Some(1));
    let wrong = ["seed", "--users", "0"];
    assert_eq!(mud(directory.path(), &wrong).stderr(closed()).status().unwrap().code(), Some(64));
}

#[test]
fn a_taken_address_is_named() {
    let taken = std::net::TcpListener::bind(ANY_PORT).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let output = mud(directory.path(), &["--listen", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(message.starts_with(&format!("mud: cannot listen on {address}: ")), "{message}");
    assert_eq!(message.matches("in use").count(), 1, "{message}");
}

#[test]
fn help_names_what_is_built_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let help = text(&mud(directory.path(), &["--help"]).output().unwrap().stdout);
    for command in ["serve", "simulate", "seed", "audit", "replay", "migrate"] {
        assert!(help.contains(&format!("\n  {command} ")), "{command} in {help}");
    }
    assert!(help.contains("[env: MUD_LISTEN=]") && help.contains("[default: 127.0.0.1:3000]"), "{help}");
    assert!(!help.contains("\n  load "), "{help}");
}

#[test]
fn seeded_accounts_have_sessions_and_sound_books() {
    let directory = tempfile::tempdir().unwrap();
    let seeded = mud(directory.path(), &["seed", "--users", "25", "--sessions", "tokens", "--bcrypt-cost", "4"]);
    let output = { seeded }.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let tokens = std::fs::read_to_string(directory.path().join("tokens")).unwrap();
    assert_eq!(tokens.lines().filter(|token| token.len() == 43).count(), 25, "{tokens}");

    assert!(text(&output.stderr).ends_with("made 25 accounts in database data/mud.db\n"), "{}", text(&output.stderr));
    let again = mud(directory.path(), &["seed", "--users", "1", "--sessions", "others", "--bcrypt-cost", "4"]);
    assert_eq!({ again }.output().unwrap().status.code(), Some(1));
    assert!(!directory.path().join("others").exists(), "no file of a run that failed");

    let audited = mud(directory.path(), &["audit"]).output().unwrap();
    assert!(audited.status.success(), "{}", text(&audited.stderr));
    assert!(text(&audited.stdout).starts_with("players: 25\n"), "{}", text(&audited.stdout));
}

#[tokio::test]
async fn it_starts_again_on_what_it_left() {
    let directory = tempfile::tempdir().unwrap();
    assert!(mud(directory.path(), &["migrate"]).status().unwrap().success());
    for _ in 0..2 {
        let mut program = serve(directory.path(), &[]);
        program.ready().await;
        program.signal("KILL");
        let ended = program.ended(SOON).await;
        assert!(!ended.stderr.contains("ERROR"), "{}", ended.stderr);
    }
}

/// Whether it is a file or lies on a server, and however the first one ends.
#[tokio::test]
async fn a_database_has_one_server() {
    let directory = tempfile::tempdir().unwrap();
    let server = mariadb::database().await;
    let place = server.replace("root@", "").replace(&server[server.find('?').unwrap()..], "");
    for (database, named) in [("sqlite://data/mud.db", "data/mud.db"), (&server, &place)] {
        let serve = || serve(directory.path(), &["--database-url", database]);
        let mut first = serve();
        first.ready().await;

        let second = serve().ended(SOON).await;
        assert_eq!((second.code, second.stdout.as_str()), (Some(1), ""), "{}", second.stderr);
        let message = format!("mud: database {named}: another mud serves this database\n");
        assert!(second.stderr.ends_with(&message), "{}", second.stderr);

        first.signal("KILL");
        first.ended(SOON).await;
        serve().ready().await;
    }
}

/// One that is alone knows nothing of those that share a Redis, and the other way round.
#[tokio::test]
async fn a_file_is_not_shared_with_one_that_is_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mut alone = serve(directory.path(), &[]);
    alone.ready().await;
    let several = serve(directory.path(), &["--redis-url", "redis://127.0.0.1:1"]).ended(SOON).await;
    let message = "mud: database data/mud.db: another mud serves this database\n";
    assert_eq!((several.code, several.stderr.ends_with(message)), (Some(1), true), "{}", several.stderr);
}

#[tokio::test]
async fn the_right_to_serve_a_database_is_taken_again() {
    let (directory, database) = (tempfile::tempdir().unwrap(), mariadb::database().await);
    let mut program = serve(directory.path(), &["--database-url", &database]);
    program.ready().await;
    mariadb::cut_connections(&database).await;
    program.says("connection that keeps other servers off the database is back").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_may_serve_a_database_when_they_share_a_redis() {
    let (directory, redis) = (tempfile::tempdir().unwrap(), redis::Server::start().await);
    let (database, url) = (mariadb::database().await, redis.url());
    let mut programs = ["one", "other"]
        .map(|name| serve(directory.path(), &["--database-url", &database, "--redis-url", &url, "--instance", name]));
    for program in &mut programs {
        program.ready().await;
    }
    let [one, other] = programs;
    other.says("instance.name=\"one\"").await;
    one.signal("TERM");
    one.ended(SOON).await.left_politely();
    other.signal("TERM");
    other.ended(SOON).await.left_politely();
}

#[tokio::test]
async fn what_listens_beyond_the_loopback_wants_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let exposed =
        |more: &[&str]| Process::spawn(mud(directory.path(), &["--grpc-listen", "0.0.0.0:0"]).args(more)).ended(SOON);
    exposed(&[]).await.refused(&["--internal-token", "--admin-token"]);
    let several = ["--redis-url", "redis://127.0.0.1:1"];
    exposed(&several).await.refused(&["--internal-token", "--admin-token"]);
}
