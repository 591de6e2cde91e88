//! The secret that services show each other.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::Faults;

#[doc = concat!("The secret's setting.")]
#[derive(Debug, Clone, clap::Args)]
pub struct InternalTokenArgs {
    /// Secret shared by all services; required when one listens beyond the loopback
    #[arg(long, env = "MUD_INTERNAL_TOKEN", hide_env_values = true, value_name = "SECRET")]
    internal_token: Option<String>,
}

/// A secret of 16 to 256 visible ASCII characters. Its `Debug` form hides it.
#[derive(Clone)]
pub struct InternalToken(Arc<str>);

impl InternalTokenArgs {
    /// The secret, which is required when one of `listeners` (flag, address) is reachable from outside. The outer
    /// `None` is a fault.
    pub fn check(
        self,
        listeners: &[(&'static str, Option<SocketAddr>)],
        faults: &mut Faults,
    ) -> Option<Option<InternalToken>> {
        let exposed = listeners.iter().find(|(_, address)| address.is_some_and(|address| !address.ip().is_loopback()));
        match (self.internal_token.as_deref().map(InternalToken::parse), exposed) {
            (Some(Ok(token)), _) => Some(Some(token)),
            (None, None) => Some(None),
            (Some(Err(why)), _) => {
                faults.add_unseen("--internal-token", why);
                None
            }
            (None, Some((flag, _))) => {
                faults.add_unseen("--internal-token", format_args!("required: {flag} listens beyond the loopback"));
                None
            }
        }
    }
}

impl InternalToken {
    /// Checks length and characters.
    ///
    /// # Errors
    /// A sentence about what is expected.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let fits = (16..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.into())) } else { Err("expected 16 to 256 visible ASCII characters") }
    }

    /// The value of the header that carries it.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for InternalToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InternalToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(token: Option<&str>, address: &str) -> (Option<Option<InternalToken>>, String) {
        let mut faults = Faults::default();
        let args = InternalTokenArgs { internal_token: token.map(Into::into) };
        let checked = args.check(&[("--grpc-listen", address.parse().ok())], &mut faults);
        (checked, format!("{faults:?}"))
    }

    #[test]
    fn required_beyond_the_loopback_only() {
        assert!(matches!(check(None, "127.0.0.1:1").0, Some(None)));
        assert!(matches!(check(None, "[::1]:1").0, Some(None)));
        assert!(matches!(check(Some("0123456789abcdef"), "0.0.0.0:1").0, Some(Some(_))));
        let (refused, faults) = check(None, "0.0.0.0:1");
        assert!(refused.is_none() && faults.contains("--grpc-listen listens beyond"), "{faults}");
    }

    #[test]
    fn a_weak_secret_is_refused_and_never_shown() {
        let (refused, faults) = check(Some("hunter22"), "127.0.0.1:1");
        assert!(refused.is_none() && !faults.contains("hunter22"), "{faults}");
        assert!(!format!("{:?}", InternalToken::parse("0123456789abcdef")).contains("0123"));
    }
}
