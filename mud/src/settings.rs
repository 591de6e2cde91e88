//! The settings of the whole program: those every program of the house has, and those of each service in it.

use std::net::SocketAddr;
use std::time::Duration;

use gateway::{GatewayArgs, GatewaySettings};
use service_kit::settings::{
    AdminListenArgs, Check, DatabaseArgs, DatabaseUrl, Faults, GrpcListenArgs, InternalToken, InternalTokenArgs,
    ListenArgs, LogArgs, duration, number,
};
use service_kit::telemetry::LogSettings;

use crate::database::url_text;

/// Flags of `mud serve`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    grpc_listen: GrpcListenArgs<50050>,
    #[command(flatten)]
    admin_listen: AdminListenArgs<9100>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    account: AccountArgs,
    #[command(flatten)]
    battle: BattleArgs,
    #[command(flatten)]
    gateway: GatewayArgs,
    #[command(flatten)]
    internal_token: InternalTokenArgs,
    #[command(flatten)]
    log: LogArgs,
}

/// What a server needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// For players.
    pub listen: SocketAddr,
    /// For tools.
    pub grpc_listen: SocketAddr,
    /// For operators.
    pub admin_listen: SocketAddr,
    /// Where everything is kept.
    pub database: DatabaseUrl,
    /// Accounts and sessions.
    pub account: AccountSettings,
    /// Battles.
    pub battle: BattleSettings,
    /// The players' connections.
    pub gateway: GatewaySettings,
    /// What tools have to show.
    pub internal_token: Option<InternalToken>,
    /// The log.
    pub log: LogSettings,
}

/// Flags about accounts and sessions.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct AccountArgs {
    /// Life of a session
    #[arg(long, env = "MUD_SESSION_TTL", default_value = "7d", value_name = "TIME")]
    session_ttl: String,
    /// Cost of a password's hash; each step doubles the time a sign-in takes
    #[arg(long, env = "MUD_BCRYPT_COST", default_value = "12", value_name = "NUMBER")]
    bcrypt_cost: String,
}

/// Accounts and sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountSettings {
    /// Life of a session.
    pub session_ttl: Duration,
    /// Cost of a password's hash, 4 to 31.
    pub bcrypt_cost: u32,
}

/// Flags about battles.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct BattleArgs {
    /// Length of a tick in milliseconds, for battles that start from now on
    #[arg(long, env = "MUD_TICK_MS", default_value = "1500", value_name = "NUMBER")]
    tick_ms: String,
    /// How often a running battle is saved
    #[arg(long, env = "MUD_SAVE_EVERY", default_value = "30s", value_name = "TIME")]
    save_every: String,
    /// How much of an absence counts
    #[arg(long, env = "MUD_IDLE_CAP", default_value = "12h", value_name = "TIME")]
    idle_cap: String,
    /// How long a battle nobody watches stays in memory
    #[arg(long, env = "MUD_DETACH_AFTER", default_value = "60s", value_name = "TIME")]
    detach_after: String,
}

/// Battles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BattleSettings {
    /// Length of a tick in milliseconds, for battles that start from now on.
    pub tick_ms: u32,
    /// How often a running battle is saved.
    pub save_every: Duration,
    /// How much of an absence counts.
    pub idle_cap: Duration,
    /// How long a battle nobody watches stays in memory.
    pub detach_after: Duration,
}

impl Check for ServeArgs {
    type Checked = Settings;

    fn check(self, faults: &mut Faults) -> Option<Settings> {
        let listen = self.listen.check(faults);
        let grpc_listen = self.grpc_listen.check(faults);
        let admin_listen = self.admin_listen.check(faults);
        let database = self.database.check(faults);
        let account = self.account.check(faults);
        let battle = self.battle.check(faults);
        if let Some(listen) = listen {
            self.gateway.check_listener(listen, faults);
        }
        let gateway = self.gateway.check(faults);
        // Players' own listener is meant to be reached from outside; the others are not.
        let exposed = [("--grpc-listen", grpc_listen)];
        let internal_token = self.internal_token.check(&exposed, faults);
        let log = self.log.check(faults);
        Some(Settings {
            listen: listen?,
            grpc_listen: grpc_listen?,
            admin_listen: admin_listen?,
            database: database?,
            account: account?,
            battle: battle?,
            gateway: gateway?,
            internal_token: internal_token?,
            log: log?,
        })
    }
}

