//! A chat service on a backplane of its own, players who call it, and an ear on the bus.

use std::sync::Arc;
use std::time::Duration;

use backplane::{Channel, Delivery, Lease, Leases, Local, RoomId, Stamp, Subscription};
use chat_svc::Settings;
use prost::Message as _;
use proto::chat::v1::chat_service_client::ChatServiceClient;
use proto::chat::v1::{
    HistoryRequest, HistoryResponse, JoinRequest, LeaveRequest, ReassertRequest, Room, Seat, SendRequest, SendResponse,
};
use proto::common::v1::{Caller, ChatPresence, Envelope, envelope::Body};
use service_kit::grpc::{GrpcService, in_process};
use service_kit::{Fault, TaskGroup};
use vocab::AccountId;

/// When this world begins, in milliseconds since the epoch.
pub(crate) const BEGIN_MS: u64 = 1_700_000_000_000;
/// The gateway players are at, which lives.
pub(crate) const GATEWAY: &str = "gateway-1";
const FOR_GOOD: Duration = Duration::from_secs(365 * 24 * 3600);
/// How long a gateway counts as alive.
pub(crate) const LEASE_TTL: Duration = Duration::from_secs(5);
/// Longer than a grace and the sweep's period together.
pub(crate) const GRACE_OVER: Duration = Duration::from_millis(16_500);

pub(crate) struct World {
    pub(crate) plane: Arc<Local>,
    pub(crate) tasks: TaskGroup,
    pub(crate) chat: ChatServiceClient<GrpcService>,
}

/// Somebody with an account, on one connection.
#[derive(Clone)]
pub(crate) struct Player {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) epoch: u64,
    pub(crate) connection: u64,
    pub(crate) gateway: String,
    unlimited: bool,
    chat: ChatServiceClient<GrpcService>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let (plane, tasks) = (Arc::new(Local::at(BEGIN_MS)), TaskGroup::new());
        plane.renew(&lease(GATEWAY), FOR_GOOD).await.unwrap();
        let chat = instance(&plane, &tasks);
        Self { plane, tasks, chat }
    }

    /// One more chat-svc of the same world.
    pub(crate) fn second_instance(&self) -> ChatServiceClient<GrpcService> {
        instance(&self.plane, &self.tasks)
    }

    pub(crate) fn player(&self, name: &str) -> Player {
        let chat = self.chat.clone();
        let (account, gateway) = (AccountId::generate(), GATEWAY.to_owned());
        Player { account, name: name.to_owned(), epoch: 1, connection: 1, gateway, unlimited: true, chat }
    }

    /// Hears what `room` is told from now on.
    pub(crate) async fn listen(&self, room: &str) -> Subscription {
        let ear = backplane::Bus::subscribe(&*self.plane, "ear").await.unwrap();
        ear.add(&Channel::Room(RoomId::parse(room).unwrap())).await.unwrap();
        ear
    }
}

/// The lease of a gateway.
pub(crate) fn lease(gateway: &str) -> Lease {
    Lease { service: "gateway".to_owned(), instance: gateway.to_owned(), nonce: 1, address: String::new() }
}

fn instance(plane: &Arc<Local>, tasks: &TaskGroup) -> ChatServiceClient<GrpcService> {
    let settings = Settings { publisher: "chat-1".to_owned(), lease_ttl: LEASE_TTL };
    let service = chat_svc::start(settings, plane.clone(), tasks);
    ChatServiceClient::new(in_process(service.server()))
}

impl Player {
    /// The same player, held to the limit of lines.
    pub(crate) fn limited(&self) -> Self {
        Self { unlimited: false, ..self.clone() }
    }

    /// The same player, newly connected.
    pub(crate) fn reconnected(&self) -> Self {
        Self { connection: self.connection + 1, ..self.clone() }
    }

    /// The same player, as an internal tool speaks for it.
    pub(crate) fn by_tool(&self) -> Self {
        Self { connection: 0, ..self.clone() }
    }

