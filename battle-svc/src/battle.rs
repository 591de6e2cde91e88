//! One battle in memory. It knows what to do when its time comes; when that is, its shard's wheel knows.
//!
//! Nothing here waits: saves go to the saver's shelf, news into the watchers' queues.

use std::sync::Arc;

use metrics::Counter;
use rules::battle::{EndReason, Input};
use rules::run::Recorded;
use rules::{Event, Ruleset};
use service_kit::Fault;
use tokio::sync::oneshot;
use tokio::time::Instant;
use vocab::{AccountId, BattleId};

use crate::Pace;
use crate::chain::Broken;
use crate::clock::Clock;
use crate::course::{Course, Made};
use crate::feed::Feed;
use crate::frame::{End, Frame, Item, News};
use crate::missed::{self, Missed, Moment, Seen, Wanted};
use crate::record::{Identity, Outcome, Save, StoredSegment};
use crate::saver::Saver;
use crate::shard::Visit;
use crate::view::View;
use crate::watchers::{Part, Watchers};

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
}

/// What a battle needs of its surroundings.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// How often, how long.
    pub(crate) pace: Pace,
    /// Writes battles.
    pub(crate) saver: Arc<Saver>,
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
}

/// What an input that is to be stored looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// The epoch it is stored under.
    pub(crate) epoch: u64,
    /// The input with its frame and tick.
    pub(crate) recorded: Recorded,
}

/// An attachment's answer.
#[derive(Debug)]
pub(crate) struct Attached {
    /// The battle as it stands.
    pub(crate) view: View,
    /// What was missed.
    pub(crate) missed: Missed,
}

/// Whether a battle goes on here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Going,
    /// Something about it is being stored: no frame before that is done.
    Held,
    /// It is over, or no longer ours: to be forgotten.
    Done,
}

/// What changed since the last save.
#[derive(Debug, Default)]
struct Unsaved {
    frames: bool,
    keyframes: bool,
    seen: bool,
    segment: Option<StoredSegment>,
}

