//! All rooms, who sits where, and who is due to leave when. Three tables that change together, so nothing outside this
//! file changes one of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use bytes::Bytes;
use tokio::time::Instant;

use super::room::{Room, Seat};
use crate::rooms::{Left, Member, RoomId, RoomKind, Standing};

/// Every room of every kind.
#[derive(Default)]
pub(super) struct Registry {
    rooms: BTreeMap<RoomId, Room>,
    /// Who sits where, by kind and member.
    places: HashMap<(String, String), RoomId>,
    /// Who is due to leave, soonest first.
    due: BTreeSet<(Instant, RoomId, String)>,
    /// The highest number given to a room so far.
    last_number: u64,
}

impl Registry {
    /// The room of this name.
    pub(super) fn room(&self, id: &RoomId) -> Option<&Room> {
        self.rooms.get(id)
    }

    /// The room of this name, to write its log.
    pub(super) fn room_mut(&mut self, id: &RoomId) -> Option<&mut Room> {
        self.rooms.get_mut(id)
    }

    /// Every room of a kind.
    pub(super) fn of_kind(&self, kind: RoomKind) -> impl Iterator<Item = (&RoomId, &Room)> {
        self.rooms.iter().filter(move |(id, _)| id.is(kind))
    }

    /// Where `member` sits among the rooms of a kind.
    pub(super) fn place(&self, kind: &str, member: &str) -> Option<&RoomId> {
        self.places.get(&(kind.to_owned(), member.to_owned()))
    }

    /// The room of `kind` a newcomer goes into, which may not be there yet.
    pub(super) fn choose(&mut self, kind: RoomKind, prefer: Option<&RoomId>) -> RoomId {
        let preferred = prefer.filter(|id| id.is(kind) && self.rooms.get(id).is_some_and(Room::has_space));
        if let Some(id) = preferred {
            return id.clone();
        }
        let fullest = self.of_kind(kind).filter(|(_, room)| room.has_space()).max_by_key(|(_, room)| room.count());
        match fullest {
            Some((id, _)) => id.clone(),
            None => {
                self.last_number += 1;
                kind.room(self.last_number)
            }
        }
    }

    /// Seats `member` in the room, made if it is not there, and answers how the room stands.
    pub(super) fn seat(&mut self, id: &RoomId, capacity: u32, member: Member) -> Standing {
        let name = member.id.clone();
        self.last_number = self.last_number.max(id.number());
        let room = self.rooms.entry(id.clone()).or_insert_with(|| Room::new(id, capacity));
        if let Some(due) = room.sit(id, member) {
            self.due.remove(&(due, id.clone(), name.clone()));
        }
        let standing = room.standing(id);
        self.places.insert((id.kind_name().to_owned(), name), id.clone());
        standing
    }

    /// Takes `member` out, if `connection` is not older than the one it sits there with, and answers with the words
    /// that were kept for it.
    pub(super) fn unseat(&mut self, id: &RoomId, member: &str, connection: u64) -> Option<(Left, Option<Bytes>)> {
        let room = self.rooms.get_mut(id)?;
        room.seat_held_by(member, connection)?;
        let Seat { member, leaving, .. } = room.stand_up(member)?;
        let count = room.count();
        if count == 0 {
            self.rooms.remove(id);
        }
        self.places.remove(&(id.kind_name().to_owned(), member.id.clone()));
        let words = leaving.map(|(due, words)| {
            self.due.remove(&(due, id.clone(), member.id.clone()));
            words
        });
        Some((Left { room: id.clone(), member, count }, words))
    }

    /// Notes that `member` is to leave at `due`, with these words.
    pub(super) fn note_leaving(
        &mut self,
        id: &RoomId,
        member: &str,
        connection: u64,
        due: Instant,
        words: Bytes,
    ) -> bool {
        let Some(seat) = self.rooms.get_mut(id).and_then(|room| room.seat_held_by(member, connection)) else {
            return false;
        };
        if seat.leaving.is_none() {
            seat.leaving = Some((due, words));
            self.due.insert((due, id.clone(), member.to_owned()));
        }
        true
    }

    /// Who of `kind` is due to leave by `now`, at most `limit`, soonest first.
    pub(super) fn due(&self, kind: RoomKind, now: Instant, limit: usize) -> Vec<(RoomId, String)> {
        let over = self.due.iter().take_while(|(due, ..)| *due <= now);
        over.filter(|(_, id, _)| id.is(kind)).take(limit).map(|(_, id, member)| (id.clone(), member.clone())).collect()
    }

    /// Lets go of entries, and of the keys of entries, that are too old.
    pub(super) fn prune_logs(&mut self, now_ms: u64) {
        for room in self.rooms.values_mut() {
            room.log.prune(now_ms);
            room.once.prune(now_ms);
        }
    }

    /// Whether nothing at all is kept.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.rooms.is_empty() && self.places.is_empty() && self.due.is_empty()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("rooms", &self.rooms.len()).field("members", &self.places.len()).finish()
    }
}
