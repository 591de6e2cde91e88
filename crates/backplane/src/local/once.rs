//! Keys under which a room was written once, with the first answer to each.

use std::collections::{HashMap, VecDeque};

use service_kit::time::millis;

use crate::rooms::{Appended, LOG_AGE, ONCE_KEYS};

/// The latest keys of one room, oldest first.
#[derive(Debug, Default)]
pub(super) struct Once {
    answers: HashMap<String, Appended>,
    order: VecDeque<String>,
}

impl Once {
    /// What the first call under `key` was answered, if that is still known.
    pub(super) fn answer(&mut self, key: &str, now_ms: u64) -> Option<Appended> {
        self.prune(now_ms);
        self.answers.get(key).copied()
    }

    /// Remembers the answer to a key that has none yet, and lets the oldest go where there are too many.
    pub(super) fn keep(&mut self, key: &str, answer: Appended) {
        self.answers.insert(key.to_owned(), answer);
        self.order.push_back(key.to_owned());
        if self.order.len() > ONCE_KEYS {
            self.forget_oldest();
        }
    }

    /// Lets keys go that are too old.
    pub(super) fn prune(&mut self, now_ms: u64) {
        let oldest = now_ms.saturating_sub(millis(LOG_AGE));
        while self.order.front().and_then(|key| self.answers.get(key)).is_some_and(|answer| answer.at_ms < oldest) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(key) = self.order.pop_front() {
            self.answers.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::Position;

    fn at(at_ms: u64) -> Appended {
        Appended { position: Position { epoch: 1, offset: at_ms }, at_ms }
    }

    #[test]
    fn as_many_keys_are_kept_as_promised_and_no_more() {
        let mut once = Once::default();
        (0..=ONCE_KEYS as u64).for_each(|n| once.keep(&n.to_string(), at(n)));
        assert_eq!(once.answer("0", 0), None);
        assert_eq!(once.answer("1", 0), Some(at(1)));
        assert_eq!((once.answers.len(), once.order.len()), (ONCE_KEYS, ONCE_KEYS));
    }

    #[test]
    fn keys_are_kept_as_long_as_promised_and_no_longer() {
        let day = millis(LOG_AGE);
        let mut once = Once::default();
        once.keep("a", at(5));
        assert_eq!(once.answer("a", 5 + day), Some(at(5)));
        assert_eq!(once.answer("a", 6 + day), None);
        assert!(once.answers.is_empty() && once.order.is_empty());
    }
}
