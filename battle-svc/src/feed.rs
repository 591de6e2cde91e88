//! Feeds: one bounded queue of news per gateway (or per tool that watches one battle).
//!
//! Shards push without waiting. When a feed has no room, news of that battle stops there and the reader is told from
//! which frame on, once it has made room; it asks for the battle again when it can take it.

use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;
use service_kit::telemetry::GaugeGuard;
use service_kit::{Fault, Shutdown};
use tokio::sync::{Notify, mpsc};
use vocab::BattleId;

use crate::frame::{Item, News};

/// At most so many pieces of news are taken from the queue at once.
const BATCH: usize = 512;

/// The open feeds, by gateway and nonce.
#[derive(Debug)]
pub(crate) struct Feeds {
    open: Mutex<HashMap<Key, Arc<Feed>>>,
    bound: usize,
    closing: Shutdown,
}

/// Names a feed: the gateway's instance and the nonce of this stream.
pub(crate) type Key = (String, String);

/// The writing end of a feed.
#[derive(Debug)]
pub(crate) struct Feed {
    sender: mpsc::Sender<Item>,
    /// Battles whose news was dropped, with the latest epoch of it and the first frame dropped under that, until the reader
    /// knows.
    behind: Mutex<HashMap<BattleId, (u64, u64)>>,
    owed: Notify,
}

/// The reading end of a feed. Dropping it closes the feed.
pub(crate) struct Outlet {
    feed: Arc<Feed>,
    queue: mpsc::Receiver<Item>,
    closing: Shutdown,
    listed: Option<(Arc<Feeds>, Key)>,
    _alive: GaugeGuard,
}

/// What became of a piece of news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It is on its way.
    Sent,
    /// There was no room: nothing of this battle may follow until it is asked for again.
    Dropped,
    /// Nobody reads any more.
    Closed,
}

impl Feeds {
    /// No feeds yet; each will hold at most `bound` pieces of news.
    pub(crate) fn new(bound: usize) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), bound, closing: Shutdown::new() })
    }

    /// Opens a gateway's feed. One of the same name is no longer found from then on.
    pub(crate) fn open(self: &Arc<Self>, key: Key) -> Outlet {
        let mut outlet = self.open_unlisted();
        self.open.lock().insert(key.clone(), outlet.feed());
        outlet.listed = Some((Arc::clone(self), key));
        outlet
    }

    /// Opens a feed that only its opener knows.
    pub(crate) fn open_unlisted(&self) -> Outlet {
        let (sender, queue) = mpsc::channel(self.bound);
        let feed = Arc::new(Feed { sender, behind: Mutex::default(), owed: Notify::new() });
        let alive = GaugeGuard::new(metrics::gauge!("battle_feeds"));
        Outlet { feed, queue, closing: self.closing.clone(), listed: None, _alive: alive }
    }

    /// The open feed of that name.
    ///
    /// # Errors
    /// `failed_precondition`, reason `no_feed`.
    pub(crate) fn find(&self, key: &Key) -> Result<Arc<Feed>, Fault> {
        let found = self.open.lock().get(key).cloned();
        found.ok_or_else(|| Fault::precondition("no-feed").reason("no_feed"))
    }

    /// Ends every feed after what is in its queue.
    pub(crate) fn close(&self) {
        self.closing.begin();
    }
}

impl Feed {
    /// Puts a piece of news into the queue, if there is room.
    pub(crate) fn push(&self, item: Item) -> Pushed {
        match self.sender.try_send(item) {
            Ok(()) => Pushed::Sent,
            Err(mpsc::error::TrySendError::Closed(_)) => Pushed::Closed,
            Err(mpsc::error::TrySendError::Full(item)) => {
                self.owe(&item);
                Pushed::Dropped
            }
        }
    }

    /// Whether nobody reads any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    fn owe(&self, item: &Item) {
        let from = match &item.news {
            News::Frame(_, frame) => frame.seq,
            News::End(_, end) => end.seq,
            News::Behind(from) => *from,
            News::Moved => 0,
        };
        // The reader passes over what is said under an epoch lower than the one it attached to last.
        let mut behind = self.behind.lock();
        let owed = behind.entry(item.battle).or_insert((item.epoch, from));
        if owed.0 < item.epoch {
            *owed = (item.epoch, from);
        }
        drop(behind);
        self.owed.notify_one();
        metrics::counter!("battle_feed_dropped_total").increment(1);
    }

    fn take_owed(&self) -> Vec<Item> {
        let owed = std::mem::take(&mut *self.behind.lock());
        let behind = |(battle, (epoch, from))| Item { battle, epoch, news: News::Behind(from) };
        owed.into_iter().map(behind).collect()
    }
}

