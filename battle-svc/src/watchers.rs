//! Who watches a battle: feeds, each with the player's own socket behind it, spectators, or both.

use std::sync::Arc;

use service_kit::telemetry::GaugeGuard;
use tokio::time::Instant;

use crate::feed::{Feed, Pushed};
use crate::frame::Item;

/// The feeds that a battle goes to.
#[derive(Default)]
pub(crate) struct Watchers(Vec<Watcher>);

/// On whose behalf a feed watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The player whose battle it is, by their own socket.
    Player,
    /// Somebody else, or a tool.
    Spectator,
}

/// A feed's watch, as a request to begin or end it speaks of it.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    /// The feed.
    pub(crate) feed: Arc<Feed>,
    /// On whose behalf.
    pub(crate) part: Part,
    /// The request's number among those about this feed, rising; 0 where none is given.
    pub(crate) ordinal: u64,
}

/// How the player's own sockets hear of the battle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hearing {
    /// Every frame is sent to one of them at least.
    All,
    /// None has been sent more than the frame of that number, at that moment: their feeds had no room for the next.
    UpTo(u64, Instant),
    /// There is none.
    Nothing,
}

struct Watcher {
    feed: Arc<Feed>,
    player: bool,
    spectator: bool,
    /// The latest request to begin.
    begun: u64,
    /// News was dropped: nothing may follow until the feed asks for the battle again.
    broken: bool,
    /// The last frame sent before that and when, until the player's own socket asks.
    cut_off: Option<(u64, Instant)>,
    _alive: GaugeGuard,
}

impl Watchers {
    /// Adds a feed, or mends it where it was broken.
    pub(crate) fn add(&mut self, watch: &Watch) {
        if let Some(watcher) = self.0.iter_mut().find(|watcher| Arc::ptr_eq(&watcher.feed, &watch.feed)) {
            watcher.set(watch.part, true);
            watcher.begun = watcher.begun.max(watch.ordinal);
            watcher.broken = false;
            if watch.part == Part::Player {
                watcher.cut_off = None;
            }
            return;
        }
        let mut watcher = Watcher {
            feed: Arc::clone(&watch.feed),
            player: false,
            spectator: false,
            begun: watch.ordinal,
            broken: false,
            cut_off: None,
            _alive: GaugeGuard::new(metrics::gauge!("battle_watchers")),
        };
        watcher.set(watch.part, true);
        self.0.push(watcher);
    }

    /// Takes one part of a feed away, and the feed with its last part; not when it was asked to begin after it was asked
    /// to end.
    pub(crate) fn remove(&mut self, watch: &Watch) {
        for watcher in self.0.iter_mut().filter(|watcher| Arc::ptr_eq(&watcher.feed, &watch.feed)) {
            if watch.ordinal == 0 || watch.ordinal > watcher.begun {
                watcher.set(watch.part, false);
            }
        }
        self.0.retain(|watcher| watcher.player || watcher.spectator);
    }

    /// Whether there is a feed that nobody reads any more.
    pub(crate) fn any_closed(&self) -> bool {
        self.0.iter().any(|watcher| watcher.feed.is_closed())
    }

    /// Takes away the feeds that nobody reads any more; says whether the player was behind one of them.
    pub(crate) fn prune(&mut self) -> bool {
        let (closed, open): (Vec<_>, Vec<_>) = self.0.drain(..).partition(|watcher| watcher.feed.is_closed());
        self.0 = open;
        closed.iter().any(|watcher| watcher.player)
    }

    /// Gives a piece of news to every feed; `sent` is the last frame before it.
    pub(crate) fn tell(&mut self, item: &Item, sent: u64) {
        for watcher in self.0.iter_mut().filter(|watcher| !watcher.broken) {
            if watcher.feed.push(item.clone()) != Pushed::Sent {
                watcher.broken = true;
                watcher.cut_off.get_or_insert_with(|| (sent, Instant::now()));
            }
        }
    }

    /// Whether nobody watches.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How the player's own sockets hear.
    pub(crate) fn hearing(&self) -> Hearing {
        let players = || self.0.iter().filter(|watcher| watcher.player);
        if players().any(|watcher| watcher.cut_off.is_none()) {
            return Hearing::All;
        }
        let latest = players().filter_map(|watcher| watcher.cut_off).max();
        latest.map_or(Hearing::Nothing, |(seq, at)| Hearing::UpTo(seq, at))
    }
}

impl Watcher {
    fn set(&mut self, part: Part, there: bool) {
        match part {
            Part::Player => self.player = there,
            Part::Spectator => self.spectator = there,
        }
    }
}
