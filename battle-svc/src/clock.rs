//! Battle time: how ticks, the owner's monotonic clock and the database's clock go together.
//!
//! Everything here is arithmetic on arguments; nothing reads a clock.

use std::time::Duration;

use service_kit::time::millis;
use tokio::time::Instant;

use crate::Pace;

/// How far a saved battle may be behind its next step and still count as undisturbed. A save says how old it was when
/// it was sent, not how long it was under way: with every retry inside the store that can be half a minute.
const GRACE_MS: u64 = 60_000;

/// The time of one battle under one ownership: one moment on three clocks, and the length of a tick.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    anchor: Instant,
    /// Battle time at the anchor, milliseconds since tick 0.
    battle_ms: u64,
    /// The database's clock at the anchor, milliseconds since the epoch.
    database_ms: i64,
    tick_ms: u32,
}

/// A moment that has passed: so many milliseconds before an instant. No instant by itself reaches back before the
/// machine's start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ago {
    instant: Instant,
    ms: u64,
}

/// Where a battle stood when it was saved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Saved {
    /// Moment of tick 0 on the database's clock.
    pub(crate) origin_ms: i64,
    /// The moment on the database's clock at which the battle stood where the state stands.
    pub(crate) saved_at: i64,
    /// The moment on the database's clock until which the player was served.
    pub(crate) seen_at: i64,
    /// Length of a tick.
    pub(crate) tick_ms: u32,
    /// Tick of the last frame.
    pub(crate) tick: u64,
    /// Tick of the next frame, if one comes by itself.
    pub(crate) due: Option<u64>,
}

/// What has become of a battle's time while nobody had it in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resumed {
    /// Battle time now, milliseconds since tick 0.
    pub(crate) battle_ms: u64,
    /// Whether the old origin still holds. Otherwise time was cut, and a new segment with [`Resumed::origin_ms`] opens.
    pub(crate) unbroken: bool,
    /// The moment of tick 0 from now on.
    pub(crate) origin_ms: i64,
}

impl Clock {
    /// A battle whose time is `battle_ms` at this moment.
    pub(crate) fn new(anchor: Instant, battle_ms: u64, database_ms: i64, tick_ms: u32) -> Self {
        Self { anchor, battle_ms, database_ms, tick_ms }
    }

    /// Battle time, milliseconds since tick 0.
    pub(crate) fn battle_ms(&self, now: Instant) -> u64 {
        self.battle_ms.saturating_add(millis(now.saturating_duration_since(self.anchor)))
    }

    /// The tick that battle time has reached.
    pub(crate) fn tick(&self, now: Instant) -> u64 {
        self.battle_ms(now) / u64::from(self.tick_ms)
    }

    /// Battle time of a tick, milliseconds since tick 0.
    pub(crate) fn tick_at(&self, tick: u64) -> u64 {
        tick.saturating_mul(u64::from(self.tick_ms))
    }

    /// When a tick is due; the anchor for ticks that were due before it.
    pub(crate) fn instant(&self, tick: u64) -> Instant {
        self.anchor + Duration::from_millis(self.tick_at(tick).saturating_sub(self.battle_ms))
    }

    /// The database's clock, as far as this process can tell, milliseconds since the epoch.
    pub(crate) fn database_ms(&self, now: Instant) -> i64 {
        self.database_ms.saturating_add_unsigned(millis(now.saturating_duration_since(self.anchor)))
    }
}

impl Ago {
    /// The moment `ms` milliseconds before `instant`.
    pub(crate) fn before(instant: Instant, ms: u64) -> Self {
        Self { instant, ms }
    }

    /// How long ago that was `now`, milliseconds.
    pub(crate) fn at(&self, now: Instant) -> u64 {
        self.ms.saturating_add(millis(now.saturating_duration_since(self.instant)))
    }
}

