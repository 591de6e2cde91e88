//! A battle as one client follows it: what it has had, and whether it may have more yet.
//!
//! Frames come live and by answers to `Attach`; this makes one stream of both, every number once and in order. A hole
//! is never passed on: it is reported, and the feed attaches again.

use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;
use proto::battle::v1::event::Kind as Happened;
use proto::battle::v1::{AttachResponse, End, Frame};
use proto::common::v1::Caller;
use service_kit::telemetry::GaugeGuard;
use tokio_util::sync::CancellationToken;

use crate::delivery::Track;
use crate::registry::Seat;
use crate::shape::Standing;

/// How much news is kept while an answer to `Attach` is awaited. What comes on top is fetched again.
const HELD: usize = 512;

/// What a death with `revive` makes a battle wait.
const REVIVAL_MS: u64 = 60_000;

/// News of a battle.
#[derive(Debug, Clone)]
pub(crate) enum News {
    /// Frames, consecutive.
    Frames(Vec<Arc<Frame>>),
    /// The battle is over.
    End(Arc<End>),
    /// Nothing more comes from there: the owner let go of the battle, or frames were dropped.
    Lost,
}

/// Something is missing before the news that came: attach again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gap;

/// A battle as one client follows it.
pub(crate) struct Follow {
    /// For whom.
    pub(crate) caller: Caller,
    /// Which battle, and how much of it has left.
    pub(crate) track: Arc<Track>,
    /// Where its player sits; over when somebody is told that a newer connection took its place.
    pub(crate) seat: Arc<Seat>,
    progress: Mutex<Progress>,
    ended: CancellationToken,
    left: CancellationToken,
    _alive: GaugeGuard,
}

struct Progress {
    epoch: u64,
    /// The last frame passed on.
    last: u64,
    /// The tick it stood at, where that is known.
    tick: Option<u64>,
    /// How the character stood then.
    standing: Option<Standing>,
    /// Length of a tick, milliseconds; 0 until the first answer says it.
    tick_ms: u32,
    /// News that must wait; none while news may pass.
    held: Option<Vec<(u64, News)>>,
    /// Whether the client has been told where it stands: before that nothing may reach it.
    opened: bool,
    /// Whether somebody is attaching it again.
    attaching: bool,
    /// Whether the feed broke again meanwhile, so that attaching has to be repeated.
    broken: bool,
}

impl Follow {
    /// Follows a battle of which the client has everything up to `last`. News is held until [`open`](Self::open).
    pub(crate) fn new(seat: Arc<Seat>, caller: Caller, track: Arc<Track>, last: u64) -> Arc<Self> {
        Arc::new(Self {
            caller,
            track,
            seat,
            progress: Mutex::new(Progress {
                epoch: 0,
                last,
                tick: None,
                standing: None,
                tick_ms: 0,
                held: Some(Vec::new()),
                opened: false,
                attaching: false,
                broken: false,
            }),
            ended: CancellationToken::new(),
            left: CancellationToken::new(),
            _alive: GaugeGuard::new(metrics::gauge!("gateway_battles")),
        })
    }

    /// The last frame passed on.
    pub(crate) fn last(&self) -> u64 {
        self.progress.lock().last
    }

    /// How the character stands in this battle, while it runs: newer than what was saved of it.
    pub(crate) fn standing(&self) -> Option<Standing> {
        if self.is_over() { None } else { self.progress.lock().standing }
    }

    /// Ends when the battle's end was passed on.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Ends when the client no longer follows.
    pub(crate) async fn left(&self) {
        self.left.cancelled().await;
    }

    /// Whether nothing more is to come: the battle is over, or the client no longer follows it.
    pub(crate) fn is_over(&self) -> bool {
        self.ended.is_cancelled() || self.left.is_cancelled() || self.seat.line().is_closed()
    }

    /// The client no longer follows: whoever still works for it may stop.
    pub(crate) fn leave(&self) {
        self.left.cancel();
    }

    /// The attachment is gone. Whether the caller is to make it again; otherwise somebody is about to hand an answer to
    /// [`open`](Self::open), which will ask for it.
    pub(crate) fn lost(&self) -> bool {
        if self.is_over() {
            return false;
        }
        let mut progress = self.progress.lock();
        progress.held.get_or_insert_default();
        if !progress.opened || progress.attaching {
            progress.broken = true;
            return false;
        }
        progress.attaching = true;
        true
    }

    /// Whether somebody has told of it who took it over after the owner of this epoch.
    pub(crate) fn is_beyond(&self, epoch: u64) -> bool {
        self.progress.lock().epoch > epoch
    }

