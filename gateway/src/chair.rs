//! One player's place in a chat room at this gateway, and what the player has heard there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engineioxide::Str;
use parking_lot::Mutex;
use proto::chat::v1::{HistoryResponse, Room};
use proto::common::v1::Caller;

use crate::delivery::Line;
use crate::shape::MessageShape;

/// How much is kept for a member who isn't being told yet.
const HELD: usize = 256;

/// A member of a room at this gateway.
pub(crate) struct Chair {
    /// For whom.
    pub(crate) caller: Caller,
    /// The name of the player's character.
    pub(crate) name: String,
    /// The room.
    pub(crate) room: String,
    line: Arc<Line>,
    heard: Mutex<Heard>,
    left: AtomicBool,
}

struct Heard {
    epoch: String,
    last: u64,
    held: Option<Held>,
}

/// What must wait until the member has been told where it stands.
#[derive(Default)]
struct Held {
    told: Vec<Told>,
    /// The last of what is no line, where there was no space for it: head counts, each of which makes up for those before.
    count: Option<Told>,
    /// Whether something was missed that the reading under way may not bring.
    again: bool,
}

/// Something said or seen in a room, with its packet made once for everybody.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) packet: Str,
    /// The position in the log; none for what isn't in it.
    pub(crate) position: Option<(Arc<str>, u64)>,
}

/// A line is missing before the one that came, or may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hole;

impl Chair {
    /// A place of `caller`, whose character has this `name`, in `room`, of which everything up to `last` was heard. Talk
    /// is held until [`open`](Self::open).
    pub(crate) fn new(line: Arc<Line>, caller: Caller, name: String, room: &Room, last: u64) -> Self {
        let heard = Heard { epoch: room.epoch.clone(), last, held: Some(Held::default()) };
        let (room, heard, left) = (room.id.clone(), Mutex::new(heard), AtomicBool::new(false));
        Self { caller, name, room, line, heard, left }
    }

    /// Passes on what a reading of the log brings, then what was held, and lets talk pass from then on; a hole when the
    /// log has to be read once more.
    pub(crate) fn open(&self, history: &HistoryResponse) -> Result<(), Hole> {
        let mut heard = self.heard.lock();
        // Without one the reading was given up, and lines may have passed since; or the player is gone.
        let Some(held) = heard.held.take().filter(|_| !self.is_left()) else { return Ok(()) };
        if heard.epoch != history.epoch {
            heard.epoch.clone_from(&history.epoch);
            heard.last = 0;
        }
        for message in &history.messages {
            if message.offset > heard.last {
                heard.last = message.offset;
                self.line.event("chat:message", &MessageShape::of(message));
            }
        }
        // Also below what was heard: then the memory of the shared server went back.
        heard.last = history.head;
        self.pass_held(&mut heard, &held)
    }

    /// Where the member stands in the log.
    pub(crate) fn stands_at(&self) -> (String, u64) {
        let heard = self.heard.lock();
        (heard.epoch.clone(), heard.last)
    }

    /// Tells the member, or keeps it for later.
    pub(crate) fn hear(&self, told: &Told) -> Result<(), Hole> {
        let mut heard = self.heard.lock();
        if self.is_left() {
            return Ok(());
        }
        let Some(held) = &mut heard.held else { return self.pass(&mut heard, told) };
        if held.told.len() < HELD {
            held.told.push(told.clone());
        } else if told.position.is_none() {
            held.count = Some(told.clone());
        } else {
            held.again = true;
        }
        Ok(())
    }

    /// Holds talk back; false when it is already, for a reading that is then to be done once more.
    pub(crate) fn hold(&self) -> bool {
        let mut heard = self.heard.lock();
        match &mut heard.held {
            Some(held) => {
                held.again = true;
                false
            }
            free => {
                *free = Some(Held::default());
                true
            }
        }
    }

    /// Gives a reading up, and passes on what was held: lines up to the hole, which the next one shows again, and all that is
    /// no line, since nobody tells it again.
    pub(crate) fn release(&self) {
        let mut heard = self.heard.lock();
        let held = heard.held.take().filter(|_| !self.is_left()).unwrap_or_default();
        _ = self.pass_held(&mut heard, &held);
    }

    /// The player has left it, and is told nothing more of it.
    pub(crate) fn leave(&self) {
        let _heard = self.heard.lock();
        self.left.store(true, Ordering::SeqCst);
    }

    /// Whether the player has left it.
    pub(crate) fn is_left(&self) -> bool {
        self.left.load(Ordering::SeqCst)
    }

    /// What is no line passes behind a hole, too: nobody tells it again.
    fn pass_held(&self, heard: &mut Heard, held: &Held) -> Result<(), Hole> {
        let mut hole = held.again;
        for told in held.told.iter().chain(&held.count) {
            hole |= self.pass(heard, told).is_err();
        }
        if hole { Err(Hole) } else { Ok(()) }
    }

