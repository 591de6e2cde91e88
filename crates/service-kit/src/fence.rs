//! Refuses a connection that a newer one of the same account has replaced.
//!
//! Each request that acts for a player carries the account's session epoch and the connection's number. The highest
//! pair seen wins. The memory is bounded: the account unheard of for longest is forgotten first, and one that is
//! forgotten is only as safe as the gateway's own `session:replaced`.

use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;

use crate::Fault;

/// The highest (epoch, connection) seen for each account, for at most `capacity` accounts.
#[derive(Debug)]
pub struct Fence {
    seen: Mutex<LruCache<[u8; 16], (u64, u64)>>,
}

/// A newer sign-in or connection of the same account has been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a newer connection of this account has been seen")]
pub struct Superseded;

impl Fence {
    /// Room for this many accounts, about 100 bytes each.
    #[must_use]
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self { seen: Mutex::new(LruCache::new(capacity)) }
    }

    /// Lets a request through unless a higher (epoch, connection) was seen. Connection 0, an internal tool, always
    /// passes and leaves no mark.
    ///
    /// # Errors
    /// `Superseded` when a newer one was there first.
    pub fn admit(&self, account: [u8; 16], epoch: u64, connection: u64) -> Result<(), Superseded> {
        if connection == 0 {
            return Ok(());
        }
        let mut seen = self.seen.lock();
        if seen.get(&account).is_some_and(|highest| *highest > (epoch, connection)) {
            metrics::counter!("fence_refused_total").increment(1);
            return Err(Superseded);
        }
        if seen.push(account, (epoch, connection)).is_some_and(|(pushed_out, _)| pushed_out != account) {
            metrics::counter!("fence_forgotten_total").increment(1);
        }
        Ok(())
    }
}

impl From<Superseded> for Fault {
    fn from(_: Superseded) -> Self {
        Self::unauthenticated("session-replaced").reason("session_replaced")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [u8; 16] = [1; 16];
    const B: [u8; 16] = [2; 16];
    const C: [u8; 16] = [3; 16];

    fn fence(capacity: usize) -> Fence {
        Fence::new(NonZeroUsize::new(capacity).unwrap())
    }

    #[test]
    fn the_highest_pair_wins_and_may_repeat() {
        let fence = fence(8);
        assert_eq!(fence.admit(A, 1, 10), Ok(()));
        assert_eq!(fence.admit(A, 1, 10), Ok(()));
        assert_eq!(fence.admit(A, 2, 5), Ok(()), "a newer sign-in beats any connection number");
        assert_eq!(fence.admit(A, 1, 11), Err(Superseded));
        assert_eq!(fence.admit(A, 2, 4), Err(Superseded));
        assert_eq!(fence.admit(B, 1, 1), Ok(()), "accounts do not meet");
    }

    #[test]
    fn tools_pass_and_leave_no_mark() {
        let fence = fence(8);
        assert_eq!(fence.admit(A, 3, 7), Ok(()));
        assert_eq!(fence.admit(A, 9, 0), Ok(()));
        assert_eq!(fence.admit(A, 3, 7), Ok(()));
    }

    #[test]
    fn the_account_unheard_of_for_longest_is_forgotten_first() {
        let fence = fence(2);
        for (account, epoch) in [(A, 5), (B, 5), (A, 5), (C, 5)] {
            assert_eq!(fence.admit(account, epoch, 1), Ok(()));
        }
        assert_eq!(fence.admit(A, 1, 1), Err(Superseded), "A was heard of after B");
        assert_eq!(fence.admit(B, 1, 1), Ok(()), "B made room for C");
    }
}