impl Settings {
    /// Those of user-svc. The tables are brought up to date at the start: nobody else uses this database.
    pub(crate) fn user(&self, instance: &str) -> user_svc::Settings {
        user_svc::Settings {
            database_url: url_text(&self.database),
            migrate: true,
            session_ttl: self.account.session_ttl,
            bcrypt_cost: self.account.bcrypt_cost,
            instance: instance.to_owned(),
        }
    }

    /// Those of battle-svc. There is no other instance that could take our battles.
    pub(crate) fn battle(&self, instance: &str) -> battle_svc::Settings {
        let BattleSettings { tick_ms, save_every, idle_cap, detach_after } = self.battle;
        let pace = battle_svc::Pace { save_every, idle_cap, detach_after, standstill: None };
        battle_svc::Settings { tick_ms, pace, ..battle_svc::Settings::named(instance) }
    }

    /// Those of chat-svc.
    pub(crate) fn chat(&self, instance: &str) -> chat_svc::Settings {
        chat_svc::Settings { publisher: instance.to_owned(), flood_limit: self.gateway.limited() }
    }

    /// Those of the gateway.
    pub(crate) fn gateway(&self, instance: &str) -> gateway::Settings {
        self.gateway.clone().named(instance)
    }
}

/// Settings of a user-svc that only serves a command's reads.
pub(crate) fn reading(database: &DatabaseUrl, instance: &str) -> user_svc::Settings {
    user_svc::Settings {
        database_url: url_text(database),
        migrate: false,
        session_ttl: Duration::from_secs(1),
        bcrypt_cost: 4,
        instance: instance.to_owned(),
    }
}

impl Check for AccountArgs {
    type Checked = AccountSettings;

    fn check(self, faults: &mut Faults) -> Option<AccountSettings> {
        let session_ttl = duration("--session-ttl", &self.session_ttl, faults);
        let bcrypt_cost = number("--bcrypt-cost", &self.bcrypt_cost, 4..=31, faults);
        Some(AccountSettings { session_ttl: session_ttl?, bcrypt_cost: bcrypt_cost? })
    }
}

impl Check for BattleArgs {
    type Checked = BattleSettings;

    fn check(self, faults: &mut Faults) -> Option<BattleSettings> {
        let tick_ms = number("--tick-ms", &self.tick_ms, 10..=60_000, faults);
        let save_every = duration("--save-every", &self.save_every, faults);
        let idle_cap = duration("--idle-cap", &self.idle_cap, faults);
        let detach_after = duration("--detach-after", &self.detach_after, faults);
        Some(BattleSettings {
            tick_ms: tick_ms?,
            save_every: save_every?,
            idle_cap: idle_cap?,
            detach_after: detach_after?,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use service_kit::settings::Refusal;

    use super::*;

    #[derive(Parser)]
    struct Server {
        #[command(flatten)]
        serve: ServeArgs,
    }

    impl Check for Server {
        type Checked = Settings;

        fn check(self, faults: &mut Faults) -> Option<Settings> {
            self.serve.check(faults)
        }
    }

    /// What is wrong with these flags, in one text; empty when nothing is.
    fn faults(arguments: &[&str]) -> String {
        match service_kit::settings::parse::<Server, _, _>([&["mud"], arguments].concat()) {
            Ok(_) => String::new(),
            Err(Refusal::Invalid(faults)) => faults.to_string(),
            Err(Refusal::Usage(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn the_defaults_are_sound() {
        assert_eq!(faults(&[]), "");
    }

    #[test]
    fn every_fault_is_told() {
        let wrong = [
            "--session-ttl=never",
            "--bcrypt-cost=3",
            "--tick-ms=9",
            "--idle-cap=0s",
            "--allowed-origins=play.example",
            "--trusted-proxies=proxy",
            "--limits=none",
            "--outbox-bytes=1",
        ];
        let faults = faults(&wrong);
        for flag in wrong.map(|argument| argument.split_once('=').unwrap().0) {
            assert!(faults.contains(flag), "{flag} in {faults}");
        }
    }

    #[test]
    fn limits_are_never_off_beyond_the_loopback() {
        assert_eq!(faults(&["--limits=off"]), "");
        let faults = faults(&["--limits=off", "--listen=0.0.0.0:3000"]);
        assert!(faults.contains("only for listeners on loopback"), "{faults}");
    }
}
