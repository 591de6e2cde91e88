//! The way to one client: its outbox, the transport under it, and how it ends.
//!
//! Nothing waits here. Whoever has something to tell puts it in; bytes leave as the transport reports that earlier ones
//! were written, so there is no task and no timer per client for sending.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use engineioxide::{DisconnectReason, Str};
use parking_lot::Mutex;
use proto::battle::v1::{End, Frame, Report};
use serde::Serialize;
use service_kit::telemetry::GaugeGuard;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::digest::Digest;
use super::outbox::{Item, Outbox, Overflow, Track};
use crate::connection::Connection;
use crate::inbox::Inbox;
use crate::lang::{Lang, Style, Texts, Words};
use crate::lines::Teller;
use crate::packet;
use crate::shape::{DigestShape, EndShape, FrameShape, ReportShape, TotalsShape, VitalsShape};

/// How long a client may take to read its last packets before its transport is taken away.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long the transport library may take to say that a transport is gone that was taken away.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// An answer to a poll with fewer bytes than this was not cut off by the library's own limit for one.
const ROOMY_POLL: usize = 32 * 1024;

/// The size of an answer that has nothing but the word that there is nothing, which polls get while the transport changes,
/// whatever waits in its queue.
const NOTHING_POLLED: usize = 1;

/// The transport library's socket, with our place in it.
pub(crate) type EngineSocket = engineioxide::Socket<Place>;

/// What the transport library keeps for us with each of its sockets.
#[derive(Default)]
pub(crate) struct Place {
    /// Set when the transport opens.
    pub(crate) line: OnceLock<Arc<Line>>,
    /// Set when the client has sent its handshake.
    pub(crate) inbox: OnceLock<Inbox>,
}

/// The transport takes no more packets.
struct Refused;

/// How a client wants to be spoken to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manner {
    /// Its language.
    pub(crate) lang: Lang,
    /// With sentences in this style; none for programs that make their own.
    pub(crate) style: Option<Style>,
}

/// The way to one client.
pub(crate) struct Line {
    id: String,
    engine: Weak<EngineSocket>,
    texts: Arc<Texts>,
    manner: OnceLock<Manner>,
    outbox: Mutex<Outbox>,
    /// The connection that is this client's WebSocket; none while it polls.
    connection: OnceLock<Arc<Connection>>,
    /// The client is not told anything any more.
    closed: CancellationToken,
    /// The transport is gone.
    gone: CancellationToken,
    idle: Notify,
    /// The client has sent its handshake.
    greeted: Notify,
    _alive: GaugeGuard,
}

impl Line {
    /// The line over a transport that just opened, with an outbox of `bound` bytes.
    pub(crate) fn new(engine: &Arc<EngineSocket>, texts: Arc<Texts>, bound: usize) -> Arc<Self> {
        Self::over_engine(engine.id.to_string(), Arc::downgrade(engine), texts, bound)
    }

    fn over_engine(id: String, engine: Weak<EngineSocket>, texts: Arc<Texts>, bound: usize) -> Arc<Self> {
        Arc::new(Self {
            id,
            engine,
            texts,
            manner: OnceLock::new(),
            outbox: Mutex::new(Outbox::new(bound)),
            connection: OnceLock::new(),
            closed: CancellationToken::new(),
            gone: CancellationToken::new(),
            idle: Notify::new(),
            greeted: Notify::new(),
            _alive: GaugeGuard::new(metrics::gauge!("gateway_sockets")),
        })
    }

    /// The transport's own name for the client.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Decides once how the client is spoken to.
    pub(crate) fn speak(&self, manner: Manner) {
        // A second handshake on one transport is not answered, so there is no second manner.
        _ = self.manner.set(manner);
    }

    /// The client has sent its handshake.
    pub(crate) fn greet(&self) {
        self.greeted.notify_one();
    }

    /// Waits for the client's handshake. One may wait.
    pub(crate) async fn greeted(&self) {
        self.greeted.notified().await;
    }

