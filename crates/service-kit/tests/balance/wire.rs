//! A way to a server that can freeze or be cut.

use std::net::SocketAddr;

use service_kit::{Shutdown, TaskGroup, listen};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

pub(crate) struct Wire {
    address: SocketAddr,
    frozen: Shutdown,
    cut: Shutdown,
    _tasks: TaskGroup,
}

impl Wire {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = listen::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tasks, frozen, cut) = (TaskGroup::new(), Shutdown::new(), Shutdown::new());
        let (group, freezing, cutting) = (tasks.clone(), frozen.clone(), cut.clone());
        tasks.spawn("wire", async move {
            let accepting = async {
                loop {
                    let (mut near, _) = listener.accept().await.unwrap();
                    let (freezing, cutting) = (freezing.clone(), cutting.clone());
                    group.spawn("strand", async move {
                        let Ok(mut far) = TcpStream::connect(server).await else { return };
                        let passing = async {
                            tokio::select! {
                                _ = copy_bidirectional(&mut near, &mut far) => {}
                                () = freezing.wait() => std::future::pending().await,
                            }
                        };
                        tokio::select! {
                            () = passing => {}
                            () = cutting.wait() => {}
                        }
                    });
                }
            };
            tokio::select! {
                () = accepting => {}
                () = cutting.wait() => {}
            }
        });
        Self { address, frozen, cut, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Connections stay open and new ones are taken, and nothing comes through any more.
    pub(crate) fn freeze(&self) {
        self.frozen.begin();
    }

    /// Connections break, and no new ones are taken.
    pub(crate) fn cut(&self) {
        self.cut.begin();
    }
}