impl Saved {
    /// Where battle time stands `now`, on the database's clock.
    ///
    /// Battle time is the database's time since the origin, unless a clock jumped or as much of the absence has passed as
    /// counts. The absence began before the save by what the battle ran on unwatched.
    pub(crate) fn resume(&self, now: i64, pace: &Pace) -> Resumed {
        let tick_ms = u64::from(self.tick_ms);
        let earliest = self.tick.saturating_mul(tick_ms);
        let latest = self.due.map_or(u64::MAX, |due| due.saturating_mul(tick_ms).saturating_add(GRACE_MS));
        let at_save = since(self.origin_ms, self.saved_at).clamp(earliest, latest.max(earliest));
        let unwatched = since(self.seen_at, self.saved_at).min(millis(pace.leave_after()));
        let elapsed = since(self.saved_at, now).min(millis(pace.idle_cap) - unwatched);
        let battle_ms = at_save.saturating_add(elapsed);
        let origin_ms = now.saturating_sub_unsigned(battle_ms);
        Resumed { battle_ms, unbroken: origin_ms == self.origin_ms, origin_ms }
    }
}

/// Milliseconds from one moment to another; 0 when the second comes first.
pub(crate) fn since(earlier: i64, later: i64) -> u64 {
    u64::try_from(later.saturating_sub(earlier)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An hour counts.
    const HOURLY: Pace = Pace {
        save_every: Duration::from_secs(30),
        idle_cap: Duration::from_secs(3600),
        detach_after: Duration::from_secs(60),
    };

    fn saved() -> Saved {
        let saved_at = 1_000_000 + 15_700;
        Saved { origin_ms: 1_000_000, saved_at, seen_at: saved_at, tick_ms: 1500, tick: 10, due: Some(11) }
    }

    #[test]
    fn an_absence_counts_to_the_millisecond_under_the_same_origin() {
        let resumed = saved().resume(1_000_000 + 60_123, &HOURLY);
        assert_eq!(resumed, Resumed { battle_ms: 60_123, unbroken: true, origin_ms: 1_000_000 });
    }

    #[test]
    fn no_more_than_the_cap_counts() {
        let now = 1_000_000 + 15_700 + 2 * 3_600_000;
        let resumed = saved().resume(now, &HOURLY);
        assert_eq!(resumed, Resumed { battle_ms: 3_615_700, unbroken: false, origin_ms: now - 3_615_700 });
    }

    #[test]
    fn what_ran_on_unwatched_before_the_save_counts_as_absence() {
        let left = Saved { seen_at: 1_000_000 + 5_700, ..saved() };
        assert_eq!(left.resume(1_000_000 + 9_000_000, &HOURLY).battle_ms, 5_700 + 3_600_000);
        let watched_by_others = Saved { seen_at: 0, ..saved() };
        assert_eq!(watched_by_others.resume(1_000_000 + 9_000_000, &HOURLY).battle_ms, 15_700 + 3_540_000);
    }

    #[test]
    fn a_clock_that_jumps_back_takes_nothing_away() {
        let resumed = saved().resume(500_000, &HOURLY);
        assert_eq!(resumed, Resumed { battle_ms: 15_700, unbroken: false, origin_ms: 484_300 });
    }

    #[test]
    fn a_save_that_was_long_under_way_breaks_nothing() {
        let late = Saved { saved_at: 1_000_000 + 15_700 + 40_000, ..saved() };
        let resumed = late.resume(1_000_000 + 600_000, &HOURLY);
        assert_eq!(resumed, Resumed { battle_ms: 600_000, unbroken: true, origin_ms: 1_000_000 });
    }

    #[test]
    fn a_moment_keeps_its_distance() {
        let start = Instant::now();
        let ago = Ago::before(start, 5_000);
        assert_eq!((ago.at(start), ago.at(start + Duration::from_millis(20))), (5_000, 5_020));
    }

    #[test]
    fn a_clock_that_jumped_before_the_save_gives_no_more_than_the_grace() {
        let jumped = Saved { saved_at: 9_000_000, ..saved() };
        assert_eq!(jumped.resume(9_000_000, &HOURLY).battle_ms, 11 * 1500 + GRACE_MS);
        let back = Saved { saved_at: 0, ..saved() };
        assert_eq!(back.resume(0, &HOURLY).battle_ms, 15_000);
    }

    #[test]
    fn ticks_and_instants_agree() {
        let start = Instant::now();
        let clock = Clock::new(start, 2_000, 77_000, 1500);
        assert_eq!(clock.instant(2), start + Duration::from_millis(1000));
        assert_eq!(clock.instant(1), start);
        assert_eq!(clock.tick(start + Duration::from_millis(999)), 1);
        assert_eq!(clock.tick(start + Duration::from_millis(1000)), 2);
        assert_eq!(clock.database_ms(start + Duration::from_millis(5)), 77_005);
    }
}
