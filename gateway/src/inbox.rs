//! Events of one client on their way to the one worker that handles them in order.
//!
//! The transport's read task puts them in and never waits: what doesn't fit is refused at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use backplane::Verdict;
use parking_lot::Mutex;
use service_kit::Fault;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::answer;
use crate::delivery::Line;
use crate::limits::Allowance;
use crate::packet;

const EVENTS: usize = 64;
const BYTES: usize = 128 * 1024;
const FULL_FOR: Duration = Duration::from_millis(200);

/// An event as it arrived.
#[derive(Debug)]
pub(crate) struct Received {
    /// The number to acknowledge it by.
    pub(crate) ack: Option<u64>,
    /// The JSON array of name and arguments.
    pub(crate) array: String,
}

/// The end where events go in.
#[derive(Debug)]
pub(crate) struct Inbox {
    events: mpsc::Sender<Received>,
    bytes: Arc<AtomicUsize>,
    refuser: Arc<Refuser>,
}

/// The end where events come out.
pub(crate) struct Events {
    events: mpsc::Receiver<Received>,
    bytes: Arc<AtomicUsize>,
}

/// Refuses on behalf of one client's line, and knows when that has become a flood.
#[derive(Debug)]
pub(crate) struct Refuser {
    line: Arc<Line>,
    allowance: Mutex<Allowance>,
    flooded: tokio_util::sync::CancellationToken,
}

/// An empty inbox for the client at the end of `line`.
pub(crate) fn inbox(line: &Arc<Line>, limited: bool) -> (Inbox, Events, Arc<Refuser>) {
    let (sender, receiver) = mpsc::channel(EVENTS);
    let bytes = Arc::new(AtomicUsize::new(0));
    let refuser = Arc::new(Refuser {
        line: Arc::clone(line),
        allowance: Mutex::new(Allowance::new(limited, Instant::now())),
        flooded: tokio_util::sync::CancellationToken::new(),
    });
    let inbox = Inbox { events: sender, bytes: Arc::clone(&bytes), refuser: Arc::clone(&refuser) };
    (inbox, Events { events: receiver, bytes }, refuser)
}

impl Inbox {
    /// Takes an event in, or refuses it.
    pub(crate) fn offer(&self, ack: Option<u64>, array: &str) {
        if self.refuser.line.is_closed() {
            return;
        }
        let verdict = self.refuser.allowance.lock().take(Instant::now());
        if let Err(fault) = admitted(verdict) {
            return self.refuser.refuse(ack, &fault);
        }
        let size = array.len();
        if self.bytes.fetch_add(size, Ordering::Relaxed) > BYTES {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            return self.full(ack);
        }
        let received = Received { ack, array: array.to_owned() };
        if let Err(mpsc::error::TrySendError::Full(_)) = self.events.try_send(received) {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            self.full(ack);
        }
    }

    fn full(&self, ack: Option<u64>) {
        metrics::counter!("gateway_inbox_refused_total").increment(1);
        self.refuser.refuse(ack, &Fault::exhausted("inbox-full").reason("inbox_full").retry_after(FULL_FOR));
    }
}

impl Events {
    /// How many have come and were not taken out.
    pub(crate) fn waiting(&self) -> usize {
        self.events.len()
    }

    /// The next event; None when no more can come.
    pub(crate) async fn next(&mut self) -> Option<Received> {
        let received = self.events.recv().await?;
        self.bytes.fetch_sub(received.array.len(), Ordering::Relaxed);
        Some(received)
    }
}

impl Refuser {
    /// Answers with a fault that the client brought about itself.
    pub(crate) fn refuse(&self, ack: Option<u64>, fault: &Fault) {
        metrics::counter!("gateway_events_refused_total", "code" => fault.kind().word()).increment(1);
        if let Some(number) = ack {
            self.line.packet(packet::ack(number, &answer::failed(fault, self.line.words())));
        }
        if self.allowance.lock().refused(Instant::now()) {
            self.flooded.cancel();
        }
    }

    /// Asks whether the client may have something told again.
    pub(crate) fn may_retell(&self) -> Result<(), Fault> {
        admitted(self.allowance.lock().may_retell(Instant::now()))
    }

    /// So many bytes were told again.
    pub(crate) fn retold(&self, bytes: usize) {
        self.allowance.lock().retold(bytes, Instant::now());
    }

    /// Ends when the client has brought about too many refusals.
    pub(crate) fn flooded(&self) -> impl Future<Output = ()> + Send {
        self.flooded.cancelled()
    }
}

fn admitted(verdict: Verdict) -> Result<(), Fault> {
    match verdict {
        Verdict::Allowed => Ok(()),
        Verdict::RetryAfter(delay) => {
            Err(Fault::exhausted("too-many-events").reason("too_many_events").retry_after(delay))
        }
    }
}
