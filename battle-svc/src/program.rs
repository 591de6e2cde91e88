//! The program `battle-svc`: its flags, and the order in which it starts and stops.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backplane::Redis;
use proto::user::v1::user_service_client::UserServiceClient;
use rules::Ruleset;
use service_kit::grpc::{Channels, GrpcServer};
use service_kit::launch::launch;
use service_kit::program::{Program, Standing};
use service_kit::settings::{
    AdminTokenArgs, AdminTokens, BattlePeerArgs, ChatPeerArgs, Check, Faults, LeaseArgs, LeaseSettings, PeerUrls,
    ServiceArgs, ServiceSettings, UserPeerArgs,
};

use crate::{BattleArgs, BattleSettings, Peers};

/// How long the battles may take to be saved and let go of. What is not saved by then is lost to nobody: it is computed
/// again by who takes the battle over.
const DRAIN_GRACE: Duration = Duration::from_secs(15);

/// How long tasks may take to end after that.
const TASK_GRACE: Duration = Duration::from_secs(5);

/// Battles: one of many processes that run them and show them to those who watch
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "battle-svc", version)]
struct Args {
    #[command(flatten)]
    service: ServiceArgs<50052, 9102>,
    #[command(flatten)]
    lease: LeaseArgs,
    #[command(flatten)]
    user: UserPeerArgs,
    #[command(flatten)]
    battles: BattlePeerArgs,
    #[command(flatten)]
    chat: ChatPeerArgs,
    #[command(flatten)]
    battle: BattleArgs,
    #[command(flatten)]
    operators: AdminTokenArgs,
}

struct Settings {
    service: ServiceSettings,
    lease: LeaseSettings,
    user: PeerUrls,
    battle: BattleSettings,
    operators: AdminTokens,
}

/// Runs the program and answers its exit code.
#[must_use]
pub fn main() -> ExitCode {
    launch::<Args, _, _>(serve)
}

impl Check for Args {
    type Checked = Settings;

    fn check(self, faults: &mut Faults) -> Option<Settings> {
        let grpc = self.service.grpc_address();
        let operators = self.operators.check(&[("--grpc-listen", grpc)], faults);
        let service = self.service.check("battle-svc", faults);
        let lease = self.lease.check(grpc, faults);
        let (user, battle) = (self.user.check(faults), self.battle.check(faults));
        // Every service is told where the others are. This one finds its like by their leases, and asks chat-svc nothing yet.
        let (battles, chat) = (self.battles.check(faults), self.chat.check(faults));
        battles.and(chat)?;
        Some(Settings { service: service?, lease: lease?, user: user?, battle: battle?, operators: operators? })
    }
}

async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    let Settings { service, lease, user, battle, operators } = settings;
    let Standing { program, starting, grpc, addresses } = Program::stand(&service).await?;

    let plane = Redis::open(&service.redis, &program.tasks, &program.readiness)?;
    let channels =
        Channels::new(service.internal_token.clone()).methods(proto::METHODS).reporting(program.readiness.clone());
    let users = UserServiceClient::new(channels.any_of("user-svc", &user, &program.tasks)?);
    let ruleset = Arc::new(Ruleset::read(content::rules())?);
    let peers = Peers::among(plane, lease.address(grpc.local_addr()?), lease.ttl, channels.dialer());
    let settings = battle.named(service.instance);
    let start = crate::start(settings, users, ruleset, peers, &program.tasks);
    let Some(battles) = program.unless_ending(start).await else {
        return Ok(program.end(TASK_GRACE).await);
    };
    let battles = battles.context("battles")?;
    let server = GrpcServer::of(&program, service.internal_token, operators);
    let server = server.descriptors(proto::DESCRIPTOR_SET).service(battles.players()).service(battles.admin());
    program.serve_grpc(server, grpc);

    drop(starting);
    program.announce(addresses).await.context("ready line")?;
    program.ending().await;
    program.drain(DRAIN_GRACE, battles.drain()).await;
    Ok(program.end(TASK_GRACE).await)
}
