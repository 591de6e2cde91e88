//! Messages to gateways: at most once each, in order per publisher, and never missed unseen.

mod gaps;
mod publisher;
mod queue;

use async_trait::async_trait;
use bytes::Bytes;

pub use gaps::{Gaps, Number};
pub use publisher::{HEARTBEAT, Publisher};
pub use queue::{Feeder, Subscription, queue};

use crate::fault::Result;
use crate::rooms::RoomId;

/// Deliveries that may wait for one gateway: half a second of the busiest traffic the house is built for.
pub(crate) const QUEUE: usize = 16_384;

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Channel {
    /// One gateway, by its name: addressed events of players it holds.
    Gateway(String),
    /// Every gateway with members of this room.
    Room(RoomId),
    /// Every gateway.
    All,
}

/// A message as a gateway gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it was published.
    pub channel: Channel,
    /// What the backplane adds, because only it knows at the moment of publishing.
    pub stamp: Stamp,
    /// What the publisher gave.
    pub payload: Bytes,
}

/// What the backplane knows about a message it published itself, in one step with the change it tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// An ordinary message.
    None,
    /// An entry appended to its room's log.
    Appended(crate::rooms::Appended),
    /// Somebody came into its room or left it; that many are there now.
    Count(u32),
}

/// What a subscription gives next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// A message.
    Message(Message),
    /// This many messages were dropped here, because they were not read fast enough: resync.
    Lagged {
        /// How many.
        missed: u64,
    },
    /// The connection to the shared server was lost for a while, and an unknown number with it: resync.
    Reconnected,
}

/// Publishes and subscribes.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Sends `payload` to everybody who has subscribed to `channel` by now.
    async fn publish(&self, channel: &Channel, payload: Bytes) -> Result<()>;

    /// Everything for this gateway: its own channel and [`Channel::All`] from now on, and whatever rooms are added.
    /// Ends when the subscription is dropped. While the shared server is away, from when it is there; that is told as
    /// [`Delivery::Reconnected`].
    async fn subscribe(&self, gateway: &str) -> Result<Subscription>;
}

/// How a subscription changes what it listens to; one implementation for each backplane. Dropping it ends them all.
#[async_trait]
pub trait Interest: Send + Sync + 'static {
    /// Listens to `channel` too. Once more changes nothing.
    async fn add(&self, channel: &Channel) -> Result<()>;

    /// Listens to `channel` no more.
    async fn remove(&self, channel: &Channel) -> Result<()>;
}