    /// The same player, at another gateway.
    pub(crate) fn at(&self, gateway: &str) -> Self {
        Self { gateway: gateway.to_owned(), ..self.clone() }
    }

    /// The same player, calling another instance.
    pub(crate) fn through(&self, chat: ChatServiceClient<GrpcService>) -> Self {
        Self { chat, ..self.clone() }
    }

    pub(crate) async fn join(&self) -> Room {
        self.join_wanting("").await.unwrap()
    }

    pub(crate) async fn join_wanting(&self, room: &str) -> Result<Room, Fault> {
        let request = JoinRequest {
            caller: self.caller(),
            name: self.name.clone(),
            gateway: self.gateway.clone(),
            room: room.to_owned(),
        };
        Ok(self.chat.clone().join(request).await?.into_inner().room.unwrap())
    }

    /// Has the player's gateway put it back.
    pub(crate) async fn reassert(&self, room: &str) -> Result<Vec<Room>, Fault> {
        let seat = Seat { caller: self.caller(), name: self.name.clone(), room: room.to_owned() };
        let request = ReassertRequest { gateway: self.gateway.clone(), seats: vec![seat] };
        Ok(self.chat.clone().reassert(request).await?.into_inner().rooms)
    }

    pub(crate) async fn leave(&self, room: &str) {
        self.go(room, false).await;
    }

    pub(crate) async fn leave_now(&self, room: &str) {
        self.go(room, true).await;
    }

    async fn go(&self, room: &str, now: bool) {
        let request = LeaveRequest { caller: self.caller(), room: room.to_owned(), now };
        self.chat.clone().leave(request).await.unwrap();
    }

    pub(crate) async fn say(&self, room: &str, text: &str) -> Result<SendResponse, Fault> {
        self.say_once(room, text, "").await
    }

    pub(crate) async fn say_once(&self, room: &str, text: &str, key: &str) -> Result<SendResponse, Fault> {
        let request = SendRequest {
            caller: self.caller(),
            room: room.to_owned(),
            name: self.name.clone(),
            text: text.to_owned(),
            key: key.to_owned(),
            unlimited: self.unlimited,
        };
        Ok(self.chat.clone().send(request).await?.into_inner())
    }

    pub(crate) async fn history(&self, room: &str, after: Option<u64>, epoch: &str) -> Result<HistoryResponse, Fault> {
        let request = HistoryRequest { caller: self.caller(), room: room.to_owned(), after, epoch: epoch.to_owned() };
        Ok(self.chat.clone().history(request).await?.into_inner())
    }

    fn caller(&self) -> Option<Caller> {
        let account_id = self.account.to_string();
        Some(Caller { account_id, epoch: self.epoch, connection: self.connection })
    }
}

/// The next thing the room is told: its words and what the backplane knows of it.
pub(crate) async fn hear(ear: &Subscription) -> (Body, Stamp) {
    match ear.recv().await {
        Some(Delivery::Message(message)) => {
            let envelope = Envelope::decode(message.payload).unwrap();
            assert_eq!((envelope.version, envelope.publisher.as_str()), (1, "chat-1"));
            (envelope.body.unwrap(), message.stamp)
        }
        other => panic!("not a message: {other:?}"),
    }
}

/// The next coming or going: who came, who went, how many there are.
pub(crate) async fn presence(ear: &Subscription) -> (Option<String>, Option<String>, u32) {
    match hear(ear).await {
        (Body::Presence(ChatPresence { joined, left, capacity: 100, .. }), Stamp::Count(count)) => {
            (joined, left, count)
        }
        other => panic!("not a presence: {other:?}"),
    }
}

/// Whether the room is told nothing for this long.
pub(crate) async fn quiet(ear: &Subscription, span: Duration) -> bool {
    tokio::time::timeout(span, ear.recv()).await.is_err()
}

/// A name of the allowed form for the `n`-th player.
pub(crate) fn name(n: usize) -> String {
    format!("Hero{n}")
}
