//! Who is dead, as far as one observer of leases can tell.
//!
//! An instance is dead when it was not among the living for a whole TTL during which the backplane answered without a
//! break. A backplane that is away, slow or just came back makes nobody dead; nor does an observer that stood still.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::leases::Lease;

/// One observer's knowledge of the instances of one service. It is told every answer of
/// [`living`](crate::Leases::living), asked for a few times per TTL.
#[derive(Debug)]
pub struct Observer {
    ttl: Duration,
    /// Since when and until when answers came without a break.
    unbroken: Option<(Instant, Instant)>,
    /// When each instance was last among the living.
    seen: HashMap<String, Instant>,
}

impl Observer {
    /// Knows nothing yet. `ttl` is that of the leases.
    #[must_use]
    pub fn new(ttl: Duration) -> Self {
        Self { ttl, unbroken: None, seen: HashMap::new() }
    }

    /// These lived, by an answer to a question asked at `asked`. One that took longer than half a TTL, or came more than
    /// one after the last, starts the count anew.
    pub fn answered<'l>(&mut self, asked: Instant, living: impl IntoIterator<Item = &'l Lease>) {
        let now = Instant::now();
        let late = now - asked > self.ttl / 2;
        let follows = self.unbroken.filter(|(_, last)| !late && asked.saturating_duration_since(*last) <= self.ttl);
        self.unbroken = Some((follows.map_or(now, |(since, _)| since), now));
        for lease in living {
            self.seen.insert(lease.instance.clone(), now);
        }
        // Whoever was dead for that long is no less dead when it is forgotten.
        self.seen.retain(|_, at| now - *at < self.ttl * 10);
    }

    /// The backplane gave no answer.
    pub fn failed(&mut self) {
        self.unbroken = None;
    }

    /// Whether `instance` was not alive for a whole TTL.
    #[must_use]
    pub fn is_dead(&self, instance: &str) -> bool {
        self.unbroken.zip(self.dead_from(instance)).is_some_and(|((_, last), from)| last >= from)
    }

    /// The first moment from which on an answer can make `instance` dead; `None` while there are no answers.
    #[must_use]
    pub fn dead_from(&self, instance: &str) -> Option<Instant> {
        let (since, _) = self.unbroken?;
        Some(self.seen.get(instance).map_or(since, |at| since.max(*at)) + self.ttl)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(5);
    const STEP: Duration = Duration::from_millis(1_500);

    fn lease(instance: &str) -> Lease {
        Lease { service: "gateway".into(), instance: instance.into(), nonce: 1, address: String::new() }
    }

    /// Answers for `span`, in which `living` live.
    async fn watch(observer: &mut Observer, span: Duration, living: &[Lease]) {
        let end = Instant::now() + span;
        while Instant::now() < end {
            tokio::time::advance(STEP).await;
            observer.answered(Instant::now(), living);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_not_seen_for_a_ttl_is_dead_and_nobody_else() {
        let mut observer = Observer::new(TTL);
        let both = [lease("one"), lease("two")];
        watch(&mut observer, TTL * 2, &both).await;
        assert!(!observer.is_dead("one") && !observer.is_dead("two"));
        watch(&mut observer, TTL - STEP, &both[..1]).await;
        assert!(!observer.is_dead("two"), "not yet");
        assert!(observer.dead_from("two").is_some_and(|from| from > Instant::now()));
        watch(&mut observer, STEP * 2, &both[..1]).await;
        assert!(observer.is_dead("two") && !observer.is_dead("one"));
        assert!(observer.dead_from("two").is_some_and(|from| from <= Instant::now()));
        observer.answered(Instant::now(), &both);
        assert!(!observer.is_dead("two"), "it was only away");
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_never_seen_counts_from_the_first_answer() {
        let mut observer = Observer::new(TTL);
        assert!(!observer.is_dead("old"), "nothing is known");
        assert_eq!(observer.dead_from("old"), None);
        watch(&mut observer, STEP, &[]).await;
        assert!(!observer.is_dead("old"));
        watch(&mut observer, TTL + STEP, &[]).await;
        assert!(observer.is_dead("old"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_break_starts_the_count_anew() {
        let breaks: [fn(&mut Observer); 2] =
            [Observer::failed, |observer| observer.answered(Instant::now() - TTL, &[])];
        for broken in breaks {
            let mut observer = Observer::new(TTL);
            watch(&mut observer, TTL - STEP, &[]).await;
            broken(&mut observer);
            watch(&mut observer, TTL - STEP, &[]).await;
            assert!(!observer.is_dead("old"));
            watch(&mut observer, STEP * 3, &[]).await;
            assert!(observer.is_dead("old"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_observer_that_stood_still_knows_nothing() {
        let mut observer = Observer::new(TTL);
        watch(&mut observer, TTL - STEP, &[]).await;
        tokio::time::advance(TTL * 4).await;
        observer.answered(Instant::now(), &[]);
        assert!(!observer.is_dead("old"));
    }
}
