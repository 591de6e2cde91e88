//! What waits for one client, bounded in bytes.
//!
//! A pure machine: no socket, no task, no clock. Items go in as they happen and come out as the window allows; past the
//! bound, consecutive frames of a battle become one digest. The newest frame stays as it is: it may turn out to be the
//! battle's last, and that one is never collapsed. Neither is anything that isn't a frame.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engineioxide::Str;
use proto::battle::v1::Frame;

use super::digest::{Digest, Told};

/// How many bytes may be handed to the transport and not yet written. Small enough that the library's queue never
/// fills with the shortest packets there are, large enough for a fast client.
const WINDOW: usize = 64 * 1024;

/// A battle as one client follows it.
#[derive(Debug)]
pub(crate) struct Track {
    /// The battle's id, as text.
    pub(crate) battle: String,
    seen: AtomicU64,
}

/// Something to be sent.
#[derive(Debug)]
pub(super) enum Item {
    /// A packet, ready to go. With a track, it stands for frames up to that number.
    Packet(Str, Option<(Arc<Track>, u64)>),
    /// A frame.
    Frame(Arc<Track>, Told),
    /// Frames told as one.
    Digest(Arc<Track>, Box<Digest>),
}

/// The bound is reached by what must not be collapsed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

/// The outbox of one client.
#[derive(Debug)]
pub(super) struct Outbox {
    waiting: VecDeque<Item>,
    /// Bytes of what waits, estimated for frames.
    bytes: usize,
    bound: usize,
    /// Bytes handed to the transport and not yet written.
    flying: usize,
    digested: u64,
}

impl Track {
    /// A battle of which nothing has been sent yet.
    pub(crate) fn new(battle: String) -> Arc<Self> {
        Arc::new(Self { battle, seen: AtomicU64::new(0) })
    }

    /// The client has had everything up to `seq` from elsewhere.
    pub(crate) fn had(&self, seq: u64) {
        self.saw(seq);
    }

    /// The last frame handed to the transport, in whatever form.
    pub(crate) fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    fn saw(&self, seq: u64) {
        self.seen.fetch_max(seq, Ordering::Relaxed);
    }
}

impl Item {
    /// Bytes it stands for while it waits. A frame's JSON is made when it is sent: until then, an estimate from its vitals
    /// and events.
    fn weight(&self) -> usize {
        match self {
            Self::Packet(text, _) => text.len(),
            Self::Frame(_, told) => 400 + 100 * told.frame.events.len(),
            Self::Digest(_, digest) => 512 + 96 * digest.summary.items.len(),
        }
    }

    /// Notes that it is on its way.
    pub(super) fn left(&self) {
        match self {
            Self::Packet(_, None) => {}
            Self::Packet(_, Some((track, seq))) => track.saw(*seq),
            Self::Frame(track, told) => track.saw(told.frame.seq),
            Self::Digest(track, digest) => track.saw(digest.to),
        }
    }

    fn digest(&self) -> Option<(&Arc<Track>, Digest)> {
        match self {
            Self::Packet(..) => None,
            Self::Frame(track, told) => Some((track, Digest::of(told))),
            Self::Digest(track, digest) => Some((track, (**digest).clone())),
        }
    }

    fn is_frame(&self) -> bool {
        matches!(self, Self::Frame(..))
    }
}

impl Outbox {
    /// An empty outbox that collapses past `bound` bytes.
    pub(super) fn new(bound: usize) -> Self {
        Self { waiting: VecDeque::new(), bytes: 0, bound, flying: 0, digested: 0 }
    }

    /// Puts an item in. `Overflow` when more than twice the bound was waiting before, collapsed as it was: then the
    /// client has not read for so long that the rest is told better after it came back.
    pub(super) fn push(&mut self, item: Item) -> Result<(), Overflow> {
        if self.bytes > 2 * self.bound {
            return Err(Overflow);
        }
        self.bytes += item.weight();
        self.waiting.push_back(item);
        if self.bytes > self.bound {
            self.collapse();
        }
        Ok(())
    }

