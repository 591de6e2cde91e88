//! Settings: flags, each with an environment variable, read once.
//!
//! Each concern is a [`clap::Args`] struct of raw text that [`Check`]s itself into typed settings. Nothing fails at the
//! first fault: a [`Faults`] collects them all, so that one message tells an operator everything that is wrong. A
//! service's own settings struct is made of these with `#[command(flatten)]` and checks them the same way:
//!
//! ```
//! use service_kit::settings::{Check, DatabaseArgs, DatabaseUrl, Faults, LogArgs};
//! use service_kit::telemetry::LogSettings;
//!
//! #[derive(clap::Parser)]
//! struct Args {
//!     #[command(flatten)]
//!     log: LogArgs,
//!     #[command(flatten)]
//!     database: DatabaseArgs,
//! }
//!
//! struct Settings {
//!     log: LogSettings,
//!     database: DatabaseUrl,
//! }
//!
//! impl Check for Args {
//!     type Checked = Settings;
//!
//!     fn check(self, faults: &mut Faults) -> Option<Settings> {
//!         let (log, database) = (self.log.check(faults), self.database.check(faults));
//!         Some(Settings { log: log?, database: database? })
//!     }
//! }
//!
//! let settings: Settings = service_kit::settings::parse::<Args, _, _>(["program", "--log", "debug"]).unwrap();
//! ```
//!
//! The `Args` structs here say what they are by `#[doc = concat!(…)]`: clap would take an ordinary doc comment of a
//! flattened struct for the description of the whole program.

mod admin_tokens;
mod database;
mod duration;
mod faults;
mod instance;
mod listen;
mod log;
mod number;
mod peers;
mod redis;
mod secret;
mod service;
mod token;

use std::ffi::OsString;

use clap::builder::Resettable;
use clap::{Arg, Command, Parser};

pub use self::admin_tokens::{AdminTokenArgs, AdminTokens};
pub use self::database::{DatabaseArgs, DatabaseUrl};
pub use self::duration::parse_duration;
pub use self::faults::{Faults, Invalid};
pub use self::instance::{InstanceArgs, LeaseArgs, LeaseSettings};
pub use self::listen::{AdminListenArgs, GrpcListenArgs, ListenArgs};
pub use self::log::LogArgs;
pub use self::number::{duration, number};
pub use self::peers::{BattlePeerArgs, ChatPeerArgs, PeerUrls, UserPeerArgs};
pub use self::redis::{RedisArgs, RedisUrl};
pub use self::secret::Secret;
pub use self::service::{ServiceArgs, ServiceSettings};
pub use self::token::InternalTokenArgs;

/// The exit code of a start stopped by its settings.
pub const EXIT_USAGE: i32 = 64;

/// Raw text that becomes typed settings, or faults.
pub trait Check {
    /// The typed settings.
    type Checked;

    /// The typed settings; `None` exactly when at least one fault was added.
    fn check(self, faults: &mut Faults) -> Option<Self::Checked>;
}

/// Why there are no settings.
#[derive(Debug)]
pub enum Refusal {
    /// Help or version was asked for, or the command line does not parse.
    Usage(clap::Error),
    /// Values that are wrong.
    Invalid(Invalid),
}

/// The settings of this process, from its command line and environment. Where there are none the process ends here:
/// 0 after help, 64 after one message on standard error that lists every fault.
pub fn load<A: Parser + Check>() -> A::Checked {
    parse::<A, _, _>(std::env::args_os()).unwrap_or_else(|refusal| refusal.exit())
}

/// The settings in these arguments, the first of which is the program's name.
///
/// # Errors
/// A `Refusal` with everything that is wrong.
pub fn parse<A, I, T>(args: I) -> Result<A::Checked, Refusal>
where
    A: Parser + Check,
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let parsed = command::<A>().try_get_matches_from(args).and_then(|matches| A::from_arg_matches(&matches));
    checked(parsed.map_err(Refusal::Usage)?)
        .map_err(|invalid| Refusal::Invalid(invalid.naming_variables(&A::command())))
}

