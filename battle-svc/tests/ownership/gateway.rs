//! A gateway as the real one behaves towards battle-svc: a feed per instance it knows, a battle attached where the
//! rendezvous says, redirects followed, and attached again whenever a feed breaks, drops something or a hole shows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use backplane::Leases;
use parking_lot::Mutex;
use proto::battle::v1::battle_service_client::BattleServiceClient;
use proto::battle::v1::feed_item::Kind;
use proto::battle::v1::{AttachRequest, AttachResponse, DetachRequest, FeedItem, FeedRequest};
use proto::common::v1::Caller;
use service_kit::grpc::{GrpcService, within};
use service_kit::{Fault, FaultKind, TaskGroup, rendezvous};
use tokio::time::{sleep, timeout};

use crate::dice::Dice;
use crate::follow::{Follow, Gap};
use crate::latch::Latch;
use crate::net::{Net, Party};
use crate::witness::Witness;

/// How often it asks who lives.
const LOOK: Duration = Duration::from_secs(1);

/// How long one attempt to attach may take.
const ATTEMPT: Duration = Duration::from_secs(2);

/// How often a redirect is followed.
const REDIRECTS: usize = 3;

/// A gateway. Clones are the same.
#[derive(Clone)]
pub(crate) struct Gateway(Arc<Inner>);

struct Inner {
    party: Party,
    name: String,
    net: Net,
    leases: Arc<dyn Leases>,
    tasks: TaskGroup,
    dice: Dice,
    witness: Witness,
    nonces: AtomicU64,
    /// Requests about feeds made so far.
    ordinals: AtomicU64,
    /// Addresses of the living instances, by name.
    known: Mutex<BTreeMap<String, String>>,
    /// The nonce of the open feed, by address.
    feeds: Mutex<BTreeMap<String, Opened>>,
    follows: Mutex<Vec<Arc<Follow>>>,
}

/// The nonce of an open feed.
type Opened = Arc<Latch<Option<String>>>;

impl Gateway {
    pub(crate) fn start(
        number: usize,
        net: &Net,
        leases: Arc<dyn Leases>,
        dice: Dice,
        witness: &Witness,
        tasks: &TaskGroup,
    ) -> Self {
        let gateway = Self(Arc::new(Inner {
            party: Party::Gateway(number),
            name: format!("gateway-{number}"),
            net: net.clone(),
            leases,
            tasks: tasks.clone(),
            dice,
            witness: witness.clone(),
            nonces: AtomicU64::new(0),
            ordinals: AtomicU64::new(0),
            known: Mutex::default(),
            feeds: Mutex::default(),
            follows: Mutex::default(),
        }));
        let look = gateway.clone();
        tasks.spawn("look", async move { look.look().await });
        gateway
    }

    /// A client of any instance, for calls that every one takes.
    pub(crate) fn any(&self) -> Option<BattleServiceClient<GrpcService>> {
        let addresses: Vec<String> = self.0.known.lock().values().cloned().collect();
        self.0.dice.pick(&addresses).map(|address| self.client(address))
    }

    /// Begins to follow a battle; goes on until it is left or over.
    pub(crate) fn follow(&self, client: &str, battle: &str, player: Option<Caller>, after: Option<u64>) -> Arc<Follow> {
        let follow = Follow::new(client, battle, player, after, self.0.witness.clone());
        self.0.follows.lock().push(Arc::clone(&follow));
        self.attach_again(&follow);
        follow
    }

    /// Ends following: the battle hears what its player has seen.
    pub(crate) async fn part(&self, follow: &Arc<Follow>) {
        follow.leave();
        self.0.follows.lock().retain(|other| !Arc::ptr_eq(other, follow));
        let Some((address, nonce)) = follow.attached() else { return };
        let request = DetachRequest {
            gateway: self.0.name.clone(),
            nonce,
            battle_id: follow.battle.clone(),
            player: follow.player.is_some(),
            seen_seq: follow.last(),
            ordinal: self.ordinal(),
        };
        // The next detach or the stream's end puts it right.
        let _ = self.client(&address).detach(request).await;
    }

    /// Those who follow anything that goes on.
    pub(crate) fn following(&self) -> Vec<Arc<Follow>> {
        self.0.follows.lock().iter().filter(|follow| !follow.is_over()).cloned().collect()
    }

    async fn look(&self) {
        loop {
            // The last known ones count while nobody answers.
            if let Ok(living) = self.0.leases.living("battle-svc").await {
                let known: BTreeMap<_, _> = living.into_iter().map(|lease| (lease.instance, lease.address)).collect();
                known.values().for_each(|address| drop(self.feed(address)));
                *self.0.known.lock() = known;
            }
            sleep(LOOK).await;
        }
    }

    fn client(&self, address: &str) -> BattleServiceClient<GrpcService> {
        BattleServiceClient::new(self.0.net.way(self.0.party, address))
    }

    /// The feed to an address, opened if it isn't yet.
    fn feed(&self, address: &str) -> Opened {
        let mut feeds = self.0.feeds.lock();
        if let Some(feed) = feeds.get(address) {
            return Arc::clone(feed);
        }
        let feed = Opened::default();
        feeds.insert(address.to_owned(), Arc::clone(&feed));
        let (gateway, address, kept) = (self.clone(), address.to_owned(), Arc::clone(&feed));
        self.0.tasks.spawn("feed", async move { gateway.keep_open(&address, &kept).await });
        feed
    }

