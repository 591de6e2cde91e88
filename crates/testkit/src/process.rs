//! A program of the house as a process of a test's own: what it says, and how it ends.

#![expect(clippy::expect_used, reason = "a test that can't start or hear its program can only fail, and says why")]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::timeout;

use crate::eventually;

/// How long a program may take to say something on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs; killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: Receiver<String>,
    stderr: Arc<Mutex<String>>,
}

/// Where a program that is ready listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// For players.
    pub http: Option<SocketAddr>,
    /// For services and tools.
    pub grpc: Option<SocketAddr>,
    /// For operators.
    pub admin: Option<SocketAddr>,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; none after a signal.
    pub code: Option<i32>,
    /// What it said on standard output since it was last asked.
    pub stdout: String,
    /// Everything it said on standard error.
    pub stderr: String,
}

impl Process {
    /// Starts the program at `path` with these arguments and an empty environment.
    ///
    /// # Panics
    /// When there is no such program.
    #[must_use]
    pub fn start(path: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(path);
        Self::spawn(command.env_clear().args(arguments))
    }

    /// Starts a command.
    ///
    /// # Panics
    /// When there is no such program.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (said, stdout) = channel(64);
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        // Each ends with the pipe that it reads.
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| said.blocking_send(line)));
        let stderr = Arc::<Mutex<String>>::default();
        let (log, errors) = (Arc::clone(&stderr), BufReader::new(child.stderr.take().expect("a pipe")));
        std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                *log.lock().expect("nobody panics") += &(line + "\n");
            }
        });
        Self { child, stdout, stderr }
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the one line that says it is ready.
    ///
    /// # Panics
    /// When something else comes, or nothing.
    pub async fn ready(&mut self) -> Ready {
        let line = timeout(PATIENCE, self.stdout.recv()).await;
        let Ok(Some(line)) = line else { panic!("no ready line: {line:?}\n{}", self.log()) };
        let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(said["ready"], true, "{line}");
        let address = |name: &str| said[name].as_str().map(|text| text.parse().expect("an address"));
        Ready { http: address("http"), grpc: address("grpc"), admin: address("admin") }
    }

    /// Whether it has said nothing on standard output since it was last asked.
    pub fn is_silent(&self) -> bool {
        self.stdout.is_empty()
    }

    /// What it has said on standard error so far.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn log(&self) -> String {
        self.stderr.lock().expect("nobody panics").clone()
    }

    /// Waits until it has said `words` on standard error.
    ///
    /// # Panics
    /// When it doesn't.
    pub async fn says(&self, words: &str) {
        let heard = || async { if self.log().contains(words) { Ok(()) } else { Err(self.log()) } };
        eventually(words, PATIENCE, heard).await;
    }

    /// Sends it a signal, such as `TERM`.
    ///
    /// # Panics
    /// When it is gone.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.id().to_string()]).status();
        assert!(sent.expect("kill is on the PATH").success(), "the program lives");
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// When that takes longer than `within`.
    pub async fn ended(mut self, within: Duration) -> Ended {
        let child = Mutex::new(&mut self.child);
        let code = eventually("the program ends", within, || async {
            child.lock().expect("nobody panics").try_wait().expect("it is ours").ok_or("it runs")
        });
        let code = code.await.code();
        // The pipes end with the program; then everything has been heard.
        let mut stdout = String::new();
        while let Some(line) = self.stdout.recv().await {
            stdout += &(line + "\n");
        }
        let heard = || async { if Arc::strong_count(&self.stderr) == 1 { Ok(()) } else { Err("a pipe is open") } };
        eventually("everything is heard", PATIENCE, heard).await;
        Ended { code, stdout, stderr: self.log() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either may fail because it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Asserts that it refused its settings with one message that names each of `flags`.
    ///
    /// # Panics
    /// When it did anything else.
    #[track_caller]
    pub fn refused(&self, flags: &[&str]) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(64), ""), "{}", self.stderr);
        for flag in flags {
            assert!(self.stderr.contains(&format!("\n  {flag} (MUD_")), "{flag} in {}", self.stderr);
        }
        let told = self.stderr.lines().filter(|line| line.starts_with("  --")).count();
        assert_eq!(told, flags.len(), "{}", self.stderr);
    }

    /// Asserts that it left politely: with 0, and nothing said on standard output since its ready line.
    ///
    /// # Panics
    /// When it didn't.
    #[track_caller]
    pub fn left_politely(&self) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(0), ""), "{}", self.stderr);
    }
}
