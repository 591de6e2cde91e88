//! Instances that own, lose, freeze and die as a test wants it, without a network.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use backplane::{Lease, Leases, Local};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use parking_lot::Mutex;
use proto::battle::v1::battle_service_client::BattleServiceClient;
use proto::battle::v1::battle_service_server::{BattleService, BattleServiceServer};
use proto::battle::v1::feed_item::Kind;
use proto::battle::v1::{self as pb, FeedItem, FeedResponse, Frame, Frames};
use service_kit::grpc::{Dialer, in_process};
use service_kit::{Fault, Superseded};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use crate::clients::Battles;

/// The record of battles, and the instances.
#[derive(Default)]
pub(super) struct World {
    battles: Mutex<HashMap<String, Record>>,
    instances: Mutex<HashMap<String, Arc<Instance>>>,
    /// Until when nobody else than its owner has a battle.
    alone: Mutex<Option<Instant>>,
}

#[derive(Clone)]
struct Record {
    owner: String,
    epoch: u64,
    head: u64,
}

/// A battle-svc. Its address is its name.
pub(super) struct Instance {
    name: String,
    world: Arc<World>,
    streams: Mutex<HashMap<String, mpsc::Sender<Result<FeedResponse, Status>>>>,
    state: watch::Sender<State>,
    books: Mutex<Books>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Up,
    Frozen,
    Dead,
}

/// What an instance was asked, and what it sends where.
#[derive(Default)]
struct Books {
    attached: HashMap<String, String>,
    attaching: usize,
    most_attaching: usize,
    attachments: usize,
    asked: usize,
    takes: Duration,
    fenced: bool,
}

struct Server(Arc<Instance>);

impl World {
    /// So many instances, with their leases.
    pub(super) async fn of(count: usize) -> (Arc<Self>, Arc<Local>) {
        let (world, plane) = (Arc::new(Self::default()), Arc::new(Local::new()));
        for number in 0..count {
            let name = format!("battle-{number}");
            let instance = Arc::new(Instance {
                name: name.clone(),
                world: Arc::clone(&world),
                streams: Mutex::default(),
                state: watch::Sender::new(State::Up),
                books: Mutex::default(),
            });
            world.instances.lock().insert(name.clone(), instance);
            plane.renew(&lease(&name), Duration::from_secs(3_600)).await.unwrap();
        }
        (world, plane)
    }

    /// The gateway's way to them.
    pub(super) fn battles(self: &Arc<Self>) -> Battles {
        let world = Arc::clone(self);
        let dialer = Dialer::new(move |address| {
            let instance = world.instances.lock().get(address).cloned();
            let instance = instance.ok_or_else(|| Fault::internal("no such instance"))?;
            Ok(in_process(BattleServiceServer::new(Server(instance))))
        });
        // Who has a battle is found by the dialer alone.
        let service = BattleServiceClient::new(dialer.to("battle-0").unwrap());
        Battles::Many { service, dialer }
    }

    /// A battle at its first epoch.
    pub(super) fn begin(&self, battle: &str, owner: &str) {
        self.battles.lock().insert(battle.to_owned(), Record { owner: owner.to_owned(), epoch: 1, head: 0 });
    }

    /// From now on instances say that nobody takes a battle over before that moment.
    pub(super) fn alone_until(&self, moment: Instant) {
        *self.alone.lock() = Some(moment);
    }

    /// Another instance has claimed it.
    pub(super) fn take_over(&self, battle: &str, owner: &str) {
        let mut battles = self.battles.lock();
        let record = battles.get_mut(battle).unwrap();
        record.owner = owner.to_owned();
        record.epoch += 1;
    }

    pub(super) fn owner(&self, battle: &str) -> String {
        self.battles.lock()[battle].owner.clone()
    }

    /// From now on nobody has it: whoever is asked next takes it over.
    pub(super) fn disown(&self, battle: &str) {
        self.battles.lock().get_mut(battle).unwrap().owner.clear();
    }

