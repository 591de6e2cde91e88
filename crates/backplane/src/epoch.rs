//! What tells one life of a room from the next.

/// A number below 2^53, which every JSON reader can hold.
#[expect(clippy::expect_used, reason = "a system without randomness cannot run this program at all")]
pub(crate) fn random_epoch() -> u64 {
    getrandom::u64().expect("the system gives random numbers") >> 11
}
