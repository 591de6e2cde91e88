//! Which signed-in player is at which socket of this gateway.
//!
//! One seat per account: of two, the one with the higher (epoch, connection) stays. Other gateways are told over the
//! bus; services refuse the lower one in any case.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use service_kit::Fault;
use service_kit::telemetry::GaugeGuard;
use tokio_util::sync::CancellationToken;

use crate::delivery::Line;

/// A signed-in player's place at this gateway.
pub(crate) struct Seat {
    account: String,
    rank: Rank,
    line: Arc<Line>,
    over: CancellationToken,
    reason: Mutex<Option<String>>,
    _alive: GaugeGuard,
}

/// What decides between two connections of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    /// Raised by every sign-in.
    pub(crate) epoch: u64,
    /// Raised by every connection.
    pub(crate) connection: u64,
}

/// Accounts of which news is kept that came before their seat, about 100 bytes each.
const EARLY_NEWS: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();

/// All seats, by account.
pub(crate) struct Registry {
    seats: Mutex<HashMap<String, Arc<Seat>>>,
    /// The rank below which seats are over, of accounts that had none when they were told so: one may be on its way.
    early: Mutex<LruCache<String, (Rank, String)>>,
}

impl Default for Registry {
    fn default() -> Self {
        Self { seats: Mutex::default(), early: Mutex::new(LruCache::new(EARLY_NEWS)) }
    }
}

impl Seat {
    /// A seat for `account`, not registered yet.
    pub(crate) fn new(account: String, rank: Rank, line: Arc<Line>) -> Arc<Self> {
        Arc::new(Self {
            account,
            rank,
            line,
            over: CancellationToken::new(),
            reason: Mutex::new(None),
            _alive: GaugeGuard::new(metrics::gauge!("gateway_sessions")),
        })
    }

    /// Ends when another connection has taken this one's place.
    pub(crate) async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Whether another connection has taken this one's place.
    pub(crate) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// Why it is over, for the client. Where a service noticed first, nobody has said more than that it is.
    pub(crate) fn reason(&self) -> String {
        self.reason.lock().clone().unwrap_or_else(|| "another_tab".to_owned())
    }

    /// The line of whoever sits here.
    pub(crate) fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Ends it if that is what a service's fault says; true then. One that knows of a newer connection says so before other
    /// gateways do, or in their stead.
    pub(crate) fn notice(&self, fault: &Fault) -> bool {
        let replaced = fault.because() == Some("session_replaced");
        if replaced {
            self.over.cancel();
        }
        replaced
    }

    fn replace(&self, reason: &str) {
        *self.reason.lock() = Some(reason.to_owned());
        self.over.cancel();
        metrics::counter!("gateway_sessions_replaced_total").increment(1);
    }
}

impl Registry {
    /// Gives the account's place to `seat`. When a higher one holds it, or was told of, `seat` is over from the start.
    pub(crate) fn take(&self, seat: &Arc<Seat>) {
        let mut seats = self.seats.lock();
        if let Some((_, reason)) = self.early.lock().peek(&seat.account).filter(|(rank, _)| *rank > seat.rank) {
            return seat.replace(reason);
        }
        match seats.get(&seat.account) {
            Some(holder) if holder.rank > seat.rank => seat.replace(why(seat.rank, holder.rank)),
            holder => {
                if let Some(holder) = holder {
                    holder.replace(why(holder.rank, seat.rank));
                }
                seats.insert(seat.account.clone(), Arc::clone(seat));
            }
        }
    }

    /// Frees the place, if it is still this one's.
    pub(crate) fn free(&self, seat: &Arc<Seat>) {
        let mut seats = self.seats.lock();
        if seats.get(&seat.account).is_some_and(|holder| Arc::ptr_eq(holder, seat)) {
            seats.remove(&seat.account);
        }
    }

    /// Ends the account's seat if it is below `rank`.
    pub(crate) fn replaced(&self, account: &str, rank: Rank, reason: &str) {
        let mut seats = self.seats.lock();
        match seats.get(account).map(|holder| holder.rank < rank) {
            None => self.keep(account, rank, reason),
            Some(false) => {}
            Some(true) => {
                if let Some(holder) = seats.remove(account) {
                    holder.replace(reason);
                }
            }
        }
    }

