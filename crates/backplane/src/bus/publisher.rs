//! Speaking to gateways so that whatever is missed is seen to be missing.
//!
//! A publisher numbers what it says on each channel and repeats the last number every [`HEARTBEAT`]. A number is used up
//! by the attempt: what could not be published, or didn't fit the queue, leaves a gap that its readers notice
//! ([`Gaps`](super::Gaps)). Where numbers stand in a message is the message's business, so whoever speaks gives functions
//! that write them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use service_kit::telemetry::Outage;
use service_kit::time::every;
use service_kit::{Shutdown, TaskGroup};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Bus, Channel};

/// How often the last number on a channel is said again.
pub const HEARTBEAT: Duration = Duration::from_secs(2);

/// How long after the last message on a channel its number is repeated: whoever missed all of these was cut off, and
/// notices that otherwise.
const REPEATED_FOR: Duration = Duration::from_secs(60);

/// Messages that may wait while the shared server is slow.
const WAITING: usize = 1_024;

/// Says things in order.
pub struct Publisher {
    lines: Mutex<Lines>,
    heartbeat: Box<dyn Fn(u64) -> Bytes + Send + Sync>,
}

struct Lines {
    channels: HashMap<Channel, Numbered>,
    queue: mpsc::Sender<(Channel, Bytes)>,
}

/// How far a channel's numbers have come.
struct Numbered {
    last: u64,
    /// Until when the last one is repeated; `None` for as long as the publisher lives.
    until: Option<Instant>,
}

impl Publisher {
    /// A publisher on `bus`, as long as `tasks` run. `heartbeat` makes the message that repeats a number; the channels in
    /// `always` hear it from now on, even before anything was said.
    pub fn start(
        bus: Arc<dyn Bus>,
        always: impl IntoIterator<Item = Channel>,
        heartbeat: impl Fn(u64) -> Bytes + Send + Sync + 'static,
        tasks: &TaskGroup,
    ) -> Arc<Self> {
        let channels = always.into_iter().map(|channel| (channel, Numbered { last: 0, until: None })).collect();
        let (queue, waiting) = mpsc::channel(WAITING);
        let lines = Mutex::new(Lines { channels, queue });
        let publisher = Arc::new(Self { lines, heartbeat: Box::new(heartbeat) });
        tasks.spawn("publisher", carry(Arc::clone(&publisher), bus, waiting, tasks.stopping()));
        publisher
    }

    /// Says `message`, which is given its number, on `channel`: soon, after everything said before, and at most once.
    pub fn tell(&self, channel: Channel, message: impl FnOnce(u64) -> Bytes) {
        let mut lines = self.lines.lock();
        let now = Instant::now();
        let numbered = lines.channels.entry(channel.clone()).or_insert(Numbered { last: 0, until: Some(now) });
        numbered.last += 1;
        numbered.until = numbered.until.map(|_| now + REPEATED_FOR);
        let message = message(numbered.last);
        lines.enqueue(channel, message);
    }

    fn beat(&self) {
        let mut lines = self.lines.lock();
        let now = Instant::now();
        let due = lines.channels.iter().filter(|(_, numbered)| numbered.until.is_none_or(|until| until > now));
        let beats: Vec<_> = due.map(|(channel, numbered)| (channel.clone(), (self.heartbeat)(numbered.last))).collect();
        beats.into_iter().for_each(|(channel, message)| lines.enqueue(channel, message));
    }
}

impl Lines {
    /// Under the lock, so that what is queued is in the order of its numbers.
    fn enqueue(&mut self, channel: Channel, message: Bytes) {
        if self.queue.try_send((channel, message)).is_err() {
            lost("queue_full");
        }
    }
}

/// Publishes one message after the other, which keeps their order.
async fn carry(
    publisher: Arc<Publisher>,
    bus: Arc<dyn Bus>,
    mut waiting: mpsc::Receiver<(Channel, Bytes)>,
    stop: Shutdown,
) {
    let mut beats = every(HEARTBEAT);
    let mut stopped = std::pin::pin!(stop.wait());
    let mut outage = Outage::default();
    loop {
        let next = tokio::select! {
            biased;
            () = &mut stopped => break,
            _ = beats.tick() => {
                publisher.beat();
                continue;
            }
            Some(next) = waiting.recv() => next,
        };
        publish(bus.as_ref(), next, &mut outage).await;
    }
    // Nobody repeats these numbers any more: what waits is said, as long as it can be.
    while let Ok(next) = waiting.try_recv() {
        if !publish(bus.as_ref(), next, &mut outage).await {
            return;
        }
    }
}

