//! Everything in one process: the services, called directly, over one database file and a backplane in memory.
//!
//! [`run`] is the seam that `main` and tests share. What a service does is its own crate's business; here is only the
//! order in which they start and stop, and the commands of operators.

mod audit;
pub mod cli;
mod database;
mod drain;
mod lock;
mod replay;
mod seed;
mod services;
mod settings;
mod simulate;
mod terminal;
mod tokens;
mod world;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backplane::{Backplane, Local};
use service_kit::grpc::GrpcServer;
use service_kit::listen::bind;
use service_kit::program::Program;
use service_kit::ready_line::Listeners;
use tokio::net::TcpListener;

pub use settings::{AccountSettings, BattleSettings, Settings};

use lock::ServerLock;
use services::Services;

/// How long tasks may take to end after the drain. Together with the drain it stays below the 30 s that orchestrators
/// commonly give.
const TASK_GRACE: Duration = Duration::from_secs(5);

/// Starts everything, prints the ready line, and serves until the program has to end; then drains. Answers the exit
/// code.
///
/// # Errors
/// When something can't start.
pub async fn run(program: Program, settings: Settings) -> anyhow::Result<ExitCode> {
    let starting = program.readiness.latch("start");
    let (http, grpc) = (bind(settings.listen).await?, bind(settings.grpc_listen).await?);
    // Held until everything below has ended; before the first migration, which would be a write already.
    let _lock = ServerLock::take(&settings.database)?;
    let http_address = http.local_addr()?;
    let addresses = Listeners {
        http: Some(http_address),
        grpc: Some(grpc.local_addr()?),
        admin: Some(program.serve_admin(settings.admin_listen).await?),
    };

    let ruleset = Arc::new(world::ruleset()?);
    let plane: Arc<dyn Backplane> = Local::start(&program.tasks);
    let services = Services::start(&settings, ruleset, Arc::clone(&plane), &program.tasks).await?;
    serve_grpc(&program, &settings, &services, grpc);
    let gateway = services.start_gateway(&settings, http, plane, program.tasks.clone()).await?;

    drop(starting);
    program.announce(addresses).await.context("ready line")?;
    tracing::info!(
        program.version = env!("CARGO_PKG_VERSION"),
        database.path = %settings.database,
        http.url = format_args!("http://{http_address}/"),
        "program started"
    );
    program.ending().await;
    program.readiness.drain();
    drain::drain(&gateway, &services.battle).await;
    Ok(program.end(TASK_GRACE).await)
}

/// Serves tools with every service on one port.
fn serve_grpc(program: &Program, settings: &Settings, services: &Services, listener: TcpListener) {
    let server = GrpcServer::new(program.readiness.clone()).token(settings.internal_token.clone());
    let serving = services.mount(server).serve(listener, program.tasks.stopping());
    program.tasks.spawn_vital("grpc", async move {
        if let Err(broken) = serving.await {
            tracing::error!(error = %broken, "gRPC server broke");
        }
    });
}