    pub(super) fn instance(&self, name: &str) -> Arc<Instance> {
        Arc::clone(&self.instances.lock()[name])
    }

    /// The next frames of a battle, by its owner.
    pub(super) async fn step(&self, battle: &str, frames: u64) {
        let (owner, epoch, from, head) = {
            let mut battles = self.battles.lock();
            let record = battles.get_mut(battle).unwrap();
            let from = record.head + 1;
            record.head += frames;
            (record.owner.clone(), record.epoch, from, record.head)
        };
        self.instance(&owner).tell(battle, epoch, frames_of(epoch, from..=head)).await;
    }
}

impl Instance {
    /// Answers nothing and sends nothing, and doesn't know it.
    pub(super) fn freeze(&self) {
        self.state.send_replace(State::Frozen);
    }

    pub(super) fn wake(&self) {
        self.state.send_replace(State::Up);
    }

    /// Gone at once, streams and all.
    pub(super) fn kill(&self) {
        self.state.send_replace(State::Dead);
        self.cut();
    }

    /// Its streams break.
    pub(super) fn cut(&self) {
        for (_, stream) in self.streams.lock().drain() {
            // A stream that is full breaks all the same, when it is dropped.
            let _ = stream.try_send(Err(Status::unknown("error reading a body from connection")));
        }
        self.books.lock().attached.clear();
    }

    /// How long an attachment takes from now on.
    pub(super) fn takes(&self, time: Duration) {
        self.books.lock().takes = time;
    }

    /// From now on whoever asks is refused: the same player asked under a higher number.
    pub(super) fn knows_a_newer_connection(&self) {
        self.books.lock().fenced = true;
    }

    /// Streams that somebody reads.
    pub(super) fn streams(&self) -> usize {
        self.streams.lock().values().filter(|stream| !stream.is_closed()).count()
    }

    /// Battles sent to streams.
    pub(super) fn attached(&self) -> usize {
        self.books.lock().attached.len()
    }

    /// How many attachments were made, and how many at most at once.
    pub(super) fn attachments(&self) -> (usize, usize) {
        let books = self.books.lock();
        (books.attachments, books.most_attaching)
    }

    /// How many attachments it was asked for.
    pub(super) fn asked(&self) -> usize {
        self.books.lock().asked
    }

    /// Sends news of a battle to the stream it is attached to.
    pub(super) async fn tell(&self, battle: &str, epoch: u64, kind: Kind) {
        let nonce = self.books.lock().attached.get(battle).cloned();
        let stream = nonce.and_then(|nonce| self.streams.lock().get(&nonce).cloned());
        let Some(stream) = stream else { return };
        let item = FeedItem { battle_id: battle.to_owned(), epoch, kind: Some(kind) };
        // A reader that left has its reasons.
        let _ = stream.send(Ok(FeedResponse { items: vec![item] })).await;
    }

    /// Lets go of a battle that is another's now.
    pub(super) async fn let_go(&self, battle: &str) {
        self.tell(battle, 1, Kind::Moved(pb::Moved {})).await;
        self.books.lock().attached.remove(battle);
    }

    async fn answering(&self) -> Result<(), Status> {
        let mut state = self.state.subscribe();
        let state = *state.wait_for(|state| *state != State::Frozen).await.map_err(|_| Status::unknown("gone"))?;
        if state == State::Dead { Err(Status::unavailable("connection refused")) } else { Ok(()) }
    }

