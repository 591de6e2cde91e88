//! Which of several processes of a service this is, how long it counts as alive, and where others reach it.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use http::Uri;

use super::{Faults, duration};

const LONGEST_NAME: usize = 64;
const SHORTEST_LEASE: Duration = Duration::from_secs(1);
const LONGEST_LEASE: Duration = Duration::from_secs(60);

#[doc = concat!("The process's name.")]
#[derive(Debug, Clone, clap::Args)]
pub struct InstanceArgs {
    /// Name of this process, unlike that of every other one alive [default: the program's and eight random digits]
    #[arg(long, env = "MUD_INSTANCE", value_name = "NAME")]
    instance: Option<String>,
}

#[doc = concat!("The settings of an instance that others find.")]
#[derive(Debug, Clone, clap::Args)]
pub struct LeaseArgs {
    /// How long a process that is not heard of counts as alive; the same in every battle-svc and mud
    #[arg(long, env = "MUD_LEASE_TTL", default_value = "5s", value_name = "SPAN")]
    lease_ttl: String,
    /// http://HOST:PORT under which other processes reach this one's gRPC [default: where it listens; where that is every
    /// address, the one this machine sends from]
    #[arg(long, env = "MUD_ADVERTISE", value_name = "URL")]
    advertise: Option<String>,
}

/// How an instance is known to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseSettings {
    /// How long it counts as alive without a sign of life.
    pub ttl: Duration,
    advertise: Option<Uri>,
}

impl InstanceArgs {
    /// The name, made up of `service` and chance if none is given.
    pub fn check(self, service: &str, faults: &mut Faults) -> Option<String> {
        match self.instance {
            Some(name) => faults.keep("--instance", &name, named(&name)).map(ToOwned::to_owned),
            None => made_up(service, faults),
        }
    }
}

impl LeaseArgs {
    /// The settings of an instance whose gRPC listens on `grpc`.
    pub fn check(self, grpc: Option<SocketAddr>, faults: &mut Faults) -> Option<LeaseSettings> {
        let ttl = duration("--lease-ttl", &self.lease_ttl, faults).and_then(|ttl| {
            let fits = (SHORTEST_LEASE..=LONGEST_LEASE).contains(&ttl);
            faults.keep("--lease-ttl", &self.lease_ttl, fits.then_some(ttl).ok_or("expected 1s to 60s"))
        });
        let advertise = match self.advertise {
            Some(url) => faults.keep("--advertise", &url, advertised(&url)).map(Some),
            None if grpc.is_some_and(|address| address.ip().is_unspecified()) && own_address().is_none() => {
                faults.add_unseen("--advertise", "required: --grpc-listen names no address that others could reach");
                None
            }
            None => Some(None),
        };
        Some(LeaseSettings { ttl: ttl?, advertise: advertise? })
    }
}

impl LeaseSettings {
    /// The URL under which others reach this instance, whose gRPC is bound to `bound`.
    #[must_use]
    pub fn address(&self, bound: SocketAddr) -> String {
        if let Some(url) = &self.advertise {
            return url.to_string().trim_end_matches('/').to_owned();
        }
        let own = if bound.ip().is_unspecified() { own_address() } else { None };
        format!("http://{}", SocketAddr::new(own.unwrap_or(bound.ip()), bound.port()))
    }
}

pub(super) fn named(name: &str) -> Result<&str, &'static str> {
    let fits = (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if fits { Ok(name) } else { Err("expected 1 to 64 letters, digits, '-', '.' or '_'") }
}

fn made_up(service: &str, faults: &mut Faults) -> Option<String> {
    let chance = getrandom::u32().map_err(|error| faults.add_unseen("--instance", format_args!("no chance: {error}")));
    Some(format!("{service}-{:08x}", chance.ok()?))
}

/// The address this machine sends from; none where it knows no way out. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // An address of documentation: whatever leads there leads to everything that isn't near.
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn advertised(url: &str) -> Result<Uri, &'static str> {
    let bare = |url: &Uri| {
        url.scheme_str() == Some("http") && url.host().is_some() && url.port().is_some() && url.path() == "/"
    };
    let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    url.parse().ok().filter(bare).ok_or("expected http://HOST:PORT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(name: Option<&str>) -> Option<String> {
        InstanceArgs { instance: name.map(Into::into) }.check("battle-svc", &mut Faults::default())
    }

    fn lease(ttl: &str, advertise: Option<&str>, grpc: &str) -> Result<LeaseSettings, String> {
        let mut faults = Faults::default();
        let args = LeaseArgs { lease_ttl: ttl.into(), advertise: advertise.map(Into::into) };
        args.check(grpc.parse().ok(), &mut faults).ok_or_else(|| format!("{faults:?}"))
    }

    #[test]
    fn names_are_given_or_made_up_and_then_unlike() {
        assert_eq!(instance(Some("battle-svc-1.2")).as_deref(), Some("battle-svc-1.2"));
        for wrong in ["", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert_eq!(instance(Some(wrong)), None, "{wrong}");
        }
        let made_up = instance(None).unwrap();
        let digits = made_up.strip_prefix("battle-svc-").unwrap();
        assert!(digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{made_up}");
        assert_ne!(instance(None), Some(made_up));
    }

    #[test]
    fn a_lease_lasts_a_second_to_a_minute() {
        assert_eq!(lease("5s", None, "127.0.0.1:1").unwrap().ttl, Duration::from_secs(5));
        for wrong in ["999ms", "61s", "0s", "soon"] {
            let faults = lease(wrong, None, "127.0.0.1:1").unwrap_err();
            assert_eq!(faults.matches("--lease-ttl").count(), 1, "{faults}");
        }
    }

    #[test]
    fn who_listens_everywhere_is_where_this_machine_sends_from() {
        let everywhere = "0.0.0.0:50052";
        match (own_address(), lease("5s", None, everywhere)) {
            (Some(own), Ok(lease)) => {
                assert!(!own.is_unspecified());
                assert_eq!(lease.address(everywhere.parse().unwrap()), format!("http://{own}:50052"));
            }
            (None, Err(faults)) => assert!(faults.contains("--advertise"), "{faults}"),
            (own, lease) => panic!("{own:?}, but {lease:?}"),
        }
    }

    #[test]
    fn the_address_is_where_it_listens_unless_told_otherwise() {
        let bound = "127.0.0.1:50052".parse().unwrap();
        assert_eq!(lease("5s", None, "127.0.0.1:0").unwrap().address(bound), "http://127.0.0.1:50052");
        let told = lease("5s", Some("http://battle-1:50052"), "0.0.0.0:50052").unwrap();
        assert_eq!(told.address(bound), "http://battle-1:50052");
        assert_eq!(lease("5s", Some("battle-1:50052"), "0.0.0.0:50052").unwrap(), told);
        for wrong in ["battle-1", "http://battle-1", "https://battle-1:1", "http://battle-1:1/path"] {
            assert!(lease("5s", Some(wrong), "127.0.0.1:1").unwrap_err().contains("--advertise"), "{wrong}");
        }
    }
}
