//! Which database the store uses.

use std::fmt;

use super::{Check, Faults};

/// The database that is used unless another is named.
const DEFAULT: &str = "sqlite://data/mud.db";

/// The store's database.
#[derive(Debug, Clone, clap::Args)]
pub struct DatabaseArgs {
    /// sqlite://PATH, or mysql://USER:PASSWORD@HOST:PORT/NAME
    #[arg(
        long,
        env = "MUD_DATABASE_URL",
        default_value = DEFAULT,
        hide_env_values = true,
        value_name = "URL"
    )]
    database_url: String,
}

/// A database this house can use. Neither of its forms as text shows the password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file; or `:memory:`.
    Sqlite(String),
    /// A whole `mysql://` URL, which names a host and a database.
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
            Some(("mysql", rest)) if names_a_database(rest) => Ok(Self::Mysql(url.to_owned())),
            _ => Err("expected sqlite://PATH or mysql://USER:PASSWORD@HOST:PORT/NAME"),
        }
    }

    /// Whether it is the one that is used unless another is named.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.expose() == DEFAULT
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

/// Whether it ends in `HOST/NAME`, perhaps with parameters. Of what is named by the database, such as locks that have the
/// whole server for their scope, there would be none without.
fn names_a_database(url: &str) -> bool {
    place(url).split_once('/').is_some_and(|(host, name)| !host.is_empty() && !name.is_empty())
}

/// Host and database, without user, password and parameters.
fn place(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split_once('?').map_or(rest, |(rest, _parameters)| rest);
    rest.rsplit_once('@').map_or(rest, |(_user, place)| place)
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "Sqlite({path:?})"),
            Self::Mysql(_) => f.write_str("Mysql(…)"),
        }
    }
}

/// For people: the path of a file; of a server its host and the database.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.write_str(path),
            Self::Mysql(url) => write!(f, "mysql://{}", place(url)),
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
    fn a_server_is_not_yet_a_database() {
        for nameless in ["h", "u:p@h:1", "u:p@h/", "u:p@h/?socket=/s/s", "/n", "u:p?p@h"] {
            assert!(DatabaseUrl::parse(&format!("mysql://{nameless}")).is_err(), "{nameless}");
        }
    }

    #[test]
    fn people_are_told_where_a_database_is() {
        let shown = [
            ("sqlite://data/mud.db", "data/mud.db"),
            ("mysql://u:p@h:3306/n", "mysql://h:3306/n"),
            ("mysql://u:p/p@p@h/n?socket=/a@b/c", "mysql://h/n"),
        ];
        for (url, told) in shown {
            assert_eq!(DatabaseUrl::parse(url).unwrap().to_string(), told);
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