    /// Attaches, takes over, or sends on.
    fn attach(&self, request: &pb::AttachRequest) -> Result<pb::AttachResponse, Status> {
        let mut battles = self.world.battles.lock();
        let record = battles.get_mut(&request.battle_id).ok_or_else(|| Status::not_found("no such battle"))?;
        if record.owner.is_empty() {
            record.owner.clone_from(&self.name);
            record.epoch += 1;
        }
        if record.owner != self.name {
            let alone = self.world.alone.lock().map_or(Duration::ZERO, |until| until - Instant::now());
            let redirect_alone_ms = u64::try_from(alone.as_millis()).unwrap();
            return Ok(pb::AttachResponse { redirect: record.owner.clone(), redirect_alone_ms, ..Default::default() });
        }
        if !self.streams.lock().contains_key(&request.nonce) {
            return Err(Fault::precondition("no-feed").reason("no_feed").into());
        }
        let mut books = self.books.lock();
        if books.fenced {
            return Err(Fault::from(Superseded).into());
        }
        books.attachments += 1;
        books.attached.insert(request.battle_id.clone(), request.nonce.clone());
        let Kind::Frames(Frames { frames }) = frames_of(record.epoch, request.after.unwrap_or(0) + 1..=record.head)
        else {
            unreachable!()
        };
        let battle = Some(pb::Battle { id: request.battle_id.clone(), seq: record.head, ..Default::default() });
        Ok(pb::AttachResponse { battle, epoch: record.epoch, frames, ..Default::default() })
    }
}

/// Frames, in which the tick tells who made them.
pub(super) fn frames_of(epoch: u64, seqs: impl IntoIterator<Item = u64>) -> Kind {
    let frame = |seq| Frame { seq, tick: seq, at: i64::try_from(epoch).unwrap(), ..Frame::default() };
    Kind::Frames(Frames { frames: seqs.into_iter().map(frame).collect() })
}

pub(super) fn lease(name: &str) -> Lease {
    Lease { service: "battle-svc".into(), instance: name.into(), nonce: 1, address: name.into() }
}

#[tonic::async_trait]
impl BattleService for Server {
    type WatchBattleStream = BoxStream<'static, Result<pb::WatchBattleResponse, Status>>;
    type FeedStream = BoxStream<'static, Result<FeedResponse, Status>>;

    async fn feed(&self, request: Request<pb::FeedRequest>) -> Result<Response<Self::FeedStream>, Status> {
        self.0.answering().await?;
        let (sender, receiver) = mpsc::channel(64);
        self.0.streams.lock().insert(request.into_inner().nonce, sender);
        let opened = stream::iter([Ok(FeedResponse::default())]);
        let news = stream::unfold(receiver, |mut news| async { Some((news.recv().await?, news)) });
        Ok(Response::new(opened.chain(news).boxed()))
    }

    async fn attach(&self, request: Request<pb::AttachRequest>) -> Result<Response<pb::AttachResponse>, Status> {
        self.0.answering().await?;
        let takes = {
            let mut books = self.0.books.lock();
            books.asked += 1;
            books.attaching += 1;
            books.most_attaching = books.most_attaching.max(books.attaching);
            books.takes
        };
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        self.0.books.lock().attaching -= 1;
        self.0.attach(&request.into_inner()).map(Response::new)
    }

    async fn detach(&self, request: Request<pb::DetachRequest>) -> Result<Response<pb::DetachResponse>, Status> {
        self.0.answering().await?;
        let request = request.into_inner();
        let mut books = self.0.books.lock();
        if books.attached.get(&request.battle_id) == Some(&request.nonce) {
            books.attached.remove(&request.battle_id);
        }
        Ok(Response::new(pb::DetachResponse {}))
    }

    async fn list_dungeons(
        &self,
        _: Request<pb::ListDungeonsRequest>,
    ) -> Result<Response<pb::ListDungeonsResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn start_auto(&self, _: Request<pb::StartAutoRequest>) -> Result<Response<pb::StartAutoResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn stop(&self, _: Request<pb::StopRequest>) -> Result<Response<pb::StopResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn end(&self, _: Request<pb::EndRequest>) -> Result<Response<pb::EndResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_battle(&self, _: Request<pb::GetBattleRequest>) -> Result<Response<pb::GetBattleResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn sync_battle(&self, _: Request<pb::SyncBattleRequest>) -> Result<Response<pb::SyncBattleResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn watch_battle(
        &self,
        _: Request<pb::WatchBattleRequest>,
    ) -> Result<Response<Self::WatchBattleStream>, Status> {
        Err(Status::unimplemented("not here"))
    }
}
