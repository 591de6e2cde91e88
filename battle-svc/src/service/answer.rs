//! Answers put together for the wire.

use proto::battle::v1 as pb;
use service_kit::time::millis;

use crate::battle::Attached;
use crate::battles::Answer;
use crate::missed::Missed;
use crate::past::Past;
use crate::placement::Peer;
use crate::view::View;
use crate::wire;

/// A battle as it stands.
pub(super) fn battle(view: &View) -> pb::Battle {
    wire::battle(view.ruleset.content(), view)
}

/// What a look at a battle answers, and who has it.
pub(super) fn get((view, owner): (View, String)) -> pb::GetBattleResponse {
    pb::GetBattleResponse { battle: Some(battle(&view)), owner, epoch: view.epoch }
}

/// What the end of a battle answers.
pub(super) fn ended(view: &View) -> pb::EndResponse {
    pb::EndResponse { battle: Some(battle(view)) }
}

/// What an attachment answers.
pub(super) fn attach(answer: &Answer) -> pb::AttachResponse {
    let (view, missed) = seen(answer);
    let (frames, report) = told(&view, missed);
    let end = match answer {
        Answer::Live(_) => None,
        Answer::Over(past, _) => end(past),
    };
    let (battle, epoch) = (Some(battle(&view)), view.epoch);
    pb::AttachResponse { battle, epoch, frames, report, end, ..Default::default() }
}

/// What an attachment answers that is to be asked for elsewhere.
pub(super) fn redirect(peer: Peer) -> pb::AttachResponse {
    let redirect_alone_ms = millis(peer.irreplaceable_for);
    pb::AttachResponse { redirect: peer.address, redirect_alone_ms, ..Default::default() }
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

/// Frames, or a report in their place.
fn told(view: &View, missed: &Missed) -> (Vec<pb::Frame>, Option<pb::Report>) {
    let content = view.ruleset.content();
    match missed {
        Missed::Frames(frames) => (frames.iter().map(|frame| wire::frame(content, frame)).collect(), None),
        Missed::Report(report) => (Vec::new(), Some(wire::report(content, report))),
    }
}
