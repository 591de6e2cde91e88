//! `mud seed`: many accounts at once, and a session for each, for load tests.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use rules::Ruleset;
use service_kit::settings::{Check, Faults, duration, number};
use user_svc::seed::{Seed, seed};
use vocab::Password;

use crate::database::{Database, DatabaseTools};
use crate::terminal;
use crate::tokens::TokensFile;

/// How many, and where their tokens go.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SeedArgs {
    /// How many accounts: seed000001 and so on, each with its character
    #[arg(long, value_name = "NUMBER")]
    users: String,
    /// Make a session for each as well, and write the tokens here, one a line
    #[arg(long, value_name = "FILE")]
    sessions: Option<PathBuf>,
    /// The password of them all
    #[arg(long, default_value = "correct horse", value_name = "PASSWORD")]
    password: String,
    /// Life of the sessions
    #[arg(long, env = "MUD_SESSION_TTL", default_value = "7d", value_name = "TIME")]
    session_ttl: String,
    /// Cost of the password's one hash
    #[arg(long, env = "MUD_BCRYPT_COST", default_value = "12", value_name = "NUMBER")]
    bcrypt_cost: String,
    #[command(flatten)]
    database: DatabaseTools,
}

/// Accounts to be made.
#[derive(Debug)]
pub(crate) struct Seeding {
    users: u32,
    sessions: Option<PathBuf>,
    password: Password,
    session_ttl: Duration,
    bcrypt_cost: u32,
    database: Database,
}

impl Check for SeedArgs {
    type Checked = Seeding;

    fn check(self, faults: &mut Faults) -> Option<Seeding> {
        let users = number("--users", &self.users, 1..=u32::MAX, faults);
        let password = Password::parse(&self.password).map_err(|why| faults.add_unseen("--password", why)).ok();
        let session_ttl = duration("--session-ttl", &self.session_ttl, faults);
        let bcrypt_cost = number("--bcrypt-cost", &self.bcrypt_cost, 4..=31, faults);
        let database = self.database.check(faults);
        Some(Seeding {
            users: users?,
            sessions: self.sessions,
            password: password?,
            session_ttl: session_ttl?,
            bcrypt_cost: bcrypt_cost?,
            database: database?,
        })
    }
}

impl Seeding {
    /// Makes the accounts, telling on standard error how far it is.
    ///
    /// # Errors
    /// When the database refuses, or the file can't be written.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let ruleset = Ruleset::read(content::rules())?;
        let open = self.database.open(true).await?;
        let mut tokens = self.tokens_file()?;
        let mut written = Ok(());
        let bar = progress_bar(self.users)?;
        let plan = Seed {
            accounts: self.users,
            password: self.password,
            bcrypt_cost: self.bcrypt_cost,
            sessions: self.sessions.is_some().then_some(self.session_ttl),
        };
        seed(&open.store, &ruleset, plan, |made, batch| {
            bar.set_position(made.into());
            if let (Some(file), true) = (&mut tokens, written.is_ok()) {
                written = file.add(&batch);
            }
        })
        .await?;
        bar.finish();
        written.and_then(|()| tokens.map_or(Ok(()), TokensFile::keep)).context("writing the sessions")?;
        open.close().await?;
        terminal::say(format_args!("made {} accounts in database {}", self.users, self.database.url));
        Ok(())
    }

    fn tokens_file(&self) -> anyhow::Result<Option<TokensFile>> {
        let begin = |path: &PathBuf| {
            TokensFile::begin(path.clone()).with_context(|| format!("cannot write {}", path.display()))
        };
        self.sessions.as_ref().map(begin).transpose()
    }
}

fn progress_bar(users: u32) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} accounts, {per_sec}, {eta} left")?;
    Ok(ProgressBar::new(users.into()).with_style(style))
}
