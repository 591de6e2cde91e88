//! What is logged, and in what form.

use super::{Check, Faults};
use crate::telemetry::{LogFilter, LogFormat, LogSettings};

#[doc = concat!("The log's settings.")]
#[derive(Debug, Clone, clap::Args)]
pub struct LogArgs {
    /// Level, or directives such as info,user_svc=debug; the log is on standard error
    #[arg(long, env = "MUD_LOG", default_value = "info", value_name = "FILTER")]
    log: String,
    /// text or json
    #[arg(long, env = "MUD_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    log_format: String,
}

impl Check for LogArgs {
    type Checked = LogSettings;

    fn check(self, faults: &mut Faults) -> Option<LogSettings> {
        let filter = faults.keep("--log", &self.log, LogFilter::parse(&self.log));
        let format = faults.keep("--log-format", &self.log_format, format(&self.log_format));
        Some(LogSettings { filter: filter?, format: format? })
    }
}

fn format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("expected text or json"),
    }
}
