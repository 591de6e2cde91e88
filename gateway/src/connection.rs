//! One TCP connection, as the rest of the gateway may touch it: whose it is, what has been written to it, and the power
//! to break it off.
//!
//! The transport library has no way to end a connection whose writer is stuck on a full kernel buffer; this has: the
//! stream itself fails once the handle says so.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
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

    fn wrote(&self, bytes: usize) {
        if let Some(line) = self.line.get().and_then(Weak::upgrade) {
            line.drained(bytes);
        }
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
        Pin::new(&mut this.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.connection.intact(&this.connection.writer, cx)?;
        let written = ready!(Pin::new(&mut this.stream).poll_write(cx, buf))?;
        this.connection.wrote(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.connection.intact(&this.connection.writer, cx)?;
        let written = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, bufs))?;
        this.connection.wrote(written);
        Poll::Ready(Ok(written))
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
}
