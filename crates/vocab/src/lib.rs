//! Words of the game that are parsed once and valid ever after.
//!
//! A value of a type from here needs no second check anywhere. No I/O, no wire format, no store: the services turn
//! their own shapes into these words at their doors.

mod id;
mod name;
mod password;

pub use id::{AccountId, AuditId, BattleId, CharacterId, InvalidId, ItemId};
pub use name::{CharacterName, InvalidName, Username};
pub use password::{InvalidPassword, Password};
