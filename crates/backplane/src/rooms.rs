//! Rooms: who is in them, and what was said in them.
//!
//! Members and log belong together because they change together: each operation below changes membership, count and
//! log and publishes what it did on [`Channel::Room`](crate::Channel::Room) in one step, so that no reader sees one
//! without the other and of two racing writers the order is the same for everybody.
//!
//! A room comes into being with its first member and vanishes, log and all, with its last. A log has a random epoch of
//! its own, so that an offset into a log that is gone is noticed.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::fault::Result;

/// How many entries of a room's log are kept at most.
pub const LOG_ENTRIES: usize = 200;

/// How many keys of entries that were appended once are remembered for each room.
pub const ONCE_KEYS: usize = 1_024;

/// How long an entry, or the key it was appended under, is kept at most.
pub const LOG_AGE: Duration = Duration::from_secs(24 * 3600);

/// The longest grace a leave can have.
pub const LONGEST_GRACE: Duration = Duration::from_secs(60);

/// A kind of rooms, such as `lobby`. A member is in at most one room of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomKind(&'static str);

/// A room's name: its kind, a hyphen, and a number that no other room of this backplane gets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(String);

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who: unique within a kind of rooms.
    pub id: String,
    /// What others call them.
    pub name: String,
    /// The gateway that holds their connection.
    pub gateway: String,
    /// The connection's number: of two operations for one member, the one with the lower number comes too late.
    pub connection: u64,
}

/// A place in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Which life of the room. Below 2^53, so that every JSON reader can hold it.
    pub epoch: u64,
    /// Which entry; the first has 1.
    pub offset: u64,
}

/// How a room stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which room.
    pub room: RoomId,
    /// The life of its log and its last entry; offset 0 while nothing was said.
    pub head: Position,
    /// How many are in it.
    pub count: u32,
    /// How many it takes.
    pub capacity: u32,
}

/// The answer to coming in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// The room one is in now.
    pub standing: Standing,
    /// Whether one was not in it before: a member who comes back within the grace is no newcomer, and nothing is
    /// announced.
    pub newcomer: bool,
}

/// Somebody is gone from a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Which room.
    pub room: RoomId,
    /// Who.
    pub member: Member,
    /// How many are left. At zero the room is gone too.
    pub count: u32,
}

/// One entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number, rising by one.
    pub offset: u64,
    /// When it was appended, in milliseconds since the epoch, by the backplane's clock.
    pub at_ms: u64,
    /// What was appended.
    pub payload: Bytes,
}

/// Where and when an entry was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Where.
    pub position: Position,
    /// When, in milliseconds since the epoch, by the backplane's clock.
    pub at_ms: u64,
}

/// The answer to appending under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Once {
    /// Where and when the first entry under the key was appended.
    pub appended: Appended,
    /// Whether that was before: nothing was appended now.
    pub again: bool,
}

/// Somebody who is to leave a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Who.
    pub member: String,
    /// With which connection.
    pub connection: u64,
    /// What is told then.
    pub announcement: Bytes,
}

/// A stretch of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How the room stands.
    pub standing: Standing,
    /// Entries in order, without a hole between them.
    pub entries: Vec<Entry>,
    /// Whether they follow without a hole on the place that was asked for. Otherwise they are the latest there are.
    pub recovered: bool,
}

