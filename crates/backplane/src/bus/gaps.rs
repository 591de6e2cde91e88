//! Notices what was missed of numbered messages (see [`Publisher`](super::Publisher)).

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::Channel;

/// How long a publisher is remembered that says nothing, not even a number again: it is gone.
const REMEMBERED: Duration = Duration::from_secs(300);

/// Publishers that are remembered before those that are gone are looked for.
const LOOKED_THROUGH: usize = 1_024;

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
    /// Notes number `number` of `publisher` on `channel`; `again` when it only repeats the last one. True when something
    /// was missed. What comes late is no gap.
    pub fn missed(&mut self, publisher: &str, channel: &Channel, number: u64, again: bool) -> bool {
        let now = Instant::now();
        if !self.0.contains_key(publisher) {
            self.make_room(now);
            self.0.insert(publisher.to_owned(), Heard { all: 0, own: 0, at: now });
        }
        let Some(heard) = self.0.get_mut(publisher) else { return false };
        heard.at = now;
        let unheard = u64::from(!again);
        let last = match channel {
            Channel::All => &mut heard.all,
            Channel::Gateway(_) => &mut heard.own,
            // Rooms are not numbered by who speaks: their lines have places in a log.
            Channel::Room(_) => return false,
        };
        let gap = number > *last + unheard;
        *last = number.max(*last);
        gap
    }

    fn make_room(&mut self, now: Instant) {
        if self.0.len() >= LOOKED_THROUGH {
            self.0.retain(|_, heard| now - heard.at < REMEMBERED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: bool = false;
    const AGAIN: bool = true;

    fn own() -> Channel {
        Channel::Gateway("g1".into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_number_left_out_is_a_gap_once() {
        let mut gaps = Gaps::default();
        let steps =
            [(0, AGAIN, false), (1, MESSAGE, false), (1, AGAIN, false), (3, MESSAGE, true), (4, MESSAGE, false)];
        for (number, again, gap) in steps {
            assert_eq!(gaps.missed("a", &Channel::All, number, again), gap, "{number}");
        }
        assert!(gaps.missed("a", &Channel::All, 5, AGAIN), "the last one never came");
        assert!(!gaps.missed("a", &Channel::All, 5, MESSAGE), "it comes late");
    }

    #[tokio::test(start_paused = true)]
    async fn each_channel_of_each_publisher_is_counted_from_its_first_number_on() {
        let mut gaps = Gaps::default();
        for channel in [own(), Channel::All] {
            assert!(!gaps.missed("a", &channel, 1, MESSAGE));
            assert!(gaps.missed("b", &channel, 1, AGAIN));
            assert!(gaps.missed("c", &channel, 9, MESSAGE));
            assert!(!gaps.missed("c", &channel, 9, AGAIN));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn publishers_that_are_gone_are_forgotten_and_no_others() {
        let mut gaps = Gaps::default();
        for n in 0..LOOKED_THROUGH {
            gaps.missed(&n.to_string(), &Channel::All, 1, MESSAGE);
        }
        tokio::time::advance(REMEMBERED).await;
        gaps.missed("0", &Channel::All, 1, AGAIN);
        gaps.missed("new", &Channel::All, 1, MESSAGE);
        assert_eq!(gaps.0.len(), 2);
        assert!(gaps.missed("0", &Channel::All, 3, MESSAGE), "it is remembered");
    }
}
