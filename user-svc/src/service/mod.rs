//! The gRPC face: each method decodes, authorises, acts through a use case, and answers.

mod admin;
mod admit;

use std::sync::Arc;

use proto::user::v1::user_service_server::UserService;
use proto::user::v1::*;
use service_kit::Fault;
use tonic::{Request, Response, Status};

pub use admin::UserAdmin;

use crate::account::{self, SignUp};
use crate::users::Users;
use crate::{audit_record, battle_record, character, once, progress, session, wire};

/// `mud.user.v1.UserService`.
#[derive(Clone)]
pub struct UserApi {
    users: Arc<Users>,
}

impl UserApi {
    pub(crate) fn new(users: Users) -> Self {
        Self { users: Arc::new(users) }
    }

    fn session(&self, opened: session::Opened) -> Option<Session> {
        Some(wire::session(self.users.ruleset.content(), opened))
    }
}

#[tonic::async_trait]
impl UserService for UserApi {
    async fn sign_up(&self, request: Request<SignUpRequest>) -> Answer<SignUpResponse> {
        let SignUpRequest { username, password, character, address, key } = request.into_inner();
        let key = if key.is_empty() { key } else { wire::key(key)? };
        let form = SignUp { username, password, character, address: given(address), key };
        let opened = account::sign_up(&self.users, form).await?;
        self.users.note(&opened);
        answer(SignUpResponse { session: self.session(opened) })
    }

    async fn sign_in(&self, request: Request<SignInRequest>) -> Answer<SignInResponse> {
        let SignInRequest { username, password, address } = request.into_inner();
        let opened = session::sign_in(&self.users, &username, &password, given(address).as_deref()).await?;
        self.users.note(&opened);
        answer(SignInResponse { session: self.session(opened) })
    }

    async fn sign_out(&self, request: Request<SignOutRequest>) -> Answer<SignOutResponse> {
        let caller = self.users.admit(request.into_inner().caller)?;
        session::sign_out(&self.users, caller.account, wire::stored(caller.epoch, "caller.epoch")?).await?;
        answer(SignOutResponse {})
    }

    async fn authenticate(&self, request: Request<AuthenticateRequest>) -> Answer<AuthenticateResponse> {
        let opened = session::authenticate(&self.users, &request.into_inner().token).await?;
        answer(AuthenticateResponse { session: self.session(opened) })
    }

    async fn check_sessions(&self, request: Request<CheckSessionsRequest>) -> Answer<CheckSessionsResponse> {
        let asked = wire::asked(request.into_inner().sessions)?;
        let over = session::check(&self.users, asked).await?;
        answer(CheckSessionsResponse { over: over.into_iter().map(wire::over).collect() })
    }

    async fn refresh_session(&self, request: Request<RefreshSessionRequest>) -> Answer<RefreshSessionResponse> {
        let caller = self.users.admit(request.into_inner().caller)?;
        let epoch = wire::stored(caller.epoch, "caller.epoch")?;
        let (token, expires_at) = session::refresh(&self.users, caller.account, epoch).await?;
        let expires_in_ms = wire::unsigned(self.users.session_ttl);
        answer(RefreshSessionResponse { token, expires_at, expires_in_ms })
    }

    async fn delete_account(&self, request: Request<DeleteAccountRequest>) -> Answer<DeleteAccountResponse> {
        let DeleteAccountRequest { caller, password } = request.into_inner();
        let caller = self.users.admit(caller)?;
        account::delete(&self.users, caller.account, &password).await?;
        answer(DeleteAccountResponse {})
    }

    async fn get_character(&self, request: Request<GetCharacterRequest>) -> Answer<GetCharacterResponse> {
        let who = wire::who(request.into_inner().by)?;
        let sheet = character::get(&self.users.store, who).await?;
        answer(GetCharacterResponse { character: Some(wire::character(self.users.ruleset.content(), sheet)) })
    }

    async fn create_battle(&self, request: Request<CreateBattleRequest>) -> Answer<CreateBattleResponse> {
        let mut request = request.into_inner();
        let caller = self.users.admit(request.caller.take())?;
        let new = wire::new_battle(caller, request)?;
        let (epoch, started_at) = battle_record::create(&self.users.store, new).await?;
        answer(CreateBattleResponse { epoch: wire::unsigned(epoch), started_at })
    }

