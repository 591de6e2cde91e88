//! News from the backplane's bus to those it concerns, and the gateway's own word to other gateways.
//!
//! Nothing is missed unseen: what gateways are told is numbered by whoever says it, and this gateway repeats a number of
//! its own to itself, a probe that has to come back.

use std::sync::Arc;
use std::time::Duration;

use backplane::bus::HEARTBEAT;
use backplane::{Backplane, Channel, Delivery, Gaps, Message, Number, Publisher, Stamp, Subscription};
use bytes::Bytes;
use prost::Message as _;
use proto::ENVELOPE_VERSION;
use proto::common::v1::envelope::Body;
use proto::common::v1::{ChatMessage, ChatPresence, Envelope, Heartbeat, SessionReplaced, SystemNotice};
use serde::Serialize;
use service_kit::{TaskGroup, trace};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::gateway::Gateway;
use crate::registry::{Rank, Registry};
use crate::resync::Demand;
use crate::rooms::Rooms;

/// How long after the last probe came back the bus counts as silent: a probe is sent, and has as long again to come back.
const SILENCE: Duration = HEARTBEAT.saturating_mul(2);

/// Speaks to gateways.
pub(crate) struct Announcer {
    gateway: String,
    name: Arc<str>,
    publisher: Arc<Publisher>,
}

/// Hears what is said to this one.
pub(crate) struct Listener {
    subscription: Arc<Subscription>,
    registry: Arc<Registry>,
    rooms: Arc<Rooms>,
    demand: Demand,
    gaps: Gaps,
    /// Under which name this gateway speaks.
    own: Arc<str>,
    probe: Probe,
}

/// Whether this gateway hears itself.
struct Probe {
    heard: Instant,
    silent: bool,
}

#[derive(Serialize)]
struct NoticeShape<'a> {
    text: &'a str,
    level: &'a str,
}

impl Announcer {
    /// Speaks for the gateway of this name, from now on and as long as `tasks` run.
    pub(crate) fn start(backplane: Arc<dyn Backplane>, gateway: &str, tasks: &TaskGroup) -> Self {
        let name: Arc<str> = format!("{gateway}:{}", Uuid::now_v7()).into();
        let (own, signed) = (Channel::Gateway(gateway.to_owned()), Arc::clone(&name));
        let heartbeat = move |number| envelope(&signed, number, Body::Heartbeat(Heartbeat {}));
        let publisher = Publisher::start(backplane, [Channel::All, own], heartbeat, tasks);
        Self { gateway: gateway.to_owned(), name, publisher }
    }

    /// Under which name it speaks.
    pub(crate) fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// Tells the gateway that held the account that older connections of it are over; all of them, when it isn't known
    /// which did. What is held here is this gateway's own business.
    pub(crate) fn replaced(&self, account: &str, rank: Rank, reason: &str, holder: Option<String>) {
        let channel = match holder {
            Some(holder) if holder == self.gateway => return,
            Some(holder) => Channel::Gateway(holder),
            None => Channel::All,
        };
        let replaced = SessionReplaced {
            account_id: account.to_owned(),
            epoch: rank.epoch,
            connection: rank.connection,
            reason: reason.to_owned(),
        };
        self.publisher.tell(channel, |number| envelope(&self.name, number, Body::Replaced(replaced)));
    }
}

impl Listener {
    /// Listens for those concerned at this gateway.
    pub(crate) fn new(gateway: &Gateway, subscription: Arc<Subscription>, demand: Demand) -> Self {
        Self {
            subscription,
            registry: Arc::clone(&gateway.registry),
            rooms: Arc::clone(&gateway.rooms),
            demand,
            gaps: Gaps::default(),
            own: gateway.announcer.name(),
            probe: Probe { heard: Instant::now(), silent: false },
        }
    }

