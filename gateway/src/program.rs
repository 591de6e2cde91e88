//! The program `gateway`: its flags, and the order in which it starts and stops.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use backplane::Redis;
use proto::battle::v1::battle_service_client::BattleServiceClient;
use proto::chat::v1::chat_service_client::ChatServiceClient;
use proto::user::v1::user_service_client::UserServiceClient;
use service_kit::TaskGroup;
use service_kit::grpc::Channels;
use service_kit::launch::launch;
use service_kit::listen::bind;
use service_kit::program::Program;
use service_kit::ready_line::Listeners;
use service_kit::settings::{
    AdminListenArgs, BattlePeerArgs, ChatPeerArgs, Check, Faults, InstanceArgs, InternalTokenArgs, ListenArgs, LogArgs,
    PeerUrls, RedisArgs, RedisUrl, Secret, UserPeerArgs,
};
use service_kit::telemetry::LogSettings;

use crate::{Battles, Clients, GatewayArgs, GatewaySettings};

/// How long players may take to be sent away in good order.
const DRAIN_GRACE: Duration = Duration::from_secs(20);

/// How long tasks may take to end after that.
const TASK_GRACE: Duration = Duration::from_secs(5);

/// The players' edge: one of many processes that speak Socket.IO to clients and gRPC to the services
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "gateway", version)]
struct Args {
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    admin_listen: AdminListenArgs<9100>,
    #[command(flatten)]
    redis: RedisArgs,
    #[command(flatten)]
    user: UserPeerArgs,
    #[command(flatten)]
    battle: BattlePeerArgs,
    #[command(flatten)]
    chat: ChatPeerArgs,
    #[command(flatten)]
    gateway: GatewayArgs,
    #[command(flatten)]
    instance: InstanceArgs,
    #[command(flatten)]
    internal_token: InternalTokenArgs,
    #[command(flatten)]
    log: LogArgs,
}

struct Settings {
    listen: SocketAddr,
    admin_listen: SocketAddr,
    redis: RedisUrl,
    upstreams: Upstreams,
    gateway: GatewaySettings,
    instance: String,
    internal_token: Option<Secret>,
    log: LogSettings,
}

/// Where the services are.
struct Upstreams {
    user: PeerUrls,
    battle: PeerUrls,
    chat: PeerUrls,
}

/// Runs the program and answers its exit code.
#[must_use]
pub fn main() -> ExitCode {
    launch::<Args, _, _>(serve)
}

impl Check for Args {
    type Checked = Settings;

    fn check(self, faults: &mut Faults) -> Option<Settings> {
        let listen = self.listen.check(faults);
        if let Some(listen) = listen {
            self.gateway.check_listener(listen, faults);
        }
        let admin_listen = self.admin_listen.check(faults);
        let redis = self.redis.required(faults);
        let (user, battle, chat) = (self.user.check(faults), self.battle.check(faults), self.chat.check(faults));
        let gateway = self.gateway.check(faults);
        let instance = self.instance.check("gateway", faults);
        // Players' own listener is meant to be reached from outside, and there is no other: the secret is for calls.
        let internal_token = self.internal_token.check(&[], faults);
        let log = self.log.check(faults);
        Some(Settings {
            listen: listen?,
            admin_listen: admin_listen?,
            redis: redis?,
            upstreams: Upstreams { user: user?, battle: battle?, chat: chat? },
            gateway: gateway?,
            instance: instance?,
            internal_token: internal_token?,
            log: log?,
        })
    }
}

impl Upstreams {
    /// Clients of all of them.
    fn clients(&self, channels: &Channels, tasks: &TaskGroup) -> anyhow::Result<Clients> {
        Ok(Clients {
            user: UserServiceClient::new(channels.any_of("user-svc", &self.user, tasks)?),
            chat: ChatServiceClient::new(channels.any_of("chat-svc", &self.chat, tasks)?),
            battles: Battles::Many {
                service: BattleServiceClient::new(channels.any_of("battle-svc", &self.battle, tasks)?),
                dialer: channels.dialer(),
            },
        })
    }
}

async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    let program = Program::start(&settings.log)?;
    let starting = program.readiness.latch("start");
    let http = bind(settings.listen).await?;
    let admin = program.serve_admin(settings.admin_listen).await?;
    let addresses = Listeners { http: Some(http.local_addr()?), grpc: None, admin: Some(admin) };

    let plane = Redis::open(&settings.redis, &program.tasks, &program.readiness)?;
    let channels = Channels::new(settings.internal_token).methods(proto::METHODS).reporting(program.readiness.clone());
    let clients = settings.upstreams.clients(&channels, &program.tasks)?;
    let settings = settings.gateway.named(settings.instance);
    let start = crate::start(settings, clients, plane, program.tasks.clone(), http);
    let Some(gateway) = program.unless_ending(start).await else {
        return Ok(program.end(TASK_GRACE).await);
    };
    let gateway = gateway.context("gateway")?;

    drop(starting);
    program.announce(addresses).await.context("ready line")?;
    program.ending().await;
    program.drain(DRAIN_GRACE, gateway.drain()).await;
    Ok(program.end(TASK_GRACE).await)
}
