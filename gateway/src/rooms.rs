//! Who at this gateway sits in which chat room, and what each has heard.
//!
//! A room's channel is listened to while it has local members. Lines carry offsets, so a line that was missed shows as a
//! hole, and the log is read again from the last one had.

use std::collections::HashMap;
use std::sync::Arc;

use backplane::{Channel, RoomId, Subscription};
use parking_lot::Mutex;
use proto::chat::v1::{HistoryRequest, HistoryResponse, Room};
use proto::common::v1::{Caller, ChatMessage, ChatPresence};
use service_kit::telemetry::GaugeGuard;
use service_kit::{Fault, TaskGroup};

use crate::clients::{Clients, answer};
use crate::delivery::Line;
use crate::packet;
use crate::shape::{MessageShape, PresenceShape};

/// How much is kept for a member who isn't being told yet.
const HELD: usize = 256;

/// A member of a room at this gateway.
pub(crate) struct Chair {
    /// For whom.
    pub(crate) caller: Caller,
    /// The room.
    pub(crate) room: String,
    line: Arc<Line>,
    heard: Mutex<Heard>,
}

struct Heard {
    epoch: String,
    last: u64,
    /// What must wait until the member has been told where it stands.
    held: Option<Vec<Told>>,
}

/// Something said or seen in a room, with its packet made once for everybody.
#[derive(Clone)]
struct Told {
    packet: Arc<str>,
    /// The place in the log; none for what isn't in it.
    place: Option<(Arc<str>, u64)>,
}

/// The rooms with members here.
pub(crate) struct Rooms {
    clients: Clients,
    subscription: Arc<Subscription>,
    tasks: TaskGroup,
    rooms: Mutex<HashMap<String, Vec<Arc<Chair>>>>,
    /// Beginning and ending to listen happen one after the other.
    gate: tokio::sync::Mutex<()>,
    alive: Mutex<HashMap<String, GaugeGuard>>,
}

impl Rooms {
    /// No rooms yet.
    pub(crate) fn new(clients: Clients, subscription: Arc<Subscription>, tasks: TaskGroup) -> Arc<Self> {
        Arc::new(Self {
            clients,
            subscription,
            tasks,
            rooms: Mutex::default(),
            gate: tokio::sync::Mutex::new(()),
            alive: Mutex::default(),
        })
    }

    /// Seats a member who has heard everything up to `last`. What is said is held until [`Chair::open`].
    pub(crate) async fn sit(
        &self,
        line: Arc<Line>,
        caller: Caller,
        room: &Room,
        last: u64,
    ) -> Result<Arc<Chair>, Fault> {
        let heard = Heard { epoch: room.epoch.clone(), last, held: Some(Vec::new()) };
        let chair = Arc::new(Chair { caller, room: room.id.clone(), line, heard: Mutex::new(heard) });
        let _gate = self.gate.lock().await;
        if !self.rooms.lock().contains_key(&room.id) {
            self.subscription.add(&channel(&room.id)?).await?;
            let alive = GaugeGuard::new(metrics::gauge!("gateway_rooms"));
            self.alive.lock().insert(room.id.clone(), alive);
        }
        self.rooms.lock().entry(room.id.clone()).or_default().push(Arc::clone(&chair));
        Ok(chair)
    }

    /// Takes a member's chair away.
    pub(crate) async fn rise(&self, chair: &Arc<Chair>) {
        let _gate = self.gate.lock().await;
        let empty = {
            let mut rooms = self.rooms.lock();
            let Some(chairs) = rooms.get_mut(&chair.room) else { return };
            chairs.retain(|other| !Arc::ptr_eq(other, chair));
            let empty = chairs.is_empty();
            if empty {
                rooms.remove(&chair.room);
            }
            empty
        };
        if empty {
            self.alive.lock().remove(&chair.room);
            self.stop_listening(&chair.room).await;
        }
    }

    /// The lines of a member's room after an offset.
    pub(crate) async fn history(
        &self,
        chair: &Chair,
        after: Option<u64>,
        epoch: String,
    ) -> Result<HistoryResponse, Fault> {
        let request = HistoryRequest { caller: Some(chair.caller.clone()), room: chair.room.clone(), after, epoch };
        answer(self.clients.chat().history(request).await)
    }

    /// A line was said.
    pub(crate) fn said(self: &Arc<Self>, message: &ChatMessage) {
        let packet = packet::event("chat:message", &MessageShape::of(message));
        let place = Some((Arc::from(message.epoch.as_str()), message.offset));
        self.tell(&message.room, &Told { packet: packet.into(), place });
    }

    /// Somebody came or went.
    pub(crate) fn presence(self: &Arc<Self>, presence: &ChatPresence) {
        let packet = packet::event("chat:presence", &PresenceShape::of(presence));
        self.tell(&presence.room, &Told { packet: packet.into(), place: None });
    }

    /// Something may have been missed: every member hears again what follows on its last line.
    pub(crate) fn resync(self: &Arc<Self>) {
        let chairs: Vec<_> = self.rooms.lock().values().flatten().cloned().collect();
        chairs.into_iter().for_each(|chair| self.read_again(chair));
    }

