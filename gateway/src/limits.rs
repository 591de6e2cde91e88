//! How much one socket may ask, and when its refusals are a flood.

use std::collections::VecDeque;
use std::time::Duration;

use backplane::{Rate, Verdict};
use tokio::time::Instant;

/// Events: 20 a second, 40 at once.
const EVENTS: Rate = Rate { every: Duration::from_millis(50), burst: 40 };

/// Bytes of what was told before and is asked for once more, of which one answer may have half a million: 256 KiB a
/// second, 4 MiB at once.
const RETOLD: Rate = Rate { every: Duration::from_nanos(1_000_000_000 >> 18), burst: 4 << 20 };

const REFUSALS: usize = 200;
const REFUSALS_WITHIN: Duration = Duration::from_secs(10);

/// The allowance of one socket.
#[derive(Debug)]
pub(crate) struct Allowance {
    enforced: bool,
    events: Bucket,
    retold: Bucket,
    /// When the refusals of the last ten seconds were; the newest 200 at most.
    refusals: VecDeque<Instant>,
}

/// A token bucket, of which only the time at which it will be full again is kept.
#[derive(Debug)]
struct Bucket {
    full_at: Instant,
}

impl Bucket {
    /// Takes a token if there is one.
    fn take(&mut self, rate: Rate, now: Instant) -> Verdict {
        match rate.spend(self.full_in(now)) {
            Ok(full_in) => {
                self.full_at = now + full_in;
                Verdict::Allowed
            }
            Err(wait) => Verdict::RetryAfter(wait),
        }
    }

    /// Whether there is a token.
    fn look(&self, rate: Rate, now: Instant) -> Verdict {
        rate.spend(self.full_in(now)).map_or_else(Verdict::RetryAfter, |_taken| Verdict::Allowed)
    }

    /// Takes tokens, be there so many or not.
    fn charge(&mut self, tokens: u32, rate: Rate, now: Instant) {
        self.full_at = self.full_at.max(now) + rate.every * tokens;
    }

    fn full_in(&self, now: Instant) -> Duration {
        self.full_at.saturating_duration_since(now)
    }
}

impl Allowance {
    /// A full allowance; one that isn't `enforced` allows everything.
    pub(crate) fn new(enforced: bool, now: Instant) -> Self {
        let full = || Bucket { full_at: now };
        Self { enforced, events: full(), retold: full(), refusals: VecDeque::new() }
    }

    /// Asks for one event.
    pub(crate) fn take(&mut self, now: Instant) -> Verdict {
        if self.enforced { self.events.take(EVENTS, now) } else { Verdict::Allowed }
    }

    /// Asks for an event that has something told again; how much is known when it has been.
    pub(crate) fn may_retell(&self, now: Instant) -> Verdict {
        if self.enforced { self.retold.look(RETOLD, now) } else { Verdict::Allowed }
    }

    /// So many bytes were told again.
    pub(crate) fn retold(&mut self, bytes: usize, now: Instant) {
        self.retold.charge(u32::try_from(bytes).unwrap_or(u32::MAX), RETOLD, now);
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
        assert_eq!(allowance.take(start), Verdict::RetryAfter(Duration::from_millis(50)));
        let later = start + Duration::from_secs(1);
        let allowed = (0..100).filter(|_| allowance.take(later) == Verdict::Allowed).count();
        assert_eq!(allowed, 20);
    }

    #[test]
    fn what_was_told_before_is_told_again_by_the_byte() {
        let start = Instant::now();
        let retellings = |allowance: &mut Allowance, bytes, now| {
            let told = |_: &usize| {
                let allowed = allowance.may_retell(now) == Verdict::Allowed;
                allowance.retold(if allowed { bytes } else { 0 }, now);
                allowed
            };
            (0..1_000).take_while(told).count()
        };
        let mut allowance = Allowance::new(true, start);
        assert_eq!(retellings(&mut allowance, 1 << 20, start), 4);
        let Verdict::RetryAfter(delay) = allowance.may_retell(start) else { panic!("nothing is left") };
        assert!(delay <= Duration::from_millis(1), "{delay:?}");
        assert_eq!(retellings(&mut allowance, 1 << 20, start + Duration::from_secs(7)), 2);
        assert_eq!(retellings(&mut Allowance::new(true, start), 400, start), 1_000, "what is little costs little");
        assert_eq!(retellings(&mut Allowance::new(false, start), 1 << 20, start), 1_000);
    }

    #[test]
    fn waiting_as_told_is_enough() {
        let mut now = Instant::now();
        let mut allowance = Allowance::new(true, now);
        for _ in 0..200 {
            if let Verdict::RetryAfter(delay) = allowance.take(now) {
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
