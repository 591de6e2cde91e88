//! Which Redis the backplane uses, if any.

use std::fmt;

use http::Uri;

use super::Faults;

#[doc = concat!("The backplane's Redis.")]
#[derive(Debug, Clone, clap::Args)]
pub struct RedisArgs {
    /// redis://HOST:PORT, shared by all processes of a world; required by every program but mud
    #[arg(long, env = "MUD_REDIS_URL", hide_env_values = true, value_name = "URL")]
    redis_url: Option<String>,
}

/// A Redis server. Its `Debug` form hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisArgs {
    /// For a program that can do without: the outer `None` is a fault, the inner one no Redis.
    pub fn optional(self, faults: &mut Faults) -> Option<Option<RedisUrl>> {
        match self.redis_url {
            None => Some(None),
            Some(url) if complete(&url) => Some(Some(RedisUrl(url))),
            Some(_) => {
                faults.add_unseen("--redis-url", "expected redis://[:PASSWORD@]HOST:PORT[/NUMBER]");
                None
            }
        }
    }

    /// For a program that is one of many processes.
    pub fn required(self, faults: &mut Faults) -> Option<RedisUrl> {
        let url = self.optional(faults)?;
        if url.is_none() {
            faults.add_unseen("--redis-url", "required: this program shares its state with others");
        }
        url
    }
}

impl RedisUrl {
    /// The whole URL, for the client alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Whether a URL names a server, and where it goes on, its port and the number of a database.
fn complete(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let Some(authority) = uri.authority() else { return false };
    let address = authority.as_str().rsplit('@').next().unwrap_or_default();
    let port = authority.host() == address || authority.port().is_some();
    let number = uri.path().trim_start_matches('/');
    let known = uri.scheme_str() == Some("redis") && !authority.host().is_empty();
    known && port && (number.is_empty() || number.parse::<u32>().is_ok())
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisUrl(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_port_and_number() {
        for right in ["localhost", "127.0.0.1:6379", "[::1]:6379/", ":secret@redis:6379/3", "user:p%40ss@redis/0"] {
            assert!(complete(&format!("redis://{right}")), "{right}");
        }
        for wrong in
            ["", "@", ":6379", "host:port", "host:65536", "host:6379/x", "host:6379/1/2", "a b:6379", ":x@:6379"]
        {
            assert!(!complete(&format!("redis://{wrong}")), "{wrong}");
        }
        assert!(!complete("rediss://host:6379") && !complete("127.0.0.1:6379"));
    }

    #[test]
    fn missing_is_fine_where_it_is_optional() {
        let mut faults = Faults::default();
        assert_eq!(RedisArgs { redis_url: None }.optional(&mut faults), Some(None));
        assert_eq!(RedisArgs { redis_url: None }.required(&mut faults), None);
        assert_eq!(RedisArgs { redis_url: Some("http://x".into()) }.optional(&mut faults), None);
        assert_eq!(format!("{faults:?}").matches("--redis-url").count(), 2);
    }
}