    /// Keeps news for a seat that may be on its way; of several, that which ends the most.
    fn keep(&self, account: &str, rank: Rank, reason: &str) {
        let mut early = self.early.lock();
        if early.peek(account).is_none_or(|(known, _)| *known < rank) {
            early.put(account.to_owned(), (rank, reason.to_owned()));
        }
    }

    /// Every account with a seat, and the seat's rank.
    pub(crate) fn ranks(&self) -> Vec<(String, Rank)> {
        self.seats.lock().values().map(|seat| (seat.account.clone(), seat.rank)).collect()
    }

    /// The lines of all players.
    pub(crate) fn lines(&self) -> Vec<Arc<Line>> {
        self.seats.lock().values().map(|seat| Arc::clone(&seat.line)).collect()
    }
}

/// For tests of those who sit: a seat whose line leads nowhere.
#[cfg(test)]
impl Seat {
    pub(crate) fn to_nowhere() -> Arc<Self> {
        Self::new("a".into(), Rank { epoch: 1, connection: 1 }, Line::to_nowhere())
    }
}

/// Why a connection of the `lower` rank gave way.
fn why(lower: Rank, higher: Rank) -> &'static str {
    if lower.epoch < higher.epoch { "signed_in_elsewhere" } else { "another_tab" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(epoch: u64, connection: u64) -> Arc<Seat> {
        Seat::new("a".into(), Rank { epoch, connection }, Line::to_nowhere())
    }

    fn over(seat: &Seat) -> bool {
        seat.over.is_cancelled()
    }

    #[test]
    fn of_two_the_higher_rank_stays_whoever_came_first() {
        for (low, high, reason) in [((1, 5), (1, 6), "another_tab"), ((1, 9), (2, 3), "signed_in_elsewhere")] {
            for low_first in [true, false] {
                let registry = Registry::default();
                let (low, high) = (seat(low.0, low.1), seat(high.0, high.1));
                let order = if low_first { [&low, &high] } else { [&high, &low] };
                order.into_iter().for_each(|seat| registry.take(seat));
                assert!(over(&low) && !over(&high));
                assert_eq!(low.reason(), reason);
                assert_eq!(registry.lines().len(), 1);
            }
        }
    }

    #[test]
    fn news_ends_only_what_is_below() {
        let registry = Registry::default();
        let held = seat(3, 7);
        registry.take(&held);
        registry.replaced("a", Rank { epoch: 3, connection: 7 }, "own");
        registry.replaced("a", Rank { epoch: 3, connection: 0 }, "lower epochs only");
        registry.replaced("b", Rank { epoch: 9, connection: 9 }, "somebody else");
        assert!(!over(&held));
        registry.replaced("a", Rank { epoch: 4, connection: 0 }, "signed_out");
        assert!(over(&held));
        assert_eq!(held.reason(), "signed_out");
    }

    #[test]
    fn news_that_comes_before_the_seat_counts() {
        let registry = Registry::default();
        registry.replaced("a", Rank { epoch: 3, connection: 7 }, "another_tab");
        registry.replaced("a", Rank { epoch: 2, connection: 9 }, "signed_in_elsewhere");
        let (early, late) = (seat(3, 6), seat(3, 8));
        registry.take(&early);
        assert!(over(&early) && registry.lines().is_empty());
        assert_eq!(early.reason(), "another_tab");
        registry.take(&late);
        assert!(!over(&late));
        assert_eq!(registry.ranks(), [("a".to_owned(), Rank { epoch: 3, connection: 8 })]);
    }

    #[test]
    fn a_freed_place_is_not_taken_from_its_new_holder() {
        let registry = Registry::default();
        let (old, new) = (seat(1, 1), seat(1, 2));
        registry.take(&old);
        registry.take(&new);
        registry.free(&old);
        assert_eq!(registry.lines().len(), 1);
        registry.free(&new);
        assert!(registry.lines().is_empty());
    }
}
