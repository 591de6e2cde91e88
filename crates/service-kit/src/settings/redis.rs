//! Which Redis the backplane uses, if any.

use std::fmt;

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
            Some(url) if url.starts_with("redis://") && url.len() > "redis://".len() => Some(Some(RedisUrl(url))),
            Some(_) => {
                faults.add_unseen("--redis-url", "expected redis://HOST:PORT");
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

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisUrl(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_is_fine_where_it_is_optional() {
        let mut faults = Faults::default();
        assert_eq!(RedisArgs { redis_url: None }.optional(&mut faults), Some(None));
        assert_eq!(RedisArgs { redis_url: None }.required(&mut faults), None);
        assert_eq!(RedisArgs { redis_url: Some("http://x".into()) }.optional(&mut faults), None);
        assert_eq!(format!("{faults:?}").matches("--redis-url").count(), 2);
    }
}
