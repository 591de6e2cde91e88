//! Where the other services are: one or more URLs each, separated by commas, or `dns://NAME:PORT` for every address
//! behind a name.

use http::Uri;

use super::{Check, Faults};

macro_rules! peer_args {
    ($($(#[$doc:meta])* $name:ident, $field:ident, $flag:literal, $variable:literal, $default:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, clap::Args)]
        pub struct $name {
            /// One URL or several separated by commas, or dns://NAME:PORT for every address behind a name
            #[arg(long, env = $variable, default_value = $default, value_name = "URLS")]
            $field: String,
        }

        impl Check for $name {
            type Checked = PeerUrls;

            fn check(self, faults: &mut Faults) -> Option<PeerUrls> {
                faults.keep($flag, &self.$field, PeerUrls::parse(&self.$field))
            }
        }
    )*};
}

peer_args! {
    #[doc = concat!("Where user-svc is.")]
    UserPeerArgs, user_url, "--user-url", "MUD_USER_URL", "http://127.0.0.1:50051";
    #[doc = concat!("Where battle-svc is.")]
    BattlePeerArgs, battle_url, "--battle-url", "MUD_BATTLE_URL", "http://127.0.0.1:50052";
    #[doc = concat!("Where chat-svc is.")]
    ChatPeerArgs, chat_url, "--chat-url", "MUD_CHAT_URL", "http://127.0.0.1:50053";
}

/// Where the instances of one service are; at least one URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerUrls(Vec<Uri>);

impl PeerUrls {
    /// Parses URLs separated by commas.
    ///
    /// # Errors
    /// A sentence about what is expected.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected http://HOST:PORT, several separated by commas, or dns://NAME:PORT";
        text.split(',')
            .map(|url| url.trim().parse().ok().filter(complete))
            .collect::<Option<_>>()
            .map(Self)
            .ok_or(EXPECTED)
    }

    /// The URLs, in the order given.
    #[must_use]
    pub fn urls(&self) -> &[Uri] {
        &self.0
    }
}

fn complete(url: &Uri) -> bool {
    matches!(url.scheme_str(), Some("http" | "dns")) && url.host().is_some() && url.port().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_several_or_a_name() {
        assert_eq!(PeerUrls::parse("http://10.0.0.1:50051, http://10.0.0.2:50051").unwrap().urls().len(), 2);
        assert_eq!(PeerUrls::parse("dns://battle:50052").unwrap().urls()[0].host(), Some("battle"));
        for wrong in ["", "127.0.0.1:50051", "http://host", "https://host:1", "http://a:1,,http://b:2"] {
            assert!(PeerUrls::parse(wrong).is_err(), "{wrong}");
        }
    }
}
