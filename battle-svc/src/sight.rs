//! What this instance has seen of the others: when each lived last, and where.

use std::collections::HashMap;
use std::time::Duration;

use backplane::{Lease, Observer};
use tokio::time::Instant;

/// Everything seen so far.
#[derive(Debug)]
pub(crate) struct Sight {
    observer: Observer,
    /// Where those are that lived, until they are dead.
    known: HashMap<String, String>,
    /// Who lived by the last answer there was.
    living: Vec<Lease>,
}

/// What is known of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Life {
    /// It lives, or may: this is where it was seen.
    At(String),
    /// It may live, and nobody knows where.
    Doubtful,
    /// It was not seen for a whole TTL of unbroken answers.
    Dead,
}

impl Sight {
    /// Nothing has been seen.
    pub(crate) fn new(ttl: Duration) -> Self {
        Self { observer: Observer::new(ttl), known: HashMap::new(), living: Vec::new() }
    }

    /// These lived, by an answer to a question asked at `asked`.
    pub(crate) fn saw(&mut self, asked: Instant, living: Vec<Lease>) {
        self.observer.answered(asked, &living);
        for lease in &living {
            if self.known.insert(lease.instance.clone(), lease.address.clone()).is_none() {
                tracing::info!(instance.name = lease.instance, "instance found");
            }
        }
        let observer = &self.observer;
        self.known.retain(|name, _| {
            let dead = observer.is_dead(name);
            if dead {
                tracing::info!(instance.name = name, "instance gone");
            }
            !dead
        });
        metrics::gauge!("battle_instances").set(f64::from(u32::try_from(living.len()).unwrap_or(u32::MAX)));
        self.living = living;
    }

    /// The backplane gave no answer.
    pub(crate) fn failed(&mut self) {
        self.observer.failed();
    }

    /// What is known of the instance of this name.
    pub(crate) fn life(&self, name: &str) -> Life {
        match self.known.get(name) {
            Some(address) => Life::At(address.clone()),
            None if self.observer.is_dead(name) => Life::Dead,
            None => Life::Doubtful,
        }
    }

    /// For how long at least the instance of this name won't count as dead; nothing where that isn't known.
    pub(crate) fn alive_for(&self, name: &str) -> Duration {
        let dead_from = self.observer.dead_from(name);
        dead_from.map_or(Duration::ZERO, |from| from.saturating_duration_since(Instant::now()))
    }

    /// Who lived by the last answer there was.
    pub(crate) fn living(&self) -> &[Lease] {
        &self.living
    }
}
