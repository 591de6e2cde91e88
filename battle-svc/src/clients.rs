//! The one other service that battle-svc calls: user-svc, which keeps the record.

use std::collections::BTreeMap;
use std::time::Duration;

use proto::user::v1 as user;
use proto::user::v1::get_battle_record_request::By as RecordBy;
use proto::user::v1::get_character_request::By as CharacterBy;
use proto::user::v1::user_service_client::UserServiceClient;
use rules::content::Content;
use rules::run::Recorded;
use service_kit::Fault;
use service_kit::grpc::{GrpcService, within};
use tokio::time::Instant;
use vocab::{AccountId, BattleId, CharacterId};

use crate::record::{Create, Hero, Loss, Outcome, Owned, Read, Save};
use crate::wire::{self, Caller};

/// The record of battles, and the characters that fight them. Every call has the client's deadline.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    client: UserServiceClient<GrpcService>,
    /// Who claims and creates: this instance's name.
    instance: String,
}

/// Which character's record.
#[derive(Debug, Clone)]
pub(crate) enum Whose {
    /// That of an account.
    Account(AccountId),
    /// That with this name.
    Name(String),
}

/// A battle that has been created.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Created {
    /// Under which it is written.
    pub(crate) epoch: u64,
    /// The database's clock, milliseconds since the epoch.
    pub(crate) started_at: i64,
}

impl Store {
    /// The record, as seen by the instance of this name.
    pub(crate) fn new(client: UserServiceClient<GrpcService>, instance: String) -> Self {
        Self { client, instance }
    }

    /// A character as a battle sees it, its skills looked up in `content`.
    pub(crate) async fn hero(&self, whose: Whose, content: &Content) -> Result<Hero, Fault> {
        let by = match whose {
            Whose::Account(id) => CharacterBy::AccountId(id.to_string()),
            Whose::Name(name) => CharacterBy::Name(name),
        };
        let request = user::GetCharacterRequest { by: Some(by) };
        wire::hero(content, self.client.clone().get_character(request).await?.into_inner().character)
    }

    /// Writes a new battle.
    pub(crate) async fn create(&self, create: Create, caller: Caller) -> Result<Created, Fault> {
        let request = wire::create(create, caller, &self.instance);
        let answer = self.client.clone().create_battle(request).await?.into_inner();
        Ok(Created { epoch: answer.epoch, started_at: answer.started_at })
    }

    /// Takes a battle over.
    pub(crate) async fn claim(&self, battle: BattleId, epoch: u64) -> Result<Read, Fault> {
        let request = user::ClaimBattleRequest { battle_id: battle.to_string(), epoch, owner: self.instance.clone() };
        let answer = self.client.clone().claim_battle(request).await?.into_inner();
        wire::read(answer.record, answer.now)
    }

    /// Writes the state of battles; one outcome for each, in their order.
    pub(crate) async fn save(&self, saves: &[Save]) -> Result<Vec<Outcome>, Fault> {
        let now = Instant::now();
        let entries = saves.iter().map(|save| wire::save(save, now)).collect();
        let answer = self.client.clone().save_progress(user::SaveProgressRequest { entries }).await?.into_inner();
        if answer.results.len() != saves.len() {
            return Err(Fault::internal("the store answered for another number of saves"));
        }
        answer.results.into_iter().map(wire::outcome).collect()
    }

    /// Those of these battles that don't live under that epoch any more, and why.
    pub(crate) async fn check(&self, owned: &[Owned], patience: Duration) -> Result<BTreeMap<Owned, Loss>, Fault> {
        let request = user::CheckBattlesRequest { holds: owned.iter().map(wire::hold).collect() };
        let answer = self.client.clone().check_battles(within(patience, request)).await?.into_inner();
        wire::lost(&answer)
    }

    /// Stores an input. A repeat changes nothing.
    pub(crate) async fn append(&self, battle: BattleId, epoch: u64, recorded: &Recorded) -> Result<(), Fault> {
        self.client.clone().append_input(wire::input(battle, epoch, recorded)).await?;
        Ok(())
    }

    /// The record of a battle; with its whole history, or as far back as its keyframes reach.
    pub(crate) async fn record(&self, battle: BattleId, history: bool) -> Result<Read, Fault> {
        self.read(RecordBy::BattleId(battle.to_string()), history).await
    }

    /// The record of a character's live battle, else of its latest.
    pub(crate) async fn latest(&self, character: CharacterId) -> Result<Read, Fault> {
        self.read(RecordBy::CharacterId(character.to_string()), false).await
    }

    /// Battles by id, for tools: a page, and the token of the next.
    pub(crate) async fn list(
        &self,
        request: user::ListBattleRecordsRequest,
    ) -> Result<user::ListBattleRecordsResponse, Fault> {
        Ok(self.client.clone().list_battle_records(request).await?.into_inner())
    }

    /// Writes down what an operator is about to do to `subject`. Who can't have it written down must not do it.
    pub(crate) async fn record_audit(&self, operator: &str, action: &str, subject: &str) -> Result<(), Fault> {
        let request = user::RecordAuditRequest {
            operator: operator.to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail: String::new(),
        };
        self.client.clone().record_audit(request).await?;
        Ok(())
    }

    /// Keeps a ruleset's pack.
    pub(crate) async fn put_ruleset(&self, id: &str, pack: &[u8]) -> Result<(), Fault> {
        let request = user::PutRulesetRequest { id: id.to_owned(), pack: pack.to_vec() };
        self.client.clone().put_ruleset(request).await?;
        Ok(())
    }

    /// A pack that was kept.
    pub(crate) async fn ruleset(&self, id: &str) -> Result<Vec<u8>, Fault> {
        let request = user::GetRulesetRequest { id: id.to_owned() };
        Ok(self.client.clone().get_ruleset(request).await?.into_inner().pack)
    }

    async fn read(&self, by: RecordBy, history: bool) -> Result<Read, Fault> {
        let request = user::GetBattleRecordRequest { by: Some(by), history };
        let answer = self.client.clone().get_battle_record(request).await?.into_inner();
        wire::read(answer.record, answer.now)
    }
}
