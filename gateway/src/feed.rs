//! The streams of frames from battle-svc, and who at this gateway follows which battle.
//!
//! One stream per instance that has a battle somebody here follows; its reader never waits for a socket. When a stream
//! breaks, or says that it dropped something or that its instance let go of a battle, or a hole shows, the battles
//! concerned are attached again from what each client has, wherever they are now.

mod instances;
mod keeper;
mod link;
mod pace;
mod search;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use backplane::Backplane;
use parking_lot::Mutex;
use proto::battle::v1::feed_item::Kind;
use proto::battle::v1::{AttachRequest, AttachResponse, DetachRequest, FeedItem};
use service_kit::{Fault, FaultKind, TaskGroup};
use tokio::sync::Semaphore;

use self::instances::Instances;
use self::keeper::Keeper;
use self::link::{Link, Links, Nonce, Use, away};
use self::pace::Pace;
use self::search::Search;
use crate::backoff::Backoff;
use crate::clients::Battles;
use crate::follow::{Follow, Gap, News};

/// The longest pause before a battle is attached again: whoever takes it over is found soon.
const AGAIN_WITHIN: Duration = Duration::from_millis(500);

/// The same while nobody can have taken it over yet.
const IN_VAIN_WITHIN: Duration = Duration::from_secs(2);

/// Battles that nobody follows, on their way off a stream at once.
const STRAYS: usize = 16;

/// The feeds and their followers.
pub(crate) struct Feed {
    tasks: TaskGroup,
    battles: Mutex<HashMap<String, Arc<Battle>>>,
    instances: Instances,
    links: Links,
    /// When thousands of battles have to be attached again, each takes its turn.
    again: Pace,
    strays: Arc<Semaphore>,
}

/// Who follows one battle.
#[derive(Default)]
struct Battle {
    followers: Mutex<Vec<Arc<Follow>>>,
    /// Where its frames come from.
    attached: Mutex<Option<Attached>>,
    /// Attach and Detach of one battle happen one after the other, so that a late Detach can't undo a newer Attach.
    gate: tokio::sync::Mutex<()>,
}

/// An attachment: to this stream of this instance.
struct Attached {
    link: Use,
    nonce: Nonce,
}

