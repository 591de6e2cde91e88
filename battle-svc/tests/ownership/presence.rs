//! Which instances had a lease in Redis, and when: what a claim has to be justified by.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::instance::TTL;

/// A claim from an owner whose lease was not away for that long at a stretch rests on nothing.
const AWAY: Duration = Duration::from_millis(2_500);

/// So long after its look a claim may still land (`ttl::claims_land_within`).
const LANDS_WITHIN: Duration = Duration::from_secs(25);

/// When the leases of each name ran.
#[derive(Default)]
pub(crate) struct Presence(BTreeMap<String, Name>);

struct Name {
    began: Instant,
    /// Since its first process began: from when to when it had a lease.
    spans: Vec<(Instant, Instant)>,
    /// The leases of its processes, by nonce.
    leases: BTreeMap<u64, Instant>,
}

impl Presence {
    /// A process of this name begins.
    pub(crate) fn begins(&mut self, name: &str) {
        let fresh = || Name { began: Instant::now(), spans: Vec::new(), leases: BTreeMap::new() };
        self.0.entry(name.to_owned()).or_insert_with(fresh);
    }

    pub(crate) fn renewed(&mut self, name: &str, nonce: u64) {
        let Some(name) = self.0.get_mut(name) else { return };
        let (now, until) = (Instant::now(), Instant::now() + TTL);
        name.leases.insert(nonce, until);
        match name.spans.last_mut() {
            Some((_, end)) if *end >= now => *end = until,
            _ => name.spans.push((now, until)),
        }
    }

    pub(crate) fn released(&mut self, name: &str, nonce: u64) {
        let Some(name) = self.0.get_mut(name) else { return };
        name.leases.remove(&nonce);
        let left = name.leases.values().max().copied().unwrap_or_else(Instant::now);
        name.ends_by(left);
    }

    /// Everything is forgotten.
    pub(crate) fn emptied(&mut self) {
        for name in self.0.values_mut() {
            name.leases.clear();
            name.ends_by(Instant::now());
        }
    }

    /// Whether others had reason to claim what that one owns.
    pub(crate) fn justifies(&self, name: &str) -> bool {
        self.longest_absence(name, LANDS_WITHIN + AWAY) >= AWAY
    }

    /// Those who have been away for so long now.
    pub(crate) fn gone_for(&self, long: Duration) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(_, name)| name.away_for() >= long).map(|(name, _)| name.as_str())
    }

    fn longest_absence(&self, name: &str, within: Duration) -> Duration {
        let Some(name) = self.0.get(name) else { return Duration::MAX };
        let now = Instant::now();
        let from = now.checked_sub(within).map_or(name.began, |from| from.max(name.began));
        let mut absent_since = from;
        let mut longest = Duration::ZERO;
        for (begins, ends) in name.spans.iter().filter(|(_, ends)| *ends > from) {
            longest = longest.max(begins.saturating_duration_since(absent_since));
            absent_since = *ends;
        }
        longest.max(now.saturating_duration_since(absent_since))
    }
}

impl Name {
    fn ends_by(&mut self, moment: Instant) {
        if let Some((_, end)) = self.spans.last_mut() {
            *end = (*end).min(moment);
        }
    }

    fn away_for(&self) -> Duration {
        let since = self.spans.last().map_or(self.began, |(_, end)| *end);
        Instant::now().saturating_duration_since(since)
    }
}
