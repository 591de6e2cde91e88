//! Everything in one process: the services, called directly, over one database file and a backplane in memory.
//!
//! [`run`] is the seam that `main` and tests share. What a service does is its own crate's business; here is only the
//! order in which they start and stop, and the commands of operators.

mod audit;
pub mod cli;
mod cluster;
mod database;
mod lock;
mod replay;
mod seed;
mod services;
mod settings;
mod simulate;
mod terminal;
mod tokens;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use service_kit::grpc::GrpcServer;
use service_kit::listen::bind;
use service_kit::program::Program;
use service_kit::ready_line::Listeners;
use tokio::net::TcpListener;

pub use settings::Settings;

use cluster::Cluster;
use lock::ServerLock;
use services::Services;

/// How long each step of the way out may take: players are told to come back and go, battles are saved and let go of,
/// tasks end. What is not done by then is lost to nobody: battles are computed again. Together it stays below the 30 s
/// that orchestrators commonly give.
const GATEWAY_GRACE: Duration = Duration::from_secs(12);
const BATTLE_GRACE: Duration = Duration::from_secs(8);
const TASK_GRACE: Duration = Duration::from_secs(5);

/// Everything, running.
struct World {
    gateway: gateway::Service,
    services: Services,
    /// Held until everything has ended.
    _lock: ServerLock,
}

/// Starts everything, prints the ready line, and serves until the program has to end; then drains. Answers the exit
/// code.
///
/// # Errors
/// When something can't start.
pub async fn run(program: Program, settings: Settings) -> anyhow::Result<ExitCode> {
    let starting = program.readiness.latch("start");
    let (http, grpc) = (bind(settings.listen).await?, bind(settings.grpc_listen).await?);
    let addresses = Listeners {
        http: Some(http.local_addr()?),
        grpc: Some(grpc.local_addr()?),
        admin: Some(program.serve_admin(settings.admin_listen).await?),
    };
    let Some(started) = program.unless_ending(start(&program, &settings, http, grpc)).await else {
        return Ok(program.end(TASK_GRACE).await);
    };
    let world = started?;

    drop(starting);
    program.announce(addresses).await.context("ready line")?;
    program.ending().await;
    program.drain(GATEWAY_GRACE, world.gateway.drain()).await;
    program.drain(BATTLE_GRACE, world.services.battle.drain()).await;
    Ok(program.end(TASK_GRACE).await)
}

/// Watches the database and takes the right to serve it, before the first migration, which would be a write already;
/// then starts everything in the order in which it needs each other.
async fn start(program: &Program, settings: &Settings, http: TcpListener, grpc: TcpListener) -> anyhow::Result<World> {
    user_svc::store::watch(&settings.database.expose(), &program.tasks, &program.readiness)?;
    let lock = ServerLock::take(settings, &program.tasks).await?;
    let cluster = Cluster::join(settings, grpc.local_addr()?, program)?;
    let services = Services::start(settings, &cluster, &program.tasks).await?;
    let server = GrpcServer::of(program, settings.internal_token.clone(), settings.operators.clone());
    program.serve_grpc(services.mount(server), grpc);
    let gateway = services.start_gateway(settings, &cluster, http, program.tasks.clone()).await?;
    Ok(World { gateway, services, _lock: lock })
}