    async fn claim_battle(&self, request: Request<ClaimBattleRequest>) -> Answer<ClaimBattleResponse> {
        let ClaimBattleRequest { battle_id, epoch, owner } = request.into_inner();
        let (battle, epoch) = (wire::id(&battle_id, "battle_id")?, wire::stored(epoch, "epoch")?);
        let owner = wire::name(owner, "owner")?;
        let record = battle_record::claim(&self.users.store, battle, epoch, &owner).await?;
        let now = record.now;
        answer(ClaimBattleResponse { record: Some(wire::record(record)?), now })
    }

    async fn check_battles(&self, request: Request<CheckBattlesRequest>) -> Answer<CheckBattlesResponse> {
        let holds = wire::holds(request.into_inner().holds)?;
        answer(wire::lost(battle_record::check(&self.users.store, holds).await?))
    }

    async fn save_progress(&self, request: Request<SaveProgressRequest>) -> Answer<SaveProgressResponse> {
        let entries = wire::entries(self.users.ruleset.content(), request.into_inner().entries)?;
        let outcomes = progress::save(&self.users.store, entries).await?;
        answer(SaveProgressResponse { results: wire::results(&outcomes) })
    }

    async fn append_input(&self, request: Request<AppendInputRequest>) -> Answer<AppendInputResponse> {
        let AppendInputRequest { battle_id, input } = request.into_inner();
        let (battle, input) = (wire::id(&battle_id, "battle_id")?, wire::input(input)?);
        let n = battle_record::append(&self.users.store, battle, input).await?;
        answer(AppendInputResponse { n: wire::unsigned(n) })
    }

    async fn get_battle_record(&self, request: Request<GetBattleRecordRequest>) -> Answer<GetBattleRecordResponse> {
        let GetBattleRecordRequest { by, history } = request.into_inner();
        let record = battle_record::read(&self.users.store, wire::which(by)?, history).await?;
        let now = record.now;
        answer(GetBattleRecordResponse { record: Some(wire::record(record)?), now })
    }

    async fn list_battle_records(
        &self,
        request: Request<ListBattleRecordsRequest>,
    ) -> Answer<ListBattleRecordsResponse> {
        let ListBattleRecordsRequest { live_only, page_size, page_token } = request.into_inner();
        let of = wire::page(page_size, &page_token)?;
        let page = battle_record::list(&self.users.store, live_only, of).await?;
        let records = page.lines.into_iter().map(wire::line).collect();
        answer(ListBattleRecordsResponse { records, next_page_token: wire::page_token(page.next) })
    }

    async fn put_ruleset(&self, request: Request<PutRulesetRequest>) -> Answer<PutRulesetResponse> {
        let PutRulesetRequest { id, pack } = request.into_inner();
        let id = wire::name(id, "id")?;
        self.users.store.put_ruleset(id.into(), pack.into()).await.map_err(Fault::from)?;
        answer(PutRulesetResponse {})
    }

    async fn get_ruleset(&self, request: Request<GetRulesetRequest>) -> Answer<GetRulesetResponse> {
        let id = wire::name(request.into_inner().id, "id")?;
        let pack = self.users.store.get_ruleset(id.into()).await.map_err(Fault::from)?;
        answer(GetRulesetResponse { pack: pack.ok_or_else(|| Fault::not_found("ruleset-unknown"))? })
    }

    async fn begin_once(&self, request: Request<BeginOnceRequest>) -> Answer<BeginOnceResponse> {
        let BeginOnceRequest { caller, key, digest } = request.into_inner();
        let caller = self.users.admit(caller)?;
        let (key, digest) = (wire::key(key)?, wire::digest(&digest)?);
        let earlier = once::begin(&self.users.store, caller.account, &key, digest).await?;
        answer(BeginOnceResponse { answer: earlier })
    }

    async fn finish_once(&self, request: Request<FinishOnceRequest>) -> Answer<FinishOnceResponse> {
        let FinishOnceRequest { caller, key, answer: kept } = request.into_inner();
        let caller = wire::caller(caller)?;
        once::finish(&self.users.store, caller.account, &wire::key(key)?, kept).await?;
        answer(FinishOnceResponse {})
    }

    async fn record_audit(&self, request: Request<RecordAuditRequest>) -> Answer<RecordAuditResponse> {
        let id = audit_record::record(&self.users.store, wire::deed(request.into_inner())?).await?;
        answer(RecordAuditResponse { id: id.to_string() })
    }
}

type Answer<T> = Result<Response<T>, Status>;

fn answer<T>(message: T) -> Answer<T> {
    Ok(Response::new(message))
}

/// An optional text of a request, which is empty when it isn't there.
fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
