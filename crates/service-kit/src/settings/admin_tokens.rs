//! The secrets of operators, each bound to a name.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::{Faults, Secret};

#[doc = concat!("The operators' secrets.")]
#[derive(Debug, Clone, clap::Args)]
pub struct AdminTokenArgs {
    /// NAME:SECRET of an operator, may be repeated; required when gRPC with admin services listens beyond the loopback
    #[arg(
        long,
        env = "MUD_ADMIN_TOKENS",
        value_delimiter = ',',
        action = clap::ArgAction::Append,
        hide_env_values = true,
        value_name = "NAME:SECRET"
    )]
    admin_token: Vec<String>,
}

/// Operators' secrets and names. Their `Debug` form hides the secrets.
#[derive(Clone, Default)]
pub struct AdminTokens(Arc<[(Arc<str>, Secret)]>);

impl AdminTokenArgs {
    /// The secrets, of which there has to be one when one of `listeners` (flag, address) is reachable from outside.
    pub fn check(self, listeners: &[(&'static str, Option<SocketAddr>)], faults: &mut Faults) -> Option<AdminTokens> {
        let parsed = AdminTokens::parse(&self.admin_token);
        let tokens = parsed.map_err(|why| faults.add_unseen("--admin-token", why)).ok()?;
        let exposed = listeners.iter().find(|(_, address)| address.is_some_and(|address| !address.ip().is_loopback()));
        if let (true, Some((flag, _))) = (tokens.is_empty(), exposed) {
            faults.add_unseen("--admin-token", format_args!("required: {flag} listens beyond the loopback"));
            return None;
        }
        Some(tokens)
    }
}

impl AdminTokens {
    /// Parses texts of the form `NAME:SECRET`.
    ///
    /// # Errors
    /// A sentence about what is expected.
    pub fn parse(texts: &[impl AsRef<str>]) -> Result<Self, &'static str> {
        let tokens = texts.iter().map(|text| operator(text.as_ref())).collect::<Result<Arc<_>, _>>()?;
        Ok(Self(tokens))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each operator's name and secret.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Arc<str>, Secret)> {
        self.0.iter()
    }
}

impl fmt::Debug for AdminTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

fn operator(text: &str) -> Result<(Arc<str>, Secret), &'static str> {
    const EXPECTED: &str = "expected NAME:SECRET, a name of 1 to 64 letters, digits, '-', '.' or '_' and 8 to 256 visible characters but commas";
    let (name, secret) = text.trim().split_once(':').ok_or(EXPECTED)?;
    let name = super::instance::named(name).map_err(|_| EXPECTED)?;
    Ok((name.into(), Secret::parse(secret).map_err(|_| EXPECTED)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tokens: &[&str], address: &str) -> Result<AdminTokens, String> {
        let mut faults = Faults::default();
        let args = AdminTokenArgs { admin_token: tokens.iter().map(ToString::to_string).collect() };
        args.check(&[("--grpc-listen", address.parse().ok())], &mut faults).ok_or_else(|| format!("{faults:?}"))
    }

    #[test]
    fn required_beyond_the_loopback_only() {
        assert!(check(&[], "127.0.0.1:1").unwrap().is_empty());
        assert!(check(&[], "0.0.0.0:1").unwrap_err().contains("--grpc-listen listens beyond"));
        assert_eq!(check(&["ann:0123456789abcdef", "bob:a:b:0123456789abc"], "0.0.0.0:1").unwrap().iter().count(), 2);
    }

    #[test]
    fn a_wrong_one_is_refused_and_no_secret_is_ever_shown() {
        for wrong in ["hunter2hunter2hunter2", "ann:hunter2", ":hunter2hunter2hunter2", "a b:hunter2hunter2hunter2"] {
            let faults = check(&["ann:0123456789abcdef", wrong], "127.0.0.1:1").unwrap_err();
            assert!(faults.contains("NAME:SECRET") && !faults.contains("hunter2"), "{faults}");
        }
        assert_eq!(format!("{:?}", check(&["ann:0123456789abcdef"], "127.0.0.1:1").unwrap()), r#"{"ann"}"#);
    }
}
