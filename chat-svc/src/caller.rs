//! For whom a request acts.

use backplane::RoomId;
use vocab::{AccountId, CharacterName};

/// A player's connection as the gateway that holds it vouches for, or an internal tool's word for a player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The account.
    pub(crate) account: AccountId,
    /// Its session epoch.
    pub(crate) epoch: u64,
    /// Number of the connection; 0 for an internal tool, which is not fenced.
    pub(crate) connection: u64,
}

/// Somebody who is about to be in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// Through which connection.
    pub(crate) caller: Caller,
    /// What the others see.
    pub(crate) name: CharacterName,
    /// The gateway that holds the connection.
    pub(crate) gateway: String,
}

/// Somebody whom a gateway holds in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seat {
    /// Through which connection.
    pub(crate) caller: Caller,
    /// What the others see.
    pub(crate) name: CharacterName,
    /// Where.
    pub(crate) room: RoomId,
}
