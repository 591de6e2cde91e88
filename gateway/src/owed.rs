//! Leaves that could not be said yet.

use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;
use proto::chat::v1::LeaveRequest;

/// Leaves owed at most. Beyond it the oldest is forgotten, and its player stays in the room until the gateway is gone.
const MOST: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// Leaves by account, of each the last.
pub(crate) struct Owed(Mutex<LruCache<String, LeaveRequest>>);

impl Owed {
    /// Nothing is owed.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(LruCache::new(MOST)))
    }

    /// Another leave, in place of an earlier one of the same account.
    pub(crate) fn add(&self, account: String, leave: LeaveRequest) {
        Self::put(&mut self.0.lock(), account, leave);
    }

    /// One that was tried in vain. A later one of the same account, which came meanwhile, says as much.
    pub(crate) fn give_back(&self, account: String, leave: LeaveRequest) {
        let mut owed = self.0.lock();
        if !owed.contains(&account) {
            Self::put(&mut owed, account, leave);
        }
    }

    /// Everything that is owed, oldest first.
    pub(crate) fn take(&self) -> Vec<(String, LeaveRequest)> {
        let mut owed = self.0.lock();
        let taken = std::iter::from_fn(|| owed.pop_lru()).collect();
        gauge(&owed);
        taken
    }

    fn put(owed: &mut LruCache<String, LeaveRequest>, account: String, leave: LeaveRequest) {
        let forgets = owed.len() == MOST.get() && !owed.contains(&account);
        owed.put(account, leave);
        if forgets {
            metrics::counter!("gateway_leaves_forgotten_total").increment(1);
        }
        gauge(owed);
    }
}

#[expect(clippy::cast_precision_loss, reason = "the number is bounded far below 2^52")]
fn gauge(owed: &LruCache<String, LeaveRequest>) {
    metrics::gauge!("gateway_leaves_owed").set(owed.len() as f64);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leave(room: usize) -> LeaveRequest {
        LeaveRequest { room: format!("lobby-{room}"), ..LeaveRequest::default() }
    }

    #[test]
    fn of_each_account_the_last_is_kept() {
        let owed = Owed::new();
        owed.add("ann".into(), leave(1));
        owed.add("ann".into(), leave(2));
        owed.give_back("ann".into(), leave(1));
        owed.give_back("bob".into(), leave(3));
        assert_eq!(owed.take(), [("ann".to_owned(), leave(2)), ("bob".to_owned(), leave(3))]);
        assert_eq!(owed.take(), []);
    }

    #[test]
    fn their_number_is_bounded_and_the_oldest_goes() {
        let owed = Owed::new();
        for n in 0..=MOST.get() {
            owed.add(n.to_string(), leave(n));
        }
        let kept = owed.take();
        assert_eq!((kept.len(), &kept[0].1), (MOST.get(), &leave(1)));
    }
}