/// Keeps rooms.
#[async_trait]
pub trait Rooms: Send + Sync + 'static {
    /// Brings `member` into a room of `kind`: the one it is in already, else `prefer` if it has space, else the fullest
    /// that has space, else a new one that takes `capacity`. A newcomer is announced with `announcement`, stamped with
    /// the count.
    ///
    /// A higher connection number takes over the place and calls a leave off; a lower one changes nothing.
    async fn enter(
        &self,
        kind: RoomKind,
        capacity: u32,
        member: Member,
        prefer: Option<&RoomId>,
        announcement: Bytes,
    ) -> Result<Entered>;

    /// Takes a member out at once and announces it. `None`, and nothing happens, when it is not there or came back with
    /// a higher connection number.
    async fn leave(&self, room: &RoomId, member: &str, connection: u64, announcement: Bytes) -> Result<Option<Left>>;

    /// Lets a member leave `grace` from now, at most [`LONGEST_GRACE`], unless it enters again before. `false` when it is not
    /// there or came back with a higher connection number. Once more keeps the earlier time.
    async fn mark_leaving(
        &self,
        room: &RoomId,
        member: &str,
        connection: u64,
        grace: Duration,
        announcement: Bytes,
    ) -> Result<bool>;

    /// Does as [`mark_leaving`](Self::mark_leaving) for many members of one room.
    async fn mark_all_leaving(&self, room: &RoomId, leaving: Vec<Leaving>, grace: Duration) -> Result<()>;

    /// Takes out up to `limit` members of rooms of `kind` whose grace is over and announces each; the answer goes to
    /// one caller alone, whoever asks.
    async fn take_due_leaves(&self, kind: RoomKind, limit: usize) -> Result<Vec<Left>>;

    /// The room of `kind` that `member` is in, and its record there.
    async fn find(&self, kind: RoomKind, member: &str) -> Result<Option<(RoomId, Member)>>;

    /// Everybody in a room, by id; nobody when it is gone.
    async fn members(&self, room: &RoomId) -> Result<Vec<Member>>;

    /// How a room stands; `None` when it is gone.
    async fn standing(&self, room: &RoomId) -> Result<Option<Standing>>;

    /// Every room of a kind, by id.
    async fn rooms(&self, kind: RoomKind) -> Result<Vec<Standing>>;

    /// Appends to a room's log and publishes the entry, stamped with its place. `None` when the room is gone.
    async fn append(&self, room: &RoomId, payload: Bytes) -> Result<Option<Appended>>;

    /// Appends like [`append`](Self::append), but under one `key` only once: later calls get the first one's answer,
    /// and nothing is published. A room remembers its last [`ONCE_KEYS`] keys for [`LOG_AGE`].
    async fn append_once(&self, room: &RoomId, key: &str, payload: Bytes) -> Result<Option<Once>>;

    /// Up to `limit` entries that follow `after`; without it, or where entries in between are gone, the latest `limit`,
    /// which are then not `recovered`. `None` when the room is gone.
    async fn read(&self, room: &RoomId, after: Option<Position>, limit: usize) -> Result<Option<Page>>;

    /// Every gateway that holds a member of a room of `kind`, by name.
    async fn gateways(&self, kind: RoomKind) -> Result<Vec<String>>;

    /// Puts members back where their gateway says they are, as after the shared server lost its memory: a room that is
    /// gone comes back under its name with a new epoch, and takes whoever was in it whatever its capacity is; a member
    /// that is there with a higher connection stays as it is. A leave of the same connection is called off. Nobody is
    /// announced by name, but a room with more members than before is told its count, with `announcement`. The answer is
    /// how their rooms stand, in the order of `members`.
    async fn reassert(&self, members: Vec<(RoomId, u32, Member)>, announcement: Bytes) -> Result<Vec<Standing>>;
}

impl RoomKind {
    /// A kind; lower-case letters only.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// The room of this kind with this number.
    #[must_use]
    pub fn room(self, number: u64) -> RoomId {
        RoomId(format!("{}-{number}", self.0))
    }
}

impl RoomId {
    /// A room's name as it came over the wire: letters, hyphen, digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, number) = text.rsplit_once('-')?;
        let fits = !kind.is_empty() && kind.len() <= 16 && kind.bytes().all(|byte| byte.is_ascii_lowercase());
        let canonical = number.parse::<u64>().is_ok_and(|parsed| parsed.to_string() == number);
        (fits && canonical).then(|| Self(text.to_owned()))
    }

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a room of `kind`.
    #[must_use]
    pub fn is(&self, kind: RoomKind) -> bool {
        self.kind_name() == kind.name()
    }

    /// Its number within its kind.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or_default()
    }

    /// The name of its kind.
    #[must_use]
    pub fn kind_name(&self) -> &str {
        self.0.rsplit_once('-').map_or("", |(kind, _)| kind)
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_from_the_wire() {
        let room = RoomKind::new("lobby").room(12);
        assert_eq!(room.as_str(), "lobby-12");
        assert_eq!(RoomId::parse("lobby-12"), Some(room.clone()));
        assert!(room.is(RoomKind::new("lobby")) && !room.is(RoomKind::new("arena")));
    }

    #[test]
    fn other_text_is_no_room() {
        for text in ["", "lobby", "lobby-", "-1", "lobby-01", "lobby-+1", "Lobby-1", "lob by-1", "lobby-1\n"] {
            assert_eq!(RoomId::parse(text), None, "{text:?}");
        }
    }
}
