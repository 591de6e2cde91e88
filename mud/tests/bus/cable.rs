//! A TCP connection's way to a server, which can be cut.

use std::net::SocketAddr;

use service_kit::TaskGroup;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A listener whose connections lead to one server.
pub(crate) struct Cable {
    pub(crate) address: SocketAddr,
    whole: watch::Sender<bool>,
}

impl Cable {
    pub(crate) async fn to(server: SocketAddr, tasks: &TaskGroup) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (address, whole) = (listener.local_addr().unwrap(), watch::Sender::new(true));
        let (seen, owner) = (whole.subscribe(), tasks.clone());
        tasks.spawn("cable", async move {
            while let Ok((near, _)) = listener.accept().await {
                owner.spawn("strand", carry(near, server, seen.clone()));
            }
        });
        Self { address, whole }
    }

    /// Ends every connection, and each that is tried from now on.
    pub(crate) fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.whole.send_replace(true);
    }
}

async fn carry(mut near: TcpStream, server: SocketAddr, mut whole: watch::Receiver<bool>) {
    let Ok(mut far) = TcpStream::connect(server).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = whole.wait_for(|whole| !whole) => {}
    }
}
