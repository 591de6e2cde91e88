//! A service of one's own, and the words to ask it in.

use std::sync::Arc;
use std::time::Duration;

use backplane::{Backplane, Bus, Delivery, Local, Subscription};
use prost::Message;
use proto::common::v1::envelope::Body;
use proto::common::v1::{Caller, Envelope, ItemCount, KillCount, Piece, SessionReplaced, Totals};
use proto::user::v1::user_admin_service_client::UserAdminServiceClient;
use proto::user::v1::user_service_client::UserServiceClient;
use proto::user::v1::*;
use rules::Ruleset;
use rules::content::Content;
use service_kit::grpc::{GrpcService, in_process};
use service_kit::{Fault, FaultKind, TaskGroup};
use tempfile::TempDir;
use user_svc::store::{Clock, Store};
use user_svc::{Settings, start_on};
use vocab::BattleId;

use crate::Backend;

pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const OWNER: &str = "battle-1";
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// A service on a database of its own.
pub(crate) struct House {
    pub(crate) client: UserServiceClient<GrpcService>,
    pub(crate) admin: UserAdminServiceClient<GrpcService>,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) ruleset: Arc<Ruleset>,
    pub(crate) tasks: TaskGroup,
    bus: Subscription,
    url: String,
    /// Removes the file in the end; not with whoever only visits another's.
    keeper: Option<TempDir>,
}

impl House {
    pub(crate) async fn new() -> Self {
        match super::BACKEND {
            Backend::Sqlite => {
                let keeper = tempfile::tempdir().unwrap();
                let house = Self::visit(format!("sqlite://{}/mud.db", keeper.path().display())).await;
                Self { keeper: Some(keeper), ..house }
            }
            Backend::Mysql => Self::visit(testkit::mariadb::database().await).await,
        }
    }

    /// The same database again, by a service that knows nothing of the first.
    pub(crate) async fn reopen(self) -> Self {
        self.tasks.end(Duration::from_secs(5)).await.unwrap();
        let house = Self::visit(self.url).await;
        Self { keeper: self.keeper, ..house }
    }

    /// Beside another service on the same database.
    pub(crate) async fn visit(url: String) -> Self {
        let clock = Clock::system();
        let ruleset = Arc::new(Ruleset::new(Content::parse(content::rules()).unwrap()));
        let plane = Arc::new(Local::new());
        let bus = plane.subscribe("gateway-1").await.unwrap();
        let tasks = TaskGroup::new();
        let plane: Arc<dyn Backplane> = plane;
        let settings = settings(&url);
        let service = start_on(clock.clone(), settings, Arc::clone(&ruleset), plane, &tasks).await.unwrap();
        let client = UserServiceClient::new(in_process(service.server));
        let admin = UserAdminServiceClient::new(in_process(service.admin));
        Self { client, admin, store: service.store, clock, ruleset, tasks, bus, url, keeper: None }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn client(&self) -> UserServiceClient<GrpcService> {
        self.client.clone()
    }

    pub(crate) async fn sign_up(&self, username: &str, character: &str) -> Result<Session, Fault> {
        let answer = self.client().sign_up(form(username, character)).await?;
        Ok(self.timeless(answer.into_inner().session.unwrap()))
    }

    pub(crate) async fn sign_in(&self, username: &str, password: &str) -> Result<Session, Fault> {
        let request = SignInRequest { username: username.into(), password: password.into(), address: String::new() };
        let answer = self.client().sign_in(request).await?;
        Ok(self.timeless(answer.into_inner().session.unwrap()))
    }

    pub(crate) async fn authenticate(&self, token: &str) -> Result<Session, Fault> {
        let answer = self.client().authenticate(AuthenticateRequest { token: token.into() }).await?;
        Ok(self.timeless(answer.into_inner().session.unwrap()))
    }

    /// The same without how far off its end is, which is another at every moment, and true.
    fn timeless(&self, session: Session) -> Session {
        let (told, left) = (session.expires_in_ms.cast_signed(), session.expires_at - self.clock.now());
        assert!((told - left).abs() < 60_000, "{told} ms left, of {left}");
        Session { expires_in_ms: 0, ..session }
    }

    /// Starts a battle of the session's character and says its id.
    pub(crate) async fn battle(&self, session: &Session) -> Result<String, Fault> {
        let id = BattleId::generate().to_string();
        self.client().create_battle(creation(session, &id)).await?;
        Ok(id)
    }

    pub(crate) async fn save(&self, entries: Vec<SaveEntry>) -> Vec<SaveResult> {
        let answer = self.client().save_progress(SaveProgressRequest { entries }).await.unwrap();
        answer.into_inner().results().collect()
    }

    pub(crate) async fn claim(&self, battle: &str, epoch: u64, owner: &str) -> Result<BattleRecord, Fault> {
        let request = ClaimBattleRequest { battle_id: battle.into(), epoch, owner: owner.into() };
        Ok(self.client().claim_battle(request).await?.into_inner().record.unwrap())
    }

    pub(crate) async fn record(&self, battle: &str) -> BattleRecord {
        let by = Some(get_battle_record_request::By::BattleId(battle.into()));
        let request = GetBattleRecordRequest { by, history: true };
        self.client().get_battle_record(request).await.unwrap().into_inner().record.unwrap()
    }

    pub(crate) async fn character(&self, session: &Session) -> proto::common::v1::Character {
        let by = Some(get_character_request::By::AccountId(session.account_id.clone()));
        self.client().get_character(GetCharacterRequest { by }).await.unwrap().into_inner().character.unwrap()
    }

    /// The next news of an ended session.
    pub(crate) async fn news(&mut self) -> SessionReplaced {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(10), self.bus.recv()).await.expect("news");
            let Some(Delivery::Message(message)) = next else { panic!("no message: {next:?}") };
            match Envelope::decode(message.payload).unwrap().body {
                Some(Body::Replaced(replaced)) => return replaced,
                Some(Body::Heartbeat(_)) => {}
                other => panic!("not of a session: {other:?}"),
            }
        }
    }

    /// Fails unless both laws of the books hold.
    pub(crate) async fn books_are_sound(&self) {
        let books = user_svc::ledger::audit(&self.store).await.unwrap();
        assert!(books.are_sound(), "{books:?}");
    }
}