    fn tell(self: &Arc<Self>, room: &str, told: &Told) {
        let chairs = self.rooms.lock().get(room).cloned().unwrap_or_default();
        for chair in chairs {
            if chair.hear(told).is_err() {
                self.read_again(chair);
            }
        }
    }

    fn read_again(self: &Arc<Self>, chair: Arc<Chair>) {
        if !chair.hold() {
            return;
        }
        let rooms = Arc::clone(self);
        self.tasks.spawn("chat-resync", async move {
            let (epoch, last) = chair.stands_at();
            match rooms.history(&chair, Some(last), epoch).await {
                Ok(history) => chair.open(&history),
                // The member left, or the log is away: what is said next shows the hole again.
                Err(fault) => {
                    tracing::warn!(error = ?fault, "room log not read again");
                    chair.release();
                }
            }
        });
    }

    async fn stop_listening(&self, room: &str) {
        let Ok(channel) = channel(room) else { return };
        if let Err(fault) = self.subscription.remove(&channel).await {
            // Lines nobody here wants go on arriving until the connection is made anew: waste, no harm.
            tracing::warn!(error = %fault, "room channel not left");
        }
    }
}

/// A line is missing before the one that came.
struct Hole;

impl Chair {
    /// Passes on what a reading of the log brings, then what was held, and lets talk pass from then on.
    pub(crate) fn open(&self, history: &HistoryResponse) {
        let mut heard = self.heard.lock();
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
        heard.last = heard.last.max(history.head);
        for told in heard.held.take().unwrap_or_default() {
            self.pass(&mut heard, &told);
        }
    }

    /// Where the member stands in the log.
    pub(crate) fn stands_at(&self) -> (String, u64) {
        let heard = self.heard.lock();
        (heard.epoch.clone(), heard.last)
    }

    fn hear(&self, told: &Told) -> Result<(), Hole> {
        let mut heard = self.heard.lock();
        if let Some(held) = &mut heard.held {
            if held.len() < HELD {
                held.push(told.clone());
            }
            return Ok(());
        }
        match &told.place {
            Some((epoch, offset)) if **epoch != *heard.epoch || *offset > heard.last + 1 => Err(Hole),
            _ => {
                self.pass(&mut heard, told);
                Ok(())
            }
        }
    }

    fn pass(&self, heard: &mut Heard, told: &Told) {
        if let Some((epoch, offset)) = &told.place {
            if **epoch == *heard.epoch && *offset <= heard.last {
                return;
            }
            heard.epoch = epoch.to_string();
            heard.last = *offset;
        }
        self.line.packet(told.packet.to_string());
    }

    /// Holds talk back; false when it already is.
    fn hold(&self) -> bool {
        let mut heard = self.heard.lock();
        let free = heard.held.is_none();
        heard.held.get_or_insert_default();
        free
    }

    fn release(&self) {
        self.heard.lock().held = None;
    }
}

fn channel(room: &str) -> Result<Channel, Fault> {
    let room = RoomId::parse(room).ok_or_else(|| Fault::internal("a room without a proper name"))?;
    Ok(Channel::Room(room))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chair(last: u64) -> (Chair, Arc<Line>) {
        let line = Line::to_nowhere();
        let heard = Heard { epoch: "e".into(), last, held: Some(Vec::new()) };
        let chair = Chair {
            caller: Caller::default(),
            room: "lobby-1".into(),
            line: Arc::clone(&line),
            heard: Mutex::new(heard),
        };
        (chair, line)
    }

    fn message(offset: u64) -> ChatMessage {
        ChatMessage { epoch: "e".into(), offset, ..ChatMessage::default() }
    }

    fn said(epoch: &str, offset: u64) -> Told {
        let message = ChatMessage { epoch: epoch.into(), offset, ..ChatMessage::default() };
        let packet = packet::event("chat:message", &MessageShape::of(&message));
        Told { packet: packet.into(), place: Some((epoch.into(), offset)) }
    }

    fn history(offsets: impl IntoIterator<Item = u64>, head: u64) -> HistoryResponse {
        let messages = offsets.into_iter().map(message).collect();
        HistoryResponse { epoch: "e".into(), messages, head, recovered: true }
    }

    fn told(line: &Line) -> Vec<u64> {
        line.told_events().iter().map(|(_, value)| value["offset"].as_u64().unwrap()).collect()
    }

    #[test]
    fn lines_pass_once_and_in_order_after_the_opening() {
        let (chair, line) = chair(2);
        assert!(chair.hear(&said("e", 4)).is_ok());
        assert!(told(&line).is_empty());
        chair.open(&history([3, 4], 4));
        assert!(chair.hear(&said("e", 4)).is_ok());
        assert!(chair.hear(&said("e", 5)).is_ok());
        assert_eq!(told(&line), [3, 4, 5]);
    }

    #[test]
    fn a_hole_and_a_new_life_of_the_log_are_noticed() {
        let (chair, line) = chair(0);
        chair.open(&history([], 0));
        assert!(chair.hear(&said("e", 2)).is_err());
        assert!(chair.hear(&said("other", 1)).is_err());
        assert!(told(&line).is_empty());
        assert!(chair.hold() && !chair.hold());
        chair.open(&history([1, 2], 2));
        assert_eq!(told(&line), [1, 2]);
    }
}
