//! How much one socket may ask, and when its refusals are a flood.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Events: 20 a second, 40 at once.
const EVENTS: Rate = Rate { every: Duration::from_millis(50), burst: 40 };

/// Of those, questions for what was told before, each of which costs as much as hundreds of others: 2 a second, 20 at once.
const RETELLINGS: Rate = Rate { every: Duration::from_millis(500), burst: 20 };

const REFUSALS: usize = 200;
const REFUSALS_WITHIN: Duration = Duration::from_secs(10);

/// The allowance of one socket.
#[derive(Debug)]
pub(crate) struct Allowance {
    enforced: bool,
    events: Bucket,
    retellings: Bucket,
    /// When the refusals of the last ten seconds were; the newest 200 at most.
    refusals: VecDeque<Instant>,
}

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may be handled.
    Allowed,
    /// Too many: this one may be sent again after the delay.
    Wait(Duration),
}

struct Rate {
    every: Duration,
    burst: u32,
}

/// A token bucket, of which only the time at which it will be full again is kept (ITU-T I.371, annex A).
#[derive(Debug)]
struct Bucket {
    full_at: Instant,
}

impl Bucket {
    fn take(&mut self, rate: &Rate, now: Instant) -> Verdict {
        let full_at = self.full_at.max(now) + rate.every;
        let excess = full_at.duration_since(now).saturating_sub(rate.every * rate.burst);
        if excess.is_zero() {
            self.full_at = full_at;
            Verdict::Allowed
        } else {
            Verdict::Wait(excess)
        }
    }
}

impl Allowance {
    /// A full allowance; one that isn't `enforced` allows everything.
    pub(crate) fn new(enforced: bool, now: Instant) -> Self {
        let full = || Bucket { full_at: now };
        Self { enforced, events: full(), retellings: full(), refusals: VecDeque::new() }
    }

    /// Asks for one event.
    pub(crate) fn take(&mut self, now: Instant) -> Verdict {
        if self.enforced { self.events.take(&EVENTS, now) } else { Verdict::Allowed }
    }

    /// Asks for an event that has much told again.
    pub(crate) fn take_retelling(&mut self, now: Instant) -> Verdict {
        if self.enforced { self.retellings.take(&RETELLINGS, now) } else { Verdict::Allowed }
    }

    /// Notes a refusal of any kind; true when there have been 200 within any 10 s.
    pub(crate) fn refused(&mut self, now: Instant) -> bool {
        if !self.enforced {
            return false;
        }
        let old = |at: &Instant| now.duration_since(*at) > REFUSALS_WITHIN;
        while self.refusals.len() == REFUSALS || self.refusals.front().is_some_and(old) {
            self.refusals.pop_front();
        }
        self.refusals.push_back(now);
        self.refusals.len() == REFUSALS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_at_once_then_twenty_a_second() {
        let start = Instant::now();
        let mut allowance = Allowance::new(true, start);
        for n in 0..40 {
            assert_eq!(allowance.take(start), Verdict::Allowed, "{n}");
        }
        assert_eq!(allowance.take(start), Verdict::Wait(Duration::from_millis(50)));
        let later = start + Duration::from_secs(1);
        let allowed = (0..100).filter(|_| allowance.take(later) == Verdict::Allowed).count();
        assert_eq!(allowed, 20);
    }

    #[test]
    fn what_was_told_before_is_told_again_more_seldom() {
        let start = Instant::now();
        let mut allowance = Allowance::new(true, start);
        let told = |allowance: &mut Allowance, now| {
            (0..100).filter(|_| allowance.take_retelling(now) == Verdict::Allowed).count()
        };
        assert_eq!(told(&mut allowance, start), 20);
        assert_eq!(told(&mut allowance, start + Duration::from_secs(1)), 2);
        assert_eq!(told(&mut Allowance::new(false, start), start), 100);
    }

    #[test]
    fn waiting_as_told_is_enough() {
        let mut now = Instant::now();
        let mut allowance = Allowance::new(true, now);
        for _ in 0..200 {
            if let Verdict::Wait(delay) = allowance.take(now) {
                now += delay;
                assert_eq!(allowance.take(now), Verdict::Allowed);
            }
        }
    }

    #[test]
    fn two_hundred_refusals_are_a_flood_only_within_ten_seconds() {
        let start = Instant::now();
        let mut fast = Allowance::new(true, start);
        assert_eq!((0..201).filter(|_| fast.refused(start)).count(), 2);
        let mut slow = Allowance::new(true, start);
        assert!(!(0..1_000).any(|n| slow.refused(start + Duration::from_millis(n * 100))));
        let mut late = Allowance::new(true, start);
        assert!(!late.refused(start));
        let burst = |allowance: &mut Allowance, ms| {
            (0..100).filter(|_| allowance.refused(start + Duration::from_millis(ms))).count()
        };
        assert_eq!(burst(&mut late, 9_700), 0);
        assert_eq!(burst(&mut late, 10_300), 1, "no border between ten seconds and the next ten");
        let mut free = Allowance::new(false, start);
        assert!(!(0..1_000).any(|_| free.refused(start)));
    }
}
