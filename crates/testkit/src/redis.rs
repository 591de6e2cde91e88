//! A Redis server of a test's own; `redis-server` has to be on the PATH.

#![expect(clippy::expect_used, reason = "a test without its server can only fail, and says why")]

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::eventually;

/// How long a server may take to come up on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server on the loopback that keeps everything in memory; killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    port: u16,
    directory: TempDir,
    process: Child,
}

impl Server {
    /// Starts one on a free port and waits until it answers.
    ///
    /// # Panics
    /// When it can't be started, or doesn't answer.
    pub async fn start() -> Self {
        let port = free_port().await.expect("a port is free");
        let directory = tempfile::tempdir().expect("a directory can be made");
        let process = spawn(port, directory.path());
        let server = Self { port, directory, process };
        server.answers().await;
        server
    }

    /// How it is reached.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it, and with it everything it keeps but what was [saved](Self::save).
    pub fn kill(&mut self) {
        // Either may fail because it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Kills it if it lives, starts one on the same port, empty or as it was last [saved](Self::save), and waits until it
    /// answers.
    ///
    /// # Panics
    /// When it can't be started, or doesn't answer.
    pub async fn restart(&mut self) {
        self.kill();
        self.process = spawn(self.port, self.directory.path());
        self.answers().await;
    }

    /// Takes the snapshot it is restarted from.
    ///
    /// # Panics
    /// When it doesn't answer.
    pub async fn save(&self) {
        assert_eq!(self.ask("SAVE", "+").await.expect("it answers"), "+OK");
    }

    /// Makes it forget everything.
    ///
    /// # Panics
    /// When it doesn't answer.
    pub async fn flush(&self) {
        assert_eq!(self.ask("FLUSHALL", "+").await.expect("it answers"), "+OK");
    }

    /// Stops it where it stands: connections stay open, nothing is answered.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.process.id().to_string()).status();
        assert!(sent.expect("kill is on the PATH").success(), "the server lives");
    }

    /// It, and not a stranger that took the port meanwhile.
    async fn answers(&self) {
        let process = format!("process_id:{}", self.process.id());
        eventually("redis-server answers", PATIENCE, || async {
            match self.ask("INFO server", "process_id:").await {
                Ok(answer) if answer == process => Ok(()),
                other => Err(other),
            }
        })
        .await;
    }

    /// The first line of the answer that begins with `awaited`; nothing when the server hangs up before.
    async fn ask(&self, command: &str, awaited: &str) -> io::Result<String> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let mut lines = BufReader::new(stream).lines();
        lines.get_mut().write_all(format!("{command}\r\n").as_bytes()).await?;
        while let Some(line) = lines.next_line().await? {
            if line.starts_with(awaited) {
                return Ok(line);
            }
        }
        Ok(String::new())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(port: u16, directory: &Path) -> Child {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "no"])
        .arg("--dir")
        .arg(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is on the PATH")
}

/// A port that stays free while its server is away: of those that the system gives to nobody by itself, from a place where
/// no other process of tests looks at the same time.
async fn free_port() -> io::Result<u16> {
    const FIRST: u32 = 20_000;
    const PORTS: u32 = 12_000;
    const EACH: u32 = 16;
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = std::process::id() * EACH + TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(FIRST + next % PORTS).map_err(io::Error::other)?;
        match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(_) => return Ok(port),
            Err(taken) if taken.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
}