    /// Listens until the backplane is gone for good.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::select! {
                biased;
                delivery = self.subscription.recv() => match delivery {
                    Some(Delivery::Message(message)) => self.hear(&message),
                    Some(Delivery::Lagged { .. }) => self.demand.now("lagged"),
                    Some(Delivery::Reconnected) => self.demand.now("reconnected"),
                    None => return,
                },
                () = self.probe.silence() => {
                    self.tell_silence().await;
                    self.demand.now("silent");
                }
            }
        }
    }

    /// A backplane that is away says so itself; one that answers and carries nothing is what nobody else sees.
    async fn tell_silence(&self) {
        // Listening to it once more changes nothing, and asks the very place that should hear.
        match self.subscription.add(&Channel::All).await {
            Ok(()) => tracing::warn!("bus fell silent"),
            Err(_away) => tracing::debug!("bus fell silent"),
        }
    }

    fn hear(&mut self, message: &Message) {
        let Ok(envelope) = Envelope::decode(message.payload.clone()) else { return strange() };
        let number = match envelope.body {
            Some(Body::Heartbeat(_)) => Number::Again(envelope.number),
            _ => Number::Own(envelope.number),
        };
        if self.gaps.missed(&envelope.publisher, &message.channel, number) {
            self.demand.now("gap");
        }
        if envelope.version > ENVELOPE_VERSION {
            return strange();
        }
        trace::heard(&envelope.trace, || match envelope.body {
            Some(Body::Message(line)) => self.rooms.said(&stamped_line(line, message)),
            Some(Body::Presence(presence)) => self.rooms.presence(&stamped_presence(presence, message)),
            Some(Body::Replaced(replaced)) => {
                let rank = Rank { epoch: replaced.epoch, connection: replaced.connection };
                self.registry.replaced(&replaced.account_id, rank, &replaced.reason);
            }
            Some(Body::Notice(notice)) => self.notice(&notice),
            Some(Body::Heartbeat(_)) => self.hear_number(&envelope.publisher, &message.channel),
            None => {}
        });
    }

    /// A number said again; this gateway's own to itself is its probe.
    fn hear_number(&mut self, publisher: &str, channel: &Channel) {
        if *publisher == *self.own && *channel != Channel::All && self.probe.came_back() {
            self.demand.now("heard_again");
        }
    }

    fn notice(&self, notice: &SystemNotice) {
        let shape = NoticeShape { text: &notice.text, level: &notice.level };
        self.registry.lines().iter().for_each(|line| line.event("system:notice", &shape));
    }
}

impl Probe {
    /// Ends when nothing came back for too long; once for each silence.
    async fn silence(&mut self) {
        if self.silent {
            return std::future::pending().await;
        }
        sleep_until(self.heard + SILENCE).await;
        self.silent = true;
        metrics::gauge!("gateway_bus_silent").set(1);
    }

    /// One came back; true when that ends a silence.
    fn came_back(&mut self) -> bool {
        self.heard = Instant::now();
        metrics::gauge!("gateway_bus_silent").set(0);
        std::mem::replace(&mut self.silent, false)
    }
}

fn envelope(publisher: &str, number: u64, body: Body) -> Bytes {
    let publisher = publisher.to_owned();
    let envelope =
        Envelope { version: ENVELOPE_VERSION, publisher, number, trace: trace::of_message(), body: Some(body) };
    envelope.encode_to_vec().into()
}

/// Newer than this program, or nothing of ours.
fn strange() {
    metrics::counter!("gateway_bus_strange_total").increment(1);
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

#[cfg(test)]
mod tests {
    use backplane::{Bus, Local};

    use super::*;

    /// The next news of a replacement, and where it was said; nothing when only numbers are said again.
    async fn replaced(ear: &Subscription) -> Option<(Channel, SessionReplaced)> {
        for _ in 0..4 {
            let Some(Delivery::Message(message)) = ear.recv().await else { panic!("a message") };
            if let Some(Body::Replaced(replaced)) = Envelope::decode(message.payload).unwrap().body {
                return Some((message.channel, replaced));
            }
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn who_held_the_account_is_told_and_everybody_only_when_nobody_is_known() {
        let (plane, tasks) = (Arc::new(Local::new()), TaskGroup::new());
        let (one, two) = (plane.subscribe("g1").await.unwrap(), plane.subscribe("g2").await.unwrap());
        let announcer = Announcer::start(plane.clone(), "g0", &tasks);
        let tell = |connection, holder: Option<&str>| {
            announcer.replaced("a", Rank { epoch: 1, connection }, "another_tab", holder.map(str::to_owned));
        };
        tell(1, Some("g0"));
        tell(2, Some("g2"));
        tell(3, None);
        let heard = async |ear| replaced(ear).await.map(|(channel, news)| (channel, news.connection));
        assert_eq!(heard(&two).await, Some((Channel::Gateway("g2".into()), 2)));
        assert_eq!(heard(&two).await, Some((Channel::All, 3)));
        assert_eq!(heard(&one).await, Some((Channel::All, 3)), "nothing before");
        assert_eq!(heard(&one).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_stays_away_is_a_silence_until_one_comes_back() {
        let mut probe = Probe { heard: Instant::now(), silent: false };
        let begun = Instant::now();
        assert!(!probe.came_back(), "it was never silent");
        probe.silence().await;
        assert_eq!(begun.elapsed(), SILENCE);
        let once = tokio::time::timeout(SILENCE * 10, probe.silence()).await;
        assert!(once.is_err(), "a silence is noticed once");
        assert!(probe.came_back() && !probe.came_back());
        probe.silence().await;
    }
}
