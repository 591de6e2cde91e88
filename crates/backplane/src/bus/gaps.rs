//! Notices what was missed of numbered messages (see [`Publisher`](super::Publisher)).

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::Channel;

/// How long a publisher is remembered that says nothing, not even a number again: it is gone.
const REMEMBERED: Duration = Duration::from_secs(300);

/// Publishers that are remembered before those that are gone are looked for.
const LOOKED_THROUGH: usize = 1_024;

/// The number in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// That of the message.
    Own(u64),
    /// That of the message before, said again.
    Again(u64),
}

/// What one subscriber has heard of whom.
#[derive(Debug, Default)]
pub struct Gaps(HashMap<String, Heard>);

/// The last numbers, zero while nothing was said. What a publisher had said to all before this subscriber listened counts
/// as missed, once: whether it was said before or lost since can't be told.
#[derive(Debug)]
struct Heard {
    all: u64,
    own: u64,
    at: Instant,
}

impl Gaps {
    /// Notes a number of `publisher` on `channel`. True when something was missed. What comes late is no gap.
    pub fn missed(&mut self, publisher: &str, channel: &Channel, number: Number) -> bool {
        let now = Instant::now();
        if !self.0.contains_key(publisher) {
            self.make_room(now);
            self.0.insert(publisher.to_owned(), Heard { all: 0, own: 0, at: now });
        }
        let Some(heard) = self.0.get_mut(publisher) else { return false };
        heard.at = now;
        let last = match channel {
            Channel::All => &mut heard.all,
            Channel::Gateway(_) => &mut heard.own,
            // Rooms are not numbered by who speaks: their lines have places in a log.
            Channel::Room(_) => return false,
        };
        let (number, next) = match number {
            Number::Own(number) => (number, *last + 1),
            Number::Again(number) => (number, *last),
        };
        *last = number.max(*last);
        number > next
    }

    fn make_room(&mut self, now: Instant) {
        if self.0.len() >= LOOKED_THROUGH {
            self.0.retain(|_, heard| now - heard.at < REMEMBERED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Number::{Again, Own};
    use super::*;

    fn own() -> Channel {
        Channel::Gateway("g1".into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_number_left_out_is_a_gap_once() {
        let mut gaps = Gaps::default();
        let steps = [(Again(0), false), (Own(1), false), (Again(1), false), (Own(3), true), (Own(4), false)];
        for (number, gap) in steps {
            assert_eq!(gaps.missed("a", &Channel::All, number), gap, "{number:?}");
        }
        assert!(gaps.missed("a", &Channel::All, Again(5)), "the last one never came");
        assert!(!gaps.missed("a", &Channel::All, Own(5)), "it comes late");
    }

    #[tokio::test(start_paused = true)]
    async fn each_channel_of_each_publisher_is_counted_from_its_first_number_on() {
        let mut gaps = Gaps::default();
        for channel in [own(), Channel::All] {
            assert!(!gaps.missed("a", &channel, Own(1)));
            assert!(gaps.missed("b", &channel, Again(1)));
            assert!(gaps.missed("c", &channel, Own(9)));
            assert!(!gaps.missed("c", &channel, Again(9)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn publishers_that_are_gone_are_forgotten_and_no_others() {
        let mut gaps = Gaps::default();
        for n in 0..LOOKED_THROUGH {
            gaps.missed(&n.to_string(), &Channel::All, Own(1));
        }
        tokio::time::advance(REMEMBERED).await;
        gaps.missed("0", &Channel::All, Again(1));
        gaps.missed("new", &Channel::All, Own(1));
        assert_eq!(gaps.0.len(), 2);
        assert!(gaps.missed("0", &Channel::All, Own(3)), "it is remembered");
    }
}
