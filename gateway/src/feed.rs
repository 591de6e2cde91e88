//! The stream of frames from battle-svc, and who at this gateway follows which battle.
//!
//! One stream per instance. Its reader never waits for a socket. When the stream breaks, or says that it dropped
//! something, or a hole shows, the battles concerned are attached again from what each client has.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use proto::battle::v1::feed_item::Kind;
use proto::battle::v1::{AttachRequest, AttachResponse, DetachRequest, FeedItem, FeedRequest};
use service_kit::{Fault, FaultKind, TaskGroup};
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::clients::{Clients, answer};
use crate::follow::{Follow, Gap, News};

/// How long an attachment waits for a stream to be open.
const STREAM_WAIT: Duration = Duration::from_secs(10);

/// How many attachments are under way at once when many have to be made again.
const AT_ONCE: usize = 64;

/// The feed and its followers.
pub(crate) struct Feed {
    gateway: String,
    clients: Clients,
    tasks: TaskGroup,
    battles: Mutex<HashMap<String, Arc<Battle>>>,
    /// The nonce of the open stream.
    stream: watch::Sender<Option<String>>,
    again: Semaphore,
}

/// Who follows one battle.
#[derive(Default)]
struct Battle {
    followers: Mutex<Vec<Arc<Follow>>>,
    /// Attach and Detach of one battle happen one after the other, so that a late Detach can't undo a newer Attach.
    gate: tokio::sync::Mutex<()>,
}

/// How an attachment begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// After this frame, which the client has.
    After(u64),
    /// Wherever the player was last seen.
    Seen,
    /// After this frame, because the feed broke: nobody was away.
    Again(u64),
}

impl Since {
    /// The last frame the client is known to have.
    pub(crate) fn after(self) -> u64 {
        match self {
            Self::After(seq) | Self::Again(seq) => seq,
            Self::Seen => 0,
        }
    }
}

impl Feed {
    /// A feed that is not open yet.
    pub(crate) fn new(gateway: String, clients: Clients, tasks: TaskGroup) -> Arc<Self> {
        Arc::new(Self {
            gateway,
            clients,
            tasks,
            battles: Mutex::default(),
            stream: watch::Sender::new(None),
            again: Semaphore::new(AT_ONCE),
        })
    }

    /// Keeps the stream open until the gateway stops.
    pub(crate) async fn run(self: Arc<Self>) {
        let stop = self.tasks.stopping().wait();
        tokio::select! {
            () = self.keep_open() => {}
            () = stop => {}
        }
    }

    /// Begins to follow a battle. News is held until the answer is handed to [`Follow::open`].
    pub(crate) async fn attach(&self, follow: &Arc<Follow>, since: Since) -> Result<AttachResponse, Fault> {
        let battle = self.enter(follow);
        let attached = self.attach_under_gate(&battle, follow, since).await;
        if attached.is_err() {
            self.part(follow).await;
        }
        attached
    }

    /// Passes on an answer; attaches again if it left a hole.
    pub(crate) fn open(self: &Arc<Self>, follow: &Arc<Follow>, answer: AttachResponse) {
        if follow.open(answer) == Err(Gap) {
            self.attach_again(follow);
        }
    }

    /// Ends following: the battle hears what its player has seen.
    pub(crate) async fn part(&self, follow: &Arc<Follow>) {
        follow.leave();
        let id = &follow.track.battle;
        let Some(battle) = self.battles.lock().get(id).cloned() else { return };
        let _gate = battle.gate.lock().await;
        let rest = {
            let mut followers = battle.followers.lock();
            followers.retain(|other| !Arc::ptr_eq(other, follow));
            followers.len()
        };
        if rest > 0 {
            return;
        }
        self.detach(follow).await;
        let mut battles = self.battles.lock();
        if battle.followers.lock().is_empty() {
            battles.remove(id);
        }
    }

    /// Has a battle whose account is gone tell its end: a battle that its player leaves is saved at once, and the save
    /// tells it. The feed stays at it meanwhile on nobody's behalf.
    pub(crate) async fn mourn(&self, follow: &Follow) -> Result<(), Fault> {
        let Some(battle) = self.battles.lock().get(&follow.track.battle).cloned() else { return Ok(()) };
        let _gate = battle.gate.lock().await;
        let request = AttachRequest {
            player: None,
            ..self.attachment(&self.nonce().await?, follow, Since::Again(follow.last()))
        };
        answer(self.clients.battle().attach(request).await)?;
        self.detach(follow).await;
        Ok(())
    }

    fn enter(&self, follow: &Arc<Follow>) -> Arc<Battle> {
        let mut battles = self.battles.lock();
        let battle = Arc::clone(battles.entry(follow.track.battle.clone()).or_default());
        battle.followers.lock().push(Arc::clone(follow));
        battle
    }

    async fn attach_under_gate(&self, battle: &Battle, follow: &Follow, since: Since) -> Result<AttachResponse, Fault> {
        let _gate = battle.gate.lock().await;
        let nonce = self.nonce().await?;
        match self.call_attach(&nonce, follow, since).await {
            // The stream closed between the look and the call.
            Err(fault) if fault.because() == Some("no_feed") => {
                self.call_attach(&self.nonce_other_than(&nonce).await?, follow, since).await
            }
            attached => attached,
        }
    }

    async fn call_attach(&self, nonce: &str, follow: &Follow, since: Since) -> Result<AttachResponse, Fault> {
        answer(self.clients.battle().attach(self.attachment(nonce, follow, since)).await)
    }

