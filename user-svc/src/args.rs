//! What an operator may set about accounts and sessions.

use std::time::Duration;

use service_kit::settings::{Check, DatabaseUrl, Faults, duration, number};

use crate::Settings;

/// Raw flags of user-svc's own.
#[derive(Debug, Clone, clap::Args)]
pub struct UserArgs {
    /// Life of a session
    #[arg(long, env = "MUD_SESSION_TTL", default_value = "7d", value_name = "TIME")]
    session_ttl: String,
    /// Cost of a password's hash; each step doubles the time a sign-in takes
    #[arg(long, env = "MUD_BCRYPT_COST", default_value = "12", value_name = "NUMBER")]
    bcrypt_cost: String,
}

/// The same, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserSettings {
    /// Life of a session.
    pub session_ttl: Duration,
    /// Cost of a password's hash, 4 to 31.
    pub bcrypt_cost: u32,
}

impl Check for UserArgs {
    type Checked = UserSettings;

    fn check(self, faults: &mut Faults) -> Option<UserSettings> {
        let session_ttl = duration("--session-ttl", &self.session_ttl, faults);
        let bcrypt_cost = number("--bcrypt-cost", &self.bcrypt_cost, 4..=31, faults);
        Some(UserSettings { session_ttl: session_ttl?, bcrypt_cost: bcrypt_cost? })
    }
}

impl UserSettings {
    /// The settings of the instance of this name on a database, whose tables it brings up to date if `migrate` says so.
    #[must_use]
    pub fn named(self, instance: impl Into<String>, database: &DatabaseUrl, migrate: bool) -> Settings {
        Settings {
            database_url: database.expose(),
            migrate,
            session_ttl: self.session_ttl,
            bcrypt_cost: self.bcrypt_cost,
            instance: instance.into(),
        }
    }
}