/// A follower whose attachment is under way. One that doesn't come to its end, be it that its caller left, follows no
/// more.
struct Joining<'a> {
    feed: &'a Arc<Feed>,
    follow: &'a Arc<Follow>,
    done: bool,
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
    /// Feeds of the gateway of this name. Nothing is open yet.
    pub(crate) fn new(gateway: String, battles: Battles, tasks: TaskGroup) -> Arc<Self> {
        let instances = match &battles {
            Battles::Here(_) => Instances::one(),
            Battles::Many { .. } => Instances::unknown(),
        };
        Arc::new(Self {
            tasks,
            battles: Mutex::default(),
            instances,
            links: Links::new(gateway, battles),
            again: Pace::new(),
            strays: Arc::new(Semaphore::new(STRAYS)),
        })
    }

    /// Learns which instances live, until the gateway stops.
    pub(crate) async fn watch_instances(self: Arc<Self>, plane: Arc<dyn Backplane>) {
        let stop = self.tasks.stopping().wait();
        tokio::select! {
            () = self.instances.watch(&plane) => {}
            () = stop => {}
        }
    }

    /// Begins to follow a battle. News is held until the answer is handed to [`open`](Self::open).
    pub(crate) async fn attach(self: &Arc<Self>, follow: &Arc<Follow>, since: Since) -> Result<AttachResponse, Fault> {
        let mut joining = Joining { feed: self, follow, done: false };
        let answer = self.attach_in_turn(&self.enter(follow), follow, since).await?;
        joining.done = true;
        Ok(answer)
    }

    /// Passes on an answer; attaches again if it left a hole.
    pub(crate) fn open(self: &Arc<Self>, follow: &Arc<Follow>, answer: AttachResponse) {
        if follow.open(answer) == Err(Gap) {
            self.attach_again(follow);
        }
    }

    /// Ends following: the battle hears what its player has seen.
    pub(crate) async fn part(&self, follow: &Follow) {
        follow.leave();
        let Some(battle) = self.battle(&follow.track.battle) else { return };
        let _gate = battle.gate.lock().await;
        battle.followers.lock().retain(|other| !std::ptr::eq(Arc::as_ptr(other), follow));
        self.leave_unfollowed(&battle, &follow.track.battle, follow.track.seen()).await;
    }

    /// Has a battle whose account is gone tell its end: a battle that its player leaves is saved at once, and the save
    /// tells it. The feed stays at it meanwhile on nobody's behalf.
    pub(crate) async fn mourn(&self, follow: &Follow) -> Result<(), Fault> {
        let Some(battle) = self.battle(&follow.track.battle) else { return Ok(()) };
        let _gate = battle.gate.lock().await;
        let request = AttachRequest { player: None, ..request(follow, Since::Again(follow.last())) };
        // The record is gone: nobody knows of the battle but the instance that has it in memory.
        let standing = battle.attached.lock().as_ref().map(|attached| Arc::clone(attached.link.link()));
        let link = standing.ok_or_else(away)?;
        let (nonce, _) = link.attach(request).await?;
        link.detach(&nonce, detachment(&follow.track.battle, follow.track.seen())).await;
        Ok(())
    }

    fn battle(&self, id: &str) -> Option<Arc<Battle>> {
        self.battles.lock().get(id).cloned()
    }

    fn enter(&self, follow: &Arc<Follow>) -> Arc<Battle> {
        let mut battles = self.battles.lock();
        let battle = Arc::clone(battles.entry(follow.track.battle.clone()).or_default());
        battle.followers.lock().push(Arc::clone(follow));
        battle
    }

    /// Takes a battle that nobody follows any more off its stream, and forgets it. To be called under its gate.
    async fn leave_unfollowed(&self, battle: &Battle, id: &str, seen: u64) {
        if !battle.followers.lock().is_empty() {
            return;
        }
        let attached = battle.attached.lock().take();
        if let Some(attached) = attached {
            attached.detach(id, seen).await;
        }
        let mut battles = self.battles.lock();
        if battle.followers.lock().is_empty() {
            battles.remove(id);
        }
    }

    /// Attaches under the battle's gate; not for a follower who leaves meanwhile.
    async fn attach_in_turn(
        self: &Arc<Self>,
        battle: &Battle,
        follow: &Follow,
        since: Since,
    ) -> Result<AttachResponse, Fault> {
        let attaching = async {
            let _gate = battle.gate.lock().await;
            let (attached, answer) = self.ask(request(follow, since)).await?;
            battle.stand(attached)?;
            Ok(answer)
        };
        tokio::select! {
            biased;
            () = follow.left() => Err(away()),
            answer = attaching => answer,
        }
    }

    /// Attaches a battle where it is: asks the instance that every process chooses for it, and goes where it is sent;
    /// where one doesn't answer, asks another, which knows the owner or takes the battle over. Nobody is asked twice.
    async fn ask(self: &Arc<Self>, request: AttachRequest) -> Result<(Attached, AttachResponse), Fault> {
        let battle = &request.battle_id;
        let mut search = Search::new(self.instances.choose(battle, |_| true));
        while let Some(address) = search.next(|asked| self.choose(battle, asked)) {
            let link = self.link(&address)?;
            let request = AttachRequest { redirected: search.is_redirected(), ..request.clone() };
            match link.attach(request).await {
                Ok((nonce, answer)) if answer.redirect.is_empty() => return Ok((Attached { link, nonce }, answer)),
                Ok((_, answer)) => search.redirected(answer),
                Err(fault) => search.silent(fault)?,
            }
        }
        Err(search.into_fault())
    }

    /// Whom to ask next: one that isn't known to be away, if there is one.
    fn choose(&self, battle: &str, asked: &[String]) -> Option<String> {
        let new = |address: &str| !asked.iter().any(|known| known == address);
        self.instances
            .choose(battle, |address| new(address) && !self.links.is_away(address))
            .or_else(|| self.instances.choose(battle, new))
    }

    /// The link to the instance at `address`, kept open from now on for as long as it is used.
    fn link(self: &Arc<Self>, address: &str) -> Result<Use, Fault> {
        let (link, new) = self.links.to(address)?;
        if new {
            let keeper = Keeper { feed: Arc::clone(self), link: Arc::clone(link.link()) };
            self.tasks.spawn_apart("feed", keeper.keep());
        }
        Ok(link)
    }

    fn hear(self: &Arc<Self>, link: &Arc<Link>, item: FeedItem) {
        let Some(battle) = self.battle(&item.battle_id) else { return self.shed(link, item.battle_id) };
        let news = match item.kind {
            Some(Kind::Frames(frames)) => News::Frames(frames.frames.into_iter().map(Arc::new).collect()),
            Some(Kind::End(end)) => News::End(Arc::new(end)),
            Some(Kind::Behind(_) | Kind::Moved(_)) => News::Lost,
            None => return,
        };
        // Where the battle is attached, nothing comes any more, whoever else has told more of it meanwhile.
        let over_there = matches!(news, News::Lost) && battle.stands_at(link);
        // Under the lock, as nothing here comes back for it: neither those who hear, nor who is spawned for a gap.
        for follow in battle.followers.lock().iter() {
            if follow.hear(item.epoch, &news) == Err(Gap) || over_there && follow.is_beyond(item.epoch) {
                self.attach_again(follow);
            }
        }
    }

    /// Takes a battle that nobody here follows off a stream: an attachment whose answer nobody awaited was made all the
    /// same. Where too many are at it, the battle's next frame is soon enough.
    fn shed(self: &Arc<Self>, link: &Arc<Link>, id: String) {
        let Ok(permit) = Arc::clone(&self.strays).try_acquire_owned() else { return };
        let Some(nonce) = link.open_nonce() else { return };
        let battle = Arc::default();
        // Known from here on, so that whoever comes to it meanwhile waits at the same gate.
        match self.battles.lock().entry(id.clone()) {
            Entry::Vacant(entry) => entry.insert(Arc::clone(&battle)),
            Entry::Occupied(_) => return,
        };
        let (feed, link) = (Arc::clone(self), Arc::clone(link));
        self.tasks.spawn("feed-stray", async move {
            let _permit = permit;
            let _gate = battle.gate.lock().await;
            if battle.followers.lock().is_empty() {
                link.detach(&nonce, detachment(&id, 0)).await;
            }
            feed.leave_unfollowed(&battle, &id, 0).await;
        });
    }

    /// The battles attached to a stream that is gone are attached again.
    fn lost(self: &Arc<Self>, link: &Arc<Link>) {
        let battles: Vec<_> = self.battles.lock().values().cloned().collect();
        for battle in battles.iter().filter(|battle| battle.fall_off(link)) {
            let followers = battle.followers.lock().clone();
            followers.iter().filter(|follow| follow.lost()).for_each(|follow| self.spawn_again(follow));
        }
    }

    /// Attaches again from what the client has, as often as it takes.
    fn attach_again(self: &Arc<Self>, follow: &Arc<Follow>) {
        if follow.lost() {
            self.spawn_again(follow);
        }
    }

    fn spawn_again(self: &Arc<Self>, follow: &Arc<Follow>) {
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
        let mut backoff = Backoff::up_to(IN_VAIN_WITHIN);
        while !follow.is_over() {
            self.again.turn().await;
            let Some(battle) = self.battle(&follow.track.battle) else { return };
            let in_vain = match self.attach_in_turn(&battle, follow, Since::Again(follow.last())).await {
                Ok(answer) => match follow.open(answer) {
                    Ok(()) => return,
                    Err(Gap) => None,
                },
                Err(fault) if is_final(&fault) => {
                    if !follow.seat.notice(&fault) {
                        tracing::warn!(error = ?fault, "battle not attached again");
                    }
                    return;
                }
                Err(fault) => fault.retry_delay(),
            };
            backoff.wait_within(in_vain.map_or(AGAIN_WITHIN, |pause| pause.max(AGAIN_WITHIN))).await;
        }
    }
}

