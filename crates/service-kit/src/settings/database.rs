//! Which database the store uses.

use std::fmt;

use super::{Check, Faults};

#[doc = concat!("The store's database.")]
#[derive(Debug, Clone, clap::Args)]
pub struct DatabaseArgs {
    /// sqlite://PATH, or mysql://USER:PASSWORD@HOST:PORT/NAME
    #[arg(
        long,
        env = "MUD_DATABASE_URL",
        default_value = "sqlite://data/mud.db",
        hide_env_values = true,
        value_name = "URL"
    )]
    database_url: String,
}

/// A database this house can use. Neither of its forms as text shows the password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file, made when it is missing; or `:memory:`.
    Sqlite(String),
    /// A whole `mysql://` URL.
    Mysql(String),
}

impl Check for DatabaseArgs {
    type Checked = DatabaseUrl;

    fn check(self, faults: &mut Faults) -> Option<DatabaseUrl> {
        let parsed = DatabaseUrl::parse(&self.database_url);
        // A URL may hold a password, so only what comes before one is repeated.
        let shown = self.database_url.split_once('@').map_or(self.database_url.as_str(), |_| "…@…");
        faults.keep("--database-url", shown, parsed)
    }
}

impl DatabaseUrl {
    /// Parses a URL.
    ///
    /// # Errors
    /// A sentence about what is expected.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        match url.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.to_owned())),
            Some(("mysql", rest)) if !rest.is_empty() => Ok(Self::Mysql(url.to_owned())),
            _ => Err("expected sqlite://PATH or mysql://USER:PASSWORD@HOST:PORT/NAME"),
        }
    }

    /// The whole URL, password and all, for the store alone.
    #[must_use]
    pub fn expose(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{path}"),
            Self::Mysql(url) => url.clone(),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "Sqlite({path:?})"),
            Self::Mysql(_) => f.write_str("Mysql(…)"),
        }
    }
}

/// For people: the path of a file. Nothing of a server's URL is told.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.write_str(path),
            Self::Mysql(_) => f.write_str("mysql://…"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_apart_by_their_scheme() {
        assert_eq!(DatabaseUrl::parse("sqlite:///var/mud.db"), Ok(DatabaseUrl::Sqlite("/var/mud.db".into())));
        assert_eq!(DatabaseUrl::parse("mysql://u:p@h/n"), Ok(DatabaseUrl::Mysql("mysql://u:p@h/n".into())));
        for url in ["sqlite:///var/mud.db", "mysql://u:p@h/n"] {
            assert_eq!(DatabaseUrl::parse(url).unwrap().expose(), url);
        }
        for wrong in ["", "mud.db", "sqlite://", "postgres://u:p@h/n"] {
            assert!(DatabaseUrl::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn passwords_are_never_shown() {
        let mut faults = Faults::default();
        let args = DatabaseArgs { database_url: "pgsql://u:hunter22@h/n".into() };
        assert_eq!(args.check(&mut faults), None);
        assert!(!format!("{faults:?}").contains("hunter22"));
        let url = DatabaseUrl::parse("mysql://u:hunter22@h/n").unwrap();
        assert!(!format!("{url:?} {url}").contains("hunter22"));
    }
}