    fn pass(&self, heard: &mut Heard, told: &Told) -> Result<(), Hole> {
        if let Some((epoch, offset)) = &told.position {
            if **epoch != *heard.epoch || *offset > heard.last + 1 {
                return Err(Hole);
            }
            if *offset <= heard.last {
                return Ok(());
            }
            heard.last = *offset;
        }
        self.line.packet(told.packet.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proto::common::v1::ChatMessage;

    use super::*;
    use crate::packet;

    fn chair(last: u64) -> (Chair, Arc<Line>) {
        let line = Line::to_nowhere();
        let room = Room { id: "lobby-1".into(), epoch: "e".into(), ..Room::default() };
        (Chair::new(Arc::clone(&line), Caller::default(), "Ann".into(), &room, last), line)
    }

    fn message(offset: u64) -> ChatMessage {
        ChatMessage { epoch: "e".into(), offset, ..ChatMessage::default() }
    }

    fn said(epoch: &str, offset: u64) -> Told {
        let message = ChatMessage { epoch: epoch.into(), offset, ..ChatMessage::default() };
        let packet = packet::event("chat:message", &MessageShape::of(&message));
        Told { packet: packet.into(), position: Some((epoch.into(), offset)) }
    }

    fn history(offsets: impl IntoIterator<Item = u64>, head: u64) -> HistoryResponse {
        let messages = offsets.into_iter().map(message).collect();
        HistoryResponse { epoch: "e".into(), messages, head, recovered: true, count: 1 }
    }

    fn told(line: &Line) -> Vec<u64> {
        line.told_events().iter().map(|(_, value)| value["offset"].as_u64().unwrap()).collect()
    }

    #[test]
    fn lines_pass_once_and_in_order_after_the_opening() {
        let (chair, line) = chair(2);
        assert!(chair.hear(&said("e", 4)).is_ok());
        assert!(told(&line).is_empty());
        assert!(chair.open(&history([3, 4], 4)).is_ok());
        assert!(chair.hear(&said("e", 4)).is_ok());
        assert!(chair.hear(&said("e", 5)).is_ok());
        assert_eq!(told(&line), [3, 4, 5]);
    }

    #[test]
    fn who_has_left_is_told_nothing_more() {
        let (gone, line) = chair(0);
        assert!(gone.open(&history([], 0)).is_ok());
        assert!(gone.hold());
        assert!(gone.hear(&said("e", 1)).is_ok());
        gone.leave();
        assert!(gone.hear(&said("e", 2)).is_ok());
        assert!(gone.open(&history([1, 2], 2)).is_ok());
        gone.release();
        assert!(told(&line).is_empty());
    }

    #[test]
    fn a_hole_and_a_new_life_of_the_log_are_noticed() {
        let (chair, line) = chair(0);
        assert!(chair.open(&history([], 0)).is_ok());
        assert!(chair.hear(&said("e", 2)).is_err());
        assert!(chair.hear(&said("other", 1)).is_err());
        assert!(told(&line).is_empty());
        assert!(chair.hold());
        assert!(chair.open(&history([1, 2], 2)).is_ok());
        assert_eq!(told(&line), [1, 2]);
    }

    #[test]
    fn a_log_that_went_back_is_heard_from_its_head_on() {
        let (chair, line) = chair(9);
        assert!(chair.open(&history([1, 2], 2)).is_ok());
        assert!(chair.hear(&said("e", 3)).is_ok());
        assert_eq!(told(&line), [3]);
    }

    #[test]
    fn a_reading_that_is_given_up_loses_nothing_but_lines_behind_the_hole() {
        let (chair, line) = chair(0);
        let packet = packet::event("chat:presence", &serde_json::json!({ "offset": 99 }));
        let count = Told { packet: packet.into(), position: None };
        for held in [said("e", 1), said("e", 3), count.clone()] {
            assert!(chair.hear(&held).is_ok());
        }
        chair.release();
        assert_eq!(told(&line), [1, 99]);
        assert!(chair.hear(&said("e", 4)).is_err(), "the hole is still there");

        assert!(chair.hold());
        assert!((0..=HELD).all(|_| chair.hear(&said("e", 4)).is_ok()) && chair.hear(&count).is_ok());
        assert_eq!(chair.open(&history([2], 2)), Err(Hole), "three is missing");
        assert_eq!(told(&line), [2, 99]);
    }

    #[test]
    fn what_is_missed_during_a_reading_has_the_log_read_once_more() {
        let (first, line) = chair(0);
        assert!(!first.hold(), "it is being read");
        assert_eq!(first.open(&history([1], 1)), Err(Hole));
        assert_eq!(told(&line), [1], "what came is told all the same");
        assert!(first.hold());
        assert!(first.open(&history([], 1)).is_ok());

        let (other, line) = chair(0);
        assert!(other.hear(&said("e", 3)).is_ok());
        assert_eq!(other.open(&history([1], 1)), Err(Hole), "between the reading and what was held one is missing");
        assert_eq!(told(&line), [1]);

        let (full, _line) = chair(0);
        for offset in 1..=HELD as u64 + 1 {
            assert!(full.hear(&said("e", offset)).is_ok());
        }
        assert_eq!(full.open(&history([], 0)), Err(Hole), "not all could be held");
    }
}
