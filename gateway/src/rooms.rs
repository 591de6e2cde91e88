//! Which chat rooms have members at this gateway.
//!
//! A room's channel is listened to while it has local members. Lines carry offsets, so a line that was missed shows as a
//! hole, and the log is read again from the last one had; head counts are absolute. What may have been missed without a
//! trace is made good by [`Rooms::resync`].

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use backplane::{Channel, RoomId, Subscription};
use futures::StreamExt;
use parking_lot::Mutex;
use proto::chat::v1::{HistoryRequest, HistoryResponse, LeaveRequest, ReassertRequest, Room, Seat as ClaimedSeat};
use proto::common::v1::{Caller, ChatMessage, ChatPresence};
use service_kit::telemetry::GaugeGuard;
use service_kit::{Fault, FaultKind, TaskGroup};

use crate::bus::Announcer;
use crate::chair::{Chair, Hole, Told};
use crate::clients::{Clients, answer};
use crate::delivery::Line;
use crate::owed::Owed;
use crate::packet;
use crate::resync::Demand;
use crate::shape::{MessageShape, PresenceShape};

/// Members put back in one call.
const PUT_BACK_AT_ONCE: usize = 500;

/// Logs read, and leaves said, at once.
const ASKED_AT_ONCE: usize = 8;

/// Gates by which beginning and ending to listen are kept in order, each for its share of the rooms.
const GATES: usize = 64;

/// The rooms with members here.
pub(crate) struct Rooms {
    gateway: String,
    clients: Clients,
    subscription: Arc<Subscription>,
    tasks: TaskGroup,
    demand: Demand,
    rooms: Mutex<HashMap<String, LocalRoom>>,
    owed: Owed,
    /// Beginning and ending to listen to one room happen one after the other.
    gates: [tokio::sync::Mutex<()>; GATES],
}

/// A room with members here.
struct LocalRoom {
    chairs: Vec<Arc<Chair>>,
    /// How many are in it in the whole world, as far as its members here were told.
    count: u32,
    /// Raised whenever the count is told: one told while another was asked for is the newer of the two.
    count_version: u64,
    _alive: GaugeGuard,
}

impl Rooms {
    /// No rooms yet, at the gateway that speaks by this announcer. Under its name, which is that of this start alone,
    /// members are held: those of an earlier start are dead.
    pub(crate) fn new(
        announcer: &Announcer,
        clients: Clients,
        subscription: Arc<Subscription>,
        tasks: TaskGroup,
        demand: Demand,
    ) -> Arc<Self> {
        let gates = std::array::from_fn(|_| tokio::sync::Mutex::new(()));
        Arc::new(Self {
            gateway: announcer.name().to_string(),
            clients,
            subscription,
            tasks,
            demand,
            rooms: Mutex::default(),
            owed: Owed::new(),
            gates,
        })
    }

    /// Seats a member who has heard everything up to `last`. What is said is held until [`open`](Self::open).
    pub(crate) async fn sit(
        &self,
        line: Arc<Line>,
        caller: Caller,
        name: String,
        room: &Room,
        last: u64,
    ) -> Result<Arc<Chair>, Fault> {
        let chair = Arc::new(Chair::new(line, caller, name, room, last));
        let _gate = self.gate(&room.id).lock().await;
        if !self.rooms.lock().contains_key(&room.id)
            && let Err(fault) = self.subscription.add(&channel(&room.id)?).await
        {
            self.stop_listening(&room.id).await;
            return Err(fault.into());
        }
        let mut rooms = self.rooms.lock();
        rooms.entry(room.id.clone()).or_insert_with(|| LocalRoom::new(room.count)).chairs.push(Arc::clone(&chair));
        Ok(chair)
    }

    /// Takes a member's chair away.
    pub(crate) async fn rise(&self, chair: &Arc<Chair>) {
        chair.leave();
        let _gate = self.gate(&chair.room).lock().await;
        let empty = {
            let mut rooms = self.rooms.lock();
            let Some(room) = rooms.get_mut(&chair.room) else { return };
            room.chairs.retain(|other| !Arc::ptr_eq(other, chair));
            let empty = room.chairs.is_empty();
            if empty {
                rooms.remove(&chair.room);
            }
            empty
        };
        if empty {
            self.stop_listening(&chair.room).await;
        }
    }

    /// Says that a player has left a room; `now`: without grace. What can't be said now is said later.
    pub(crate) async fn leave(&self, caller: &Caller, room: &str, now: bool) {
        let request = LeaveRequest { caller: Some(caller.clone()), room: room.to_owned(), now };
        if self.say_leave(request).await.is_err() {
            self.owe_leave(caller, room, now);
        }
    }

    /// Has a leave said by the next resync.
    pub(crate) fn owe_leave(&self, caller: &Caller, room: &str, now: bool) {
        let request = LeaveRequest { caller: Some(caller.clone()), room: room.to_owned(), now };
        self.owed.add(caller.account_id.clone(), request);
        self.demand.now("leave_owed");
    }

