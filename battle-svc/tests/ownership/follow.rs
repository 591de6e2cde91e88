//! A battle as one client follows it: one stream out of answers and live news, every number once and in order.

use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;
use proto::battle::v1::feed_item::Kind;
use proto::battle::v1::{AttachResponse, Frame};
use proto::common::v1::Caller;
use tokio::time::Instant;

use crate::witness::Witness;

/// Something is missing before the news that came: attach again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gap;

/// Where it is attached: the instance's address and the feed's nonce.
pub(crate) type At = (String, String);

pub(crate) struct Follow {
    pub(crate) client: String,
    pub(crate) battle: String,
    /// For whom, when it is the player's own socket.
    pub(crate) player: Option<Caller>,
    begun: Instant,
    progress: Mutex<Progress>,
    witness: Witness,
}

#[derive(Default)]
struct Progress {
    epoch: u64,
    last: u64,
    /// Whether it says what it has when it comes for the first time.
    says: bool,
    at: Option<At>,
    /// News that must wait for an answer; none while news may pass.
    held: Option<Vec<(u64, Option<Kind>)>>,
    /// When it was attached last.
    opened: Option<Instant>,
    attaching: bool,
    /// The feed broke again meanwhile.
    broken: bool,
    over: bool,
}

impl Follow {
    pub(crate) fn new(
        client: &str,
        battle: &str,
        player: Option<Caller>,
        after: Option<u64>,
        witness: Witness,
    ) -> Arc<Self> {
        let last = after.unwrap_or(0);
        witness.begins(client, battle, after);
        let progress = Progress { last, says: after.is_some(), held: Some(Vec::new()), ..Progress::default() };
        let (client, battle) = (client.to_owned(), battle.to_owned());
        let begun = Instant::now();
        Arc::new(Self { client, battle, player, begun, progress: Mutex::new(progress), witness })
    }

    pub(crate) fn last(&self) -> u64 {
        self.progress.lock().last
    }

    /// Whether it was there before that moment.
    pub(crate) fn is_old(&self, moment: Instant) -> bool {
        self.begun < moment
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.progress.lock().epoch
    }

    pub(crate) fn after(&self) -> Option<u64> {
        let progress = self.progress.lock();
        (progress.says || progress.opened.is_some()).then_some(progress.last)
    }

    pub(crate) fn was_opened(&self) -> bool {
        self.progress.lock().opened.is_some()
    }

    /// When it was attached last.
    pub(crate) fn opened(&self) -> Option<Instant> {
        self.progress.lock().opened
    }

    pub(crate) fn attached(&self) -> Option<At> {
        self.progress.lock().at.clone()
    }

    pub(crate) fn is_at(&self, address: &str) -> bool {
        self.progress.lock().at.as_ref().is_some_and(|(at, _)| at == address)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.progress.lock().over
    }

    pub(crate) fn leave(&self) {
        self.progress.lock().over = true;
    }

    /// The attachment is gone. Whether the caller is to make it again; otherwise somebody is at it.
    pub(crate) fn lost(&self) -> bool {
        let mut progress = self.progress.lock();
        progress.held.get_or_insert_default();
        if progress.attaching {
            progress.broken = true;
            return false;
        }
        progress.attaching = true;
        true
    }

    pub(crate) fn hear(&self, epoch: u64, news: Option<Kind>) -> Result<(), Gap> {
        let mut progress = self.progress.lock();
        if epoch < progress.epoch {
            self.witness.count(|counts| counts.stale_news += 1);
            return Ok(());
        }
        if let Some(held) = &mut progress.held {
            held.push((epoch, news));
            return Ok(());
        }
        self.pass(&mut progress, epoch, news)
    }

    /// Passes on an answer and what was held; `Gap` when it has to be asked for again. `holds` says whether the feed
    /// it was attached to is still open.
    pub(crate) fn open(&self, answer: AttachResponse, at: At, holds: bool) -> Result<(), Gap> {
        let mut progress = self.progress.lock();
        // An owner that was overtaken may not know it yet: its answer is none.
        if progress.over || answer.epoch < progress.epoch {
            return if progress.over { Ok(()) } else { Err(Gap) };
        }
        progress.at = Some(at);
        progress.opened = Some(Instant::now());
        progress.epoch = answer.epoch;
        if let Some(report) = &answer.report {
            self.witness.report(&self.client, &self.battle, report);
            progress.last = progress.last.max(report.to_seq);
        }
        answer.frames.iter().try_for_each(|frame| self.pass_frame(&mut progress, frame))?;
        if let Some(end) = answer.end {
            self.pass(&mut progress, answer.epoch, Some(Kind::End(end)))?;
        }
        for (epoch, news) in progress.held.take().unwrap_or_default() {
            if epoch >= progress.epoch {
                self.pass(&mut progress, epoch, news)?;
            }
        }
        if mem::take(&mut progress.broken) || !holds {
            progress.held = Some(Vec::new());
            return if progress.over { Ok(()) } else { Err(Gap) };
        }
        progress.attaching = false;
        Ok(())
    }

    fn pass(&self, progress: &mut Progress, epoch: u64, news: Option<Kind>) -> Result<(), Gap> {
        progress.epoch = progress.epoch.max(epoch);
        match news {
            Some(Kind::Frames(frames)) => frames.frames.iter().try_for_each(|frame| self.pass_frame(progress, frame)),
            Some(Kind::End(_)) if progress.over => Ok(()),
            Some(Kind::End(end)) if end.seq > progress.last => gap(progress),
            Some(Kind::End(end)) => {
                self.witness.end(&self.client, &self.battle, &end);
                progress.over = true;
                Ok(())
            }
            Some(Kind::Behind(_) | Kind::Moved(_)) | None => Ok(()),
        }
    }

    fn pass_frame(&self, progress: &mut Progress, frame: &Frame) -> Result<(), Gap> {
        if progress.over || frame.seq <= progress.last {
            return Ok(());
        }
        if frame.seq > progress.last + 1 {
            return gap(progress);
        }
        progress.last = frame.seq;
        self.witness.frame(&self.client, &self.battle, frame);
        Ok(())
    }
}

fn gap(progress: &mut Progress) -> Result<(), Gap> {
    progress.held = Some(Vec::new());
    Err(Gap)
}
