//! The command line: `serve` unless another command is named, and how each of them is run.

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use service_kit::program::Program;
use service_kit::settings::{self, Check, Faults};

use crate::database::{Database, DatabaseTools};
use crate::replay::{Replay, ReplayArgs};
use crate::seed::{SeedArgs, Seeding};
use crate::settings::{ServeArgs, Settings};
use crate::simulate::{SimulateArgs, Simulation};

/// The backend of a live idle text RPG: everything in one process, and the operators' tools
#[derive(Debug, Parser)]
#[command(name = "mud", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    serve: ServeArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything in one process (the default)
    Serve(Box<ServeArgs>),
    /// Say what an hour brings at each level in each dungeon
    Simulate(SimulateArgs),
    /// Make many accounts at once, for load tests
    Seed(SeedArgs),
    /// Check that the books obey their laws
    Audit(DatabaseTools),
    /// Compute a battle again from its record and verify it
    Replay(ReplayArgs),
    /// Bring the database up to date
    Migrate(DatabaseTools),
}

/// What the command line asks for.
enum Job {
    Serve(Box<Settings>),
    Simulate(Simulation),
    Seed(Seeding),
    Audit(Database),
    Replay(Replay),
    Migrate(Database),
}

/// Runs the program and answers its exit code: 64 for wrong settings, 1 for a failure.
#[must_use]
pub fn main() -> ExitCode {
    match settings::load::<Cli>().run() {
        Ok(code) => code,
        Err(failure) => service_kit::launch::failed("mud", &*failure),
    }
}

impl Check for Cli {
    type Checked = Job;

    fn check(self, faults: &mut Faults) -> Option<Job> {
        match self.command {
            None => self.serve.check(faults).map(Box::new).map(Job::Serve),
            Some(Command::Serve(args)) => args.check(faults).map(Box::new).map(Job::Serve),
            Some(Command::Simulate(args)) => args.check(faults).map(Job::Simulate),
            Some(Command::Seed(args)) => args.check(faults).map(Job::Seed),
            Some(Command::Audit(args)) => args.check(faults).map(Job::Audit),
            Some(Command::Replay(args)) => args.check(faults).map(Job::Replay),
            Some(Command::Migrate(args)) => args.check(faults).map(Job::Migrate),
        }
    }
}

impl Job {
    fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Serve(settings) => on_runtime(serve(*settings)),
            Self::Simulate(simulation) => printed(simulation.run(&mut io::stdout())),
            Self::Seed(seeding) => on_runtime(seeding.run()).map(done),
            Self::Audit(database) => printed(on_runtime(crate::audit::run(database, &mut io::stdout()))),
            Self::Replay(replay) => printed(on_runtime(replay.run(&mut io::stdout()))),
            Self::Migrate(database) => on_runtime(database.migrate()).map(done),
        }
    }
}

fn done((): ()) -> ExitCode {
    ExitCode::SUCCESS
}

/// The end of a command that prints. When its reader has left, it has read all it wanted: that is no failure.
fn printed(outcome: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    let reader_left = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    };
    match outcome {
        Err(failure) if failure.chain().any(reader_left) => Ok(ExitCode::SUCCESS),
        outcome => outcome.map(done),
    }
}

async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    let program = Program::start(&settings.log)?;
    crate::run(program, settings).await
}

fn on_runtime<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("runtime")?.block_on(work)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn job(line: &str) -> Result<Job, settings::Refusal> {
        settings::parse::<Cli, _, _>(std::iter::once("mud").chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_needs_not_be_named() {
        assert!(matches!(job(""), Ok(Job::Serve(_))));
        assert!(matches!(job("--listen 127.0.0.1:0"), Ok(Job::Serve(_))));
        assert!(matches!(job("serve --listen 127.0.0.1:0"), Ok(Job::Serve(_))));
        assert!(matches!(job("simulate --hours 2"), Ok(Job::Simulate(_))));
    }

    #[test]
    fn flags_of_one_command_are_not_those_of_another() {
        assert!(matches!(job("--hours 2"), Err(settings::Refusal::Usage(_))));
        assert!(matches!(job("--listen 127.0.0.1:0 simulate"), Err(settings::Refusal::Usage(_))));
    }
}