    /// Fails only where trying again can help.
    async fn say_leave(&self, request: LeaveRequest) -> Result<(), Fault> {
        match answer(self.clients.chat().leave(request).await) {
            Err(fault) if fault.is_temporary() => Err(fault),
            Err(fault) => {
                tracing::warn!(error = ?fault, "room not left");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// Says every leave that is owed.
    async fn say_owed(&self) -> Result<(), Fault> {
        let leaves = self.owed.take().into_iter().map(|(account, request)| async move {
            let said = self.say_leave(request.clone()).await;
            if said.is_err() {
                self.owed.give_back(account, request);
            }
            said
        });
        let outcomes: Vec<_> = futures::stream::iter(leaves).buffer_unordered(ASKED_AT_ONCE).collect().await;
        outcomes.into_iter().collect()
    }

    /// Passes on what a first reading of the log brought, and lets talk pass from then on.
    pub(crate) fn open(self: &Arc<Self>, chair: &Arc<Chair>, history: &HistoryResponse) {
        if chair.open(history) == Err(Hole) {
            self.read_again(vec![Arc::clone(chair)]);
        }
    }

    /// The lines of a member's room after an offset.
    pub(crate) async fn history(
        &self,
        chair: &Arc<Chair>,
        after: Option<u64>,
        epoch: String,
    ) -> Result<HistoryResponse, Fault> {
        let request = HistoryRequest { caller: Some(chair.caller.clone()), room: chair.room.clone(), after, epoch };
        self.as_member(chair, || async { answer(self.clients.chat().history(request.clone()).await) }).await
    }

    /// Carries out what only members may do. A member that was lost, as with the memory of the shared server, is put back
    /// first.
    pub(crate) async fn as_member<T, W>(&self, chair: &Arc<Chair>, act: impl Fn() -> W) -> Result<T, Fault>
    where
        W: Future<Output = Result<T, Fault>>,
    {
        match act().await {
            Err(fault) if fault.because() == Some("not_in_room") && !chair.is_left() => {
                self.demand.now("member_lost");
                self.put_back(std::slice::from_ref(chair)).await?;
                act().await
            }
            outcome => outcome,
        }
    }

    /// A line was said.
    pub(crate) fn said(self: &Arc<Self>, message: &ChatMessage) {
        let packet = packet::event("chat:message", &MessageShape::of(message));
        let position = Some((Arc::from(message.epoch.as_str()), message.offset));
        let chairs = self.rooms.lock().get(&message.room).map(|room| room.chairs.clone()).unwrap_or_default();
        self.tell(chairs, &Told { packet: packet.into(), position });
    }

    /// Somebody came or went, or the count was told again.
    pub(crate) fn presence(self: &Arc<Self>, presence: &ChatPresence) {
        let chairs = {
            let mut rooms = self.rooms.lock();
            let Some(room) = rooms.get_mut(&presence.room) else { return };
            room.count_version += 1;
            let known = std::mem::replace(&mut room.count, presence.count) == presence.count;
            if known && presence.joined.is_none() && presence.left.is_none() {
                return;
            }
            room.chairs.clone()
        };
        self.tell(chairs, &presence_told(presence));
    }

    /// Makes good what may have been missed: who left is gone, members are where they are held, hear what follows on
    /// their last line, and know how many they are.
    pub(crate) async fn resync(self: &Arc<Self>) -> Result<(), Fault> {
        // Room by room: a room whose members are put back in one call tells its count once.
        let mut chairs: Vec<_> = self.rooms.lock().values().flat_map(|room| &room.chairs).cloned().collect();
        for portion in chairs.chunks(PUT_BACK_AT_ONCE) {
            self.put_back(portion).await?;
        }
        self.say_owed().await?;
        chairs.retain(|chair| chair.hold());
        self.read(chairs).await
    }

    /// Says to chat-svc where these members are, and to them how many there are.
    async fn put_back(&self, chairs: &[Arc<Chair>]) -> Result<(), Fault> {
        let seats = chairs.iter().map(|chair| ClaimedSeat {
            caller: Some(chair.caller.clone()),
            name: chair.name.clone(),
            room: chair.room.clone(),
        });
        let request = ReassertRequest { gateway: self.gateway.clone(), seats: seats.collect() };
        let versions = self.count_versions(chairs);
        let answered = answer(self.clients.chat().reassert(request).await);
        // Whoever left meanwhile may have been put back after that, or is yet to be.
        for chair in chairs.iter().filter(|chair| chair.is_left()) {
            self.owe_leave(&chair.caller, &chair.room, false);
        }
        let rooms: HashMap<String, Room> = answered?.rooms.into_iter().map(|room| (room.id.clone(), room)).collect();
        rooms.values().for_each(|room| self.count_answered(room, versions.get(room.id.as_str()).copied()));
        Ok(())
    }

    /// The versions at which the counts of these members' rooms are now.
    fn count_versions<'a>(&self, chairs: &'a [Arc<Chair>]) -> HashMap<&'a str, u64> {
        let rooms = self.rooms.lock();
        let version = |room: &str| rooms.get(room).map(|room| room.count_version);
        chairs.iter().filter_map(|chair| Some((chair.room.as_str(), version(&chair.room)?))).collect()
    }

    /// The head count answered for a question asked at `version`; dropped if the room has been told of another since.
    fn count_answered(&self, answered: &Room, version: Option<u64>) {
        let chairs = {
            let mut rooms = self.rooms.lock();
            let room = rooms.get_mut(&answered.id).filter(|room| Some(room.count_version) == version);
            let Some(room) = room else { return };
            if std::mem::replace(&mut room.count, answered.count) == answered.count {
                return;
            }
            room.chairs.clone()
        };
        let Room { id, count, capacity, .. } = answered.clone();
        let presence = ChatPresence { room: id, count, capacity, joined: None, left: None };
        let told = presence_told(&presence);
        // What is no line leaves no hole.
        chairs.iter().for_each(|chair| _ = chair.hear(&told));
    }

    fn tell(self: &Arc<Self>, mut chairs: Vec<Arc<Chair>>, told: &Told) {
        chairs.retain(|chair| chair.hear(told) == Err(Hole));
        if !chairs.is_empty() {
            self.read_again(chairs);
        }
    }

    /// Reads for members of one room what they missed.
    fn read_again(self: &Arc<Self>, mut chairs: Vec<Arc<Chair>>) {
        chairs.retain(|chair| chair.hold());
        let rooms = Arc::clone(self);
        self.tasks.spawn("chat-read-again", async move {
            if let Err(fault) = rooms.read(chairs).await {
                tracing::warn!(error = ?fault, "room log not read again");
                rooms.demand.now("log_away");
            }
        });
    }

    /// Reads the logs for members who are held, once for all that stand at one position.
    async fn read(self: &Arc<Self>, chairs: Vec<Arc<Chair>>) -> Result<(), Fault> {
        let mut positions: HashMap<_, Vec<_>> = HashMap::new();
        for chair in chairs {
            positions.entry((chair.room.clone(), chair.stands_at())).or_default().push(chair);
        }
        let readings = positions.into_iter().map(|((_, (epoch, last)), chairs)| self.read_for(chairs, epoch, last));
        let outcomes: Vec<_> = futures::stream::iter(readings).buffer_unordered(ASKED_AT_ONCE).collect().await;
        outcomes.into_iter().collect()
    }

    /// Reads for members of one room who stand at one position. Any of them may ask who is still a member.
    async fn read_for(self: &Arc<Self>, chairs: Vec<Arc<Chair>>, epoch: String, last: u64) -> Result<(), Fault> {
        for asking in &chairs {
            match self.history(asking, Some(last), epoch.clone()).await {
                Ok(history) => {
                    let again: Vec<_> = chairs.into_iter().filter(|chair| chair.open(&history) == Err(Hole)).collect();
                    if !again.is_empty() {
                        self.read_again(again);
                    }
                    return Ok(());
                }
                // The player has another connection by now, which sits elsewhere.
                Err(fault) if is_elsewhere(&fault) => asking.release(),
                Err(fault) => {
                    chairs.iter().for_each(|chair| chair.release());
                    return Err(fault);
                }
            }
        }
        Ok(())
    }

    fn gate(&self, room: &str) -> &tokio::sync::Mutex<()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(room);
        &self.gates[usize::try_from(hash % GATES as u64).unwrap_or_default()]
    }

    async fn stop_listening(&self, room: &str) {
        let Ok(channel) = channel(room) else { return };
        if let Err(fault) = self.subscription.remove(&channel).await {
            // Lines nobody here wants go on arriving until the connection is made anew: waste, no harm.
            tracing::warn!(error = %fault, "room channel not left");
        }
    }
}

impl LocalRoom {
    fn new(count: u32) -> Self {
        let alive = GaugeGuard::new(metrics::gauge!("gateway_rooms"));
        Self { chairs: Vec::new(), count, count_version: 0, _alive: alive }
    }
}

fn is_elsewhere(fault: &Fault) -> bool {
    fault.kind() == FaultKind::Unauthenticated || fault.because() == Some("not_in_room")
}

fn presence_told(presence: &ChatPresence) -> Told {
    Told { packet: packet::event("chat:presence", &PresenceShape::of(presence)).into(), position: None }
}

fn channel(room: &str) -> Result<Channel, Fault> {
    let room = RoomId::parse(room).ok_or_else(|| Fault::internal("a room without a proper name"))?;
    Ok(Channel::Room(room))
}
