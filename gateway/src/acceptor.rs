//! Takes connections in. Our own loop, because the rest of the gateway needs a handle on each of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use service_kit::TaskGroup;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};

use crate::connection::{Connection, Wire};
use crate::http::Site;

/// How long a client may take to send the head of a request.
const HEAD_WAIT: Duration = Duration::from_secs(10);

/// How long the head of a request may be.
const HEAD_BYTES: usize = 16 * 1024;

/// What the kernel may keep for a slow client; without a bound it takes megabytes before anybody notices.
const SEND_BUFFER: usize = 64 * 1024;

/// After a failed accept (out of files, most likely): the time in which something may close.
const RESPITE: Duration = Duration::from_millis(50);

/// Accepts until the group stops.
pub(crate) async fn accept(listener: TcpListener, site: Site, tasks: TaskGroup) {
    let stop = tasks.stopping().wait();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = serve(stream, peer, site.clone(), &tasks);
                tasks.spawn("connection", connection);
            }
            Err(error) => {
                metrics::counter!("gateway_accept_failed_total").increment(1);
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(RESPITE).await;
            }
        }
    }
}

/// Serves the requests of one connection, until it closes or becomes a WebSocket.
fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    site: Site,
    tasks: &TaskGroup,
) -> impl Future<Output = ()> + Send + use<> {
    tune(&stream);
    let handle = Connection::new(peer);
    let wire = TokioIo::new(Wire::new(stream, Arc::clone(&handle)));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        site.clone().answer(Arc::clone(&handle), request.map(Body::new))
    });
    let stop = tasks.stopping().wait();
    async move {
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WAIT)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(wire, service)
            .with_upgrades();
        tokio::select! {
            // How a client's connection ended is the client's affair.
            _ = serving => {}
            () = stop => {}
        }
    }
}

/// Latency before throughput, and little in the kernel. A socket that refuses either works all the same.
fn tune(stream: &TcpStream) {
    let tuned = stream.set_nodelay(true).and_then(|()| SockRef::from(stream).set_send_buffer_size(SEND_BUFFER));
    if let Err(error) = tuned {
        tracing::debug!(%error, "socket not tuned");
    }
}