impl Outlet {
    /// The writing end.
    pub(crate) fn feed(&self) -> Arc<Feed> {
        Arc::clone(&self.feed)
    }

    /// The next news, in order per battle; `None` after the feed was closed and its queue is empty.
    pub(crate) async fn next(&mut self) -> Option<Vec<Item>> {
        let mut news = Vec::new();
        tokio::select! {
            biased;
            _ = self.queue.recv_many(&mut news, BATCH) => {}
            () = self.feed.owed.notified() => {}
            () = self.closing.wait() => return None,
        }
        // What was dropped is told after everything that was queued before it.
        if self.queue.is_empty() {
            news.extend(self.feed.take_owed());
        } else {
            self.feed.owed.notify_one();
        }
        Some(news)
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        if let Some((feeds, key)) = self.listed.take() {
            let mut open = feeds.open.lock();
            if open.get(&key).is_some_and(|feed| Arc::ptr_eq(feed, &self.feed)) {
                open.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(battle: BattleId, epoch: u64) -> Item {
        Item { battle, epoch, news: News::Moved }
    }

    #[tokio::test]
    async fn what_had_no_room_is_owed_until_there_is() {
        let feeds = Feeds::new(2);
        let mut outlet = feeds.open_unlisted();
        let feed = outlet.feed();
        let (near, far) = (BattleId::generate(), BattleId::generate());
        assert_eq!(feed.push(moved(near, 1)), Pushed::Sent);
        assert_eq!(feed.push(moved(near, 2)), Pushed::Sent);
        assert_eq!(feed.push(Item { battle: far, epoch: 3, news: News::Behind(7) }), Pushed::Dropped);
        let news = outlet.next().await.unwrap();
        assert!(matches!(news[2], Item { battle, epoch: 3, news: News::Behind(7) } if battle == far), "{news:?}");
        assert_eq!(news.len(), 3);
        assert_eq!(feed.push(moved(near, 4)), Pushed::Sent);
    }

    #[tokio::test]
    async fn what_is_owed_of_a_battle_is_of_its_latest_epoch() {
        let feeds = Feeds::new(1);
        let mut outlet = feeds.open_unlisted();
        let feed = outlet.feed();
        let (full, battle) = (BattleId::generate(), BattleId::generate());
        assert_eq!(feed.push(moved(full, 1)), Pushed::Sent);
        // Taken anew meanwhile, and asked for again; what the old owner says comes late.
        for (epoch, from) in [(5, 7), (5, 8), (6, 9), (6, 10), (5, 11)] {
            assert_eq!(feed.push(Item { battle, epoch, news: News::Behind(from) }), Pushed::Dropped);
        }
        let news = outlet.next().await.unwrap();
        let owed: Vec<_> = news.iter().filter(|item| item.battle == battle).collect();
        assert!(matches!(owed[..], [Item { epoch: 6, news: News::Behind(9), .. }]), "{news:?}");
    }

    #[tokio::test]
    async fn a_closed_feed_gives_what_it_holds_and_ends() {
        let feeds = Feeds::new(8);
        let mut outlet = feeds.open_unlisted();
        outlet.feed().push(moved(BattleId::generate(), 1));
        feeds.close();
        assert_eq!(outlet.next().await.map(|news| news.len()), Some(1));
        assert!(outlet.next().await.is_none());
    }

    #[tokio::test]
    async fn a_feed_is_found_until_its_reader_is_gone() {
        let feeds = Feeds::new(8);
        let key = ("gw".to_owned(), "1".to_owned());
        let outlet = feeds.open(key.clone());
        let feed = feeds.find(&key).unwrap();
        drop(outlet);
        assert!(feed.is_closed());
        assert_eq!(feeds.find(&key).unwrap_err().because(), Some("no_feed"));
    }
}
