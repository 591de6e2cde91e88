//! One instance of battle-svc over a store, and the gateway that talks to it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use battle_svc::{Pace, Peers, Service, Settings};
use proto::battle::v1::battle_admin_service_client::BattleAdminServiceClient;
use proto::battle::v1::battle_service_client::BattleServiceClient;
use proto::battle::v1::feed_item::Kind;
use proto::battle::v1::{self as pb, OnDeath};
use proto::common::v1::Caller;
use proto::user::v1::user_service_client::UserServiceClient;
use proto::user::v1::user_service_server::UserServiceServer;
use rules::Ruleset;
use rules::content::Content;
use service_kit::grpc::{GrpcService, in_process, within};
use service_kit::{Fault, TaskGroup};
use tonic::Streaming;

use crate::store::Store;

/// A bound for whatever is waited for, on the tests' own clock.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

pub(crate) type Players = BattleServiceClient<GrpcService>;

/// A running instance.
pub(crate) struct House {
    pub(crate) service: Service,
    pub(crate) tasks: TaskGroup,
    pub(crate) players: Players,
    pub(crate) admin: BattleAdminServiceClient<GrpcService>,
}

/// A gateway with its feed to one instance.
pub(crate) struct Gateway {
    players: Players,
    feed: Streaming<pb::FeedResponse>,
    items: VecDeque<pb::FeedItem>,
    nonce: String,
    requests: u64,
}

/// A player with an account and a character.
#[derive(Clone)]
pub(crate) struct Player {
    pub(crate) account: String,
}

pub(crate) fn settings(instance: &str) -> Settings {
    Settings { tick_ms: 1_000, shards: 2, ..Settings::named(instance) }
}

pub(crate) fn paced(instance: &str, pace: Pace) -> Settings {
    Settings { pace, ..settings(instance) }
}

pub(crate) fn ruleset() -> Arc<Ruleset> {
    Arc::new(Ruleset::new(Content::parse(content::rules()).unwrap()))
}

impl House {
    pub(crate) async fn open(store: &Store, settings: Settings) -> Self {
        Self::open_with(store, settings, ruleset()).await
    }

    pub(crate) async fn open_with(store: &Store, settings: Settings, ruleset: Arc<Ruleset>) -> Self {
        Self::start(store, settings, ruleset, Peers::alone(), TaskGroup::new()).await
    }

    pub(crate) async fn start(
        store: &Store,
        settings: Settings,
        ruleset: Arc<Ruleset>,
        peers: Peers,
        tasks: TaskGroup,
    ) -> Self {
        let user = UserServiceClient::new(in_process(UserServiceServer::new(store.clone())));
        let service = battle_svc::start(settings, user, ruleset, peers, &tasks).await.unwrap();
        let players = BattleServiceClient::new(in_process(service.players()));
        let admin = BattleAdminServiceClient::new(in_process(service.admin()));
        Self { service, tasks, players, admin }
    }

    /// Ends it as a kill would: nothing is saved.
    pub(crate) async fn kill(self) {
        // The tasks are asked and, an instant later, dropped; neither writes anything.
        let _ = self.tasks.end(Duration::ZERO).await;
    }

    pub(crate) async fn auto(&mut self, player: &Player) -> pb::Battle {
        self.auto_in(player, "1", OnDeath::Revive).await.unwrap()
    }

    pub(crate) async fn auto_in(
        &mut self,
        player: &Player,
        dungeon: &str,
        on_death: OnDeath,
    ) -> Result<pb::Battle, Fault> {
        let request = pb::StartAutoRequest {
            caller: Some(player.caller(1)),
            dungeon: dungeon.to_owned(),
            on_death: on_death.into(),
        };
        Ok(self.players.start_auto(request).await?.into_inner().battle.unwrap())
    }

    pub(crate) async fn stop(&mut self, player: &Player) -> Result<pb::Battle, Fault> {
        let request = pb::StopRequest { caller: Some(player.caller(1)) };
        Ok(self.players.stop(request).await?.into_inner().battle.unwrap())
    }

    pub(crate) async fn get(&mut self, battle: &str) -> pb::GetBattleResponse {
        let by = pb::get_battle_request::By::BattleId(battle.to_owned());
        self.players.get_battle(pb::GetBattleRequest { by: Some(by) }).await.unwrap().into_inner()
    }

    pub(crate) async fn verify(&mut self, battle: &str) -> pb::VerifyBattleResponse {
        let request = pb::VerifyBattleRequest { battle_id: battle.to_owned() };
        self.admin.verify_battle(request).await.unwrap().into_inner()
    }

