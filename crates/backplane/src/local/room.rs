//! One room: its members, those on their way out, and its log.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bytes::Bytes;
use service_kit::telemetry::GaugeGuard;
use tokio::time::Instant;

use super::log::Log;
use super::once::Once;
use crate::rooms::{Member, RoomId, Standing};

/// A room with at least one member.
pub(super) struct Room {
    capacity: u32,
    seats: BTreeMap<String, Seat>,
    pub(super) log: Log,
    pub(super) once: Once,
    _counted: GaugeGuard,
}

/// A member and, if it is on its way out, when and with which words.
pub(super) struct Seat {
    pub(super) member: Member,
    pub(super) leaving: Option<(Instant, Bytes)>,
    _counted: GaugeGuard,
}

impl Room {
    /// A room that takes `capacity`; for a moment, nobody is in it.
    pub(super) fn new(id: &RoomId, capacity: u32) -> Self {
        let counted = GaugeGuard::new(metrics::gauge!("backplane_rooms", "kind" => id.kind_name().to_owned()));
        Self { capacity, seats: BTreeMap::new(), log: Log::new(), once: Once::default(), _counted: counted }
    }

    /// How many are in it.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.seats.len()).unwrap_or(u32::MAX)
    }

    /// Whether it takes one more.
    pub(super) fn has_space(&self) -> bool {
        self.count() < self.capacity
    }

    /// How it stands, under its name.
    pub(super) fn standing(&self, id: &RoomId) -> Standing {
        Standing { room: id.clone(), head: self.log.head(), count: self.count(), capacity: self.capacity }
    }

    /// Everybody, by id.
    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        self.seats.values().map(|seat| &seat.member)
    }

    /// The seat of `member`.
    pub(super) fn seat(&self, member: &str) -> Option<&Seat> {
        self.seats.get(member)
    }

    /// The seat of `member`, unless a newer connection than this one has taken it.
    pub(super) fn seat_held_by(&mut self, member: &str, connection: u64) -> Option<&mut Seat> {
        self.seats.get_mut(member).filter(|seat| seat.member.connection <= connection)
    }

    /// Gives `member` a seat. One who has a seat already takes it over, unless with a lower connection number.
    /// Answers when the seat it took over was to be left.
    pub(super) fn sit(&mut self, id: &RoomId, member: Member) -> Option<Instant> {
        match self.seats.entry(member.id.clone()) {
            Entry::Occupied(seat) if seat.get().member.connection > member.connection => None,
            Entry::Occupied(mut seat) => {
                seat.get_mut().member = member;
                seat.get_mut().leaving.take().map(|(due, _)| due)
            }
            Entry::Vacant(place) => {
                let counted =
                    GaugeGuard::new(metrics::gauge!("backplane_members", "kind" => id.kind_name().to_owned()));
                place.insert(Seat { member, leaving: None, _counted: counted });
                None
            }
        }
    }

    /// Takes the seat of `member` away.
    pub(super) fn stand_up(&mut self, member: &str) -> Option<Seat> {
        self.seats.remove(member)
    }
}
