//! The stream of news from one battle-svc instance, and the way to attach battles to it.
//!
//! A link lives for as long as somebody uses it, and a little longer. It remembers whether its instance can be reached,
//! so that nobody waits for one that can't.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use proto::battle::v1::battle_service_client::BattleServiceClient;
use proto::battle::v1::{AttachRequest, AttachResponse, DetachRequest, FeedRequest};
use service_kit::Fault;
use service_kit::grpc::{GrpcService, within};
use service_kit::telemetry::GaugeGuard;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use uuid::Uuid;

use crate::clients::{Battles, FeedStream, answer};

/// How long an instance may take to answer, and how long a question may wait for its turn before. Short, so that one
/// that is frozen holds nobody up.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Attachments under way at once to one instance: when thousands have to be made again, the others wait in line.
const AT_ONCE: usize = 64;

/// How long a stream that nobody uses is kept for who may come.
const LINGER: Duration = Duration::from_secs(5);

/// The links there are, by address.
pub(super) struct Links {
    gateway: String,
    battles: Battles,
    links: Mutex<HashMap<String, Arc<Link>>>,
}

/// The link to one instance.
pub(super) struct Link {
    address: String,
    gateway: String,
    client: BattleServiceClient<GrpcService>,
    state: watch::Sender<State>,
    counted: Mutex<GaugeGuard>,
    users: watch::Sender<usize>,
    permits: Semaphore,
    /// How many requests there were.
    ordinals: AtomicU64,
}

/// Somebody's use of a link.
pub(super) struct Use(Arc<Link>);

/// Names an open stream; attachments belong to it and end with it.
pub(super) type Nonce = Arc<str>;

/// How it stands with the stream.
#[derive(Clone, PartialEq, Eq)]
enum State {
    Opening,
    Open(Nonce),
    /// The last try to open it failed.
    Away,
}

impl Links {
    /// No links yet.
    pub(super) fn new(gateway: String, battles: Battles) -> Self {
        Self { gateway, battles, links: Mutex::default() }
    }

    /// The link to the instance at `address`, and whether it is a new one, which somebody has to keep open.
    ///
    /// # Errors
    /// `internal` when that is no address.
    pub(super) fn to(&self, address: &str) -> Result<(Use, bool), Fault> {
        let mut links = self.links.lock();
        if let Some(link) = links.get(address) {
            return Ok((Use::of(link), false));
        }
        let client = match &self.battles {
            Battles::Here(client) => client.clone(),
            Battles::Many { dialer, .. } => BattleServiceClient::new(dialer.to(address)?),
        };
        let link = Arc::new(Link {
            address: address.to_owned(),
            gateway: self.gateway.clone(),
            client,
            state: watch::Sender::new(State::Opening),
            counted: Mutex::new(State::Opening.counted()),
            users: watch::Sender::new(0),
            permits: Semaphore::new(AT_ONCE),
            ordinals: AtomicU64::new(0),
        });
        links.insert(address.to_owned(), Arc::clone(&link));
        Ok((Use::of(&link), true))
    }

    /// Whether the instance at `address` is known not to answer.
    pub(super) fn is_away(&self, address: &str) -> bool {
        self.links.lock().get(address).is_some_and(|link| link.is_away())
    }

    /// Ends when nobody has used the link for a while; from then on it isn't found any more.
    pub(super) async fn unused(&self, link: &Arc<Link>) {
        let mut users = link.users.subscribe();
        loop {
            // The sender lives in the link, so waiting cannot fail.
            _ = users.wait_for(|count| *count == 0).await;
            let used_again = timeout(LINGER, users.wait_for(|count| *count > 0)).await.is_ok();
            if !used_again && self.forget_unused(link) {
                return;
            }
        }
    }

    /// The link isn't found any more.
    pub(super) fn forget(&self, link: &Arc<Link>) {
        let mut links = self.links.lock();
        if links.get(&link.address).is_some_and(|known| Arc::ptr_eq(known, link)) {
            links.remove(&link.address);
        }
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.links.lock().len()
    }

    /// Under the lock under which links are found, so that nobody comes to use it meanwhile.
    fn forget_unused(&self, link: &Arc<Link>) -> bool {
        let mut links = self.links.lock();
        let unused = *link.users.borrow() == 0;
        if unused {
            links.remove(&link.address);
        }
        unused
    }
}

impl Link {
    /// Where the instance is.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Opens a stream. From then on attachments can be made.
    pub(super) async fn open(&self) -> Result<FeedStream, Fault> {
        let nonce: Nonce = Uuid::now_v7().to_string().into();
        let opened = timeout(ATTEMPT, self.try_open(&nonce)).await;
        let opened = opened.unwrap_or_else(|_elapsed| Err(Fault::too_late("deadline-exceeded")));
        self.set_state(if opened.is_ok() { State::Open(nonce) } else { State::Away });
        opened
    }

