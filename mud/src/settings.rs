//! The settings of the whole program: those every program of the house has, and those of each service in it.

use std::net::SocketAddr;
use std::time::Duration;

use battle_svc::{BattleArgs, BattleSettings};
use gateway::{GatewayArgs, GatewaySettings};
use service_kit::settings::{
    AdminListenArgs, AdminTokenArgs, AdminTokens, Check, DatabaseArgs, DatabaseUrl, Faults, GrpcListenArgs,
    InstanceArgs, InternalTokenArgs, LeaseArgs, LeaseSettings, ListenArgs, LogArgs, RedisArgs, RedisUrl, Secret,
};
use service_kit::telemetry::LogSettings;
use user_svc::{UserArgs, UserSettings};

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
    redis: RedisArgs,
    #[command(flatten)]
    instance: InstanceArgs,
    #[command(flatten)]
    lease: LeaseArgs,
    #[command(flatten)]
    user: UserArgs,
    #[command(flatten)]
    battle: BattleArgs,
    #[command(flatten)]
    gateway: GatewayArgs,
    #[command(flatten)]
    internal_token: InternalTokenArgs,
    #[command(flatten)]
    operators: AdminTokenArgs,
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
    /// What several processes share; there is one process alone where there is none.
    pub redis: Option<RedisUrl>,
    /// The name of this process.
    pub instance: String,
    /// How it is known to others.
    pub lease: LeaseSettings,
    /// Accounts and sessions.
    pub user: UserSettings,
    /// Battles.
    pub battle: BattleSettings,
    /// The players' connections.
    pub gateway: GatewaySettings,
    /// What tools and other processes have to show.
    pub internal_token: Option<Secret>,
    /// What operators have to show.
    pub operators: AdminTokens,
    /// The log.
    pub log: LogSettings,
}

impl Check for ServeArgs {
    type Checked = Settings;

    fn check(self, faults: &mut Faults) -> Option<Settings> {
        let listen = self.listen.check(faults);
        let grpc_listen = self.grpc_listen.check(faults);
        let admin_listen = self.admin_listen.check(faults);
        let database = self.database.check(faults);
        let redis = self.redis.optional(faults);
        let instance = self.instance.check("mud", faults);
        // Nobody else has to reach a process that is alone.
        let reached = redis.as_ref().and_then(|redis| redis.as_ref().and(grpc_listen));
        let lease = self.lease.check(reached, faults);
        let user = self.user.check(faults);
        let battle = self.battle.check(faults);
        if let Some(listen) = listen {
            self.gateway.check_listener(listen, faults);
        }
        let gateway = self.gateway.check(faults);
        // Players' own listener is meant to be reached from outside; the others are not.
        let exposed = [("--grpc-listen", grpc_listen)];
        let internal_token = self.internal_token.check(&exposed, faults);
        let operators = self.operators.check(&exposed, faults);
        let log = self.log.check(faults);
        Some(Settings {
            listen: listen?,
            grpc_listen: grpc_listen?,
            admin_listen: admin_listen?,
            database: database?,
            redis: redis?,
            instance: instance?,
            lease: lease?,
            user: user?,
            battle: battle?,
            gateway: gateway?,
            internal_token: internal_token?,
            operators: operators?,
            log: log?,
        })
    }
}

impl Settings {
    /// Those of user-svc. The tables are brought up to date at the start; several processes do so one after the other.
    pub(crate) fn user(&self) -> user_svc::Settings {
        self.user.named(&self.instance, &self.database, true)
    }

    /// Those of battle-svc.
    pub(crate) fn battle(&self) -> battle_svc::Settings {
        self.battle.named(&self.instance)
    }

    /// Those of chat-svc.
    pub(crate) fn chat(&self) -> chat_svc::Settings {
        chat_svc::Settings { publisher: self.instance.clone(), lease_ttl: self.lease.ttl }
    }

    /// Those of the gateway.
    pub(crate) fn gateway(&self) -> gateway::Settings {
        self.gateway.clone().named(&self.instance)
    }
}

/// Settings of a user-svc that only serves a command's reads.
pub(crate) fn reading(database: &DatabaseUrl, instance: &str) -> user_svc::Settings {
    UserSettings { session_ttl: Duration::from_secs(1), bcrypt_cost: 4 }.named(instance, database, false)
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
