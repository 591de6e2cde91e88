//! What the processes of one world share besides the database: connection numbers, leases, rooms, throttles and a bus.
//!
//! One trait, [`Backplane`], made of one small trait per noun; `Arc<dyn Backplane>` is how everybody holds it. [`Local`]
//! is for everything in one process, [`Redis`] for many. Payloads are bytes: what they mean is their publishers' and readers' business, so
//! neither the protocol's messages nor the game's rules are known here. Nothing here decides who may write a battle:
//! that is the database's alone, and whatever is kept here may be lost at any time.

pub mod bus;
pub mod connections;
mod epoch;
pub mod fault;
pub mod leases;
pub mod local;
pub mod memory;
pub mod observer;
pub mod redis;
pub mod rooms;
pub mod throttle;

#[cfg(test)]
mod contract;

pub use bus::{Bus, Channel, Delivery, Gaps, Message, Number, Publisher, Stamp, Subscription};
pub use connections::{Connections, Held, Numbered};
pub use fault::BackplaneFault;
pub use leases::{Lease, Leases};
pub use local::Local;
pub use memory::Memory;
pub use observer::Observer;
pub use redis::Redis;
pub use rooms::{
    Appended, Entered, Entry, Leaving, Left, Member, Once, Page, Position, RoomId, RoomKind, Rooms, Standing,
};
pub use throttle::{Rate, Throttle, Verdict};

/// Everything the processes of one world share.
pub trait Backplane: Connections + Leases + Rooms + Throttle + Bus + Memory {}

impl<T: Connections + Leases + Rooms + Throttle + Bus + Memory> Backplane for T {}
