//! The bus in memory: a switchboard from channels to the queues of those who listen.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use service_kit::telemetry::GaugeGuard;

use super::Local;
use crate::bus::{Bus, Channel, Delivery, Feeder, Interest, Message, QUEUE, Stamp, Subscription, queue};
use crate::fault::Result;

/// Who listens to what.
#[derive(Debug, Default)]
pub(super) struct Switchboard(Mutex<Lines>);

#[derive(Debug, Default)]
struct Lines {
    channels: HashMap<Channel, BTreeMap<u64, Feeder>>,
    next: u64,
}

/// One listener's lines.
struct Plug {
    board: Arc<Switchboard>,
    number: u64,
    feeder: Feeder,
    _counted: GaugeGuard,
}

impl Switchboard {
    /// Delivers to everybody who listens. The lock is held while it does, so that all see one order.
    pub(super) fn publish(&self, channel: &Channel, stamp: Stamp, payload: &Bytes) {
        let lines = self.0.lock();
        for feeder in lines.channels.get(channel).into_iter().flat_map(BTreeMap::values) {
            let message = Message { channel: channel.clone(), stamp, payload: payload.clone() };
            feeder.push(Delivery::Message(message));
        }
    }

    fn plug(self: &Arc<Self>, feeder: Feeder) -> Plug {
        let mut lines = self.0.lock();
        lines.next += 1;
        let counted = GaugeGuard::new(metrics::gauge!("backplane_subscriptions"));
        Plug { board: Arc::clone(self), number: lines.next, feeder, _counted: counted }
    }
}

impl Plug {
    fn connect(&self, channel: &Channel) {
        let mut lines = self.board.0.lock();
        lines.channels.entry(channel.clone()).or_default().insert(self.number, self.feeder.clone());
    }

    fn disconnect(&self, leaves: impl Fn(&Channel) -> bool) {
        self.board.0.lock().channels.retain(|channel, listeners| {
            if leaves(channel) {
                listeners.remove(&self.number);
            }
            !listeners.is_empty()
        });
    }
}

impl Drop for Plug {
    fn drop(&mut self) {
        self.disconnect(|_every| true);
    }
}

#[async_trait]
impl Interest for Plug {
    async fn add(&self, channel: &Channel) -> Result<()> {
        self.connect(channel);
        Ok(())
    }

    async fn remove(&self, channel: &Channel) -> Result<()> {
        self.disconnect(|connected| connected == channel);
        Ok(())
    }
}

#[async_trait]
impl Bus for Local {
    async fn publish(&self, channel: &Channel, payload: Bytes) -> Result<()> {
        self.bus.publish(channel, Stamp::None, &payload);
        Ok(())
    }

    async fn subscribe(&self, gateway: &str) -> Result<Subscription> {
        Ok(queue(QUEUE, |feeder| {
            let plug = self.bus.plug(feeder);
            plug.connect(&Channel::Gateway(gateway.to_owned()));
            plug.connect(&Channel::All);
            plug
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dropped_subscription_leaves_nothing_behind() {
        let world = Local::new();
        let subscription = world.subscribe("g1").await.unwrap();
        subscription.add(&Channel::Gateway("also".into())).await.unwrap();
        assert_eq!(world.bus.0.lock().channels.len(), 3);
        drop(subscription);
        assert!(world.bus.0.lock().channels.is_empty());
    }
}