fn settings(url: &str) -> Settings {
    Settings {
        database_url: url.to_owned(),
        migrate: true,
        session_ttl: DAY * 7,
        bcrypt_cost: 4,
        instance: "user-1".into(),
    }
}

pub(crate) fn form(username: &str, character: &str) -> SignUpRequest {
    SignUpRequest {
        username: username.into(),
        password: PASSWORD.into(),
        character: character.into(),
        address: String::new(),
        key: String::new(),
    }
}

/// The session's caller, as an internal tool: not fenced.
pub(crate) fn caller(session: &Session) -> Option<Caller> {
    connected(session, 0)
}

pub(crate) fn connected(session: &Session, connection: u64) -> Option<Caller> {
    Some(Caller { account_id: session.account_id.clone(), epoch: session.epoch, connection })
}

pub(crate) fn creation(session: &Session, id: &str) -> CreateBattleRequest {
    let character = session.character.as_ref().unwrap();
    CreateBattleRequest {
        caller: caller(session),
        battle_id: id.into(),
        character_id: character.id.clone(),
        character_version: character.version,
        owner: OWNER.into(),
        tick_ms: 1_500,
        ruleset: "1:00".into(),
        state: b"start".to_vec(),
    }
}

/// A save of the first owner's that earned this much gold by this frame.
pub(crate) fn entry(battle: &str, seq: u64, gold: u64) -> SaveEntry {
    SaveEntry {
        battle_id: battle.into(),
        epoch: 1,
        seq,
        state: format!("state {seq}").into_bytes(),
        totals: Some(Totals { frames: seq, gold, ..Default::default() }),
        level: 1,
        exp: seq,
        hp: 90,
        mp: 80,
        skills: vec!["strike".into(), String::new(), String::new()],
        ..Default::default()
    }
}

pub(crate) fn items(items: &[(&str, u64)]) -> Vec<ItemCount> {
    items.iter().map(|(key, count)| ItemCount { key: (*key).into(), count: *count }).collect()
}

pub(crate) fn kills(kills: &[(&str, u64)]) -> Vec<KillCount> {
    kills.iter().map(|(key, count)| KillCount { key: (*key).into(), count: *count }).collect()
}

pub(crate) fn piece(seq: u64, n: u32, key: &str) -> Piece {
    Piece { seq, n, key: key.into() }
}

/// Compares with the snapshot that all back ends share.
macro_rules! assert_same_everywhere {
    ($value:expr) => {{
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.bind(|| insta::assert_debug_snapshot!($value));
    }};
}
pub(crate) use assert_same_everywhere;

/// What a fault says to programs: kind, field and reason.
pub(crate) fn verdict(fault: &Fault) -> (FaultKind, Option<&str>, Option<&str>) {
    (fault.kind(), fault.at_field(), fault.because())
}
