//! The secret that services show each other.

use std::net::SocketAddr;

use super::{Faults, Secret};

#[doc = concat!("The secret's setting.")]
#[derive(Debug, Clone, clap::Args)]
pub struct InternalTokenArgs {
    /// Secret shared by all services; required when one listens beyond the loopback
    #[arg(long, env = "MUD_INTERNAL_TOKEN", hide_env_values = true, value_name = "SECRET")]
    internal_token: Option<String>,
}

impl InternalTokenArgs {
    /// The secret, which is required when one of `listeners` (flag, address) is reachable from outside. The outer
    /// `None` is a fault.
    pub fn check(
        self,
        listeners: &[(&'static str, Option<SocketAddr>)],
        faults: &mut Faults,
    ) -> Option<Option<Secret>> {
        let exposed = listeners.iter().find(|(_, address)| address.is_some_and(|address| !address.ip().is_loopback()));
        match (self.internal_token.as_deref().map(Secret::parse), exposed) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(token: Option<&str>, address: &str) -> (Option<Option<Secret>>, String) {
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
        let (refused, faults) = check(Some("hunter2"), "127.0.0.1:1");
        assert!(refused.is_none() && !faults.contains("hunter2"), "{faults}");
    }
}