    /// Passes news on, or keeps it while news is held. A client that no longer follows gets none.
    pub(crate) fn hear(&self, epoch: u64, news: &News) -> Result<(), Gap> {
        if self.left.is_cancelled() {
            return Ok(());
        }
        let mut progress = self.progress.lock();
        match &mut progress.held {
            Some(held) if held.len() < HELD => {
                held.push((epoch, news.clone()));
                Ok(())
            }
            Some(_) => Ok(()),
            None => self.pass(&mut progress, epoch, news),
        }
    }

    /// Passes on what an answer to `Attach` brings, then what was held, and lets news pass from then on. An answer of an
    /// owner that has lost the battle is none.
    pub(crate) fn open(&self, answer: AttachResponse) -> Result<(), Gap> {
        let mut progress = self.progress.lock();
        if answer.epoch < progress.epoch {
            metrics::counter!("gateway_news_stale_total").increment(1);
            return self.gap(&mut progress);
        }
        if !progress.opened {
            self.begin(&mut progress, &answer);
        }
        if let Some(battle) = &answer.battle {
            progress.tick_ms = battle.tick_ms;
            progress.standing = battle.vitals.as_ref().map(Standing::from);
        }
        let epoch = answer.epoch;
        if let Some(report) = &answer.report {
            self.seat.line().report(&self.track, report);
            progress.last = progress.last.max(report.to_seq);
            progress.tick = None;
        }
        let frames = answer.frames.into_iter().map(Arc::new).collect();
        self.pass(&mut progress, epoch, &News::Frames(frames))?;
        if let Some(end) = answer.end {
            self.pass(&mut progress, epoch, &News::End(Arc::new(end)))?;
        }
        for (epoch, news) in progress.held.take().unwrap_or_default() {
            self.pass(&mut progress, epoch, &news)?;
        }
        if mem::take(&mut progress.broken) {
            return self.gap(&mut progress);
        }
        progress.attaching = false;
        Ok(())
    }

    /// Settles what the client has had before. More than there is counts as all there is: what it holds beyond the head
    /// was never made, and must keep nothing from it that is to come.
    fn begin(&self, progress: &mut Progress, answer: &AttachResponse) {
        progress.opened = true;
        if let Some(battle) = &answer.battle {
            progress.last = progress.last.min(battle.seq);
        }
        self.track.had(progress.last);
    }

    /// News of an owner that has lost the battle is dropped.
    fn pass(&self, progress: &mut Progress, epoch: u64, news: &News) -> Result<(), Gap> {
        if epoch < progress.epoch {
            metrics::counter!("gateway_news_stale_total").increment(1);
            return Ok(());
        }
        progress.epoch = epoch;
        match news {
            News::Lost if self.ended.is_cancelled() => Ok(()),
            News::Lost => self.gap(progress),
            News::Frames(frames) => frames.iter().try_for_each(|frame| self.pass_frame(progress, frame)),
            News::End(_) if self.ended.is_cancelled() => Ok(()),
            News::End(end) if end.seq > progress.last => self.gap(progress),
            News::End(end) => {
                self.seat.line().end(&self.track, end);
                self.ended.cancel();
                Ok(())
            }
        }
    }

    fn pass_frame(&self, progress: &mut Progress, frame: &Arc<Frame>) -> Result<(), Gap> {
        if frame.seq <= progress.last {
            return Ok(());
        }
        if frame.seq > progress.last + 1 {
            return self.gap(progress);
        }
        let ticks = ticks(progress.tick, frame, progress.tick_ms);
        progress.last = frame.seq;
        progress.tick = Some(frame.tick);
        progress.standing = frame.vitals.as_ref().map(Standing::from);
        self.seat.line().frame(&self.track, Arc::clone(frame), ticks);
        Ok(())
    }

    fn gap(&self, progress: &mut Progress) -> Result<(), Gap> {
        progress.held = Some(Vec::new());
        metrics::counter!("gateway_gaps_total").increment(1);
        Err(Gap)
    }
}

/// How many ticks a frame took. Where the frame before is not known, its kind tells: only a revival takes longer than
/// one.
fn ticks(before: Option<u64>, frame: &Frame, tick_ms: u32) -> u64 {
    match before {
        Some(before) => frame.tick.saturating_sub(before),
        None if revives(frame) => REVIVAL_MS.div_ceil(u64::from(tick_ms.max(1))),
        None => 1,
    }
}

fn revives(frame: &Frame) -> bool {
    frame.events.iter().any(|event| matches!(event.kind, Some(Happened::Revive(_))))
}

#[cfg(test)]
mod tests {
    use proto::battle::v1::{Battle, Event, Report, Revive, Vitals};

    use super::*;
    use crate::delivery::Line;
    use crate::shape::CharacterShape;

    fn frame(seq: u64) -> Frame {
        Frame { seq, tick: seq, ..Frame::default() }
    }

