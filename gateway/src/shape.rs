//! The shapes of the players' wire: JSON views over the house's messages, written straight to text.
//!
//! Each view borrows its message and the words of a language. Names and fields are published in `docs/EVENTS.md` and
//! change there first. No sentences (`lines`), no sockets.

mod battle;
mod character;
mod chat;
mod event;

pub(crate) use battle::{
    BattleShape, DigestShape, EndShape, FrameShape, ReportShape, TotalsShape, VitalsShape, end_reason,
};
pub(crate) use character::{CharacterShape, DungeonShape, Standing};
pub(crate) use chat::{MessageShape, PresenceShape, RoomShape};

use serde::Serialize;

/// The JSON text of a value.
///
/// Shapes have text keys only and no failing parts, so there is always one.
pub(crate) fn json(value: &impl Serialize) -> String {
    #[expect(clippy::expect_used, reason = "no shape has a part that can fail to be written")]
    serde_json::to_string(value).expect("a shape is always JSON")
}
