//! News from the backplane's bus to those it concerns, and the gateway's own word to other gateways.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use backplane::{Backplane, Channel, Delivery, Message, Stamp, Subscription};
use bytes::Bytes;
use prost::Message as _;
use proto::common::v1::envelope::Body;
use proto::common::v1::{ChatMessage, ChatPresence, Envelope, SessionReplaced, SystemNotice};
use serde::Serialize;
use service_kit::Fault;

use crate::registry::{Rank, Registry};
use crate::rooms::Rooms;

/// The newest shape of an envelope this program understands.
const VERSION: u32 = 1;

/// Speaks to every gateway.
pub(crate) struct Announcer {
    backplane: Arc<dyn Backplane>,
    publisher: String,
    number: AtomicU64,
}

/// Hears what is said to this one.
pub(crate) struct Listener {
    pub(crate) subscription: Arc<Subscription>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) rooms: Arc<Rooms>,
}

#[derive(Serialize)]
struct NoticeShape<'a> {
    text: &'a str,
    level: &'a str,
}

impl Announcer {
    /// Speaks as `publisher`.
    pub(crate) fn new(backplane: Arc<dyn Backplane>, publisher: String) -> Self {
        Self { backplane, publisher, number: AtomicU64::new(0) }
    }

    /// Tells every gateway that older connections of the account are over.
    pub(crate) async fn replaced(&self, account: &str, rank: Rank, reason: &str) -> Result<(), Fault> {
        let replaced = SessionReplaced {
            account_id: account.to_owned(),
            epoch: rank.epoch,
            connection: rank.connection,
            reason: reason.to_owned(),
        };
        let envelope = Envelope {
            version: VERSION,
            publisher: self.publisher.clone(),
            number: self.number.fetch_add(1, Ordering::Relaxed) + 1,
            trace: String::new(),
            body: Some(Body::Replaced(replaced)),
        };
        self.backplane.publish(&Channel::All, Bytes::from(envelope.encode_to_vec())).await.map_err(Fault::from)
    }
}

impl Listener {
    /// Listens until the backplane is gone for good.
    pub(crate) async fn run(self) {
        while let Some(delivery) = self.subscription.recv().await {
            match delivery {
                Delivery::Message(message) => self.hear(&message),
                Delivery::Lagged { .. } | Delivery::Reconnected => {
                    metrics::counter!("gateway_bus_resyncs_total").increment(1);
                    self.rooms.resync();
                }
            }
        }
    }

    fn hear(&self, message: &Message) {
        let envelope = match Envelope::decode(message.payload.clone()) {
            Ok(envelope) if envelope.version <= VERSION => envelope,
            Ok(_) | Err(_) => return metrics::counter!("gateway_bus_strange_total").increment(1),
        };
        match envelope.body {
            Some(Body::Message(line)) => self.rooms.said(&stamped_line(line, message)),
            Some(Body::Presence(presence)) => self.rooms.presence(&stamped_presence(presence, message)),
            Some(Body::Replaced(replaced)) => {
                let rank = Rank { epoch: replaced.epoch, connection: replaced.connection };
                self.registry.replaced(&replaced.account_id, rank, &replaced.reason);
            }
            Some(Body::Notice(notice)) => self.notice(&notice),
            Some(Body::Heartbeat(_)) | None => {}
        }
    }

    fn notice(&self, notice: &SystemNotice) {
        let shape = NoticeShape { text: &notice.text, level: &notice.level };
        self.registry.lines().iter().for_each(|line| line.event("system:notice", &shape));
    }
}

/// A line's room and its place in the log are known to the backplane alone, in the moment it is appended.
fn stamped_line(mut line: ChatMessage, message: &Message) -> ChatMessage {
    line.room = room(&message.channel);
    if let Stamp::Appended(appended) = message.stamp {
        line.epoch = appended.position.epoch.to_string();
        line.offset = appended.position.offset;
        line.at = i64::try_from(appended.at_ms).unwrap_or(i64::MAX);
    }
    line
}

fn stamped_presence(mut presence: ChatPresence, message: &Message) -> ChatPresence {
    presence.room = room(&message.channel);
    if let Stamp::Count(count) = message.stamp {
        presence.count = count;
    }
    presence
}

fn room(channel: &Channel) -> String {
    match channel {
        Channel::Room(room) => room.to_string(),
        Channel::Gateway(_) | Channel::All => String::new(),
    }
}
