//! Those who watch a battle: what they are told when they come, and how far the player has been served.

use std::sync::Arc;

use rules::Totals;
use tokio::time::Instant;

use super::Battle;
use crate::chain::Broken;
use crate::feed::Feed;
use crate::frame::Frame;
use crate::missed::{self, Missed, Moment, Seen, Wanted};
use crate::view::View;
use crate::watchers::{Hearing, Part, Watch};

/// An attachment's answer.
#[derive(Debug)]
pub(crate) struct Attached {
    /// The battle as it stands.
    pub(crate) view: View,
    /// What was missed.
    pub(crate) missed: Missed,
}

impl Battle {
    /// Adds a feed, and tells what it has missed; live frames follow from the head on.
    pub(crate) fn attach(&mut self, watch: &Watch, wanted: Wanted, now: Instant) -> Result<Attached, Broken> {
        let missed = missed::missed(&self.course, &self.seen_by(now), self.moment(now), wanted)?;
        self.watchers.add(watch);
        Ok(Attached { view: self.view(), missed })
    }

    /// Adds a feed from frame `after` on; `None` when that can't be told any more.
    pub(crate) fn watch(&mut self, feed: &Arc<Feed>, after: Option<u64>) -> Result<Option<Vec<Frame>>, Broken> {
        let head = self.course.head();
        let frames = self.course.frames_after(after.unwrap_or(head).min(head), u64::MAX)?;
        if frames.is_some() {
            self.watchers.add(&Watch { feed: Arc::clone(feed), part: Part::Spectator, ordinal: 0 });
        }
        Ok(frames)
    }

    /// Takes a feed away. `served` is the last frame that went to the player's own socket.
    pub(crate) fn detach(&mut self, watch: &Watch, served: u64, now: Instant) -> Result<(), Broken> {
        self.watchers.remove(watch);
        if watch.part == Part::Player {
            self.left(served, now)?;
        }
        if self.watchers.is_empty() {
            self.unwatched_since = now;
        }
        Ok(())
    }

    /// Frames again, or a report. Changes nothing.
    pub(crate) fn told_again(&self, after: u64, now: Instant) -> Result<Attached, Broken> {
        let missed = missed::told_again(&self.course, &self.seen_by(now), self.moment(now), after)?;
        Ok(Attached { view: self.view(), missed })
    }

    /// How far the player has been served: up to the head while their socket watches, and up to what was sent where its
    /// feed has no room.
    pub(super) fn seen_by(&self, now: Instant) -> Seen {
        match self.watchers.hearing() {
            Hearing::All => self.seen_at(self.course.head(), self.course.state().totals().clone(), now),
            // What can't be told leaves the earlier mark: a report then tells more, and loses nothing.
            Hearing::UpTo(seq, at) if seq >= self.seen.seq => match self.course.totals_at(seq) {
                Ok(Some(totals)) => self.seen_at(seq, totals, at),
                Ok(None) | Err(_) => self.seen.clone(),
            },
            Hearing::UpTo(..) | Hearing::Nothing => self.seen.clone(),
        }
    }

    fn seen_at(&self, seq: u64, totals: Totals, now: Instant) -> Seen {
        Seen { seq, totals, at: self.clock.database_ms(now) }
    }

    /// A socket of the player's own is gone after frame `served`. One that was served less than an earlier one, or
    /// nothing at all, leaves the earlier mark; what a save made of its presence meanwhile is put right.
    fn left(&mut self, served: u64, now: Instant) -> Result<(), Broken> {
        self.unsaved.seen = true;
        self.save_at = now;
        let served = served.min(self.course.head());
        // Beyond the window the earlier mark stays, too: a report then tells more, and loses nothing.
        if served >= self.seen.seq
            && let Some(totals) = self.course.totals_at(served)?
        {
            self.seen = self.seen_at(served, totals, now);
        }
        Ok(())
    }

    /// Drops the feeds that closed. Their player has been served what was sent.
    pub(super) fn prune(&mut self, now: Instant) {
        if !self.watchers.any_closed() {
            return;
        }
        let seen = self.seen_by(now);
        let had_player = self.watchers.prune();
        if had_player && self.watchers.hearing() != Hearing::All {
            self.seen = seen;
            self.unsaved.seen = true;
            self.save_at = now;
        }
        if self.watchers.is_empty() {
            self.unwatched_since = now;
        }
    }

    fn moment(&self, now: Instant) -> Moment {
        Moment { battle_ms: self.clock.battle_ms(now), now: self.clock.database_ms(now), ended: None }
    }
}