    fn attachment(&self, nonce: &str, follow: &Follow, since: Since) -> AttachRequest {
        let (after, again) = match since {
            Since::After(seq) => (Some(seq), false),
            Since::Seen => (None, false),
            Since::Again(seq) => (Some(seq), true),
        };
        AttachRequest {
            gateway: self.gateway.clone(),
            nonce: nonce.to_owned(),
            battle_id: follow.track.battle.clone(),
            after,
            player: Some(follow.caller.clone()),
            again,
        }
    }

    /// Without it the battle goes on being sent until the stream ends; the next Detach or the stream's end puts it
    /// right, so a failure is only counted.
    async fn detach(&self, follow: &Follow) {
        let Some(nonce) = self.stream.borrow().clone() else { return };
        let request = DetachRequest {
            gateway: self.gateway.clone(),
            nonce,
            battle_id: follow.track.battle.clone(),
            player: true,
            seen_seq: follow.track.seen(),
        };
        if let Err(fault) = answer(self.clients.battle().detach(request).await) {
            metrics::counter!("gateway_detach_failed_total").increment(1);
            tracing::warn!(error = ?fault, "battle not detached");
        }
    }

    async fn nonce(&self) -> Result<String, Fault> {
        self.nonce_other_than("").await
    }

    async fn nonce_other_than(&self, old: &str) -> Result<String, Fault> {
        let mut stream = self.stream.subscribe();
        let open = stream.wait_for(|nonce| nonce.as_deref().is_some_and(|nonce| nonce != old));
        match tokio::time::timeout(STREAM_WAIT, open).await {
            Ok(Ok(nonce)) => Ok(nonce.clone().unwrap_or_default()),
            Ok(Err(_)) | Err(_) => Err(Fault::unavailable("battles-away")),
        }
    }

    async fn keep_open(self: &Arc<Self>) {
        let mut backoff = Backoff::new();
        loop {
            let nonce = Uuid::now_v7().to_string();
            if let Err(fault) = self.read(&nonce, &mut backoff).await {
                tracing::warn!(error = ?fault, "feed broke");
            }
            self.stream.send_replace(None);
            metrics::counter!("gateway_feed_broken_total").increment(1);
            self.followers().iter().for_each(|follow| follow.hold());
            backoff.wait().await;
        }
    }

    /// Reads one stream to its end.
    async fn read(self: &Arc<Self>, nonce: &str, backoff: &mut Backoff) -> Result<(), Fault> {
        let request = FeedRequest { gateway: self.gateway.clone(), nonce: nonce.to_owned() };
        let mut stream = answer(self.clients.battle().feed(request).await)?;
        // The first response is empty: from then on attachments can be made.
        if stream.message().await?.is_none() {
            return Ok(());
        }
        self.stream.send_replace(Some(nonce.to_owned()));
        backoff.reset();
        self.followers().iter().for_each(|follow| self.attach_again(follow));
        while let Some(batch) = stream.message().await? {
            batch.items.into_iter().for_each(|item| self.hear(item));
        }
        Ok(())
    }

    fn hear(self: &Arc<Self>, item: FeedItem) {
        let Some(battle) = self.battles.lock().get(&item.battle_id).cloned() else { return };
        let followers = battle.followers.lock().clone();
        let news = match item.kind {
            Some(Kind::Frames(frames)) => News::Frames(frames.frames.into_iter().map(Arc::new).collect()),
            Some(Kind::End(end)) => News::End(Arc::new(end)),
            Some(Kind::Behind(_) | Kind::Moved(_)) => {
                return followers.iter().for_each(|follow| self.attach_again(follow));
            }
            None => return,
        };
        for follow in followers {
            if follow.hear(item.epoch, news.clone()) == Err(Gap) {
                self.attach_again(&follow);
            }
        }
    }

    /// Attaches again from what the client has, as often as it takes.
    fn attach_again(self: &Arc<Self>, follow: &Arc<Follow>) {
        if !follow.lost() {
            return;
        }
        let (feed, follow) = (Arc::clone(self), Arc::clone(follow));
        self.tasks.spawn("attach-again", async move {
            let stop = feed.tasks.stopping().wait();
            tokio::select! {
                () = feed.attach_until_done(&follow) => {}
                () = stop => {}
            }
        });
    }

    async fn attach_until_done(self: &Arc<Self>, follow: &Arc<Follow>) {
        let mut backoff = Backoff::new();
        while !follow.is_over() {
            let Ok(_permit) = self.again.acquire().await else { return };
            let Some(battle) = self.battles.lock().get(&follow.track.battle).cloned() else { return };
            match self.attach_under_gate(&battle, follow, Since::Again(follow.last())).await {
                Ok(answer) => {
                    if follow.open(answer).is_ok() {
                        return;
                    }
                }
                Err(fault) if is_final(&fault) => {
                    tracing::warn!(error = ?fault, "battle not attached again");
                    return;
                }
                Err(_) => {}
            }
            backoff.wait().await;
        }
    }

    fn followers(&self) -> Vec<Arc<Follow>> {
        let battles: Vec<_> = self.battles.lock().values().cloned().collect();
        battles.iter().flat_map(|battle| battle.followers.lock().clone()).collect()
    }
}

/// Whether trying again cannot help.
fn is_final(fault: &Fault) -> bool {
    match fault.kind() {
        FaultKind::NotFound
        | FaultKind::Unauthenticated
        | FaultKind::PermissionDenied
        | FaultKind::InvalidArgument
        | FaultKind::Unimplemented => true,
        FaultKind::FailedPrecondition => fault.because() == Some("battle_broken"),
        FaultKind::AlreadyExists
        | FaultKind::OutOfRange
        | FaultKind::Aborted
        | FaultKind::ResourceExhausted
        | FaultKind::DeadlineExceeded
        | FaultKind::Unavailable
        | FaultKind::Internal => false,
    }
}
