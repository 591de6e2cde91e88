//! The Prometheus recorder of this process, and gauges that cannot forget to go down.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use metrics::Gauge;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::process;
use crate::TaskGroup;

/// Seconds, from half a millisecond to ten: what calls, saves and frames' lateness fall into.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// How often histograms are folded, so that an unscraped process does not grow.
const UPKEEP: Duration = Duration::from_secs(5);

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// The metrics of this process. Clones are the same ones.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

/// Adds one to a gauge for as long as it lives.
#[must_use = "a guard that is dropped counts nothing"]
pub struct GaugeGuard(Gauge);

impl Metrics {
    /// The metrics of this process; the first call installs them.
    ///
    /// Histograms whose names end in `_seconds` get buckets, others get quantiles.
    #[must_use]
    pub fn install() -> Self {
        Self(HANDLE.get_or_init(installed).clone())
    }

    /// Keeps the metrics folded until `tasks` end.
    pub fn keep_up(&self, tasks: &TaskGroup) {
        let (handle, stop) = (self.0.clone(), tasks.stopping());
        tasks.spawn("metrics", async move {
            let mut interval = tokio::time::interval(UPKEEP);
            let stopped = stop.wait();
            tokio::pin!(stopped);
            loop {
                tokio::select! {
                    _ = interval.tick() => handle.run_upkeep(),
                    () = &mut stopped => return,
                }
            }
        });
    }

    /// Prometheus text, with the state of the process as of now.
    #[must_use]
    pub fn render(&self) -> String {
        process::sample();
        self.0.render()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl fmt::Debug for GaugeGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GaugeGuard")
    }
}

impl GaugeGuard {
    /// Counts one more, until it is dropped.
    pub fn new(gauge: Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

#[expect(clippy::expect_used, reason = "the buckets are a literal, and nothing else in the house installs a recorder")]
fn installed() -> PrometheusHandle {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
        .expect("buckets are not empty")
        .install_recorder()
        .expect("the only recorder")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_counts_while_it_lives() {
        let metrics = Metrics::install();
        let guard = GaugeGuard::new(metrics::gauge!("guard_test"));
        assert!(metrics.render().contains("guard_test 1"));
        drop(guard);
        assert!(metrics.render().contains("guard_test 0"));
    }

    #[test]
    fn seconds_have_buckets() {
        let metrics = Metrics::install();
        metrics::histogram!("bucket_test_seconds").record(0.003);
        assert!(metrics.render().contains(r#"bucket_test_seconds_bucket{le="0.005"} 1"#));
    }
}