    /// The words of the client's language.
    pub(crate) fn words(&self) -> &Words {
        self.texts.of(self.manner().lang)
    }

    /// The client's transport is a WebSocket over `connection` from now on.
    pub(crate) fn over(self: &Arc<Self>, connection: &Arc<Connection>) {
        if self.connection.set(Arc::clone(connection)).is_ok() {
            connection.carries(self);
            self.outbox.lock().forget_flight();
            self.pump();
        }
    }

    /// Sends a packet as it is.
    pub(crate) fn packet(&self, text: impl Into<Str>) {
        self.put(|outbox| outbox.push(Item::Packet(text.into(), None)));
    }

    /// Sends an event.
    pub(crate) fn event(&self, name: &str, argument: &impl Serialize) {
        self.packet(packet::event(name, argument));
    }

    /// Sends a frame, `ticks` after the one before.
    pub(crate) fn frame(&self, track: &Arc<Track>, frame: Arc<Frame>, ticks: u64) {
        self.put(|outbox| outbox.push_frame(track, frame, ticks));
    }

    /// Sends a report.
    pub(crate) fn report(&self, track: &Arc<Track>, report: &Report) {
        self.told("battle:report", &self.report_shape(&track.battle, report), track, report.to_seq);
    }

    /// Sends a battle's end.
    pub(crate) fn end(&self, track: &Arc<Track>, end: &End) {
        let lines = self.teller().map(|teller| teller.end(end));
        self.told("battle:end", &EndShape::of(&track.battle, end, self.words(), lines), track, end.seq);
    }

