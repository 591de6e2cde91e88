//! The log of one room.

use std::collections::VecDeque;

use bytes::Bytes;
use service_kit::time::millis;

use crate::epoch::random_epoch;
use crate::rooms::{Appended, Entry, LOG_AGE, LOG_ENTRIES, Position};

/// The latest entries, and how many there ever were.
#[derive(Debug)]
pub(super) struct Log {
    epoch: u64,
    head: u64,
    entries: VecDeque<Entry>,
}

impl Log {
    /// An empty log with a life of its own.
    pub(super) fn new() -> Self {
        Self { epoch: random_epoch(), head: 0, entries: VecDeque::new() }
    }

    /// Its life and last entry.
    pub(super) fn head(&self) -> Position {
        Position { epoch: self.epoch, offset: self.head }
    }

    /// Adds an entry, and lets the oldest go where there are too many.
    pub(super) fn append(&mut self, at_ms: u64, payload: Bytes) -> Appended {
        self.head += 1;
        self.entries.push_back(Entry { offset: self.head, at_ms, payload });
        if self.entries.len() > LOG_ENTRIES {
            self.entries.pop_front();
        }
        Appended { position: self.head(), at_ms }
    }

    /// Lets entries go that are too old.
    pub(super) fn prune(&mut self, now_ms: u64) {
        let oldest = now_ms.saturating_sub(millis(LOG_AGE));
        while self.entries.front().is_some_and(|entry| entry.at_ms < oldest) {
            self.entries.pop_front();
        }
    }

    /// What follows on `after`, or else the latest; and which of the two it is.
    pub(super) fn read(&self, after: Option<Position>, limit: usize) -> (Vec<Entry>, bool) {
        let kept = self.entries.len();
        let follows = after.and_then(|place| self.kept_after(place));
        let skip = kept - follows.unwrap_or_else(|| limit.min(kept));
        let entries = self.entries.iter().skip(skip).take(limit).cloned().collect();
        (entries, follows.is_some())
    }

    /// How many entries came after `place`, if all of them are still here.
    fn kept_after(&self, place: Position) -> Option<usize> {
        let missing = self.head.checked_sub(place.offset)?;
        usize::try_from(missing).ok().filter(|missing| place.epoch == self.epoch && *missing <= self.entries.len())
    }
}