/// The typed settings in arguments that are already parsed, as those of a subcommand are.
///
/// # Errors
/// `Invalid` with every fault.
pub fn checked<A: Check>(args: A) -> Result<A::Checked, Invalid> {
    let mut faults = Faults::default();
    let settings = args.check(&mut faults);
    faults.into_result(settings)
}

impl Refusal {
    /// Says what is wrong and ends the process.
    pub fn exit(self) -> ! {
        match self {
            Self::Usage(error) => {
                let code = if error.use_stderr() { EXIT_USAGE } else { 0 };
                // A closed terminal is no reason to end otherwise.
                let _ = error.print();
                std::process::exit(code)
            }
            Self::Invalid(invalid) => invalid.exit(),
        }
    }
}

/// The command line of `A`. A negative number is taken for a value, not for a flag: whether it is a good one is said
/// together with everything else that is wrong. An empty variable counts as none: that is how a Compose file says so.
fn command<A: Parser>() -> Command {
    fn ours(argument: Arg) -> Arg {
        let empty = argument.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
        let argument = if empty { argument.env(Resettable::Reset) } else { argument };
        let takes_values = argument.get_action().takes_values();
        if takes_values { argument.allow_negative_numbers(true) } else { argument }
    }
    fn all_ours(command: Command) -> Command {
        command.mut_args(ours).mut_subcommands(all_ours)
    }
    all_ours(A::command())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::{Args, CommandFactory};

    use super::*;

    /// A program with every setting.
    #[derive(Parser)]
    struct Everything {
        #[command(flatten)]
        listen: ListenArgs,
        #[command(flatten)]
        grpc: GrpcListenArgs<50051>,
        #[command(flatten)]
        admin: AdminListenArgs<9101>,
        #[command(flatten)]
        log: LogArgs,
        #[command(flatten)]
        database: DatabaseArgs,
        #[command(flatten)]
        redis: RedisArgs,
        #[command(flatten)]
        user: UserPeerArgs,
        #[command(flatten)]
        battle: BattlePeerArgs,
        #[command(flatten)]
        chat: ChatPeerArgs,
        #[command(flatten)]
        token: InternalTokenArgs,
        #[command(flatten)]
        admins: AdminTokenArgs,
        #[command(flatten)]
        instance: InstanceArgs,
        #[command(flatten)]
        lease: LeaseArgs,
        #[command(flatten)]
        own: Own,
    }

    #[derive(Args)]
    struct Own {
        #[arg(long, env = "MUD_SAVE_EVERY", default_value = "30s")]
        save_every: String,
        #[arg(long, env = "MUD_TICK_MS", default_value = "1500")]
        tick_ms: String,
        #[arg(long, default_value = "1")]
        rounds: String,
    }

    impl Check for Everything {
        type Checked = (Duration, u64);

        fn check(self, faults: &mut Faults) -> Option<Self::Checked> {
            let listen = self.listen.check(faults);
            let grpc = self.grpc.check(faults);
            let admin = self.admin.check(faults);
            let log = self.log.check(faults);
            let database = self.database.check(faults);
            let redis = self.redis.required(faults);
            let peers = (self.user.check(faults), self.battle.check(faults), self.chat.check(faults));
            let token = self.token.check(&[("--grpc-listen", grpc)], faults);
            let admins = self.admins.check(&[("--grpc-listen", grpc)], faults);
            let (instance, lease) = (self.instance.check("mud", faults), self.lease.check(grpc, faults));
            let save_every = duration("--save-every", &self.own.save_every, faults);
            let tick_ms = number("--tick-ms", &self.own.tick_ms, 10..=60_000, faults);
            let _rounds = number("--rounds", &self.own.rounds, 1..=9, faults);
            let _all = (listen?, grpc?, admin?, log?, database?, redis?, peers.0?, peers.1?, peers.2?, token?, admins?);
            let _names = (instance?, lease?);
            Some((save_every?, tick_ms?))
        }
    }

    /// `--grpc-listen` is `MUD_GRPC_LISTEN`; one of several `--admin-token`s is among `MUD_ADMIN_TOKENS`.
    fn variable(flag: &str) -> String {
        let name = flag.trim_start_matches('-').replace('-', "_").to_ascii_uppercase();
        format!("MUD_{name}{}", if flag == "--admin-token" { "S" } else { "" })
    }

    #[test]
    fn the_defaults_are_right() {
        let settings = parse::<Everything, _, _>(["mud", "--redis-url", "redis://127.0.0.1:6379"]);
        assert_eq!(settings.unwrap(), (Duration::from_secs(30), 1500));
    }

    #[test]
    fn one_message_lists_every_fault() {
        let arguments = [
            "--listen=here",
            "--grpc-listen=0.0.0.0:50051",
            "--admin-listen=127.0.0.1:99999",
            "--log=user=loud",
            "--log-format=xml",
            "--database-url=postgres://db",
            "--user-url=127.0.0.1:50051",
            "--chat-url=",
            "--instance=a b",
            "--lease-ttl=2m",
            "--advertise=here",
            "--save-every=soon",
            "--tick-ms=-5",
        ];
        let Err(Refusal::Invalid(invalid)) = parse::<Everything, _, _>(["mud"].into_iter().chain(arguments)) else {
            panic!("these are values, not a command line that does not parse");
        };
        let message = invalid.to_string();
        for argument in arguments.iter().filter(|argument| !argument.contains("0.0.0.0")) {
            let (flag, value) = argument.split_once('=').unwrap();
            assert!(message.contains(&format!("{flag} ({}) = \"{value}\": ", variable(flag))), "{message}");
        }
        assert!(message.contains("--redis-url (MUD_REDIS_URL)"), "{message}");
        assert!(message.contains("--internal-token (MUD_INTERNAL_TOKEN)"), "{message}");
        assert!(message.contains("--admin-token (MUD_ADMIN_TOKENS)"), "{message}");
        assert_eq!(message.lines().count(), 1 + 12 + 3, "{message}");
    }

    #[test]
    fn a_variable_is_named_only_where_there_is_one_and_a_negative_number_is_a_value() {
        let arguments = ["mud", "--redis-url=redis://127.0.0.1", "--rounds", "-3", "--tick-ms", "-5"];
        let Err(Refusal::Invalid(invalid)) = parse::<Everything, _, _>(arguments) else {
            panic!("these are values, not a command line that does not parse");
        };
        let message = invalid.to_string();
        assert!(message.starts_with("2 wrong settings\n"), "{message}");
        assert!(message.contains("\n  --rounds = \"-3\": "), "{message}");
        assert!(message.contains("\n  --tick-ms (MUD_TICK_MS) = \"-5\": "), "{message}");
    }

    #[test]
    fn help_shows_every_variable_and_default_and_secrets_stay_hidden() {
        let mut command = Everything::command();
        let help = command.render_long_help().to_string();
        for argument in command.get_arguments().filter(|argument| argument.get_env().is_some()) {
            let flag = format!("--{}", argument.get_long().unwrap());
            let named = argument.get_env().unwrap().to_str().unwrap();
            assert_eq!(named, variable(&flag), "a variable follows from its flag");
            assert!(help.contains(&format!("[env: {named}")), "{help}");
        }
        assert!(help.starts_with("A program with every setting"), "{help}");
        assert!(help.contains("[default: 127.0.0.1:50051]"), "{help}");
        assert!(help.contains("[default: sqlite://data/mud.db]"), "{help}");
    }

    #[test]
    fn a_command_line_that_does_not_parse_is_a_usage_fault() {
        assert!(matches!(parse::<Everything, _, _>(["mud", "--bogus"]), Err(Refusal::Usage(_))));
    }
}