/// Whether it could be published; a failure is logged only when it is news.
async fn publish(bus: &dyn Bus, (channel, message): (Channel, Bytes), outage: &mut Outage) -> bool {
    let Err(fault) = bus.publish(&channel, message).await else {
        outage.ends();
        return true;
    };
    lost("away");
    if outage.begins() {
        tracing::debug!(error = &fault as &dyn std::error::Error, "messages not published");
    }
    false
}

fn lost(why: &'static str) {
    metrics::counter!("bus_unpublished_total", "why" => why).increment(1);
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("channels", &self.lines.lock().channels.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::bus::{Delivery, Subscription};
    use crate::fault::{BackplaneFault, Result};
    use crate::local::Local;

    /// A bus that may be away.
    struct Away(Local, AtomicBool);

    #[async_trait]
    impl Bus for Away {
        async fn publish(&self, channel: &Channel, payload: Bytes) -> Result<()> {
            if self.1.load(Ordering::Relaxed) {
                return Err(BackplaneFault::new("publish", "away"));
            }
            self.0.publish(channel, payload).await
        }

        async fn subscribe(&self, gateway: &str) -> Result<Subscription> {
            self.0.subscribe(gateway).await
        }
    }

    async fn start() -> (Arc<Away>, Subscription, Arc<Publisher>, TaskGroup) {
        let bus = Arc::new(Away(Local::new(), AtomicBool::new(false)));
        let (ear, tasks) = (bus.subscribe("g1").await.unwrap(), TaskGroup::new());
        let publisher = Publisher::start(Arc::clone(&bus) as _, [Channel::All], |n| text("beat", n), &tasks);
        (bus, ear, publisher, tasks)
    }

    fn text(what: &str, number: u64) -> Bytes {
        format!("{what} {number}").into()
    }

    async fn heard(ear: &Subscription) -> String {
        match tokio::time::timeout(HEARTBEAT * 2, ear.recv()).await {
            Ok(Some(Delivery::Message(message))) => String::from_utf8(message.payload.to_vec()).unwrap(),
            other => panic!("expected a message, got {other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_said_is_numbered_on_each_channel_and_the_last_number_repeated() {
        let (_bus, ear, publisher, tasks) = start().await;
        assert_eq!(heard(&ear).await, "beat 0", "known before it says anything");
        publisher.tell(Channel::All, |n| text("all", n));
        publisher.tell(Channel::Gateway("g1".into()), |n| text("own", n));
        publisher.tell(Channel::All, |n| text("all", n));
        for expected in ["all 1", "own 1", "all 2"] {
            assert_eq!(heard(&ear).await, expected);
        }
        let mut beats = [heard(&ear).await, heard(&ear).await];
        beats.sort();
        assert_eq!(beats, ["beat 1", "beat 2"]);
        assert_eq!(tasks.end(HEARTBEAT).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_said_before_the_end_is_said() {
        let (_bus, ear, publisher, tasks) = start().await;
        assert_eq!(heard(&ear).await, "beat 0");
        (0..3).for_each(|_| publisher.tell(Channel::All, |n| text("all", n)));
        assert_eq!(tasks.end(HEARTBEAT).await, Ok(()));
        for n in 1..=3 {
            assert_eq!(heard(&ear).await, text("all", n));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_published_shows_in_the_numbers() {
        let (bus, ear, publisher, _tasks) = start().await;
        assert_eq!(heard(&ear).await, "beat 0");
        bus.1.store(true, Ordering::Relaxed);
        publisher.tell(Channel::All, |n| text("all", n));
        tokio::task::yield_now().await;
        bus.1.store(false, Ordering::Relaxed);
        assert_eq!(heard(&ear).await, "beat 1");
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_fit_shows_in_the_numbers() {
        let (_bus, ear, publisher, _tasks) = start().await;
        for _ in 0..=WAITING {
            publisher.tell(Channel::All, |n| text("all", n));
        }
        for n in 1..=WAITING as u64 {
            let next = heard(&ear).await;
            assert!(next == text("all", n) || next.starts_with("beat"), "{next} for {n}");
        }
        assert_eq!(heard(&ear).await, text("beat", WAITING as u64 + 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_channel_of_which_nothing_is_heard_any_more_is_left_alone() {
        let (_bus, ear, publisher, _tasks) = start().await;
        publisher.tell(Channel::Gateway("g1".into()), |n| text("own", n));
        tokio::time::sleep(REPEATED_FOR + HEARTBEAT).await;
        let mut own = 0;
        while let Ok(Some(Delivery::Message(message))) = tokio::time::timeout(Duration::ZERO, ear.recv()).await {
            own += u32::from(message.channel != Channel::All);
        }
        assert!((2..=31).contains(&own), "{own}");
        assert_eq!(heard(&ear).await, "beat 0");
        assert_eq!(heard(&ear).await, "beat 0", "all are told for ever, and nobody else is");
    }
}
