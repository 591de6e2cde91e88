//! One battle in memory. It knows what to do when its time comes; when that is, its shard's wheel knows.
//!
//! Nothing here waits: saves go to the saver's shelf, news into the watchers' queues.

mod input;
mod stored;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use metrics::Counter;
use rules::Event;
use rules::battle::EndReason;
use service_kit::Fault;
use tokio::time::Instant;
use vocab::{AccountId, BattleId};

use crate::Pace;
use crate::assurance::Assurance;
use crate::chain::Broken;
use crate::clock::Clock;
use crate::course::{Course, Made};
use crate::frame::{End, Item, News};
use crate::missed::Seen;
use crate::record::{Identity, Owned};
use crate::saver::Saver;
use crate::view::View;
use crate::watchers::Watchers;
pub(crate) use input::Held;
use stored::Unsaved;
pub(crate) use watched::Attached;

/// So many frames of one battle are made at a stretch beside the others.
const STRETCH: u32 = 1_000;

/// A battle that this process owns.
pub(crate) struct Battle {
    identity: Arc<Identity>,
    epoch: u64,
    course: Course,
    clock: Clock,
    /// Where to stop while catching up, when a new segment opens there.
    cut_ms: Option<u64>,
    seen: Seen,
    watchers: Watchers,
    unwatched_since: Instant,
    unsaved: Unsaved,
    save_at: Instant,
    standing: Standing,
    /// When it was surely ours.
    ours: Instant,
    /// Before that it takes no input.
    quiet_until: Instant,
}

/// What a battle needs of its surroundings.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// How often, how long.
    pub(crate) pace: Pace,
    /// Writes battles.
    pub(crate) saver: Arc<Saver>,
    /// Says how long a battle may be shown.
    pub(crate) assurance: Arc<Assurance>,
    /// Counts the frames that somebody watched.
    pub(crate) watched: Counter,
}

/// Everything a battle comes into memory with.
pub(crate) struct Arrival {
    /// Whose it is.
    pub(crate) identity: Arc<Identity>,
    /// Under which it is written.
    pub(crate) epoch: u64,
    /// Where it stands.
    pub(crate) course: Course,
    /// Its time.
    pub(crate) clock: Clock,
    /// Battle time until which the old segment goes; a new one has to be opened there before the battle goes on.
    pub(crate) cut_ms: Option<u64>,
    /// How far the player has been served.
    pub(crate) seen: Seen,
    /// How long it takes no input, because another may go on showing it.
    pub(crate) quiet: Duration,
}

/// Whether a battle goes on here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Going,
    /// An input is being stored: no frame before that is done.
    Held,
    /// It is over, or no longer ours: to be forgotten.
    Done,
}

impl Battle {
    /// A battle that this process owns, and did at the moment `owned`.
    pub(crate) fn arrived(arrival: Arrival, owned: Instant, now: Instant, pace: &Pace) -> Self {
        let Arrival { identity, epoch, course, clock, cut_ms, seen, quiet } = arrival;
        Self {
            save_at: now + pace.first_save(identity.id),
            identity,
            epoch,
            course,
            clock,
            cut_ms,
            seen,
            watchers: Watchers::default(),
            unwatched_since: now,
            unsaved: Unsaved::default(),
            standing: Standing::Going,
            ours: owned,
            quiet_until: now + quiet,
        }
    }

    /// The battle's id.
    pub(crate) fn id(&self) -> BattleId {
        self.identity.id
    }

    /// Lets only the account through whose battle it is.
    ///
    /// # Errors
    /// `permission_denied` for another.
    pub(crate) fn admit(&self, account: AccountId) -> Result<(), Fault> {
        self.identity.admit(account)
    }

    /// Whether it is to be forgotten.
    pub(crate) fn is_done(&self) -> bool {
        self.standing == Standing::Done
    }

    /// Whether it may be shown, where that [takes](Assurance::floor) having been ours after `floor`.
    pub(crate) fn is_assured(&self, floor: Option<Instant>) -> bool {
        floor.is_none_or(|floor| self.ours > floor)
    }

    /// Under which epoch it is ours, and when it surely was last.
    pub(crate) fn owned(&self) -> (Instant, Owned) {
        (self.ours, Owned { battle: self.identity.id, epoch: self.epoch })
    }

    /// It was ours under this epoch at the moment `asked`.
    pub(crate) fn confirmed(&mut self, epoch: u64, asked: Instant) {
        if epoch == self.epoch {
            self.ours = self.ours.max(asked);
        }
    }

