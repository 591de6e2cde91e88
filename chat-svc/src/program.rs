//! The program `chat-svc`: its flags, and the order in which it starts and stops.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use backplane::Redis;
use service_kit::grpc::GrpcServer;
use service_kit::launch::launch;
use service_kit::program::{Program, Standing};
use service_kit::settings::{
    AdminTokens, BattlePeerArgs, Check, Faults, LeaseArgs, LeaseSettings, ServiceArgs, ServiceSettings, UserPeerArgs,
};

/// How long calls under way may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// Lobbies, lines and presence: one of many processes that keep nothing themselves
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "chat-svc", version)]
struct Args {
    #[command(flatten)]
    service: ServiceArgs<50053, 9103>,
    #[command(flatten)]
    lease: LeaseArgs,
    #[command(flatten)]
    user: UserPeerArgs,
    #[command(flatten)]
    battle: BattlePeerArgs,
}

struct Settings {
    service: ServiceSettings,
    lease: LeaseSettings,
}

/// Runs the program and answers its exit code.
#[must_use]
pub fn main() -> ExitCode {
    launch::<Args, _, _>(serve)
}

impl Check for Args {
    type Checked = Settings;

    fn check(self, faults: &mut Faults) -> Option<Settings> {
        // Whoever calls this service was told where it is: it tells nobody, wherever it listens.
        let (service, lease) = (self.service.check("chat-svc", faults), self.lease.check(None, faults));
        // Every service is told where the others are. This one asks none of them yet.
        let (user, battle) = (self.user.check(faults), self.battle.check(faults));
        user.and(battle)?;
        Some(Settings { service: service?, lease: lease? })
    }
}

async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    let Settings { service, lease } = settings;
    let Standing { program, starting, grpc, addresses } = Program::stand(&service).await?;

    let plane = Redis::open(&service.redis, &program.tasks, &program.readiness)?;
    let settings = crate::Settings { publisher: service.instance, lease_ttl: lease.ttl };
    let chat = crate::start(settings, plane, &program.tasks);
    let server = GrpcServer::of(&program, service.internal_token, AdminTokens::default());
    program.serve_grpc(server.descriptors(proto::DESCRIPTOR_SET).service(chat.server()), grpc);

    drop(starting);
    program.announce(addresses).await.context("ready line")?;
    program.ending().await;
    program.bow_out().await;
    Ok(program.end(GRACE).await)
}
