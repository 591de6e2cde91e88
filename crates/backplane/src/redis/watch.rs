//! Whether the server answers, told to operators and in the log when it changes: here, and nowhere else above `debug`,
//! however many notice. A program that starts before its Redis waits for it here.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use service_kit::Readiness;
use service_kit::telemetry::Outage;
use service_kit::time::every;

use super::Redis;

/// How often the server is asked.
const PERIOD: Duration = Duration::from_secs(1);

impl Redis {
    /// Watches the server until the tasks end. The program isn't ready before the first answer; later, a server that is
    /// away is a dependency that is down.
    pub fn watch(self: &Arc<Self>, readiness: &Readiness) {
        let (redis, stop) = (Arc::clone(self), self.tasks.stopping());
        let (mut waiting, dependency) = (Some(readiness.latch("redis")), readiness.dependency("redis"));
        self.tasks.spawn("backplane-watch", async move {
            let mut periods = every(PERIOD);
            let mut stopped = std::pin::pin!(stop.wait());
            let mut outage = Outage::default();
            loop {
                tokio::select! {
                    () = &mut stopped => return,
                    _ = periods.tick() => {}
                }
                match redis.ping().await {
                    Ok(()) => {
                        waiting.take();
                        if outage.ends() {
                            tracing::info!("redis came back");
                            dependency.up();
                        }
                    }
                    Err(fault) => {
                        dependency.down(fault.to_string());
                        if outage.begins() {
                            tracing::warn!(error = &fault as &dyn Error, "redis went away");
                        }
                    }
                }
            }
        });
    }
}