    /// When it has something to do next, if ever by itself.
    pub(crate) fn wakes_at(&self, pace: &Pace) -> Option<Instant> {
        if self.standing != Standing::Going {
            return None;
        }
        let step = self.course.next_tick().map(|tick| self.clock.instant(tick));
        let save = self.unsaved.any().then_some(self.save_at);
        let leave = self.watchers.is_empty().then(|| self.unwatched_since + pace.leave_after());
        [step, save, leave].into_iter().flatten().min()
    }

    /// Does what is due: frames, a save, letting go.
    pub(crate) fn wake(&mut self, now: Instant, context: &Context, events: &mut Vec<Event>) {
        if self.standing != Standing::Going {
            return;
        }
        self.prune(now);
        if let Err(broken) = self.run(now, context, events) {
            return self.abandon(&broken);
        }
        if self.is_done() {
            return;
        }
        if self.watchers.is_empty() && now >= self.unwatched_since + context.pace.leave_after() {
            return self.release(now, &context.saver);
        }
        if now >= self.save_at && self.unsaved.any() {
            self.save(now, context);
        }
    }

    /// Runs on in silence, at most a slice; `true` when it stands where its time is, or where a segment has to open.
    pub(crate) fn catch_up(&mut self, now: Instant, events: &mut Vec<Event>) -> Result<bool, Broken> {
        for _ in 0..STRETCH {
            let until = self.cut_ms.unwrap_or_else(|| self.clock.battle_ms(now));
            if self.course.next_tick().is_none_or(|tick| self.clock.tick_at(tick) > until) {
                // Until now nobody could come to it.
                self.unwatched_since = now;
                return Ok(true);
            }
            let made = self.course.step(events)?;
            self.note(made, now);
        }
        Ok(false)
    }

    /// Whether a segment has to be opened before the battle goes on.
    pub(crate) fn awaits_segment(&self) -> bool {
        self.cut_ms.is_some()
    }

    /// The battle as it stands.
    pub(crate) fn view(&self) -> View {
        let ruleset = Arc::clone(self.course.ruleset());
        View::of(Arc::clone(&self.identity), self.epoch, self.course.state(), ruleset)
    }

    /// Forgets without saving: another owns it, or nobody knows any more what is stored.
    pub(crate) fn let_go(&mut self) {
        self.tell(News::Moved);
        self.standing = Standing::Done;
    }

    /// Forgets a battle that can't go on: asking for it again says why.
    pub(crate) fn abandon(&mut self, broken: &Broken) {
        tracing::error!(battle.id = %self.identity.id, error = %broken, "battle can't go on");
        self.let_go();
    }

    /// Under which it is written.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Ends because its account is gone.
    pub(crate) fn deleted(&mut self) {
        self.tell_end(EndReason::Deleted);
    }

    fn tell_end(&mut self, reason: EndReason) {
        let end = End { seq: self.course.head(), reason, totals: self.course.state().totals().clone() };
        let ruleset = Arc::clone(self.course.ruleset());
        self.tell(News::End(ruleset, Arc::new(end)));
        self.standing = Standing::Done;
    }

    fn run(&mut self, now: Instant, context: &Context, events: &mut Vec<Event>) -> Result<(), Broken> {
        for _ in 0..STRETCH {
            if !self.is_behind(now) {
                break;
            }
            let made = self.course.step(events)?;
            self.note(made, now);
            self.tell_frame(events, &context.watched);
        }
        if self.course.state().ended().is_some() {
            // Nobody waits for this save: the end is the same however often it is computed.
            drop(self.over(now, &context.saver));
        }
        Ok(())
    }

    fn is_behind(&self, now: Instant) -> bool {
        self.course.next_tick().is_some_and(|tick| self.clock.tick_at(tick) <= self.clock.battle_ms(now))
    }

    /// Whether a frame came, and whether it has to be saved soon.
    fn note(&mut self, made: Option<Made>, now: Instant) {
        let Some(made) = made else { return };
        self.unsaved.frames = true;
        self.unsaved.keyframes |= made.keyframe;
        if made.level_up || made.keyframe {
            self.save_at = now;
        }
    }

    fn tell_frame(&mut self, events: &[Event], watched: &Counter) {
        if self.watchers.is_empty() || events.is_empty() {
            return;
        }
        let frame = Arc::new(self.course.frame(events));
        let ruleset = Arc::clone(self.course.ruleset());
        watched.increment(1);
        self.tell(News::Frame(ruleset, frame));
    }

    fn tell(&mut self, news: News) {
        // All news but a frame comes after the head.
        let sent = self.course.head() - u64::from(matches!(news, News::Frame(..)));
        self.watchers.tell(&Item { battle: self.identity.id, epoch: self.epoch, news }, sent);
    }
}
