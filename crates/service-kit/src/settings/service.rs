//! The settings that every service behind the gateway has as a process of its own.

use std::net::SocketAddr;

use super::{
    AdminListenArgs, Check, Faults, GrpcListenArgs, InstanceArgs, InternalTokenArgs, LogArgs, RedisArgs, RedisUrl,
    Secret,
};
use crate::telemetry::LogSettings;

#[doc = concat!("What one of many processes of a service has to be told; gRPC on `GRPC`, operators on `ADMIN`.")]
#[derive(Debug, Clone, clap::Args)]
pub struct ServiceArgs<const GRPC: u16, const ADMIN: u16> {
    #[command(flatten)]
    grpc_listen: GrpcListenArgs<GRPC>,
    #[command(flatten)]
    admin_listen: AdminListenArgs<ADMIN>,
    #[command(flatten)]
    redis: RedisArgs,
    #[command(flatten)]
    instance: InstanceArgs,
    #[command(flatten)]
    internal_token: InternalTokenArgs,
    #[command(flatten)]
    log: LogArgs,
}

/// The same, checked.
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    /// For services and tools.
    pub grpc_listen: SocketAddr,
    /// For operators.
    pub admin_listen: SocketAddr,
    /// What the processes share.
    pub redis: RedisUrl,
    /// The name of this process.
    pub instance: String,
    /// What callers have to show, and this process shows others.
    pub internal_token: Option<Secret>,
    /// The log.
    pub log: LogSettings,
}

impl<const GRPC: u16, const ADMIN: u16> ServiceArgs<GRPC, ADMIN> {
    /// Where gRPC is to listen, if that can be read.
    #[must_use]
    pub fn grpc_address(&self) -> Option<SocketAddr> {
        self.grpc_listen.address()
    }

    /// The settings of a process of `service`.
    pub fn check(self, service: &str, faults: &mut Faults) -> Option<ServiceSettings> {
        let grpc_listen = self.grpc_listen.check(faults);
        let admin_listen = self.admin_listen.check(faults);
        let redis = self.redis.required(faults);
        let instance = self.instance.check(service, faults);
        let internal_token = self.internal_token.check(&[("--grpc-listen", grpc_listen)], faults);
        let log = self.log.check(faults);
        Some(ServiceSettings {
            grpc_listen: grpc_listen?,
            admin_listen: admin_listen?,
            redis: redis?,
            instance: instance?,
            internal_token: internal_token?,
            log: log?,
        })
    }
}
