//! What is written of a battle, and when it is let go of with it.

use std::sync::Arc;

use rules::Ruleset;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Battle, Context};
use crate::record::{Outcome, Save, StoredSegment};
use crate::saver::Saver;

/// What changed since the last save.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    pub(super) frames: bool,
    pub(super) keyframes: bool,
    pub(super) seen: bool,
    pub(super) segment: Option<StoredSegment>,
}

impl Battle {
    /// Opens a segment before the next frame; the answer says when it is stored, and until then the battle stays held.
    /// `None` for a battle that is over.
    pub(crate) fn open_segment(
        &mut self,
        ruleset: &Arc<Ruleset>,
        origin_ms: i64,
        now: Instant,
        saver: &Saver,
    ) -> Option<oneshot::Receiver<Outcome>> {
        self.course.next_tick()?;
        // Packs only grow; should one have shrunk all the same, the battle stays under its own.
        let fits = self.course.state().fits(ruleset).is_ok();
        let ruleset = if fits { ruleset } else { self.course.ruleset() };
        self.course.open_segment(Arc::clone(ruleset), origin_ms);
        let segment = self.course.segment();
        self.unsaved.segment = Some(StoredSegment {
            from_seq: segment.from_seq,
            ruleset: segment.ruleset.id().to_owned(),
            state: segment.start.clone(),
            origin_ms,
        });
        Some(saver.put_and_tell(self.snapshot(now)))
    }

    /// Lets go with a last save: nobody has it in memory then.
    pub(crate) fn release(&mut self, now: Instant, saver: &Saver) {
        let save = Save { release: true, ..self.snapshot(now) };
        saver.put(save);
        self.let_go();
    }

    pub(super) fn over(&mut self, now: Instant, saver: &Saver) -> oneshot::Receiver<Outcome> {
        let state = self.course.state();
        let reason = state.ended();
        let saved = saver.put_and_tell(Save { ended: reason, ..self.snapshot(now) });
        if let Some(reason) = reason {
            self.tell_end(reason);
        }
        saved
    }

    pub(super) fn save(&mut self, now: Instant, context: &Context) {
        self.save_at = now + context.pace.save_every;
        let save = self.snapshot(now);
        context.saver.put(save);
    }

    /// Everything as it stands; counts as saved from here on.
    pub(super) fn snapshot(&mut self, now: Instant) -> Save {
        if self.watchers.has_player() {
            self.seen = self.seen_by(now);
            self.unsaved.seen = true;
        }
        let unsaved = std::mem::take(&mut self.unsaved);
        // A segment may open because what lies before it can't be told any more: then the keyframes are new, too.
        let keys = unsaved.keyframes || unsaved.segment.is_some();
        let state = self.course.state();
        Save {
            battle: self.identity.id,
            epoch: self.epoch,
            seq: state.seq(),
            state: state.encode(),
            stood_at: self.stood_at(now),
            keys: keys.then(|| [self.course.older(), self.course.newer()].map(|key| key.bytes.clone())),
            totals: state.totals().clone(),
            fighter: state.fighter().clone(),
            seen: unsaved.seen.then(|| (self.seen.seq, self.seen.totals.clone())),
            release: false,
            ended: None,
            new_segment: unsaved.segment,
            ruleset: Arc::clone(self.course.ruleset()),
        }
    }

    /// The moment until which the state was the right one: now, unless the next frame is late.
    fn stood_at(&self, now: Instant) -> Instant {
        self.course.next_tick().map_or(now, |tick| self.clock.instant(tick).min(now))
    }
}

impl Unsaved {
    pub(super) fn any(&self) -> bool {
        self.frames || self.keyframes || self.seen || self.segment.is_some()
    }
}
