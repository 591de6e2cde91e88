//! The bounded queue between a backplane and one subscriber. What does not fit is counted, and the count is delivered
//! at the very place where the messages are missing.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Channel, Delivery, Interest};
use crate::fault::Result;

/// The backplane's end.
#[derive(Clone)]
pub struct Feeder(Arc<Shared>);

/// The subscriber's end. One task receives; any may add and remove channels.
pub struct Subscription {
    shared: Arc<Shared>,
    interest: Box<dyn Interest>,
}

struct Shared {
    state: Mutex<State>,
    filled: Notify,
    capacity: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Delivery>,
    /// Dropped since the last delivery that fitted.
    missed: u64,
    closed: bool,
}

/// A queue of at most `capacity` deliveries; `interest` makes the subscriber's changes known to the backplane.
pub fn queue<I: Interest>(capacity: usize, interest: impl FnOnce(Feeder) -> I) -> Subscription {
    let shared = Arc::new(Shared { state: Mutex::default(), filled: Notify::new(), capacity });
    let interest = Box::new(interest(Feeder(Arc::clone(&shared))));
    Subscription { shared, interest }
}

impl Feeder {
    /// Delivers, or counts as missed.
    pub fn push(&self, delivery: Delivery) {
        let mut state = self.0.state.lock();
        if state.closed {
            return;
        }
        if state.waiting.len() >= self.0.capacity {
            state.missed += 1;
            metrics::counter!("bus_dropped_total").increment(1);
            return;
        }
        state.note_gap();
        state.waiting.push_back(delivery);
        drop(state);
        self.0.filled.notify_one();
    }

    /// Nothing more will come: the subscriber gets what waits, and then the end.
    pub fn close(&self) {
        self.0.state.lock().closed = true;
        self.0.filled.notify_one();
    }
}

impl Subscription {
    /// The next delivery; `None` when the backplane is gone for good. Dropping the future loses nothing.
    pub async fn recv(&self) -> Option<Delivery> {
        loop {
            {
                let mut state = self.shared.state.lock();
                if state.waiting.is_empty() {
                    state.note_gap();
                }
                if let Some(delivery) = state.waiting.pop_front() {
                    return Some(delivery);
                }
                if state.closed {
                    return None;
                }
            }
            self.shared.filled.notified().await;
        }
    }

    /// Listens to `channel` too. Once more changes nothing.
    ///
    /// # Errors
    /// When the shared server is away.
    pub async fn add(&self, channel: &Channel) -> Result<()> {
        self.interest.add(channel).await
    }

    /// Listens to `channel` no more.
    ///
    /// # Errors
    /// When the shared server is away.
    pub async fn remove(&self, channel: &Channel) -> Result<()> {
        self.interest.remove(channel).await
    }
}

impl State {
    fn note_gap(&mut self) {
        if self.missed > 0 {
            let missed = std::mem::take(&mut self.missed);
            self.waiting.push_back(Delivery::Lagged { missed });
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        state.closed = true;
        state.waiting.clear();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("waiting", &self.shared.state.lock().waiting.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Feeder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feeder").field("capacity", &self.0.capacity).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use bytes::Bytes;

    use super::*;
    use crate::bus::{Message, Stamp};

    struct Fixed;

    #[async_trait]
    impl Interest for Fixed {
        async fn add(&self, _channel: &Channel) -> Result<()> {
            Ok(())
        }

        async fn remove(&self, _channel: &Channel) -> Result<()> {
            Ok(())
        }
    }

    fn pair(capacity: usize) -> (Feeder, Subscription) {
        let mut kept = None;
        let subscription = queue(capacity, |feeder| {
            kept = Some(feeder);
            Fixed
        });
        (kept.unwrap(), subscription)
    }

    fn message(n: u8) -> Delivery {
        Delivery::Message(Message { channel: Channel::All, stamp: Stamp::None, payload: Bytes::from(vec![n]) })
    }

    #[tokio::test]
    async fn a_gap_is_told_where_it_is() {
        let (feeder, subscription) = pair(2);
        (1..=4).for_each(|n| feeder.push(message(n)));
        assert_eq!(subscription.recv().await, Some(message(1)));
        feeder.push(message(5));
        assert_eq!(subscription.recv().await, Some(message(2)));
        assert_eq!(subscription.recv().await, Some(Delivery::Lagged { missed: 2 }));
        assert_eq!(subscription.recv().await, Some(message(5)));
    }

    #[tokio::test]
    async fn a_gap_at_the_end_is_told_too() {
        let (feeder, subscription) = pair(1);
        (1..=3).for_each(|n| feeder.push(message(n)));
        assert_eq!(subscription.recv().await, Some(message(1)));
        assert_eq!(subscription.recv().await, Some(Delivery::Lagged { missed: 2 }));
    }

    #[tokio::test]
    async fn what_waits_is_still_delivered_after_the_close() {
        let (feeder, subscription) = pair(4);
        feeder.push(message(1));
        feeder.close();
        feeder.push(message(2));
        assert_eq!(subscription.recv().await, Some(message(1)));
        assert_eq!(subscription.recv().await, None);
    }

    #[tokio::test]
    async fn a_waiting_subscriber_wakes() {
        let (feeder, subscription) = pair(4);
        let (delivery, ()) = tokio::join!(subscription.recv(), async { feeder.push(message(9)) });
        assert_eq!(delivery, Some(message(9)));
    }
}
