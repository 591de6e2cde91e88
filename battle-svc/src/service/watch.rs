//! The stream of one battle's frames, for tools.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::{StreamExt, stream};
use proto::battle::v1 as pb;
use proto::battle::v1::event::Kind;
use service_kit::Fault;
use tonic::{Status, Streaming};
use vocab::BattleId;

use super::{Responses, answer};
use crate::battles::Battles;
use crate::feed::Outlet;
use crate::frame::{Item, News};
use crate::placement::{Hop, Placed};
use crate::wire;

/// One tool's look at one battle.
struct Watch {
    battles: Arc<Battles>,
    id: BattleId,
    outlet: Outlet,
    /// The next frame to be sent.
    next: Option<u64>,
    ready: VecDeque<pb::WatchBattleResponse>,
    over: bool,
}

/// Frames of a battle from `from_seq` on (0: live only), until it ends or is let go of.
///
/// # Errors
/// `out_of_range` when `from_seq` is older than the window, `not_found` for an unknown battle.
pub(super) async fn open(
    battles: Arc<Battles>,
    id: BattleId,
    from_seq: u64,
    hop: Hop,
) -> Result<Placed<Responses<pb::WatchBattleResponse>>, Fault> {
    let outlet = battles.feeds.open_unlisted();
    let next = (from_seq > 0).then_some(from_seq);
    let mut watch = Watch { battles, id, outlet, next, ready: VecDeque::new(), over: false };
    let begun = watch.begin(hop).await?;
    Ok(begun.map(|()| stream::unfold(watch, Watch::respond).boxed()))
}

/// Frames that another instance gives. Should it go amid them, that is `unavailable` like any other move of a battle.
pub(super) fn passed_on(frames: Streaming<pb::WatchBattleResponse>) -> Responses<pb::WatchBattleResponse> {
    frames.map(|response| response.map_err(|status| Fault::from(status).into())).boxed()
}

impl Watch {
    async fn respond(mut self) -> Option<(Result<pb::WatchBattleResponse, Status>, Self)> {
        loop {
            if let Some(response) = self.take_ready() {
                return Some((Ok(response), self));
            }
            if self.over {
                return None;
            }
            if let Err(fault) = self.refill().await {
                self.over = true;
                self.ready.clear();
                return Some((Err(fault.into()), self));
            }
        }
    }

    /// The next response; the last frame waits for the end that belongs to it.
    fn take_ready(&mut self) -> Option<pb::WatchBattleResponse> {
        let first = self.ready.front()?;
        let waits = first.end.is_none() && first.frame.as_ref().is_some_and(is_last);
        if waits && self.ready.len() == 1 && !self.over { None } else { self.ready.pop_front() }
    }

    async fn refill(&mut self) -> Result<(), Fault> {
        let Some(news) = self.outlet.next().await else { return Err(Fault::unavailable("shutting-down")) };
        for item in news {
            self.hear(item).await?;
        }
        Ok(())
    }

    async fn hear(&mut self, item: Item) -> Result<(), Fault> {
        match item.news {
            News::Frame(ruleset, frame) => {
                let response = wire::frame(ruleset.content(), &frame);
                self.push(response);
            }
            News::End(ruleset, end) => self.end(wire::end(ruleset.content(), &end)),
            News::Behind(_) => match self.begin(Hop::Last).await? {
                Placed::Here(()) => {}
                Placed::There(_) => return Err(moved()),
            },
            News::Moved => return Err(moved()),
        }
        Ok(())
    }

    /// Asks for everything from the next frame on.
    async fn begin(&mut self, hop: Hop) -> Result<Placed<()>, Fault> {
        let after = self.next.map(|next| next - 1);
        let watched = match self.battles.watch(&self.outlet.feed(), self.id, after, hop).await? {
            Placed::Here(watched) => watched,
            Placed::There(peer) => return Ok(Placed::There(peer)),
        };
        for frame in &watched.frames {
            self.push(wire::frame(watched.ruleset.content(), frame));
        }
        if let Some(end) = watched.past.as_deref().and_then(answer::end) {
            self.end(end);
        }
        Ok(Placed::Here(()))
    }

    /// Queues a frame, unless it was sent before or is before the first one wanted.
    fn push(&mut self, frame: pb::Frame) {
        if frame.seq >= self.next.unwrap_or(0) {
            self.next = Some(frame.seq + 1);
            self.ready.push_back(pb::WatchBattleResponse { frame: Some(frame), end: None });
        }
    }

    fn end(&mut self, end: pb::End) {
        match self.ready.back_mut() {
            Some(last) => last.end = Some(end),
            None => self.ready.push_back(pb::WatchBattleResponse { frame: None, end: Some(end) }),
        }
        self.over = true;
    }
}

fn moved() -> Fault {
    Fault::unavailable("battle-moved").reason("battle_moved")
}

fn is_last(frame: &pb::Frame) -> bool {
    frame.events.iter().any(|event| matches!(event.kind, Some(Kind::Stop(_))))
}
