//! The lobby: who is in which room, and how long the others wait before they are told that somebody left.
//!
//! The backplane changes members and head count and tells the room in one step; what is decided here is which room
//! (never more than [`CAPACITY`] in one), with which words, and when.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use backplane::{Backplane, BackplaneFault, Leaving, Member, RoomId, RoomKind, Standing};
use service_kit::Fault;
use vocab::AccountId;

use crate::caller::{Caller, Seat, Visitor};
use crate::wire::{self, News};

/// The kind of room everybody is in who is nowhere else.
pub(crate) const LOBBY: RoomKind = RoomKind::new("lobby");
/// Members of a lobby at most.
pub(crate) const CAPACITY: u32 = 100;
/// How long a member may be away before the others are told: a reconnect makes no noise.
pub(crate) const GRACE: Duration = Duration::from_secs(15);
/// Leaves taken from the backplane at once.
const DUE_AT_ONCE: usize = 100;

/// The lobbies of this world.
#[derive(Clone)]
pub(crate) struct Lobby {
    plane: Arc<dyn Backplane>,
    publisher: Arc<str>,
}

impl Lobby {
    /// The lobbies on this backplane, as told by `publisher`.
    pub(crate) fn new(plane: Arc<dyn Backplane>, publisher: Arc<str>) -> Self {
        Self { plane, publisher }
    }

    /// Brings a player in: back to the room it has not left yet, else to `wanted` while that stands and has space,
    /// else to the fullest with space.
    pub(crate) async fn join(&self, visitor: Visitor, wanted: Option<&RoomId>) -> Result<Standing, BackplaneFault> {
        let news = wire::envelope(&self.publisher, News::Joined { name: visitor.name.as_str() });
        let member = Member {
            id: member_id(visitor.caller.account),
            name: visitor.name.as_str().to_owned(),
            gateway: visitor.gateway,
            connection: visitor.caller.connection,
        };
        let entered = self.plane.enter(LOBBY, CAPACITY, member, wanted, news).await?;
        if entered.newcomer {
            metrics::counter!("chat_joined_total").increment(1);
        }
        Ok(entered.standing)
    }

    /// Puts players back where `gateway` holds them, and says how the rooms stand in which they are now.
    pub(crate) async fn reassert(&self, gateway: &str, seats: Vec<Seat>) -> Result<Vec<Standing>, BackplaneFault> {
        let members = seats.into_iter().map(|seat| {
            let member = Member {
                id: member_id(seat.caller.account),
                name: seat.name.as_str().to_owned(),
                gateway: gateway.to_owned(),
                connection: seat.caller.connection,
            };
            (seat.room, CAPACITY, member)
        });
        let news = wire::envelope(&self.publisher, News::Counted);
        self.plane.reassert(members.collect(), news).await
    }

    /// Lets everybody go whom one of these gateways holds, after the grace: they are dead.
    pub(crate) async fn leave_ghosts(&self, dead: &HashSet<String>) -> Result<(), BackplaneFault> {
        for Standing { room, .. } in self.plane.rooms(LOBBY).await? {
            let members = self.plane.members(&room).await?.into_iter();
            let ghosts = members.filter(|member| dead.contains(&member.gateway)).map(|ghost| Leaving {
                announcement: wire::envelope(&self.publisher, News::Left { name: &ghost.name }),
                member: ghost.id,
                connection: ghost.connection,
            });
            self.plane.mark_all_leaving(&room, ghosts.collect(), GRACE).await?;
        }
        Ok(())
    }

    /// Lets a player go after the grace, or `now`, from this room or whichever it is in. Nothing happens when it is not
    /// there or a newer connection is.
    pub(crate) async fn leave(&self, caller: Caller, room: Option<&RoomId>, now: bool) -> Result<(), BackplaneFault> {
        let id = member_id(caller.account);
        let found = self.plane.find(LOBBY, &id).await?;
        let Some((room, member)) = found.filter(|(place, _)| room.is_none_or(|room| room == place)) else {
            return Ok(());
        };
        let news = wire::envelope(&self.publisher, News::Left { name: &member.name });
        // An internal tool has no connection: its word counts whatever connection the player has.
        let connection = if caller.connection == 0 { u64::MAX } else { caller.connection };
        if !now {
            self.plane.mark_leaving(&room, &id, connection, GRACE, news).await?;
        } else if self.plane.leave(&room, &id, connection, news).await?.is_some() {
            count_left(1);
        }
        Ok(())
    }

    /// Refuses a player who is not in `room`.
    pub(crate) async fn require_member(&self, caller: Caller, room: &RoomId) -> Result<(), Fault> {
        match self.member(room, &member_id(caller.account)).await? {
            Some(_) => Ok(()),
            None => Err(not_in_room()),
        }
    }

    /// Takes out everybody whose grace is over; of all processes that ask, one does it and tells the room.
    pub(crate) async fn end_graces(&self) -> Result<(), BackplaneFault> {
        loop {
            let left = self.plane.take_due_leaves(LOBBY, DUE_AT_ONCE).await?.len();
            count_left(left);
            if left < DUE_AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Shows how many rooms and members there are in the whole world.
    pub(crate) async fn measure(&self) -> Result<(), BackplaneFault> {
        let rooms = self.plane.rooms(LOBBY).await?;
        let members: u32 = rooms.iter().map(|room| room.count).sum();
        metrics::gauge!("chat_rooms").set(u32::try_from(rooms.len()).unwrap_or(u32::MAX));
        metrics::gauge!("chat_members").set(members);
        Ok(())
    }

    async fn member(&self, room: &RoomId, id: &str) -> Result<Option<Member>, BackplaneFault> {
        let found = self.plane.find(LOBBY, id).await?;
        Ok(found.filter(|(place, _)| place == room).map(|(_, member)| member))
    }
}

/// The refusal of somebody who speaks or listens where they are not.
pub(crate) fn not_in_room() -> Fault {
    Fault::precondition("not-in-room").reason("not_in_room")
}

fn member_id(account: AccountId) -> String {
    account.to_string()
}

fn count_left(members: usize) {
    metrics::counter!("chat_left_total").increment(members as u64);
}

impl std::fmt::Debug for Lobby {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lobby").field("publisher", &self.publisher).finish_non_exhaustive()
    }
}
