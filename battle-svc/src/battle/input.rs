//! Inputs: a battle stands still while one is stored, and takes it before anybody sees its effect.

use std::time::Duration;

use rules::Event;
use rules::battle::Input;
use rules::run::Recorded;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Battle, Context, Standing};
use crate::chain::Broken;
use crate::record::Outcome;
use crate::view::View;

/// What an input that is to be stored looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// The epoch it is stored under.
    pub(crate) epoch: u64,
    /// The input with its frame and tick.
    pub(crate) recorded: Recorded,
}

impl Battle {
    /// How long it takes no input yet.
    pub(crate) fn quiet_for(&self, now: Instant) -> Option<Duration> {
        self.quiet_until.checked_duration_since(now).filter(|quiet| !quiet.is_zero())
    }

    /// Stands still at this moment, so that an input can be stored for the next frame; `None` when it can't take one.
    pub(crate) fn hold(
        &mut self,
        input: Input,
        now: Instant,
        context: &Context,
        events: &mut Vec<Event>,
    ) -> Result<Option<Held>, Broken> {
        while self.standing == Standing::Going && self.is_behind(now) {
            self.run(now, context, events)?;
        }
        if self.standing != Standing::Going {
            return Ok(None);
        }
        self.standing = Standing::Held;
        let tick = self.clock.tick(now).max(self.course.state().tick());
        Ok(Some(Held { epoch: self.epoch, recorded: Recorded { at_seq: self.course.head() + 1, tick, input } }))
    }

    /// Takes the stored input it was held for. The answer comes after the save of what it did.
    pub(crate) fn take(
        &mut self,
        held: &Held,
        now: Instant,
        context: &Context,
        events: &mut Vec<Event>,
    ) -> Result<Option<(View, oneshot::Receiver<Outcome>)>, Broken> {
        if held.epoch != self.epoch || self.standing != Standing::Held {
            return Ok(None);
        }
        self.standing = Standing::Going;
        match self.course.take(held.recorded.input, held.recorded.tick, events) {
            Ok(made) => self.note(made, now),
            Err(broken) => {
                self.abandon(&broken);
                return Err(broken);
            }
        }
        self.tell_frame(events, &context.watched);
        let saved = if self.course.state().ended().is_some() {
            self.over(now, &context.saver)
        } else {
            context.saver.put_and_tell(self.snapshot(now))
        };
        Ok(Some((self.view(), saved)))
    }
}