impl Battle {
    /// Its frames come from there from now on.
    ///
    /// # Errors
    /// `unavailable` when that stream has closed already.
    fn stand(&self, attached: Attached) -> Result<(), Fault> {
        let mut standing = self.attached.lock();
        // A stream that closes says so first and looks for its battles after that, under the same lock: of the two, the
        // later one sees what the other did.
        if !attached.link.has(&attached.nonce) {
            *standing = None;
            return Err(away());
        }
        *standing = Some(attached);
        Ok(())
    }

    /// The stream over this link is gone; whether the battle was attached to it.
    fn fall_off(&self, link: &Arc<Link>) -> bool {
        let mut attached = self.attached.lock();
        attached.take_if(|attached| attached.is_to(link)).is_some()
    }

    /// Whether the battle is attached to a stream over this link.
    fn stands_at(&self, link: &Arc<Link>) -> bool {
        self.attached.lock().as_ref().is_some_and(|attached| attached.is_to(link))
    }
}

impl Attached {
    fn is_to(&self, link: &Arc<Link>) -> bool {
        Arc::ptr_eq(self.link.link(), link)
    }

    /// Takes the battle off. Its player has seen everything up to `seen`.
    async fn detach(&self, battle: &str, seen: u64) {
        self.link.detach(&self.nonce, detachment(battle, seen)).await;
    }
}

impl Drop for Joining<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        self.follow.leave();
        let (feed, follow) = (Arc::clone(self.feed), Arc::clone(self.follow));
        self.feed.tasks.spawn("feed-part", async move { feed.part(&follow).await });
    }
}

fn request(follow: &Follow, since: Since) -> AttachRequest {
    let (after, again) = match since {
        Since::After(seq) => (Some(seq), false),
        Since::Seen => (None, false),
        Since::Again(seq) => (Some(seq), true),
    };
    AttachRequest {
        battle_id: follow.track.battle.clone(),
        after,
        player: Some(follow.caller.clone()),
        again,
        ..AttachRequest::default()
    }
}

fn detachment(battle: &str, seen_seq: u64) -> DetachRequest {
    DetachRequest { battle_id: battle.to_owned(), player: true, seen_seq, ..DetachRequest::default() }
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
