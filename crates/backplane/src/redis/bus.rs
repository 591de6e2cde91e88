//! The bus over pub/sub. Publishing goes over one connection of its own, which keeps the order of what is published.

use async_trait::async_trait;
use bytes::Bytes;
use redis::Client;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

use super::door::{DEADLINE, measured};
use super::subscriber::Subscriber;
use super::{Redis, stamped};
use crate::bus::{Bus, Channel, QUEUE, Subscription, queue};
use crate::fault::Result;

/// Attempts to connect before those who wait are told that it failed; the next one who publishes starts again.
const ATTEMPTS: usize = 3;

/// The connection to publish on, not connected before it is first used.
///
/// # Errors
/// When the library refuses the settings.
pub(super) fn publisher(client: &Client) -> redis::RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(DEADLINE))
        .set_response_timeout(Some(DEADLINE))
        .set_max_delay(DEADLINE / 2)
        .set_number_of_retries(ATTEMPTS);
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}

/// What a channel is called on the server. Scripts call rooms' channels the same.
pub(super) fn wire_name(prefix: &str, channel: &Channel) -> String {
    match channel {
        Channel::All => format!("{prefix}:bus:all"),
        Channel::Gateway(name) => format!("{prefix}:bus:gateway:{name}"),
        Channel::Room(room) => format!("{prefix}:bus:room:{room}"),
    }
}

#[async_trait]
impl Bus for Redis {
    async fn publish(&self, channel: &Channel, payload: Bytes) -> Result<()> {
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(wire_name(self.door.prefix(), channel)).arg(stamped::plain(&payload));
        let mut line = self.publisher.clone();
        measured("publish", async { Ok(publish.query_async(&mut line).await?) }).await
    }

    async fn subscribe(&self, gateway: &str) -> Result<Subscription> {
        let prefix = self.door.prefix().to_owned();
        let subscription = queue(QUEUE, |feeder| Subscriber::start(self.client.clone(), prefix, feeder, &self.tasks));
        for channel in [Channel::Gateway(gateway.to_owned()), Channel::All] {
            // What is wanted is subscribed to as soon as the server is there.
            if let Err(fault) = subscription.add(&channel).await {
                tracing::debug!(error = &fault as &dyn std::error::Error, "channel not subscribed to");
            }
        }
        Ok(subscription)
    }
}
