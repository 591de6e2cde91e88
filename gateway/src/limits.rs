//! How much one socket may ask, and when its refusals are a flood.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

const PER_SECOND: u32 = 20;
const BURST: u32 = 40;
const REFUSALS: usize = 200;
const REFUSALS_WITHIN: Duration = Duration::from_secs(10);

/// The allowance of one socket: 20 events a second, 40 at once.
#[derive(Debug)]
pub(crate) struct Allowance {
    enforced: bool,
    /// When the bucket will be full again (the bucket in its virtual-scheduling form).
    full_at: Instant,
    /// When the refusals of the last ten seconds were; the newest 200 at most.
    refusals: VecDeque<Instant>,
}

/// What becomes of an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may be handled.
    Allowed,
    /// Too many: this one may be sent again after the delay.
    Wait(Duration),
}

impl Allowance {
    /// A full allowance; one that isn't `enforced` allows everything.
    pub(crate) fn new(enforced: bool, now: Instant) -> Self {
        Self { enforced, full_at: now, refusals: VecDeque::new() }
    }

    /// Asks for one event.
    pub(crate) fn take(&mut self, now: Instant) -> Verdict {
        if !self.enforced {
            return Verdict::Allowed;
        }
        let one = Duration::from_secs(1) / PER_SECOND;
        let filled = self.full_at.max(now) + one;
        let excess = filled.duration_since(now).saturating_sub(one * BURST);
        if excess.is_zero() {
            self.full_at = filled;
            Verdict::Allowed
        } else {
            Verdict::Wait(excess)
        }
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
