//! A subscriber that comes back by itself. It has a connection of its own, and a task that looks after it: when it is
//! lost or no longer answers, another one is opened and everything is subscribed again; only then is `Reconnected`
//! told, so that a resync that follows it misses nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use redis::{Client, PushInfo, PushKind, Value};
use service_kit::TaskGroup;
use service_kit::telemetry::{GaugeGuard, Outage};
use tokio::sync::{Notify, oneshot};
use tokio::time::sleep;

use super::bus::wire_name;
use super::door::measured;
use super::line::Line;
use super::stamped;
use crate::bus::{Channel, Delivery, Feeder, Interest, Message};
use crate::fault::Result;

/// How often a connection that seems well is asked whether it is.
const PROBE_EVERY: Duration = Duration::from_secs(2);

/// How soon after a failed attempt the next one is made.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// One subscriber. Dropping it ends its task and its connection.
pub(super) struct Subscriber {
    shared: Arc<Shared>,
    _alive: oneshot::Sender<()>,
    _counted: GaugeGuard,
}

struct Shared {
    client: Client,
    prefix: String,
    ear: Arc<Ear>,
    /// Locked while subscriptions change, so that none is missed by a connection that is just being opened.
    line: tokio::sync::Mutex<State>,
}

#[derive(Default)]
struct State {
    line: Option<Line>,
    /// Whether something may have been missed before the next connection: there was one before, or none when it was
    /// first wanted.
    missing: bool,
}

/// What the connection hands its messages to.
struct Ear {
    feeder: Feeder,
    /// The channels listened to, by their names on the server.
    wanted: Mutex<HashMap<Vec<u8>, Channel>>,
    lost: Notify,
}

impl Subscriber {
    /// A subscriber to nothing yet, looked after until it is dropped or `tasks` end.
    pub(super) fn start(client: Client, prefix: String, feeder: Feeder, tasks: &TaskGroup) -> Self {
        let ear = Arc::new(Ear { feeder, wanted: Mutex::default(), lost: Notify::new() });
        let shared = Arc::new(Shared { client, prefix, ear, line: tokio::sync::Mutex::default() });
        let (alive, dropped) = oneshot::channel::<()>();
        let (looked_after, stop) = (Arc::clone(&shared), tasks.stopping());
        tasks.spawn("backplane-subscriber", async move {
            tokio::select! {
                () = looked_after.look_after() => {}
                _ = dropped => {}
                () = stop.wait() => looked_after.ear.feeder.close(),
            }
        });
        let counted = GaugeGuard::new(metrics::gauge!("backplane_subscriptions"));
        Self { shared, _alive: alive, _counted: counted }
    }
}

#[async_trait]
impl Interest for Subscriber {
    async fn add(&self, channel: &Channel) -> Result<()> {
        self.shared.add(channel).await
    }

    async fn remove(&self, channel: &Channel) -> Result<()> {
        self.shared.remove(channel).await
    }
}

impl Shared {
    /// A channel that could not be subscribed to now stays wanted, and is when the server is back.
    async fn add(&self, channel: &Channel) -> Result<()> {
        let name = wire_name(&self.prefix, channel);
        self.ear.wanted.lock().insert(name.clone().into_bytes(), channel.clone());
        measured("subscribe", async {
            let mut state = self.line.lock().await;
            match &mut state.line {
                Some(line) => line.connection.subscribe(name).await?,
                None => self.open(&mut state).await?,
            }
            Ok(())
        })
        .await
    }

    /// From here on nothing of the channel is delivered, whether the server heard of it or not.
    async fn remove(&self, channel: &Channel) -> Result<()> {
        let name = wire_name(&self.prefix, channel);
        self.ear.wanted.lock().remove(name.as_bytes());
        measured("unsubscribe", async {
            if let Some(line) = &mut self.line.lock().await.line {
                line.connection.unsubscribe(name).await?;
            }
            Ok(())
        })
        .await
    }

    async fn look_after(&self) {
        let (mut pause, mut outage) = (PROBE_EVERY, Outage::default());
        loop {
            tokio::select! {
                () = self.ear.lost.notified() => {}
                () = sleep(pause) => {}
            }
            let checked = self.check().await;
            pause = if checked.is_ok() { PROBE_EVERY } else { RETRY_AFTER };
            match checked {
                Err(fault) if outage.begins() => {
                    tracing::debug!(error = &fault as &dyn std::error::Error, "bus went away");
                }
                Ok(()) if outage.ends() => tracing::debug!("bus came back"),
                _ => {}
            }
        }
    }

    /// Asks the connection whether it is well, and opens another one if it is not.
    async fn check(&self) -> Result<()> {
        let probed = measured("probe", async { Ok(self.line.lock().await.probe().await?) }).await;
        match probed {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(fault) => tracing::debug!(error = &fault as &dyn std::error::Error, "bus lost"),
        }
        measured("resubscribe", async {
            let mut state = self.line.lock().await;
            state.line = None;
            Ok(self.open(&mut state).await?)
        })
        .await
    }

    /// Opens a connection that listens to everything that is wanted.
    async fn open(&self, state: &mut State) -> redis::RedisResult<()> {
        let ear = Arc::clone(&self.ear);
        let missing = std::mem::replace(&mut state.missing, true);
        let mut line = Line::open(&self.client, move |pushed| ear.hear(pushed)).await?;
        let wanted: Vec<Vec<u8>> = self.ear.wanted.lock().keys().cloned().collect();
        if !wanted.is_empty() {
            line.connection.subscribe(wanted).await?;
        }
        state.line = Some(line);
        if missing {
            metrics::counter!("bus_reconnected_total").increment(1);
            self.ear.feeder.push(Delivery::Reconnected);
        }
        Ok(())
    }
}

impl State {
    /// Whether there is a connection that answers.
    async fn probe(&mut self) -> redis::RedisResult<bool> {
        match &mut self.line {
            Some(line) => line.ping().await.map(|()| true),
            None => Ok(false),
        }
    }
}

impl Ear {
    fn hear(&self, pushed: PushInfo) {
        if pushed.kind == PushKind::Disconnection {
            self.lost.notify_one();
        } else if pushed.kind == PushKind::Message {
            self.deliver(pushed.data);
        }
    }

    fn deliver(&self, data: Vec<Value>) {
        let Ok([Value::BulkString(name), Value::BulkString(message)]) = <[Value; 2]>::try_from(data) else {
            return unreadable();
        };
        let Some(channel) = self.wanted.lock().get(&name).cloned() else { return };
        let Some((stamp, payload)) = stamped::read(message) else { return unreadable() };
        self.feeder.push(Delivery::Message(Message { channel, stamp, payload }));
    }
}

/// Somebody else publishes under our prefix.
fn unreadable() {
    metrics::counter!("bus_unreadable_total").increment(1);
}
