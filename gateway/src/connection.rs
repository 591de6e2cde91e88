//! One TCP connection, as the rest of the gateway may touch it: whose it is, what has been written to it, and the power
//! to break it off.
//!
//! The transport library has no way to end a connection whose writer is stuck on a full kernel buffer; this has: the
//! stream itself fails once the handle says so. Nor does it tell of such a one; this shows.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, ready};

use futures::task::AtomicWaker;
use service_kit::telemetry::GaugeGuard;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::delivery::Line;

/// The handle of a connection. It travels in the extensions of every request that comes over it.
#[derive(Debug)]
pub(crate) struct Connection {
    peer: SocketAddr,
    broken: AtomicBool,
    /// Whether a write waits for the other end to read.
    clogged: AtomicBool,
    /// Sweeps since something was read.
    silence: AtomicU32,
    reader: AtomicWaker,
    writer: AtomicWaker,
    /// Who wants to know of written bytes: the line whose WebSocket this connection has become.
    line: OnceLock<Weak<Line>>,
}

/// A stream under a [`Connection`].
pub(crate) struct Wire<S> {
    stream: S,
    connection: Arc<Connection>,
    _alive: GaugeGuard,
}

impl Connection {
    /// A connection from `peer`.
    pub(crate) fn new(peer: SocketAddr) -> Arc<Self> {
        Arc::new(Self {
            peer,
            broken: AtomicBool::new(false),
            clogged: AtomicBool::new(false),
            silence: AtomicU32::new(0),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
            line: OnceLock::new(),
        })
    }

    /// Who is at the other end of this connection; a proxy, where there is one.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// From now on `line` hears of every byte written.
    pub(crate) fn carries(&self, line: &Arc<Line>) {
        // A connection becomes a WebSocket once; a second claim changes nothing.
        _ = self.line.set(Arc::downgrade(line));
    }

    /// Breaks the connection off: pending and later reads and writes fail.
    pub(crate) fn break_off(&self) {
        self.broken.store(true, Ordering::Release);
        self.reader.wake();
        self.writer.wake();
    }

    /// Whether a write waits, and nothing was read for more than so many sweeps, of which this is one. Without a clock: a
    /// process that stood still itself has swept nobody meanwhile.
    pub(crate) fn is_stuck(&self, sweeps: u32) -> bool {
        let silence = self.silence.fetch_add(1, Ordering::Relaxed);
        silence >= sweeps && self.clogged.load(Ordering::Relaxed)
    }

    fn wrote(&self, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.clogged.store(outcome.is_pending(), Ordering::Relaxed);
        if let Poll::Ready(Ok(bytes)) = outcome
            && let Some(line) = self.line.get().and_then(Weak::upgrade)
        {
            line.drained(bytes);
        }
        outcome
    }

    /// Fails when the connection is broken off. The waker is stored before the check, so that no break is missed.
    fn intact(&self, waker: &AtomicWaker, cx: &Context<'_>) -> io::Result<()> {
        waker.register(cx.waker());
        if self.broken.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl<S> Wire<S> {
    /// Puts `stream` under the handle.
    pub(crate) fn new(stream: S, connection: Arc<Connection>) -> Self {
        Self { stream, connection, _alive: GaugeGuard::new(metrics::gauge!("gateway_connections")) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.connection.intact(&this.connection.reader, cx)?;
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            this.connection.silence.store(0, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.connection.intact(&this.connection.writer, cx)?;
        let outcome = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.connection.wrote(outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.connection.intact(&this.connection.writer, cx)?;
        let outcome = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.connection.wrote(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.connection.intact(&this.connection.writer, cx)?;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn breaking_off_ends_a_stuck_writer_and_a_waiting_reader() {
        let (near, _far) = tokio::io::duplex(8);
        let connection = Connection::new(SocketAddr::from(([127, 0, 0, 1], 1)));
        let (mut read, mut write) = tokio::io::split(Wire::new(near, Arc::clone(&connection)));
        let stuck = async move { write.write_all(&[0; 64]).await };
        let waiting = async move { read.read_u8().await };
        let breaking = async { connection.break_off() };
        let (stuck, waiting, ()) = tokio::join!(stuck, waiting, breaking);
        assert_eq!(stuck.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
        assert_eq!(waiting.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn only_who_takes_nothing_and_says_nothing_is_stuck() {
        let (near, mut far) = tokio::io::duplex(8);
        let connection = Connection::new(SocketAddr::from(([127, 0, 0, 1], 1)));
        let (mut read, mut write) = tokio::io::split(Wire::new(near, Arc::clone(&connection)));
        let sweeps = || (0..4).map(|_| connection.is_stuck(3)).collect::<Vec<_>>();
        assert_eq!(sweeps(), [false; 4], "nothing is written to it");

        let writing = write.write_all(&[0; 64]);
        tokio::pin!(writing);
        assert!(futures::poll!(&mut writing).is_pending());
        assert!(connection.is_stuck(3));
        far.write_u8(1).await.unwrap();
        read.read_u8().await.unwrap();
        assert_eq!(sweeps(), [false, false, false, true], "it lives, and then it doesn't");

        let mut taken = [0; 64];
        let (written, taken) = tokio::join!(writing, far.read_exact(&mut taken));
        assert!(written.is_ok() && taken.is_ok());
        assert!(!connection.is_stuck(3));
    }
}
