//! What a process says about itself: its log on standard error, its metrics on the admin listener.

mod log;
mod metrics;
mod outage;
mod process;

pub use self::log::{LogFilter, LogFormat, LogSettings, init};
pub use self::metrics::{GaugeGuard, Metrics};
pub use self::outage::Outage;
