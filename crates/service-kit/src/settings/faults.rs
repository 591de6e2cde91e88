//! Everything that is wrong with the settings, told at once.

use std::fmt;
use std::io::{self, Write};

use clap::Command;

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
    /// The environment variable that would do as well, once it is known that there is one.
    variable: Option<String>,
    value: Option<String>,
    why: String,
}

impl Faults {
    /// The value given for `flag` is wrong, and why.
    pub fn add(&mut self, flag: &'static str, value: &str, why: impl fmt::Display) {
        self.0.push(Entry { flag, variable: None, value: Some(value.to_owned()), why: why.to_string() });
    }

    /// The setting is wrong in a way that must not, or cannot, show its value: a secret, or one that is missing.
    pub fn add_unseen(&mut self, flag: &'static str, why: impl fmt::Display) {
        self.0.push(Entry { flag, variable: None, value: None, why: why.to_string() });
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
        // Nobody reads it any more: no reason to end otherwise.
        let _ = writeln!(io::stderr(), "{self}");
        std::process::exit(EXIT_USAGE)
    }

    /// Names each flag's environment variable, where `command` or one below it knows one.
    pub(super) fn naming_variables(mut self, command: &Command) -> Self {
        for entry in &mut self.0 {
            entry.variable = variable(command, entry.flag.trim_start_matches('-'));
        }
        self
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} wrong setting{}", self.0.len(), if self.0.len() == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|entry| write!(f, "\n  {entry}"))
    }
}

impl std::error::Error for Invalid {}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.flag)?;
        if let Some(variable) = &self.variable {
            write!(f, " ({variable})")?;
        }
        if let Some(value) = &self.value {
            write!(f, " = {value:?}")?;
        }
        write!(f, ": {}", self.why)
    }
}

/// The environment variable of a flag, if the command or one below it knows one.
fn variable(command: &Command, flag: &str) -> Option<String> {
    let argument = command.get_arguments().find(|argument| argument.get_long() == Some(flag));
    argument
        .and_then(|argument| argument.get_env()?.to_str().map(ToOwned::to_owned))
        .or_else(|| command.get_subcommands().find_map(|below| variable(below, flag)))
}