    /// A frame in the client's words.
    pub(crate) fn frame_shape<'a>(&'a self, battle: &'a str, frame: &'a Frame) -> FrameShape<'a> {
        let lines = self.teller().map(|teller| teller.frame(frame));
        FrameShape::of(battle, frame, self.words(), lines)
    }

    /// A report in the client's words.
    pub(crate) fn report_shape<'a>(&'a self, battle: &'a str, report: &'a Report) -> ReportShape<'a> {
        let lines = self.teller().map(|teller| teller.report(report));
        ReportShape::of(battle, report, self.words(), lines)
    }

    /// Notes that the transport has written bytes, and sends what waited for that.
    pub(crate) fn drained(&self, bytes: usize) {
        self.outbox.lock().written(bytes);
        self.pump();
    }

    /// Notes that a poll was answered with so many bytes. One that had room left has emptied the transport's queue; that
    /// corrects the count where an upgrade was tried and given up.
    pub(crate) fn polled(&self, bytes: usize) {
        if bytes <= NOTHING_POLLED {
            return;
        }
        {
            let mut outbox = self.outbox.lock();
            if bytes < ROOMY_POLL { outbox.forget_flight() } else { outbox.written(bytes) }
        }
        self.pump();
    }

    /// Ends when the client is not to be told or asked anything any more, whoever decided that.
    pub(crate) fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        self.closed.clone().cancelled_owned()
    }

    /// Whether the client is not to be told or asked anything any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// The transport is gone; nothing can be sent any more.
    pub(crate) fn lost(&self) {
        self.closed.cancel();
        self.gone.cancel();
        self.settle(|outbox| outbox.clear());
    }

    /// Ends the client's stay for good: last words, DISCONNECT (after which a stock client stays away), then the
    /// transport, read or not.
    pub(crate) async fn dismiss(&self, last_words: Option<String>) {
        if self.is_closed() {
            return self.end_of_transport().await;
        }
        if let Some(text) = last_words {
            self.packet(text);
        }
        self.packet(packet::DISCONNECT);
        self.closed.cancel();
        if self.flushed().await {
            // A stock client closes by itself now. Closing first, with words of its own unread, would make TCP throw away
            // ours on its way.
            let _ = tokio::time::timeout(LAST_WORDS, self.gone.cancelled()).await;
        } else {
            metrics::counter!("gateway_sockets_broken_total", "why" => "unread_disconnect").increment(1);
        }
        self.drop_transport().await;
    }

    /// Waits until everything handed in has been written, but not for a client that doesn't read; false for such a one.
    pub(crate) async fn flushed(&self) -> bool {
        tokio::time::timeout(LAST_WORDS, self.emptied()).await.is_ok()
    }

    /// Takes the transport away without a word of protocol: a stock client comes back by itself. Engine.IO has a word for
    /// it, but python-socketio stays away after that, so it is said only where there is no connection to take.
    pub(crate) async fn drop_transport(&self) {
        self.closed.cancel();
        if self.connection.get().is_some() && !self.flushed().await {
            // The writer is stuck on a client that doesn't read.
            metrics::counter!("gateway_sockets_broken_total", "why" => "stuck").increment(1);
        }
        self.break_off();
        self.end_of_transport().await;
    }

    /// Breaks the client's WebSocket off when its client has said nothing for more than so many sweeps, and reads nothing
    /// of what is written to it. The library gives such a client up, but waits without end for its writer.
    pub(crate) fn break_if_stuck(&self, sweeps: u32) {
        if self.connection.get().is_some_and(|connection| connection.is_stuck(sweeps)) {
            metrics::counter!("gateway_sockets_broken_total", "why" => "stuck").increment(1);
            self.closed.cancel();
            self.break_off();
        }
    }

    /// Ends the transport at once. The connection first, where there is one of the client's own: the packet that the
    /// library says goodbye with is not to reach anybody over it. The library in any case: a WebSocket that breaks
    /// before its first packet it would keep for ever.
    fn break_off(&self) {
        if let Some(connection) = self.connection.get() {
            connection.break_off();
        }
        if let Some(engine) = self.engine.upgrade() {
            engine.close(DisconnectReason::ClosingServer);
        }
    }

    /// Waits for the library's word that the transport is gone, but not for ever.
    async fn end_of_transport(&self) {
        if tokio::time::timeout(GONE_WITHIN, self.gone.cancelled()).await.is_err() {
            metrics::counter!("gateway_sockets_broken_total", "why" => "never_gone").increment(1);
        }
    }

    fn told(&self, name: &str, argument: &impl Serialize, track: &Arc<Track>, seq: u64) {
        let item = Item::Packet(packet::event(name, argument).into(), Some((Arc::clone(track), seq)));
        self.put(|outbox| outbox.push(item));
    }

    fn put(&self, push: impl FnOnce(&mut Outbox) -> Result<(), Overflow>) {
        if self.is_closed() {
            return;
        }
        if self.settle(push).is_err() {
            metrics::counter!("gateway_sockets_broken_total", "why" => "outbox_full").increment(1);
            self.closed.cancel();
            return self.break_off();
        }
        self.pump();
    }

    /// Changes the outbox and keeps the metrics that tell of it.
    fn settle<T>(&self, change: impl FnOnce(&mut Outbox) -> T) -> T {
        let mut outbox = self.outbox.lock();
        let before = outbox.bytes();
        let result = change(&mut outbox);
        count(before, &mut outbox);
        result
    }

    /// Hands to the transport what the window allows. A transport that takes nothing any more is broken off.
    fn pump(&self) {
        let Some(engine) = self.engine.upgrade() else { return };
        if self.settle(|outbox| self.hand_over(&engine, outbox)).is_err() {
            self.closed.cancel();
            self.break_off();
        }
    }

    /// Under the outbox's lock, so that order holds.
    fn hand_over(&self, engine: &EngineSocket, outbox: &mut Outbox) -> Result<(), Refused> {
        while let Some(item) = outbox.next() {
            let text = self.render(&item);
            let bytes = text.len() + self.framing(text.len());
            if let Err(refused) = engine.emit(text) {
                refusal(&refused);
                outbox.clear();
                return Err(Refused);
            }
            item.left();
            outbox.sent(bytes);
        }
        if outbox.is_idle() {
            self.idle.notify_waiters();
        }
        Ok(())
    }

    /// What the transport adds to a packet: the message type, and on a WebSocket the frame's head.
    fn framing(&self, length: usize) -> usize {
        match (self.connection.get(), length + 1) {
            (None, _) => 1,
            (Some(_), 0..=125) => 3,
            (Some(_), 126..=0xffff) => 5,
            (Some(_), _) => 11,
        }
    }

    fn render(&self, item: &Item) -> Str {
        match item {
            Item::Packet(text, _) => text.clone(),
            Item::Frame(track, told) => self.render_frame(track, &told.frame).into(),
            Item::Digest(track, digest) => self.render_digest(track, digest).into(),
        }
    }

    fn render_frame(&self, track: &Track, frame: &Frame) -> String {
        metrics::counter!("gateway_frames_sent_total").increment(1);
        packet::event("battle:frame", &self.frame_shape(&track.battle, frame))
    }

    fn render_digest(&self, track: &Track, digest: &Digest) -> String {
        metrics::counter!("gateway_digests_sent_total").increment(1);
        let (words, vitals) = (self.words(), digest.vitals.as_ref());
        let shape = DigestShape {
            battle: &track.battle,
            from_seq: digest.from,
            to_seq: digest.to,
            cause: "slow",
            summary: TotalsShape::of(Some(&digest.summary), words),
            vitals: VitalsShape::of(vitals, words),
            lines: self.teller().map(|teller| teller.digest(&digest.summary, vitals)),
        };
        packet::event("battle:digest", &shape)
    }

    /// Ends when everything handed in has been written.
    async fn emptied(&self) {
        loop {
            let idle = self.idle.notified();
            if self.gone.is_cancelled() || self.outbox.lock().is_idle() {
                return;
            }
            tokio::select! {
                () = idle => {}
                () = self.gone.cancelled() => {}
            }
        }
    }

    fn manner(&self) -> Manner {
        self.manner.get().copied().unwrap_or_default()
    }

    fn teller(&self) -> Option<Teller<'_>> {
        self.manner().style.map(|style| Teller::new(self.words(), style))
    }
}

