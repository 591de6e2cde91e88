//! What the operators' commands say on standard error, which may be closed: then nobody wants to know.

use std::fmt;
use std::io::{self, Write};

/// Says one line.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A failure and its causes, each told once: many a message already ends with the message of its cause.
pub(crate) fn once(failure: &anyhow::Error) -> String {
    failure.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        told if told.ends_with(&cause) => told.to_owned(),
        told => format!("{told}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let repeated = anyhow!("no file").context("connecting: no file").context("database mud.db");
        assert_eq!(once(&repeated), "database mud.db: connecting: no file");
        assert_eq!(once(&anyhow!("no file")), "no file");
    }
}