    /// A frame and the number of ticks it took.
    pub(super) fn push_frame(&mut self, track: &Arc<Track>, frame: Arc<Frame>, ticks: u64) -> Result<(), Overflow> {
        self.push(Item::Frame(Arc::clone(track), Told { frame, ticks }))
    }

    /// The next item, if the window is open.
    pub(super) fn next(&mut self) -> Option<Item> {
        if self.flying >= WINDOW {
            return None;
        }
        let item = self.waiting.pop_front()?;
        self.bytes -= item.weight();
        if self.waiting.is_empty() && self.waiting.capacity() > 64 {
            self.waiting = VecDeque::new();
        }
        Some(item)
    }

    /// Notes bytes handed to the transport.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.flying += bytes;
    }

    /// Notes bytes written. The transport writes a little more than it was handed (framing, pings), so that the count
    /// is back at nothing whenever the transport has nothing left.
    pub(super) fn written(&mut self, bytes: usize) {
        self.flying = self.flying.saturating_sub(bytes);
    }

    /// The transport has changed and took over what was in flight.
    pub(super) fn forget_flight(&mut self) {
        self.flying = 0;
    }

    /// Nothing waits and nothing is in flight.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.flying == 0
    }

    /// Throws everything away: the client is gone.
    pub(super) fn clear(&mut self) {
        self.waiting = VecDeque::new();
        self.bytes = 0;
        self.flying = 0;
    }

    /// Bytes waiting.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many frames have been collapsed since this was last asked.
    pub(super) fn take_digested(&mut self) -> u64 {
        mem::take(&mut self.digested)
    }

    fn collapse(&mut self) {
        let newest = self.waiting.iter().rposition(Item::is_frame);
        let mut kept: VecDeque<Item> = VecDeque::with_capacity(self.waiting.len());
        for (place, item) in mem::take(&mut self.waiting).into_iter().enumerate() {
            let merged = Some(place) != newest && merge(kept.back_mut(), &item);
            if merged {
                self.digested += u64::from(item.is_frame());
            } else {
                kept.push_back(item);
            }
        }
        self.bytes = kept.iter().map(Item::weight).sum();
        self.waiting = kept;
    }
}