/// For tests of those who tell: a line that leads nowhere and keeps what it was told.
#[cfg(test)]
impl Line {
    pub(crate) fn to_nowhere() -> Arc<Self> {
        let texts = Arc::new(Texts::load().unwrap());
        Self::over_engine("nowhere".into(), Weak::new(), texts, 1 << 20)
    }

    /// What was told since this was last asked: names of events, and what they carry.
    pub(crate) fn told_events(&self) -> Vec<(String, serde_json::Value)> {
        let items: Vec<_> = std::iter::from_fn(|| self.outbox.lock().next()).collect();
        let texts = items.iter().map(|item| self.render(item));
        texts.map(|text| serde_json::from_str(text.strip_prefix('2').unwrap()).unwrap()).collect()
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("line", &self.line.get()).finish_non_exhaustive()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.settle(Outbox::clear);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge of bytes needs no more than 52 bits")]
fn count(before: usize, outbox: &mut Outbox) {
    let after = outbox.bytes();
    if after != before {
        metrics::gauge!("gateway_outbox_bytes").increment(after as f64 - before as f64);
    }
    let digested = outbox.take_digested();
    if digested > 0 {
        metrics::counter!("gateway_frames_digested_total").increment(digested);
    }
}

/// The window is far below the library's bound, so a full queue is a fault of ours; a closed one is ordinary.
fn refusal<T>(refused: &tokio::sync::mpsc::error::TrySendError<T>) {
    use tokio::sync::mpsc::error::TrySendError;
    match refused {
        TrySendError::Full(_) => {
            metrics::counter!("gateway_emits_refused_total").increment(1);
            tracing::error!("transport queue full");
        }
        TrySendError::Closed(_) => {}
    }
}
