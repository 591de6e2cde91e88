//! Where a program listens. Port 0 takes a free one; the ready line tells which.

use std::net::SocketAddr;

use super::{Check, Faults};

#[doc = concat!("The players' listener.")]
#[derive(Debug, Clone, clap::Args)]
pub struct ListenArgs {
    /// Address and port for players: HTTP and Socket.IO
    #[arg(long, env = "MUD_LISTEN", default_value = "127.0.0.1:3000", value_name = "ADDRESS")]
    listen: String,
}

#[doc = concat!("The gRPC listener, on `PORT` of the loopback unless told otherwise.")]
#[derive(Debug, Clone, clap::Args)]
pub struct GrpcListenArgs<const PORT: u16> {
    /// Address and port for services and tools: gRPC
    #[arg(long, env = "MUD_GRPC_LISTEN", default_value_t = loopback(PORT), value_name = "ADDRESS")]
    grpc_listen: String,
}

#[doc = concat!("The operators' listener, on `PORT` of the loopback unless told otherwise.")]
#[derive(Debug, Clone, clap::Args)]
pub struct AdminListenArgs<const PORT: u16> {
    /// Address and port for operators: /live, /ready and /metrics
    #[arg(long, env = "MUD_ADMIN_LISTEN", default_value_t = loopback(PORT), value_name = "ADDRESS")]
    admin_listen: String,
}

impl<const PORT: u16> GrpcListenArgs<PORT> {
    /// The address, if it can be read.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.grpc_listen.parse().ok()
    }
}

impl Check for ListenArgs {
    type Checked = SocketAddr;

    fn check(self, faults: &mut Faults) -> Option<SocketAddr> {
        address("--listen", &self.listen, faults)
    }
}

impl<const PORT: u16> Check for GrpcListenArgs<PORT> {
    type Checked = SocketAddr;

    fn check(self, faults: &mut Faults) -> Option<SocketAddr> {
        address("--grpc-listen", &self.grpc_listen, faults)
    }
}

impl<const PORT: u16> Check for AdminListenArgs<PORT> {
    type Checked = SocketAddr;

    fn check(self, faults: &mut Faults) -> Option<SocketAddr> {
        address("--admin-listen", &self.admin_listen, faults)
    }
}

fn loopback(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn address(flag: &'static str, text: &str, faults: &mut Faults) -> Option<SocketAddr> {
    let parsed = text.parse().map_err(|_| "expected an IP address and a port, such as 127.0.0.1:3000 or [::]:3000");
    faults.keep(flag, text, parsed)
}