    /// Keeps a feed open as long as its instance is known.
    async fn keep_open(&self, address: &str, feed: &Latch<Option<String>>) {
        loop {
            let nonce = self.0.nonces.fetch_add(1, Ordering::Relaxed).to_string();
            let _ = self.read(address, &nonce, feed).await;
            feed.change(|open| *open = None);
            let lost: Vec<_> = self.following();
            lost.iter().filter(|follow| follow.is_at(address)).for_each(|follow| self.attach_again(follow));
            if !self.0.known.lock().values().any(|known| known == address) {
                self.0.feeds.lock().remove(address);
                return;
            }
            sleep(self.0.dice.ms(50, 500)).await;
        }
    }

    async fn read(&self, address: &str, nonce: &str, feed: &Latch<Option<String>>) -> Result<(), Fault> {
        let request = FeedRequest { gateway: self.0.name.clone(), nonce: nonce.to_owned() };
        let mut stream = self.client(address).feed(within(ATTEMPT, request)).await?.into_inner();
        // The first response is empty: from then on attachments can be made.
        if stream.message().await?.is_none() {
            return Ok(());
        }
        feed.change(|open| *open = Some(nonce.to_owned()));
        while let Some(batch) = stream.message().await? {
            batch.items.iter().for_each(|item| self.hear(address, item));
        }
        Ok(())
    }

    fn hear(&self, address: &str, item: &FeedItem) {
        let follows = self.following();
        for follow in follows.iter().filter(|follow| follow.battle == item.battle_id) {
            match &item.kind {
                Some(Kind::Frames(_) | Kind::End(_)) => {
                    if follow.hear(item.epoch, item.kind.clone()) == Err(Gap) {
                        self.attach_again(follow);
                    }
                }
                // Nothing more comes from where it is attached, whatever it has heard from elsewhere.
                Some(Kind::Behind(_) | Kind::Moved(_)) if follow.is_at(address) || item.epoch >= follow.epoch() => {
                    let behind = matches!(item.kind, Some(Kind::Behind(_)));
                    self.0.witness.count(|counts| *(if behind { &mut counts.behind } else { &mut counts.moved }) += 1);
                    self.attach_again(follow);
                }
                Some(Kind::Behind(_) | Kind::Moved(_)) | None => {}
            }
        }
    }

    fn attach_again(&self, follow: &Arc<Follow>) {
        if follow.lost() {
            let (gateway, follow) = (self.clone(), Arc::clone(follow));
            self.0.tasks.spawn("attach", async move { gateway.attach_until_done(&follow).await });
        }
    }

    async fn attach_until_done(&self, follow: &Arc<Follow>) {
        while !follow.is_over() {
            match self.attach(follow).await {
                Ok((answer, address, nonce)) => {
                    // A feed that broke meanwhile took the attachment with it.
                    let feed = self.0.feeds.lock().get(&address).cloned();
                    let holds = feed.is_some_and(|feed| feed.see(|open| open.as_ref() == Some(&nonce)));
                    if follow.open(answer, (address, nonce), holds).is_ok() {
                        return;
                    }
                }
                Err(fault) if is_final(&fault) => {
                    if !follow.is_over() {
                        // The battle is there, it is its player's, and its end would have been an answer.
                        follow.leave();
                        let (client, battle) = (&follow.client, &follow.battle);
                        self.0.witness.violated(&format!("{client} was refused {battle} for good: {fault:?}"));
                    }
                    return;
                }
                Err(fault) => {
                    self.0.witness.note(&format!("{} not attached: {fault}", follow.client));
                }
            }
            sleep(self.0.dice.ms(50, 500)).await;
        }
    }

    fn ordinal(&self) -> u64 {
        1 + self.0.ordinals.fetch_add(1, Ordering::Relaxed)
    }

    /// One attempt, with its redirects.
    async fn attach(&self, follow: &Follow) -> Result<(AttachResponse, String, String), Fault> {
        let mut address = self.choice(&follow.battle).ok_or_else(|| Fault::unavailable("battles-away"))?;
        for hop in 0..=REDIRECTS {
            let nonce = self.nonce(&address).await?;
            let request = AttachRequest {
                gateway: self.0.name.clone(),
                nonce: nonce.clone(),
                battle_id: follow.battle.clone(),
                after: follow.after(),
                player: follow.player.clone(),
                again: follow.was_opened(),
                redirected: hop > 0,
                ordinal: self.ordinal(),
            };
            let answer = self.client(&address).attach(within(ATTEMPT, request)).await?.into_inner();
            if answer.redirect.is_empty() {
                return Ok((answer, address, nonce));
            }
            self.0.witness.count(|counts| counts.redirects += 1);
            address = answer.redirect;
        }
        Err(Fault::unavailable("battles-away"))
    }

    async fn nonce(&self, address: &str) -> Result<String, Fault> {
        let feed = self.feed(address);
        let open = timeout(ATTEMPT, feed.wait(Option::clone)).await;
        open.map_err(|_late| Fault::unavailable("battles-away"))
    }

    fn choice(&self, battle: &str) -> Option<String> {
        let known = self.0.known.lock();
        let id: vocab::BattleId = battle.parse().ok()?;
        let name = rendezvous::choose(id.as_bytes(), known.keys().map(String::as_str))?;
        known.get(name).cloned()
    }
}

/// Whether trying again cannot help.
fn is_final(fault: &Fault) -> bool {
    matches!(fault.kind(), FaultKind::NotFound | FaultKind::Unauthenticated | FaultKind::PermissionDenied)
}
