//! What is written of a battle, and when it is let go of with it.

use std::sync::Arc;

use rules::Ruleset;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Battle, Context};
use crate::clock::{Ago, since};
use crate::missed::Seen;
use crate::record::{Outcome, Save, Served, StoredSegment};
use crate::saver::Saver;
use crate::watchers::Hearing;

/// What changed since the last save.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    pub(super) frames: bool,
    pub(super) keyframes: bool,
    pub(super) seen: bool,
    pub(super) segment: Option<StoredSegment>,
}

impl Battle {
    /// Opens the segment it was to run up to; the answer says when that is stored, and no frame is to be made before.
    /// `None` for a battle that is over.
    pub(crate) fn open_segment(
        &mut self,
        ruleset: &Arc<Ruleset>,
        origin_ms: i64,
        now: Instant,
        saver: &Saver,
    ) -> Option<oneshot::Receiver<Outcome>> {
        self.cut_ms = None;
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

    /// Lets go with a last save: nobody has it in memory then. As long as another may go on showing it the record keeps
    /// the owner: whoever takes it from nobody takes an input at once.
    pub(crate) fn release(&mut self, now: Instant, saver: &Saver) {
        let release = self.quiet_for(now).is_none();
        let save = Save { release, ..self.snapshot(now) };
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
        self.unsaved.seen |= self.watchers.hearing() != Hearing::Nothing;
        let unsaved = std::mem::take(&mut self.unsaved);
        // A segment may open because what lies before it can't be told any more: then the keyframes are new, too.
        let keys = unsaved.keyframes || unsaved.segment.is_some();
        let state = self.course.state();
        Save {
            battle: self.identity.id,
            epoch: self.epoch,
            seq: state.seq(),
            state: state.encode(),
            stood: Ago::before(now, self.behind_ms(now)),
            keys: keys.then(|| [self.course.older(), self.course.newer()].map(|key| key.bytes.clone())),
            totals: state.totals().clone(),
            fighter: state.fighter().clone(),
            seen: unsaved.seen.then(|| self.served_by(now)),
            release: false,
            ended: None,
            new_segment: unsaved.segment,
            ruleset: Arc::clone(self.course.ruleset()),
        }
    }

    /// How long the next frame has been due: so long ago the state was the right one.
    fn behind_ms(&self, now: Instant) -> u64 {
        self.course.next_tick().map_or(0, |tick| self.clock.battle_ms(now).saturating_sub(self.clock.tick_at(tick)))
    }

    fn served_by(&self, now: Instant) -> Served {
        let Seen { seq, totals, at } = self.seen_by(now);
        Served { seq, totals, when: Ago::before(now, since(at, self.clock.database_ms(now))) }
    }
}

impl Unsaved {
    pub(super) fn any(&self) -> bool {
        self.frames || self.keyframes || self.seen || self.segment.is_some()
    }
}