    fn frames(seqs: impl IntoIterator<Item = u64>) -> News {
        News::Frames(seqs.into_iter().map(|seq| Arc::new(frame(seq))).collect())
    }

    fn end(seq: u64) -> End {
        End { seq, ..End::default() }
    }

    fn follow(last: u64) -> (Arc<Follow>, Arc<Line>) {
        let seat = Seat::to_nowhere();
        let (line, track) = (Arc::clone(seat.line()), Track::new("b".into()));
        (Follow::new(seat, Caller::default(), track, last), line)
    }

    /// The numbers told, a report's as its last, an end's negative.
    fn told(line: &Line) -> Vec<i64> {
        let number = |(name, value): (String, serde_json::Value)| match name.as_str() {
            "battle:frame" => value["seq"].as_i64().unwrap(),
            "battle:report" => value["toSeq"].as_i64().unwrap(),
            "battle:end" => -value["seq"].as_i64().unwrap(),
            other => panic!("{other}"),
        };
        line.told_events().into_iter().map(number).collect()
    }

    #[test]
    fn nothing_passes_before_it_is_opened_and_then_all_of_it_once_and_in_order() {
        let (follow, line) = follow(2);
        follow.hear(1, &frames([5, 6])).unwrap();
        assert!(told(&line).is_empty());
        let answer = AttachResponse { epoch: 1, frames: (3..=5).map(frame).collect(), ..AttachResponse::default() };
        follow.open(answer).unwrap();
        follow.hear(1, &frames([6, 7])).unwrap();
        assert_eq!(told(&line), [3, 4, 5, 6, 7]);
    }

    #[test]
    fn a_client_that_claims_more_than_there_is_misses_nothing_and_has_seen_no_more() {
        let (follow, line) = follow(1_000);
        assert_eq!(follow.track.seen(), 0, "nothing is known of what it has before the battle answers");
        let battle = Some(Battle { seq: 5, ..Battle::default() });
        follow.open(AttachResponse { epoch: 1, battle, ..AttachResponse::default() }).unwrap();
        assert_eq!(follow.track.seen(), 5);
        follow.hear(1, &frames([6, 7])).unwrap();
        assert_eq!(told(&line), [6, 7]);
    }

