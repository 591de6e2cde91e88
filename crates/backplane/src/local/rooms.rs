//! Rooms in memory. What is published is published under the registry's lock, so that its order is the order of what
//! happened.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::Local;
use super::room::Room;
use crate::bus::{Channel, Stamp};
use crate::fault::Result;
use crate::rooms::{
    Appended, Entered, LONGEST_GRACE, Leaving, Left, Member, Once, Page, Position, RoomId, RoomKind, Rooms, Standing,
};

impl Local {
    fn tell(&self, room: &RoomId, stamp: Stamp, payload: &Bytes) {
        self.bus.publish(&Channel::Room(room.clone()), stamp, payload);
    }

    /// Called under the registry's lock, so that entries are published in the order of their offsets.
    fn write(&self, id: &RoomId, room: &mut Room, payload: &Bytes) -> Appended {
        let appended = room.log.append(self.clock.now_ms(), payload.clone());
        self.tell(id, Stamp::Appended(appended), payload);
        appended
    }
}

#[async_trait]
impl Rooms for Local {
    async fn enter(
        &self,
        kind: RoomKind,
        capacity: u32,
        member: Member,
        prefer: Option<&RoomId>,
        announcement: Bytes,
    ) -> Result<Entered> {
        let mut rooms = self.rooms.lock();
        let present = rooms.place(kind.name(), &member.id).cloned();
        let newcomer = present.is_none();
        let id = present.unwrap_or_else(|| rooms.choose(kind, prefer));
        let standing = rooms.seat(&id, capacity, member);
        if newcomer {
            self.tell(&id, Stamp::Count(standing.count), &announcement);
        }
        Ok(Entered { standing, newcomer })
    }

    async fn leave(&self, room: &RoomId, member: &str, connection: u64, announcement: Bytes) -> Result<Option<Left>> {
        let mut rooms = self.rooms.lock();
        let left = rooms.unseat(room, member, connection).map(|(left, _kept_words)| left);
        if let Some(left) = &left {
            self.tell(room, Stamp::Count(left.count), &announcement);
        }
        Ok(left)
    }

    async fn mark_leaving(
        &self,
        room: &RoomId,
        member: &str,
        connection: u64,
        grace: Duration,
        announcement: Bytes,
    ) -> Result<bool> {
        let due = Instant::now() + grace.min(LONGEST_GRACE);
        Ok(self.rooms.lock().note_leaving(room, member, connection, due, announcement))
    }

    async fn mark_all_leaving(&self, room: &RoomId, leaving: Vec<Leaving>, grace: Duration) -> Result<()> {
        let due = Instant::now() + grace.min(LONGEST_GRACE);
        let mut rooms = self.rooms.lock();
        for Leaving { member, connection, announcement } in leaving {
            rooms.note_leaving(room, &member, connection, due, announcement);
        }
        Ok(())
    }

    async fn take_due_leaves(&self, kind: RoomKind, limit: usize) -> Result<Vec<Left>> {
        let mut rooms = self.rooms.lock();
        let due = rooms.due(kind, Instant::now(), limit);
        let gone = due.iter().filter_map(|(room, member)| rooms.unseat(room, member, u64::MAX)).map(|(left, words)| {
            self.tell(&left.room, Stamp::Count(left.count), &words.unwrap_or_default());
            left
        });
        Ok(gone.collect())
    }

    async fn find(&self, kind: RoomKind, member: &str) -> Result<Option<(RoomId, Member)>> {
        let rooms = self.rooms.lock();
        let found = rooms.place(kind.name(), member).and_then(|id| {
            let seat = rooms.room(id)?.seat(member)?;
            Some((id.clone(), seat.member.clone()))
        });
        Ok(found)
    }

    async fn members(&self, room: &RoomId) -> Result<Vec<Member>> {
        let rooms = self.rooms.lock();
        Ok(rooms.room(room).map(|room| room.members().cloned().collect()).unwrap_or_default())
    }

    async fn standing(&self, room: &RoomId) -> Result<Option<Standing>> {
        Ok(self.rooms.lock().room(room).map(|found| found.standing(room)))
    }

    async fn rooms(&self, kind: RoomKind) -> Result<Vec<Standing>> {
        Ok(self.rooms.lock().of_kind(kind).map(|(id, room)| room.standing(id)).collect())
    }

    async fn append(&self, room: &RoomId, payload: Bytes) -> Result<Option<Appended>> {
        let mut rooms = self.rooms.lock();
        Ok(rooms.room_mut(room).map(|found| self.write(room, found, &payload)))
    }

    async fn append_once(&self, room: &RoomId, key: &str, payload: Bytes) -> Result<Option<Once>> {
        let mut rooms = self.rooms.lock();
        let Some(found) = rooms.room_mut(room) else { return Ok(None) };
        if let Some(first) = found.once.answer(key, self.clock.now_ms()) {
            return Ok(Some(Once { appended: first, again: true }));
        }
        let appended = self.write(room, found, &payload);
        found.once.keep(key, appended);
        Ok(Some(Once { appended, again: false }))
    }

    async fn read(&self, room: &RoomId, after: Option<Position>, limit: usize) -> Result<Option<Page>> {
        let now_ms = self.clock.now_ms();
        let mut rooms = self.rooms.lock();
        Ok(rooms.room_mut(room).map(|found| {
            found.log.prune(now_ms);
            let (entries, recovered) = found.log.read(after, limit);
            Page { standing: found.standing(room), entries, recovered }
        }))
    }

    async fn gateways(&self, kind: RoomKind) -> Result<Vec<String>> {
        let rooms = self.rooms.lock();
        let members = rooms.of_kind(kind).flat_map(|(_, room)| room.members());
        let gateways: BTreeSet<&str> = members.map(|member| member.gateway.as_str()).collect();
        Ok(gateways.into_iter().map(str::to_owned).collect())
    }

    async fn reassert(&self, members: Vec<(RoomId, u32, Member)>, announcement: Bytes) -> Result<Vec<Standing>> {
        let mut rooms = self.rooms.lock();
        let mut counts = HashMap::new();
        let mut seated = Vec::with_capacity(members.len());
        for (claimed, capacity, member) in members {
            // Where a member already sits wins over where its gateway remembers it: it may have moved meanwhile.
            let id = rooms.place(claimed.kind_name(), &member.id).cloned().unwrap_or(claimed);
            counts.entry(id.clone()).or_insert_with(|| rooms.room(&id).map_or(0, Room::count));
            rooms.seat(&id, capacity, member);
            seated.push(id);
        }
        // How they stand when all are seated; a room that has more than before is told so once.
        let standings: Vec<_> = seated.iter().filter_map(|id| Some(rooms.room(id)?.standing(id))).collect();
        for standing in &standings {
            if counts.insert(standing.room.clone(), standing.count) != Some(standing.count) {
                self.tell(&standing.room, Stamp::Count(standing.count), &announcement);
            }
        }
        Ok(standings)
    }
}