    pub(crate) async fn gateway(&self, nonce: &str) -> Gateway {
        let mut players = self.players.clone();
        let request = pb::FeedRequest { gateway: "gateway".to_owned(), nonce: nonce.to_owned() };
        let mut feed = players.feed(request).await.unwrap().into_inner();
        assert_eq!(feed.message().await.unwrap(), Some(pb::FeedResponse::default()), "the first response is empty");
        Gateway { players, feed, items: VecDeque::new(), nonce: nonce.to_owned(), requests: 0 }
    }
}

impl Player {
    pub(crate) async fn new(store: &Store, name: &str) -> Self {
        let player = Self { account: vocab::AccountId::generate().to_string() };
        store.character(&player.account, name).await;
        player
    }

    pub(crate) fn caller(&self, connection: u64) -> Caller {
        Caller { account_id: self.account.clone(), epoch: 1, connection }
    }
}

impl Gateway {
    /// Attaches the player's own socket.
    pub(crate) async fn attach(&mut self, player: &Player, battle: &str, after: Option<u64>) -> pb::AttachResponse {
        self.try_attach(battle, after, Some(player.caller(1)), false).await.unwrap()
    }

    /// Attaches the player's own socket as one does who has nothing yet, and waits so long for it.
    pub(crate) async fn attach_within(&mut self, limit: Duration, player: &Player, battle: &str) -> pb::AttachResponse {
        let request = self.attachment(battle, None, Some(player.caller(1)), false);
        self.players.attach(within(limit, request)).await.unwrap().into_inner()
    }

    pub(crate) async fn try_attach(
        &mut self,
        battle: &str,
        after: Option<u64>,
        player: Option<Caller>,
        again: bool,
    ) -> Result<pb::AttachResponse, Fault> {
        let request = self.attachment(battle, after, player, again);
        Ok(self.players.attach(request).await?.into_inner())
    }

    /// Attaches a spectator who was sent here, or wasn't; answers the attachment, or the address to ask instead.
    pub(crate) async fn ask(
        &mut self,
        battle: &str,
        redirected: bool,
    ) -> Result<Result<pb::AttachResponse, String>, Fault> {
        let request = pb::AttachRequest { redirected, ..self.attachment(battle, Some(0), None, true) };
        let answer = self.players.attach(request).await?.into_inner();
        Ok(if answer.redirect.is_empty() { Ok(answer) } else { Err(answer.redirect) })
    }

    /// Takes the player's own socket away after frame `seen`.
    pub(crate) async fn detach(&mut self, battle: &str, seen: u64) {
        let request = self.detachment(battle, seen);
        self.late(request).await;
    }

    /// A detach of the player's own socket, to be sent [`late`](Self::late).
    pub(crate) fn detachment(&mut self, battle: &str, seen: u64) -> pb::DetachRequest {
        pb::DetachRequest {
            gateway: "gateway".to_owned(),
            nonce: self.nonce.clone(),
            battle_id: battle.to_owned(),
            player: true,
            seen_seq: seen,
            ordinal: self.number(),
        }
    }

    /// Sends what was written before.
    pub(crate) async fn late(&mut self, request: pb::DetachRequest) {
        self.players.detach(request).await.unwrap();
    }

    /// Takes the spectator away.
    pub(crate) async fn leave(&mut self, battle: &str) {
        let (gateway, nonce) = ("gateway".to_owned(), self.nonce.clone());
        let battle_id = battle.to_owned();
        let request =
            pb::DetachRequest { gateway, nonce, battle_id, player: false, seen_seq: 0, ordinal: self.number() };
        self.players.detach(request).await.unwrap();
    }

    /// The next news of any battle; `None` when the feed has ended.
    pub(crate) async fn next(&mut self) -> Option<pb::FeedItem> {
        while self.items.is_empty() {
            let batch = tokio::time::timeout(PATIENCE, self.feed.message()).await.expect("no news for a day");
            self.items.extend(batch.unwrap()?.items);
        }
        self.items.pop_front()
    }

    /// The next frames until there are `count`, all of this battle.
    pub(crate) async fn frames(&mut self, battle: &str, count: usize) -> Vec<pb::Frame> {
        let mut frames = Vec::new();
        while frames.len() < count {
            let item = self.next().await.expect("the feed ended");
            assert_eq!(item.battle_id, battle);
            match item.kind.unwrap() {
                Kind::Frames(more) => frames.extend(more.frames),
                other => panic!("{other:?} after {} frames", frames.len()),
            }
        }
        frames
    }

    fn attachment(
        &mut self,
        battle: &str,
        after: Option<u64>,
        player: Option<Caller>,
        again: bool,
    ) -> pb::AttachRequest {
        let (gateway, nonce, ordinal) = ("gateway".to_owned(), self.nonce.clone(), self.number());
        pb::AttachRequest {
            gateway,
            nonce,
            battle_id: battle.to_owned(),
            after,
            player,
            again,
            redirected: false,
            ordinal,
        }
    }

    /// The number of the next request.
    fn number(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }
}
