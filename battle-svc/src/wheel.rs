//! A hashed timing wheel: thousands of deadlines for the price of one timer.
//!
//! Slots are a millisecond wide. A deadline further away than one turn stays in its slot and is passed over until its
//! turn comes, so that a wake-up may find nothing due; it never comes late. Nothing is ever taken out before its
//! deadline: owners of an entry give it a number and know an outdated one when it fires.

use std::time::Duration;

use service_kit::time::millis;
use tokio::time::Instant;

/// Slots in a turn. A power of two.
const SLOTS: u64 = 4_096;

/// Bits of the occupancy map per word.
const WORD: u64 = 64;

/// Deadlines in the order of their milliseconds.
#[derive(Debug)]
pub(crate) struct Wheel<T> {
    start: Instant,
    /// The first millisecond that has not been turned yet.
    cursor: u64,
    slots: Box<[Vec<(u64, T)>]>,
    /// Which slots hold something.
    occupied: [u64; (SLOTS / WORD) as usize],
}

impl<T> Wheel<T> {
    /// An empty wheel whose time begins here.
    pub(crate) fn new(start: Instant) -> Self {
        let slots = (0..SLOTS).map(|_| Vec::new()).collect();
        Self { start, cursor: 0, slots, occupied: [0; (SLOTS / WORD) as usize] }
    }

    /// Adds a deadline; one that is past fires at the next turn.
    pub(crate) fn insert(&mut self, at: Instant, item: T) {
        let since = at.saturating_duration_since(self.start);
        // Rounded up: nothing fires before its time.
        let whole = millis(since);
        let late = u64::from(Duration::from_millis(whole) < since);
        let due = (whole + late).max(self.cursor);
        let slot = due % SLOTS;
        self.slots[slot as usize].push((due, item));
        self.occupied[(slot / WORD) as usize] |= 1 << (slot % WORD);
    }

    /// When to turn next; `None` when the wheel is empty.
    pub(crate) fn next(&self) -> Option<Instant> {
        let ahead = (0..=SLOTS / WORD).find_map(|word| self.occupied_from(word))?;
        Some(self.start + Duration::from_millis(self.cursor + ahead))
    }

    /// Moves everything that is due into `due`, and says how late the first of it is.
    pub(crate) fn turn(&mut self, now: Instant, due: &mut Vec<T>) -> Duration {
        let until = millis(now.saturating_duration_since(self.start));
        if until < self.cursor {
            return Duration::ZERO;
        }
        let mut first = until;
        let last = until.min(self.cursor + SLOTS - 1);
        for at in self.cursor..=last {
            let slot = at % SLOTS;
            if self.occupied[(slot / WORD) as usize] & (1 << (slot % WORD)) != 0 {
                first = first.min(self.empty(slot, until, due));
            }
        }
        self.cursor = until + 1;
        Duration::from_millis(until - first)
    }

    /// Distance from the cursor to the first occupied slot in the `word`-th word from it.
    fn occupied_from(&self, word: u64) -> Option<u64> {
        let first = self.cursor % SLOTS;
        let index = (first / WORD + word) % (SLOTS / WORD);
        let offset = first % WORD;
        let bits = match word {
            0 => self.occupied[index as usize] >> offset << offset,
            w if w == SLOTS / WORD => self.occupied[index as usize] & ((1 << offset) - 1),
            _ => self.occupied[index as usize],
        };
        (bits != 0).then(|| (word * WORD + u64::from(bits.trailing_zeros())) - offset)
    }

    /// Empties a slot of what is due; says when the first of it was, `until` if there was nothing.
    fn empty(&mut self, slot: u64, until: u64, due: &mut Vec<T>) -> u64 {
        let mut first = until;
        let entries = &mut self.slots[slot as usize];
        for (at, item) in entries.extract_if(.., |(at, _)| *at <= until) {
            first = first.min(at);
            due.push(item);
        }
        if entries.is_empty() {
            self.occupied[(slot / WORD) as usize] &= !(1 << (slot % WORD));
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn everything_fires_once_at_its_time_however_far_away() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        let deadlines = [0, 1, 63, 64, 65, 4_095, 4_096, 4_097, 9_000, 100_000];
        for deadline in deadlines {
            wheel.insert(start + ms(deadline), deadline);
        }
        let mut fired = Vec::new();
        while let Some(next) = wheel.next() {
            let mut due = Vec::new();
            assert_eq!(wheel.turn(next, &mut due), Duration::ZERO);
            let now = (next - start).as_millis() as u64;
            fired.extend(due.into_iter().inspect(|&deadline| assert_eq!(deadline, now)));
        }
        assert_eq!(fired, deadlines);
    }

    #[test]
    fn a_late_turn_finds_everything_that_was_missed() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        for deadline in [5, 500, 50_000, 50_001] {
            wheel.insert(start + ms(deadline), deadline);
        }
        let mut due = Vec::new();
        assert_eq!(wheel.turn(start + ms(50_000), &mut due), ms(50_000 - 5));
        due.sort_unstable();
        assert_eq!(due, [5, 500, 50_000]);
        assert_eq!(wheel.next(), Some(start + ms(50_001)));
    }

    #[test]
    fn a_wheel_that_was_idle_is_not_late() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        let now = start + ms(20_000);
        wheel.insert(now + ms(10), "soon");
        let mut due = Vec::new();
        assert_eq!((wheel.turn(now, &mut due), due.len()), (Duration::ZERO, 0));
        assert_eq!(wheel.next(), Some(now + ms(10)));
    }

    #[test]
    fn a_past_deadline_fires_at_the_next_turn_and_none_before_its_time() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        let mut due = Vec::new();
        wheel.turn(start + ms(10), &mut due);
        wheel.insert(start + ms(3), "past");
        wheel.insert(start + ms(20) + Duration::from_micros(1), "future");
        wheel.turn(start + ms(20), &mut due);
        assert_eq!(due, ["past"]);
        wheel.turn(start + ms(21), &mut due);
        assert_eq!(due, ["past", "future"]);
        assert_eq!(wheel.next(), None);
    }
}
