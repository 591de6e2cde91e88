//! Everything that is wrong with a start's settings, told at once.

use std::fmt;

use super::EXIT_USAGE;

/// Collects faults while settings are checked.
#[derive(Debug, Default)]
pub struct Faults(Vec<Entry>);

/// At least one setting is wrong; the message lists them all.
#[derive(Debug)]
pub struct Invalid(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    flag: &'static str,
    value: Option<String>,
    why: String,
}

impl Faults {
    /// The value given for `flag` is wrong, and why.
    pub fn add(&mut self, flag: &'static str, value: &str, why: impl fmt::Display) {
        self.0.push(Entry { flag, value: Some(value.to_owned()), why: why.to_string() });
    }

    /// The setting is wrong in a way that must not, or cannot, show its value: a secret, or one that is missing.
    pub fn add_unseen(&mut self, flag: &'static str, why: impl fmt::Display) {
        self.0.push(Entry { flag, value: None, why: why.to_string() });
    }

    /// The value, or the fault it has.
    pub fn keep<T, E: fmt::Display>(&mut self, flag: &'static str, value: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|why| self.add(flag, value, why)).ok()
    }

    /// The settings, if nothing is wrong with them.
    pub(super) fn into_result<T>(self, settings: Option<T>) -> Result<T, Invalid> {
        match settings {
            Some(settings) if self.0.is_empty() => Ok(settings),
            _ => Err(Invalid(self.0)),
        }
    }
}

impl Invalid {
    /// Prints the message on standard error and ends the process with 64.
    pub fn exit(self) -> ! {
        #[expect(clippy::print_stderr, reason = "the log does not run before the settings are known")]
        {
            eprintln!("{self}");
        }
        std::process::exit(EXIT_USAGE)
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot start: {} wrong setting{}", self.0.len(), if self.0.len() == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|entry| write!(f, "\n  {entry}"))
    }
}

impl std::error::Error for Invalid {}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.flag, variable(self.flag))?;
        if let Some(value) = &self.value {
            write!(f, " = {value:?}")?;
        }
        write!(f, ": {}", self.why)
    }
}

/// The environment variable of a flag: `--grpc-listen` is `MUD_GRPC_LISTEN`.
pub(super) fn variable(flag: &str) -> String {
    format!("MUD_{}", flag.trim_start_matches('-').replace('-', "_").to_ascii_uppercase())
}