impl Battle {
    /// A battle that this process owns from now on.
    pub(crate) fn arrived(arrival: Arrival, now: Instant, pace: &Pace) -> Self {
        let Arrival { identity, epoch, course, clock, cut_ms, seen } = arrival;
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
            standing: if cut_ms.is_some() { Standing::Held } else { Standing::Going },
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

    /// When it has something to do next, if ever by itself.
    pub(crate) fn wakes_at(&self, pace: &Pace) -> Option<Instant> {
        if self.standing != Standing::Going {
            return None;
        }
        let step = self.course.next_tick().map(|tick| self.clock.instant(tick));
        let save = self.unsaved.any().then_some(self.save_at);
        let leave = self.watchers.is_empty().then(|| self.unwatched_since + pace.detach_after);
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
        if self.watchers.is_empty() && now >= self.unwatched_since + context.pace.detach_after {
            return self.release(now, &context.saver);
        }
        if now >= self.save_at && self.unsaved.any() {
            self.save(now, context);
        }
    }

    /// Runs on in silence, at most a slice; `true` when it stands where its time is.
    pub(crate) fn catch_up(&mut self, now: Instant, events: &mut Vec<Event>) -> bool {
        for _ in 0..STRETCH {
            let until = self.cut_ms.unwrap_or_else(|| self.clock.battle_ms(now));
            if self.course.next_tick().is_none_or(|tick| self.clock.tick_at(tick) > until) {
                return true;
            }
            match self.course.step(events) {
                Ok(made) => self.note(made, now),
                Err(broken) => {
                    self.abandon(&broken);
                    return true;
                }
            }
        }
        false
    }

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

    /// Goes on after having been held.
    pub(crate) fn go_on(&mut self, visit: &mut Visit<'_>) {
        if self.standing == Standing::Held {
            self.standing = Standing::Going;
            self.wake(visit.now, visit.context, visit.events);
        }
    }

    /// The battle as it stands.
    pub(crate) fn view(&self) -> View {
        let ruleset = Arc::clone(self.course.ruleset());
        View::of(Arc::clone(&self.identity), self.epoch, self.course.state(), ruleset)
    }

    /// Adds a feed, and tells what it has missed; live frames follow from the head on.
    pub(crate) fn attach(
        &mut self,
        feed: &Arc<Feed>,
        part: Part,
        wanted: Wanted,
        now: Instant,
    ) -> Result<Attached, Broken> {
        let missed = missed::missed(&self.course, &self.seen_by(now), self.moment(now), wanted)?;
        self.watchers.add(feed, part);
        if part == Part::Player {
            self.unsaved.seen = true;
            self.save_at = now;
        }
        Ok(Attached { view: self.view(), missed })
    }

    /// Adds a feed from frame `after` on; `None` when that can't be told any more.
    pub(crate) fn watch(&mut self, feed: &Arc<Feed>, after: Option<u64>) -> Result<Option<Vec<Frame>>, Broken> {
        let head = self.course.head();
        let frames = self.course.frames_after(after.unwrap_or(head).min(head), u64::MAX)?;
        if frames.is_some() {
            self.watchers.add(feed, Part::Spectator);
        }
        Ok(frames)
    }

    /// Takes a feed away. `served` is the last frame that went to the player's own socket.
    pub(crate) fn detach(&mut self, feed: &Arc<Feed>, part: Part, served: u64, now: Instant) -> Result<(), Broken> {
        let had_player = self.watchers.has_player();
        self.watchers.remove(feed, part);
        if had_player && !self.watchers.has_player() {
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
        let made = self.course.take(held.recorded.input, held.recorded.tick, events)?;
        self.note(made, now);
        self.tell_frame(events, &context.watched);
        let saved = if self.course.state().ended().is_some() {
            self.over(now, &context.saver)
        } else {
            context.saver.put_and_tell(self.snapshot(now))
        };
        Ok(Some((self.view(), saved)))
    }

    /// Lets go with a last save: nobody has it in memory then.
    pub(crate) fn release(&mut self, now: Instant, saver: &Saver) {
        let save = Save { release: true, ..self.snapshot(now) };
        saver.put(save);
        self.let_go();
    }

    /// Forgets without saving: another owns it, or nobody knows any more what is stored.
    pub(crate) fn let_go(&mut self) {
        self.tell(News::Moved);
        self.standing = Standing::Done;
    }

    /// Whether it is written under this epoch.
    pub(crate) fn is_of(&self, epoch: u64) -> bool {
        self.epoch == epoch
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
        self.watchers.tell(&Item { battle: self.identity.id, epoch: self.epoch, news });
    }

    fn over(&mut self, now: Instant, saver: &Saver) -> oneshot::Receiver<Outcome> {
        let state = self.course.state();
        let reason = state.ended();
        let saved = saver.put_and_tell(Save { ended: reason, ..self.snapshot(now) });
        if let Some(reason) = reason {
            self.tell_end(reason);
        }
        saved
    }

    fn save(&mut self, now: Instant, context: &Context) {
        self.save_at = now + context.pace.save_every;
        let save = self.snapshot(now);
        context.saver.put(save);
    }

    /// Everything as it stands; counts as saved from here on.
    fn snapshot(&mut self, now: Instant) -> Save {
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

    /// How far the player has been served: up to the head while their socket watches.
    fn seen_by(&self, now: Instant) -> Seen {
        if self.watchers.has_player() {
            self.seen_at(self.course.head(), self.course.state().totals().clone(), now)
        } else {
            self.seen.clone()
        }
    }

    fn seen_at(&self, seq: u64, totals: rules::Totals, now: Instant) -> Seen {
        Seen { seq, totals, at: self.clock.database_ms(now) }
    }

    /// The player's own socket is gone after frame `served`.
    fn left(&mut self, served: u64, now: Instant) -> Result<(), Broken> {
        let served = served.min(self.course.head());
        // Beyond the window the earlier mark stays: a report then tells more, and loses nothing.
        if let Some(totals) = self.course.totals_at(served)? {
            self.seen = self.seen_at(served, totals, now);
            self.unsaved.seen = true;
            self.save_at = now;
        }
        Ok(())
    }

    /// Drops the feeds that closed. Their player has been served what was sent.
    fn prune(&mut self, now: Instant) {
        if !self.watchers.any_closed() {
            return;
        }
        let seen = self.seen_by(now);
        let had_player = self.watchers.has_player();
        self.watchers.prune();
        if had_player && !self.watchers.has_player() {
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

    fn abandon(&mut self, broken: &Broken) {
        tracing::error!(battle.id = %self.identity.id, error = %broken, "battle can't go on");
        self.let_go();
    }
}

impl Unsaved {
    fn any(&self) -> bool {
        self.frames || self.keyframes || self.seen || self.segment.is_some()
    }
}