    #[test]
    fn an_owner_that_is_behind_takes_back_nothing() {
        let (follow, line) = follow(0);
        follow.open(AttachResponse { epoch: 1, ..AttachResponse::default() }).unwrap();
        follow.hear(1, &frames(1..=4)).unwrap();
        let battle = Some(Battle { seq: 2, ..Battle::default() });
        follow.open(AttachResponse { epoch: 2, battle, ..AttachResponse::default() }).unwrap();
        follow.hear(2, &frames(3..=5)).unwrap();
        assert_eq!(told(&line), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_report_stands_for_its_frames() {
        let (follow, line) = follow(0);
        follow.hear(1, &frames([100, 101])).unwrap();
        let report = Report { from_seq: 1, to_seq: 100, ..Report::default() };
        follow.open(AttachResponse { epoch: 1, report: Some(report), ..AttachResponse::default() }).unwrap();
        assert_eq!(told(&line), [100, 101]);
    }

    #[test]
    fn a_hole_is_not_passed_on_and_what_follows_waits() {
        let (follow, line) = follow(0);
        follow.open(AttachResponse { epoch: 1, ..AttachResponse::default() }).unwrap();
        follow.hear(1, &frames([1])).unwrap();
        assert_eq!(follow.hear(1, &frames([3])), Err(Gap));
        follow.hear(1, &frames([4])).unwrap();
        assert_eq!(told(&line), [1]);
        let again = AttachResponse { epoch: 1, frames: vec![frame(2), frame(3)], ..AttachResponse::default() };
        follow.open(again).unwrap();
        assert_eq!(told(&line), [2, 3, 4]);
    }

    #[test]
    fn an_owner_that_lost_the_battle_is_not_heard() {
        let (follow, line) = follow(0);
        follow.open(AttachResponse { epoch: 2, ..AttachResponse::default() }).unwrap();
        follow.hear(1, &frames([1])).unwrap();
        assert!(told(&line).is_empty());
        follow.hear(2, &frames([1])).unwrap();
        follow.hear(3, &frames([2])).unwrap();
        follow.hear(2, &frames([3])).unwrap();
        assert_eq!(told(&line), [1, 2]);
    }

    #[test]
    fn what_such_an_owner_said_while_a_new_one_was_sought_is_not_heard_either() {
        let (follow, line) = follow(0);
        follow.open(AttachResponse { epoch: 1, ..AttachResponse::default() }).unwrap();
        assert!(follow.lost());
        follow.hear(1, &frames([1, 2])).unwrap();
        follow.hear(1, &News::Lost).unwrap();
        follow.hear(1, &News::End(Arc::new(end(2)))).unwrap();
        let answer = AttachResponse { epoch: 2, frames: vec![frame(1)], ..AttachResponse::default() };
        follow.open(answer).unwrap();
        assert_eq!(told(&line), [1]);
        let late = AttachResponse { epoch: 1, frames: vec![frame(2)], ..AttachResponse::default() };
        assert_eq!(follow.open(late), Err(Gap), "an answer of such an owner is none");
        assert!(told(&line).is_empty());
    }

    #[test]
    fn an_owner_that_lets_go_is_left_once_it_has_said_all() {
        let (follow, line) = follow(0);
        follow.hear(1, &frames([1, 2])).unwrap();
        follow.hear(1, &News::Lost).unwrap();
        assert_eq!(follow.open(AttachResponse { epoch: 1, ..AttachResponse::default() }), Err(Gap));
        assert_eq!(told(&line), [1, 2]);
        assert!(follow.lost());
    }

    #[test]
    fn a_client_that_left_is_told_nothing_more() {
        let (follow, line) = follow(0);
        follow.open(AttachResponse { epoch: 1, ..AttachResponse::default() }).unwrap();
        follow.hear(1, &frames([1])).unwrap();
        follow.leave();
        follow.hear(1, &frames([2])).unwrap();
        assert_eq!(told(&line), [1]);
        assert!(!follow.lost(), "nobody is to attach it again");
    }

    #[test]
    fn the_end_comes_once_and_after_the_last_frame() {
        let (follow, line) = follow(0);
        follow.open(AttachResponse { epoch: 1, ..AttachResponse::default() }).unwrap();
        assert_eq!(follow.hear(1, &News::End(Arc::new(end(2)))), Err(Gap));
        let answer = AttachResponse {
            epoch: 1,
            frames: vec![frame(1), frame(2)],
            end: Some(end(2)),
            ..AttachResponse::default()
        };
        follow.open(answer).unwrap();
        follow.hear(1, &News::End(Arc::new(end(2)))).unwrap();
        assert_eq!(told(&line), [1, 2, -2]);
        assert!(follow.is_over());
    }

    #[test]
    fn a_feed_that_broke_before_the_opening_is_attached_again_after_it() {
        let (follow, _line) = follow(0);
        assert!(!follow.lost(), "not yet: nothing may reach the client");
        assert_eq!(follow.open(AttachResponse { epoch: 1, ..AttachResponse::default() }), Err(Gap));
        assert!(follow.lost());
    }

    #[test]
    fn one_at_a_time_attaches_again_and_as_often_as_the_feed_broke() {
        let (follow, _line) = follow(0);
        let answer = || AttachResponse { epoch: 1, ..AttachResponse::default() };
        follow.open(answer()).unwrap();
        assert!(follow.lost());
        assert!(!follow.lost(), "somebody is at it");
        assert_eq!(follow.open(answer()), Err(Gap), "once more, for the second break");
        follow.open(answer()).unwrap();
        assert!(follow.lost());
    }

    #[test]
    fn a_character_stands_where_its_last_frame_left_it_until_the_battle_is_over() {
        let (follow, line) = follow(0);
        let exp = || {
            let character = proto::common::v1::Character { exp: 1, ..Default::default() };
            let shape = CharacterShape::of(&character, line.words()).in_battle(follow.standing());
            serde_json::to_value(&shape).unwrap()["exp"].as_u64().unwrap()
        };
        let vitals = |exp| Some(Vitals { exp, ..Vitals::default() });
        assert_eq!(exp(), 1, "nothing is known yet");
        let battle = Some(Battle { vitals: vitals(5), ..Battle::default() });
        follow.open(AttachResponse { epoch: 1, battle, ..AttachResponse::default() }).unwrap();
        assert_eq!(exp(), 5);
        let first = Frame { seq: 1, vitals: vitals(7), ..Frame::default() };
        follow.hear(1, &News::Frames(vec![Arc::new(first)])).unwrap();
        assert_eq!(exp(), 7);
        follow.hear(1, &News::End(Arc::new(end(1)))).unwrap();
        assert_eq!(exp(), 1, "the save at the end has it all");
    }

    #[test]
    fn a_frame_takes_the_ticks_since_the_one_before() {
        let revival = Event { kind: Some(Happened::Revive(Revive::default())) };
        let late = Frame { tick: 50, events: vec![revival], ..Frame::default() };
        assert_eq!(ticks(Some(10), &late, 1_500), 40);
        assert_eq!(ticks(None, &late, 1_500), 40);
        assert_eq!(ticks(None, &frame(7), 1_500), 1);
    }
}
