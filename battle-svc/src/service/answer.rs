//! Answers put together for the wire.

use proto::battle::v1 as pb;

use crate::battle::Attached;
use crate::battles::Answer;
use crate::cluster::Placed;
use crate::missed::Missed;
use crate::past::Past;
use crate::view::View;
use crate::wire;

/// What was missed: frames, or a report in their place.
pub(super) type Told = (Vec<pb::Frame>, Option<pb::Report>);

/// A battle as it stands.
pub(super) fn battle(view: &View) -> pb::Battle {
    wire::battle(view.ruleset.content(), view)
}

/// What an attachment answers.
pub(super) fn attach(answer: Placed<Answer>) -> pb::AttachResponse {
    let answer = match answer {
        Placed::Here(answer) => answer,
        Placed::There(peer) => {
            metrics::counter!("battle_redirects_total").increment(1);
            let redirect_alone_ms = u64::try_from(peer.alone_for.as_millis()).unwrap_or(u64::MAX);
            return pb::AttachResponse { redirect: peer.address, redirect_alone_ms, ..Default::default() };
        }
    };
    let answer = &answer;
    let (view, missed) = seen(answer);
    let (frames, report) = told(&view, missed);
    let end = match answer {
        Answer::Live(_) => None,
        Answer::Over(past, _) => end(past),
    };
    let (battle, epoch) = (Some(battle(&view)), view.epoch);
    pb::AttachResponse { battle, epoch, frames, report, end, ..Default::default() }
}

/// What a sync answers.
pub(super) fn sync(answer: &Answer) -> pb::SyncBattleResponse {
    let (view, missed) = seen(answer);
    let (frames, report) = told(&view, missed);
    pb::SyncBattleResponse { battle: Some(battle(&view)), head: view.seq, frames, report }
}

/// The end of a battle that is over.
pub(super) fn end(past: &Past) -> Option<pb::End> {
    let (reason, _) = past.ended?;
    Some(wire::stored_end(past.course.head(), reason, past.totals.clone()))
}

fn seen(answer: &Answer) -> (View, &Missed) {
    match answer {
        Answer::Live(Attached { view, missed }) => (view.clone(), missed),
        Answer::Over(past, missed) => (past.view(), missed),
    }
}

fn told(view: &View, missed: &Missed) -> Told {
    let content = view.ruleset.content();
    match missed {
        Missed::Frames(frames) => (frames.iter().map(|frame| wire::frame(content, frame)).collect(), None),
        Missed::Report(report) => (Vec::new(), Some(wire::report(content, report))),
    }
}