/// Makes `last` stand for `item` too, if both are frames of one battle that follow each other.
fn merge(last: Option<&mut Item>, item: &Item) -> bool {
    let Some(last) = last else { return false };
    let (Some((track, mut sum)), Some((other, next))) = (last.digest(), item.digest()) else { return false };
    if !Arc::ptr_eq(track, other) || !sum.add(&next) {
        return false;
    }
    *last = Item::Digest(Arc::clone(track), Box::new(sum));
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::digest::tests::frame;
    use super::*;

    fn track() -> Arc<Track> {
        Track::new("b".into())
    }

    fn packet(text: &str) -> Item {
        Item::Packet(text.to_owned().into(), None)
    }

    fn drain(outbox: &mut Outbox) -> Vec<Item> {
        std::iter::from_fn(|| outbox.next()).collect()
    }

    /// The numbers each item stands for.
    fn spans(items: &[Item]) -> Vec<(u64, u64)> {
        items.iter().filter_map(|item| item.digest().map(|(_, digest)| (digest.from, digest.to))).collect()
    }

    #[test]
    fn below_the_bound_everything_stays_as_it_is() {
        let (mut outbox, track) = (Outbox::new(1 << 20), track());
        (1..=10).for_each(|seq| outbox.push_frame(&track, frame(seq), 1).unwrap());
        let items = drain(&mut outbox);
        assert!(items.iter().all(Item::is_frame));
        assert_eq!(items.len(), 10);
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn past_the_bound_all_frames_but_the_newest_are_told_as_one() {
        let (mut outbox, track) = (Outbox::new(2_000), track());
        (1..=1_000).for_each(|seq| outbox.push_frame(&track, frame(seq), 1).unwrap());
        assert!(outbox.bytes() <= 2_000);
        let items = drain(&mut outbox);
        let spans = spans(&items);
        assert_eq!(spans.first().unwrap().0, 1);
        assert!(items.last().unwrap().is_frame());
        assert!(items.len() < 10, "{spans:?}");
    }

    #[test]
    fn what_is_no_frame_keeps_its_place_and_its_shape() {
        let (mut outbox, track) = (Outbox::new(1_500), track());
        (1..=20).for_each(|seq| outbox.push_frame(&track, frame(seq), 1).unwrap());
        outbox.push(packet("chat")).unwrap();
        (21..=40).for_each(|seq| outbox.push_frame(&track, frame(seq), 1).unwrap());
        let items = drain(&mut outbox);
        let place = items.iter().position(|item| matches!(item, Item::Packet(text, _) if &**text == "chat")).unwrap();
        assert!(spans(&items[..place]).iter().all(|(_, to)| *to <= 20));
        assert!(spans(&items[place..]).iter().all(|(from, _)| *from > 20));
    }

    #[test]
    fn two_battles_are_never_mixed() {
        let mut outbox = Outbox::new(100_000);
        let (one, other) = (track(), track());
        outbox.push_frame(&one, frame(1), 1).unwrap();
        outbox.push_frame(&other, frame(2), 1).unwrap();
        outbox.push_frame(&one, frame(3), 1).unwrap();
        outbox.collapse();
        assert_eq!(spans(&drain(&mut outbox)), [(1, 1), (2, 2), (3, 3)]);
    }

    #[test]
    fn a_client_that_reads_nothing_but_is_told_much_overflows() {
        let mut outbox = Outbox::new(1_000);
        let text = "x".repeat(100);
        let overflowed = (0..22).any(|_| outbox.push(packet(&text)).is_err());
        assert!(overflowed);
    }

    #[test]
    fn one_large_answer_is_never_too_large() {
        let mut outbox = Outbox::new(1_000);
        outbox.push(packet(&"x".repeat(100_000))).unwrap();
        assert_eq!(outbox.push(packet("y")), Err(Overflow));
    }

    #[test]
    fn the_window_closes_and_opens() {
        let mut outbox = Outbox::new(1 << 20);
        outbox.push(packet("a")).unwrap();
        outbox.sent(WINDOW);
        assert!(outbox.next().is_none());
        outbox.written(1);
        assert!(outbox.next().is_some());
        assert!(!outbox.is_idle());
        outbox.written(2 * WINDOW);
        assert!(outbox.is_idle());
    }

    #[test]
    fn what_left_is_seen() {
        let (mut outbox, track) = (Outbox::new(1 << 20), track());
        outbox.push_frame(&track, frame(1), 1).unwrap();
        assert_eq!(track.seen(), 0);
        outbox.next().unwrap().left();
        assert_eq!(track.seen(), 1);
    }

    proptest! {
        /// Whatever the bound and however the client reads, each number comes out once and in order.
        #[test]
        fn no_number_is_lost_or_doubled(bound in 2_000usize..20_000, reads in proptest::collection::vec(0usize..4, 1..200)) {
            let (mut outbox, track) = (Outbox::new(bound), track());
            let mut out = Vec::new();
            for (seq, read) in (1..).zip(&reads) {
                prop_assert_eq!(outbox.push_frame(&track, frame(seq), 1), Ok(()));
                out.extend(std::iter::from_fn(|| outbox.next()).take(*read));
            }
            out.extend(drain(&mut outbox));
            let mut next = 1;
            for (from, to) in spans(&out) {
                prop_assert_eq!(from, next);
                next = to + 1;
            }
            prop_assert_eq!(next, reads.len() as u64 + 1);
            prop_assert!(out.last().unwrap().is_frame());
        }
    }
}
