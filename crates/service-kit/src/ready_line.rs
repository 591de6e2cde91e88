//! The one line a program prints on its standard output: that it is ready, and where it listens.

use std::io::{self, Write};
use std::net::SocketAddr;

use serde::Serialize;

/// The listeners of a process that is ready; those it does not have are left out of the line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Listeners {
    /// HTTP and Socket.IO, for players.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<SocketAddr>,
    /// gRPC, for services and tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc: Option<SocketAddr>,
    /// Health and metrics, for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<SocketAddr>,
}

#[derive(Serialize)]
struct Line {
    ready: bool,
    #[serde(flatten)]
    listeners: Listeners,
}

/// Prints the ready line on standard output, at once.
///
/// # Errors
/// When standard output is closed.
pub fn print(listeners: Listeners) -> io::Result<()> {
    write(&mut io::stdout().lock(), listeners)
}

fn write(out: &mut impl Write, listeners: Listeners) -> io::Result<()> {
    let line = serde_json::to_string(&Line { ready: true, listeners })?;
    writeln!(out, "{line}")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_with_only_the_listeners_there_are() {
        let mut out = Vec::new();
        let http = "127.0.0.1:3000".parse().ok();
        let admin = "[::1]:9100".parse().ok();
        write(&mut out, Listeners { http, admin, grpc: None }).unwrap();
        let expected = r#"{"ready":true,"http":"127.0.0.1:3000","admin":"[::1]:9100"}"#;
        assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}\n"));
    }
}
