//! The program `user-svc`: its flags, and the order in which it starts and stops.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backplane::Redis;
use rules::Ruleset;
use service_kit::grpc::GrpcServer;
use service_kit::launch::launch;
use service_kit::program::{Program, Standing};
use service_kit::settings::{
    AdminTokenArgs, AdminTokens, Check, DatabaseArgs, DatabaseUrl, Faults, ServiceArgs, ServiceSettings,
};

use crate::{UserArgs, UserSettings, store};

/// How long calls and writes under way may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// Accounts, characters, gold and the record of battles: one of many processes on one database
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "user-svc", version)]
struct Args {
    #[command(flatten)]
    service: ServiceArgs<50051, 9101>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    user: UserArgs,
    #[command(flatten)]
    operators: AdminTokenArgs,
}

struct Settings {
    service: ServiceSettings,
    database: DatabaseUrl,
    user: UserSettings,
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
        let operators = self.operators.check(&[("--grpc-listen", self.service.grpc_address())], faults);
        let service = self.service.check("user-svc", faults);
        let (database, user) = (self.database.check(faults), self.user.check(faults));
        Some(Settings { service: service?, database: database?, user: user?, operators: operators? })
    }
}

async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    let Settings { service, database, user, operators } = settings;
    let Standing { program, starting, grpc, addresses } = Program::stand(&service).await?;

    let plane = Redis::open(&service.redis, &program.tasks, &program.readiness)?;
    store::watch(&database.expose(), &program.tasks, &program.readiness)?;
    let ruleset = Arc::new(Ruleset::read(content::rules())?);
    let settings = user.named(&service.instance, &database, false);
    let Some(users) = program.unless_ending(crate::start(settings, ruleset, plane, &program.tasks)).await else {
        return Ok(program.end(GRACE).await);
    };
    let users = users.with_context(|| format!("database {database}"))?;
    let server = GrpcServer::of(&program, service.internal_token, operators);
    let server = server.descriptors(proto::DESCRIPTOR_SET).service(users.server).service(users.admin);
    program.serve_grpc(server, grpc);

    drop(starting);
    program.announce(addresses).await.context("ready line")?;
    program.ending().await;
    program.bow_out().await;
    Ok(program.end(GRACE).await)
}
