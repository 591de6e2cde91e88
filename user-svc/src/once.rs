//! Actions that must happen once, whatever is sent twice.

use std::sync::Arc;

use service_kit::Fault;
use vocab::AccountId;

use crate::store::Store;

/// After this long, milliseconds, a call that hasn't said how it ended never will: its gateway is gone, or did not learn
/// it. No action takes nearly as long, because every call has a deadline of seconds.
pub(crate) const ABANDONED_AFTER_MS: i64 = 60_000;

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Begun {
    /// Nothing, or only that an earlier call was abandoned: go on, then say how it ended.
    First,
    /// It was done, with this answer.
    Done(Vec<u8>),
    /// An earlier call hasn't said yet how it ended.
    UnderWay,
    /// The key stands for another action.
    Otherwise,
}

/// Begins an action; gives the earlier answer when it was done before.
pub(crate) async fn begin(
    store: &Store,
    account: AccountId,
    key: &str,
    digest: [u8; 32],
) -> Result<Option<Vec<u8>>, Fault> {
    match store.begin_once(account, Arc::from(key), digest).await? {
        Begun::First => Ok(None),
        Begun::Done(answer) => Ok(Some(answer)),
        Begun::UnderWay => Err(Fault::aborted("in-progress").reason("in_progress")),
        Begun::Otherwise => Err(Fault::invalid("key-used-otherwise").field("key")),
    }
}

/// Keeps the answer of an action begun; none gives the key up.
pub(crate) async fn finish(store: &Store, account: AccountId, key: &str, answer: Option<Vec<u8>>) -> Result<(), Fault> {
    Ok(store.finish_once(account, Arc::from(key), answer.map(Arc::from)).await?)
}
