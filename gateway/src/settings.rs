//! What an operator may set of a gateway.

use std::net::{IpAddr, SocketAddr};

use service_kit::settings::{Check, Faults, number};

/// Raw flags of the gateway's own.
#[derive(Debug, Clone, clap::Args)]
pub struct GatewayArgs {
    /// Origins of web pages that may connect besides our own, separated by commas; `*` for any [default: same origin]
    #[arg(long, env = "MUD_ALLOWED_ORIGINS", default_value = "", hide_default_value = true, value_name = "ORIGINS")]
    allowed_origins: String,
    /// Addresses of proxies whose X-Forwarded-For is believed, separated by commas [default: none]
    #[arg(long, env = "MUD_TRUSTED_PROXIES", default_value = "", hide_default_value = true, value_name = "ADDRESSES")]
    trusted_proxies: String,
    /// Limits on what one client may ask: `default`, or `off` (on loopback only)
    #[arg(long, env = "MUD_LIMITS", default_value = "default", value_name = "LIMITS")]
    limits: String,
    /// Bytes kept for a slow client before its frames are told as one
    #[arg(long, env = "MUD_OUTBOX_BYTES", default_value = "262144", value_name = "BYTES")]
    outbox_bytes: String,
}

/// Checked settings of the gateway's own, but for its name.
#[derive(Debug, Clone)]
pub struct GatewaySettings {
    origins: Origins,
    trusted_proxies: Vec<IpAddr>,
    limited: bool,
    outbox_bytes: usize,
}

/// Settings of a gateway.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of this instance, unlike that of any other.
    pub(crate) instance: String,
    pub(crate) origins: Origins,
    pub(crate) trusted_proxies: Vec<IpAddr>,
    pub(crate) limited: bool,
    pub(crate) outbox_bytes: usize,
}

/// Pages that may connect.
#[derive(Debug, Clone)]
pub(crate) enum Origins {
    /// All of them.
    Any,
    /// Our own and these.
    These(Vec<String>),
}

impl GatewaySettings {
    /// The settings of the instance of this name.
    #[must_use]
    pub fn named(self, instance: impl Into<String>) -> Settings {
        Settings {
            instance: instance.into(),
            origins: self.origins,
            trusted_proxies: self.trusted_proxies,
            limited: self.limited,
            outbox_bytes: self.outbox_bytes,
        }
    }
}

impl GatewayArgs {
    /// `--limits off` is for load tests on one machine: refused where others could reach the listener.
    pub fn check_listener(&self, listen: SocketAddr, faults: &mut Faults) {
        if self.limits == "off" && !listen.ip().is_loopback() {
            faults.add("--limits", &self.limits, "only for listeners on loopback");
        }
    }
}

impl Check for GatewayArgs {
    type Checked = GatewaySettings;

    fn check(self, faults: &mut Faults) -> Option<GatewaySettings> {
        let origins = origins(&self.allowed_origins, faults);
        let trusted_proxies = addresses(&self.trusted_proxies, faults);
        let limited = match self.limits.as_str() {
            "default" => Some(true),
            "off" => Some(false),
            other => {
                faults.add("--limits", other, "expected default or off");
                None
            }
        };
        let outbox_bytes = number("--outbox-bytes", &self.outbox_bytes, 4_096..=67_108_864, faults);
        Some(GatewaySettings {
            origins: origins?,
            trusted_proxies: trusted_proxies?,
            limited: limited?,
            outbox_bytes: outbox_bytes?,
        })
    }
}

fn origins(text: &str, faults: &mut Faults) -> Option<Origins> {
    if text == "*" {
        return Some(Origins::Any);
    }
    let list: Vec<_> = entries(text).map(str::to_owned).collect();
    match list.iter().find(|origin| !origin.starts_with("http://") && !origin.starts_with("https://")) {
        Some(wrong) => {
            faults.add("--allowed-origins", wrong, "expected origins such as https://play.example");
            None
        }
        None => Some(Origins::These(list)),
    }
}

fn addresses(text: &str, faults: &mut Faults) -> Option<Vec<IpAddr>> {
    let parsed: Result<_, _> = entries(text).map(|entry| entry.parse().map(|it: IpAddr| it.to_canonical())).collect();
    faults.keep("--trusted-proxies", text, parsed.map_err(|_| "expected IP addresses separated by commas"))
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}
