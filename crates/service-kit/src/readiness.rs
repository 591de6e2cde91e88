//! Whether this process wants work: not while it starts, and not while it drains.
//!
//! A dependency that is down later is reported beside the verdict and does not change it: a hiccup of a shared server
//! must not empty the load balancer.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::sync::watch;

/// The readiness of a process. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Readiness(watch::Sender<State>);

#[derive(Debug, Default)]
struct State {
    waiting: BTreeMap<&'static str, usize>,
    draining: bool,
    dependencies: BTreeMap<&'static str, Option<String>>,
}

/// Holds readiness back until it is dropped.
#[derive(Debug)]
#[must_use = "a latch that is dropped holds nothing back"]
pub struct Latch {
    readiness: Readiness,
    name: &'static str,
}

/// A dependency whose state the admin page reports.
#[derive(Debug, Clone)]
pub struct Dependency {
    readiness: Readiness,
    name: &'static str,
}

/// What the admin page says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether this process wants work.
    pub ready: bool,
    /// Whether it is on its way out.
    pub draining: bool,
    /// The latches that still hold it back.
    pub waiting: Vec<&'static str>,
    /// Each dependency: `null` when it answers, otherwise why it does not.
    pub dependencies: BTreeMap<&'static str, Option<String>>,
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

impl Readiness {
    /// Ready as soon as no latch holds it back.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(State::default()))
    }

    /// Holds readiness back until the latch is dropped.
    pub fn latch(&self, name: &'static str) -> Latch {
        self.0.send_modify(|state| *state.waiting.entry(name).or_default() += 1);
        Latch { readiness: self.clone(), name }
    }

    /// From now on this process takes no new work.
    pub fn drain(&self) {
        self.0.send_modify(|state| state.draining = true);
    }

    /// A dependency, taken as up until it is said to be down.
    #[must_use]
    pub fn dependency(&self, name: &'static str) -> Dependency {
        let dependency = Dependency { readiness: self.clone(), name };
        dependency.up();
        dependency
    }

    /// Whether this process wants work now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.borrow().ready()
    }

    /// Ends as soon as it wants work.
    pub async fn ready(&self) {
        self.until(true).await;
    }

    /// Ends as soon as it wants none.
    pub async fn unready(&self) {
        self.until(false).await;
    }

    /// The whole state, for people.
    #[must_use]
    pub fn report(&self) -> Report {
        let state = self.0.borrow();
        Report {
            ready: state.ready(),
            draining: state.draining,
            waiting: state.waiting.keys().copied().collect(),
            dependencies: state.dependencies.clone(),
        }
    }

    async fn until(&self, wanted: bool) {
        // Waiting fails only when the sender is gone, and `self` is one.
        let _ = self.0.subscribe().wait_for(|state| state.ready() == wanted).await;
    }
}

impl State {
    fn ready(&self) -> bool {
        self.waiting.is_empty() && !self.draining
    }
}

impl Drop for Latch {
    fn drop(&mut self) {
        self.readiness.0.send_modify(|state| {
            let left = state.waiting.get_mut(self.name).map(|held| {
                *held -= 1;
                *held
            });
            if left == Some(0) {
                state.waiting.remove(self.name);
            }
        });
    }
}

impl Dependency {
    /// It answers.
    pub fn up(&self) {
        self.set(None);
    }

    /// It does not answer, and why.
    pub fn down(&self, why: impl Into<String>) {
        self.set(Some(why.into()));
    }

    fn set(&self, fault: Option<String>) {
        metrics::gauge!("dependency_up", "dependency" => self.name).set(if fault.is_none() { 1.0 } else { 0.0 });
        self.readiness.0.send_modify(|state| {
            state.dependencies.insert(self.name, fault);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ready_when_the_last_latch_is_dropped_and_not_while_draining() {
        let readiness = Readiness::new();
        let (db, one, two) = (readiness.latch("db"), readiness.latch("feed"), readiness.latch("feed"));
        drop((db, one));
        assert_eq!(readiness.report().waiting, ["feed"]);
        assert!(!readiness.is_ready());
        drop(two);
        readiness.ready().await;
        readiness.drain();
        readiness.unready().await;
        assert!(readiness.report().draining);
    }

    #[test]
    fn a_dependency_that_is_down_is_reported_and_changes_nothing() {
        let readiness = Readiness::new();
        readiness.dependency("redis").down("connection refused");
        let report = readiness.report();
        assert!(report.ready);
        assert_eq!(report.dependencies["redis"].as_deref(), Some("connection refused"));
    }
}