    /// The stream is gone, and the attachments with it. Another will be opened.
    pub(super) fn closed(&self) {
        self.set_state(State::Opening);
    }

    /// The stream is gone, and nobody keeps it open any more.
    pub(super) fn given_up(&self) {
        self.set_state(State::Away);
    }

    /// Whether the instance is known not to answer.
    pub(super) fn is_away(&self) -> bool {
        *self.state.borrow() == State::Away
    }

    /// Names the stream that is open.
    pub(super) fn open_nonce(&self) -> Option<Nonce> {
        match &*self.state.borrow() {
            State::Open(nonce) => Some(Arc::clone(nonce)),
            State::Opening | State::Away => None,
        }
    }

    /// Whether `nonce` still names the open stream.
    pub(super) fn has(&self, nonce: &Nonce) -> bool {
        self.open_nonce().as_ref() == Some(nonce)
    }

    /// Attaches a battle; with the answer comes the stream that it is attached to.
    ///
    /// # Errors
    /// What the instance says, and `unavailable` when it can't be reached.
    pub(super) async fn attach(&self, request: AttachRequest) -> Result<(Nonce, AttachResponse), Fault> {
        let admission = async {
            let nonce = self.nonce().await?;
            Ok::<_, Fault>((nonce, self.permits.acquire().await.map_err(Fault::internal)?))
        };
        let (nonce, _permit) = timeout(ATTEMPT, admission).await.map_err(|_elapsed| away())??;
        let (gateway, nonce_text, ordinal) = (self.gateway.clone(), nonce.to_string(), self.number());
        let request = AttachRequest { gateway, nonce: nonce_text, ordinal, ..request };
        match answer(self.client.clone().attach(within(ATTEMPT, request)).await) {
            // The stream closed between the look and the call.
            Err(fault) if fault.because() == Some("no_feed") => Err(away()),
            attached => attached.map(|answer| (nonce, answer)),
        }
    }

    /// Takes a battle off the stream that `nonce` names. Without it the battle would go on being sent until the stream
    /// ends, or until its next frame comes to nobody; so a failure is only counted.
    pub(super) async fn detach(&self, nonce: &Nonce, request: DetachRequest) {
        if !self.has(nonce) {
            return;
        }
        let (gateway, nonce, ordinal) = (self.gateway.clone(), nonce.to_string(), self.number());
        let request = DetachRequest { gateway, nonce, ordinal, ..request };
        if let Err(fault) = answer(self.client.clone().detach(within(ATTEMPT, request)).await) {
            metrics::counter!("gateway_detach_failed_total").increment(1);
            tracing::warn!(error = ?fault, "battle not detached");
        }
    }

    /// The number of the next request: one that was overtaken by a later one can be told by it.
    fn number(&self) -> u64 {
        1 + self.ordinals.fetch_add(1, Ordering::Relaxed)
    }

    /// The open stream, waited for while it is being opened.
    async fn nonce(&self) -> Result<Nonce, Fault> {
        let mut state = self.state.subscribe();
        match state.wait_for(|state| *state != State::Opening).await.as_deref() {
            Ok(State::Open(nonce)) => Ok(Arc::clone(nonce)),
            Ok(State::Opening | State::Away) | Err(_) => Err(away()),
        }
    }

    fn set_state(&self, state: State) {
        *self.counted.lock() = state.counted();
        self.state.send_replace(state);
    }

    async fn try_open(&self, nonce: &Nonce) -> Result<FeedStream, Fault> {
        let request = FeedRequest { gateway: self.gateway.clone(), nonce: nonce.to_string() };
        let mut stream = answer(self.client.clone().feed(within(ATTEMPT, request)).await)?;
        // The first response is empty: the stream is open.
        stream.message().await?.ok_or_else(away)?;
        Ok(stream)
    }
}

impl State {
    fn counted(&self) -> GaugeGuard {
        let state = match self {
            Self::Opening => "opening",
            Self::Open(_) => "open",
            Self::Away => "away",
        };
        GaugeGuard::new(metrics::gauge!("gateway_feeds", "state" => state))
    }
}

impl Use {
    fn of(link: &Arc<Link>) -> Self {
        link.users.send_modify(|count| *count += 1);
        Self(Arc::clone(link))
    }

    /// The link itself, whose use ends with this.
    pub(super) fn link(&self) -> &Arc<Link> {
        &self.0
    }
}

impl Deref for Use {
    type Target = Link;

    fn deref(&self) -> &Link {
        &self.0
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        self.0.users.send_modify(|count| *count -= 1);
    }
}

/// No instance can be reached that has the battle or could take it over.
pub(super) fn away() -> Fault {
    Fault::unavailable("battles-away")
}
