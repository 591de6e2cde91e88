//! A way over TCP to the database of a test, which may forget its connections: nothing that is said on them arrives, and
//! nobody is told.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use service_kit::TaskGroup;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

pub(crate) struct Way {
    address: SocketAddr,
    database: String,
    silent: watch::Sender<bool>,
}

impl Way {
    /// To the database behind `url`, which names a socket.
    pub(crate) async fn to(url: &str, tasks: &TaskGroup) -> Self {
        let (place, socket) = url.split_once("?socket=").unwrap();
        let (database, socket) = (place.rsplit('/').next().unwrap().to_owned(), Arc::<str>::from(socket));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (address, silent) = (listener.local_addr().unwrap(), watch::Sender::new(false));
        let (seen, owner) = (silent.subscribe(), tasks.clone());
        tasks.spawn("way", async move {
            while let Ok((near, _)) = listener.accept().await {
                owner.spawn("strand", carry(near, Arc::clone(&socket), seen.clone()));
            }
        });
        Self { address, database, silent }
    }

    pub(crate) fn url(&self) -> String {
        format!("mysql://root@{}/{}?prefer_socket=false", self.address, self.database)
    }

    /// Forgets every connection, and carries nothing on those that are made from now on.
    pub(crate) fn fall_silent(&self) {
        self.silent.send_replace(true);
    }

    /// Carries what is said on connections that are made from now on.
    pub(crate) fn mend(&self) {
        self.silent.send_replace(false);
    }
}

async fn carry(mut near: TcpStream, socket: Arc<str>, mut silent: watch::Receiver<bool>) {
    if !*silent.borrow() {
        let Ok(mut far) = UnixStream::connect(&*socket).await else { return };
        tokio::select! {
            _ = copy_bidirectional(&mut near, &mut far) => return,
            _ = silent.wait_for(|silent| *silent) => {}
        }
    }
    // Open for ever, whatever is mended.
    pending::<()>().await;
    drop(near);
}
