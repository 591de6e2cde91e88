//! Accounts on SQLite, battles, and two gateways each with a chat-svc, over one Redis.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use backplane::{Backplane, Redis, RoomKind, Rooms as _};
use battle_svc::{BattleArgs, BattleSettings, Peers};
use gateway::{Battles, Clients, GatewayArgs, GatewaySettings};
use proto::battle::v1::battle_service_client::BattleServiceClient;
use proto::chat::v1::chat_service_client::ChatServiceClient;
use proto::user::v1::AuthenticateRequest;
use proto::user::v1::user_service_client::UserServiceClient;
use rules::Ruleset;
use service_kit::TaskGroup;
use service_kit::grpc::{GrpcService, in_process};
use service_kit::settings::{Check, DatabaseArgs, DatabaseUrl, Faults, RedisArgs, RedisUrl};
use tempfile::TempDir;
use testkit::redis::Server;
use tokio::net::TcpListener;
use user_svc::{UserArgs, UserSettings};

use crate::cable::Cable;
use crate::player::Player;

#[derive(clap::Parser)]
struct Args {
    #[command(flatten)]
    redis: RedisArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    user: UserArgs,
    #[command(flatten)]
    battle: BattleArgs,
    #[command(flatten)]
    gateway: GatewayArgs,
}

struct Settings {
    redis: RedisUrl,
    database: DatabaseUrl,
    user: UserSettings,
    battle: BattleSettings,
    gateway: GatewaySettings,
}

impl Check for Args {
    type Checked = Settings;

    fn check(self, faults: &mut Faults) -> Option<Settings> {
        Some(Settings {
            redis: self.redis.required(faults)?,
            database: self.database.check(faults)?,
            user: self.user.check(faults)?,
            battle: self.battle.check(faults)?,
            gateway: self.gateway.check(faults)?,
        })
    }
}

pub(crate) struct World {
    pub(crate) redis: Server,
    pub(crate) plane: Arc<Redis>,
    pub(crate) user: UserServiceClient<GrpcService>,
    /// The way from user-svc to Redis.
    pub(crate) user_cable: Cable,
    gateways: Vec<Gateway>,
    settings: Box<dyn Fn() -> Settings + Send + Sync>,
    battle: BattleServiceClient<GrpcService>,
    tasks: TaskGroup,
    _directory: TempDir,
}

/// A gateway and its chat-svc.
struct Gateway {
    name: String,
    address: SocketAddr,
    chat: ChatServiceClient<GrpcService>,
    tasks: TaskGroup,
}

fn connect(settings: &Settings, tasks: &TaskGroup) -> Arc<Redis> {
    Redis::connect(&settings.redis, backplane::redis::PREFIX, tasks).unwrap()
}

impl World {
    pub(crate) async fn new() -> Self {
        let (redis, directory, tasks) = (Server::start().await, tempfile::tempdir().unwrap(), TaskGroup::new());
        let server = redis.url().strip_prefix("redis://").unwrap().parse().unwrap();
        let user_cable = Cable::to(server, &tasks).await;
        let database = format!("sqlite://{}/mud.db", directory.path().display());
        let settings = move |redis: &str| {
            let flags = ["bus", "--redis-url", redis, "--database-url", &database];
            // So slow that nobody falls before a story is told: who lies still makes no frame for a minute.
            let quick = ["--bcrypt-cost", "4", "--tick-ms", "500", "--limits", "off"];
            service_kit::settings::parse::<Args, _, _>(flags.into_iter().chain(quick)).unwrap()
        };
        let ruleset = Arc::new(Ruleset::read(content::rules()).unwrap());

        let own = settings(&format!("redis://{}", user_cable.address));
        let named = own.user.named("user-svc-1", &own.database, true);
        let user = user_svc::start(named, Arc::clone(&ruleset), connect(&own, &tasks), &tasks).await.unwrap();
        let user = UserServiceClient::new(in_process(user.server));
        let battle = own.battle.named("battle-svc-1");
        let battle = battle_svc::start(battle, user.clone(), ruleset, Peers::alone(), &tasks).await.unwrap();
        let battle = BattleServiceClient::new(in_process(battle.players()));

        let (plane, url) = (connect(&settings(&redis.url()), &tasks), redis.url());
        let settings = Box::new(move || settings(&url));
        let gateways = Vec::new();
        let mut world =
            Self { redis, plane, user, user_cable, gateways, settings, battle, tasks, _directory: directory };
        for name in ["gateway-0", "gateway-1"] {
            world.start_gateway(name).await;
        }
        world
    }

    /// Starts a gateway of this name, with a chat-svc of its own.
    pub(crate) async fn start_gateway(&mut self, name: &str) {
        let (settings, tasks) = ((self.settings)(), TaskGroup::new());
        let publisher = format!("chat of {name}");
        let chat = chat_svc::Settings { publisher, lease_ttl: Duration::from_secs(5) };
        let plane: Arc<dyn Backplane> = connect(&settings, &tasks);
        let chat = ChatServiceClient::new(in_process(chat_svc::start(chat, Arc::clone(&plane), &tasks).server()));
        let battles = Battles::Here(self.battle.clone());
        let clients = Clients { user: self.user.clone(), chat: chat.clone(), battles };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        gateway::start(settings.gateway.named(name), clients, plane, tasks.clone(), listener).await.unwrap();
        self.gateways.push(Gateway { name: name.to_owned(), address, chat, tasks });
    }

    /// A new player at the `n`-th gateway.
    pub(crate) async fn player(&self, n: usize, username: &str, character: &str) -> Player {
        let mut player = Player::connect(self.gateways[n].address, None, &self.tasks).await;
        player.sign_up(username, character).await;
        player
    }

    /// The same player once more, at the `n`-th gateway.
    pub(crate) async fn again(&self, n: usize, player: &Player) -> Player {
        let again = Player::connect(self.gateways[n].address, Some(&player.token), &self.tasks).await;
        again.hears("session:ready", |_| true).await;
        again
    }

    pub(crate) async fn account(&self, player: &Player) -> String {
        let request = AuthenticateRequest { token: player.token.clone() };
        self.user.clone().authenticate(request).await.unwrap().into_inner().session.unwrap().account_id
    }

    /// How many are in lobbies, as Redis has it.
    pub(crate) async fn members(&self) -> u32 {
        let rooms = self.plane.rooms(RoomKind::new("lobby")).await.unwrap();
        rooms.iter().map(|room| room.count).sum()
    }

    /// The chat-svc of the `n`-th gateway.
    pub(crate) fn chat(&self, n: usize) -> ChatServiceClient<GrpcService> {
        self.gateways[n].chat.clone()
    }

    /// Drops everything of the `n`-th gateway where it stands, and says its name.
    pub(crate) async fn kill_gateway(&mut self, n: usize) -> String {
        let gateway = self.gateways.remove(n);
        _ = gateway.tasks.end(Duration::ZERO).await;
        gateway.name
    }
}
