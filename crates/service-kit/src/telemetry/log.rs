//! The log, on standard error; `docs/LOGGING.md` is its grammar.

use std::panic;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// Who is never heard: it tells whole messages of players at `trace`, passwords and all.
const NEVER: &str = "tungstenite::protocol=off";

/// Which events are written, and in what form.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// A level, or directives such as `info,user_svc=debug`.
    pub filter: LogFilter,
    /// The form of a line.
    pub format: LogFormat,
}

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line, for programs.
    Json,
}

/// Filter directives that are known to parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// Checks the directives.
    ///
    /// # Errors
    /// What is wrong with them, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        EnvFilter::try_new(text).map(|_| Self(text.to_owned())).map_err(|error| error.to_string())
    }
}

/// Starts the log of this process, and lets panics speak through it. A second call changes nothing.
pub fn init(settings: &LogSettings) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(format!("{},{NEVER}", settings.filter.0)))
        .with_writer(std::io::stderr)
        // What can't be written there can't be complained about there either; trying to would panic.
        .log_internal_errors(false);
    let first = match settings.format {
        LogFormat::Text => builder.with_ansi(false).finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
    };
    if first.is_ok() {
        panic::set_hook(Box::new(log_panic));
    }
}

fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    let backtrace = std::backtrace::Backtrace::capture();
    tracing::error!(
        panic.place = place,
        panic.message = panic.payload_as_str(),
        panic.backtrace = %backtrace,
        "panicked"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_checked() {
        assert!(LogFilter::parse("info,user_svc=debug").is_ok());
        assert!(LogFilter::parse("user_svc=loud").is_err());
    }
}
