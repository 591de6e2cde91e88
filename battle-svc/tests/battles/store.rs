//! The record of battles in memory, with the real rules: one live battle per character, a claim is a compare-and-set of
//! the epoch, a save counts under its epoch alone and never goes back, and pays its character what it brings beyond the
//! one before; an input is stored once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use proto::common::v1 as common;
use proto::user::v1::user_service_server::UserService;
use proto::user::v1::{self as user, BattleRecord, SaveEntry, SaveResult};
use service_kit::Fault;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tonic::{Request, Response, Status};

/// Moment of the database's clock at which every test begins.
pub(crate) const BEGINNING: i64 = 1_700_000_000_000;

/// A store that several instances may share.
#[derive(Clone)]
pub(crate) struct Store(Arc<Mutex<Rows>>, Instant);

/// A save or an input that counted.
#[allow(dead_code, reason = "only the simulation asks")]
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) battle: String,
    pub(crate) what: &'static str,
    /// Under which epoch it was written.
    pub(crate) under: u64,
    /// That of the record when it was.
    pub(crate) epoch: u64,
}

/// What is stored, open to tests.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) characters: HashMap<String, common::Character>,
    pub(crate) battles: BTreeMap<String, BattleRecord>,
    pub(crate) rulesets: HashMap<String, Vec<u8>>,
    /// What operators were about to change, in its order.
    pub(crate) audit: Vec<user::RecordAuditRequest>,
    /// Nothing of that can be written down.
    pub(crate) unaudited: bool,
    /// How far the database's clock has jumped, milliseconds.
    pub(crate) skew_ms: i64,
    /// Every call fails.
    pub(crate) away: bool,
    /// The epoch guards nothing: what a store must not be.
    pub(crate) unguarded: bool,
    /// A save may go back behind a later one: what a store must not let happen either.
    pub(crate) unordered: bool,
    /// A save of another epoch pays, though it counts for nothing else: nor this.
    pub(crate) pays_refused: bool,
    /// Writes that counted since somebody looked; for who asks for them.
    pub(crate) written: Option<Vec<Write>>,
    /// Writes that were refused because of their epoch.
    pub(crate) refused: u64,
    /// Inputs are stored, and the answer gets lost.
    pub(crate) mute: bool,
    /// A battle is stored, and the answer takes so long.
    pub(crate) slow_create: Duration,
    /// A battle is claimed, and the answer takes so long.
    pub(crate) slow_claim: Duration,
    /// So long takes each battle of a save; a call that is cut off has saved nothing.
    pub(crate) slow_save: Duration,
    /// A save with this battle in it fails, by a fault of the store's own.
    pub(crate) chokes_on: String,
    /// So many times a character has changed since it was read.
    pub(crate) changes: u32,
    pub(crate) claims: u64,
    pub(crate) saves: u64,
    /// What these have is said to be nobody's.
    pub(crate) gone: BTreeSet<String>,
    /// Whatever is asked about is said to be the asker's.
    pub(crate) agrees: bool,
    /// How many battles each question was about that asked which are still somebody's.
    pub(crate) checks: Vec<usize>,
    /// A question about this battle is never answered.
    pub(crate) mute_about: String,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self(Arc::default(), Instant::now())
    }

    pub(crate) async fn rows(&self) -> tokio::sync::MutexGuard<'_, Rows> {
        self.0.lock().await
    }

    pub(crate) async fn record(&self, battle: &str) -> BattleRecord {
        self.rows().await.battles[battle].clone()
    }

    pub(crate) async fn now(&self) -> i64 {
        self.clock(&*self.rows().await)
    }

    /// A healthy character of level 1, with the account that plays it.
    pub(crate) async fn character(&self, account: &str, name: &str) {
        self.character_of(account, name, vocab::CharacterId::generate()).await;
    }

    /// The same with an id of the test's own.
    pub(crate) async fn character_of(&self, account: &str, name: &str, id: vocab::CharacterId) {
        let character = common::Character {
            id: id.to_string(),
            name: name.to_owned(),
            account_id: account.to_owned(),
            level: 1,
            hp: 100,
            mp: 100,
            skills: vec!["".to_owned(); 3],
            version: 1,
            bag_free: 100,
            ..Default::default()
        };
        self.rows().await.characters.insert(account.to_owned(), character);
    }

    fn clock(&self, rows: &Rows) -> i64 {
        BEGINNING + rows.skew_ms + i64::try_from(self.1.elapsed().as_millis()).unwrap()
    }

    async fn open(&self) -> Result<tokio::sync::MutexGuard<'_, Rows>, Status> {
        let rows = self.0.lock().await;
        if rows.away { Err(Fault::unavailable("away").into()) } else { Ok(rows) }
    }
}

impl Rows {
    fn of_character(&self, id: &str) -> Option<&BattleRecord> {
        self.battles
            .values()
            .filter(|battle| battle.character_id == id)
            .max_by_key(|battle| (battle.ended_at.is_none(), battle.started_at))
    }

    fn save(&mut self, entry: SaveEntry, now: i64) -> SaveResult {
        let Some(row) = self.battles.get_mut(&entry.battle_id) else { return SaveResult::Gone };
        let character = self.characters.values_mut().find(|character| character.id == row.character_id).unwrap();
        if row.epoch != entry.epoch && !self.unguarded {
            self.refused += 1;
            if self.pays_refused {
                pay(character, row, &entry);
            }
            return SaveResult::Stale;
        }
        let same_frame = row.seq == entry.seq;
        if row.ended_at.is_some() {
            if !same_frame || row.end_reason != entry.end_reason {
                return SaveResult::Gone;
            }
            let seen = entry.seen.filter(|seen| seen.seq > row.seen_seq);
            see(row, seen, now);
            note(&mut self.written, row, "save of its end", entry.epoch);
            return SaveResult::Saved;
        }
        if row.seq > entry.seq && !self.unordered {
            return SaveResult::Stale;
        }
        self.saves += 1;
        note(&mut self.written, row, "save", entry.epoch);
        pay(character, row, &entry);
        let stood = now - i64::try_from(entry.lag_ms).unwrap();
        let again = same_frame && entry.new_segment.is_none();
        row.saved_at = if again { stood.min(row.saved_at) } else { stood };
        row.seq = entry.seq;
        row.state = entry.state;
        row.key_a = entry.key_a.unwrap_or(std::mem::take(&mut row.key_a));
        row.key_b = entry.key_b.unwrap_or(std::mem::take(&mut row.key_b));
        row.totals = entry.totals;
        see(row, entry.seen, now);
        if entry.release {
            row.owner.clear();
        }
        if let Some(segment) = entry.new_segment {
            row.segments.retain(|known| known.from_seq != segment.from_seq);
            row.segments.push(segment);
        }
        if entry.end_reason.is_some() {
            row.owner.clear();
            (row.end_reason, row.ended_at) = (entry.end_reason, Some(now));
        }
        SaveResult::Saved
    }
}

/// What a save makes of its character: gold by what it brings beyond the save before, the rest as it says. The version
/// rises with the end: whoever read the character before must read it again.
fn pay(character: &mut common::Character, row: &BattleRecord, entry: &SaveEntry) {
    let gold = |totals: &Option<common::Totals>| totals.as_ref().map_or(0, |totals| totals.gold);
    let over = entry.end_reason.is_some();
    character.gold = (character.gold + gold(&entry.totals)).saturating_sub(gold(&row.totals));
    (character.level, character.exp) = (entry.level, entry.exp);
    (character.hp, character.mp) = (if over { entry.hp.max(1) } else { entry.hp }, entry.mp);
    character.skills.clone_from(&entry.skills);
    character.version += u64::from(over);
}

/// A write counts.
fn note(written: &mut Option<Vec<Write>>, row: &BattleRecord, what: &'static str, under: u64) {
    if let Some(written) = written {
        written.push(Write { battle: row.battle_id.clone(), what, under, epoch: row.epoch });
    }
}

/// Writes how far the player has been served: while the battle lives its owner knows best, be it less than before.
fn see(row: &mut BattleRecord, seen: Option<user::Seen>, now: i64) {
    if let Some(seen) = seen.filter(|seen| seen.seq != row.seen_seq) {
        let at = now - i64::try_from(seen.lag_ms).unwrap();
        (row.seen_seq, row.seen_totals, row.seen_at) = (seen.seq, seen.totals, at);
    }
}

type Answer<T> = Result<Response<T>, Status>;

/// The calls that battle-svc makes; the others are not its business.
#[tonic::async_trait]
impl UserService for Store {
    async fn get_character(&self, request: Request<user::GetCharacterRequest>) -> Answer<user::GetCharacterResponse> {
        use user::get_character_request::By;
        let rows = self.open().await?;
        let character = match request.into_inner().by.unwrap() {
            By::AccountId(account) => rows.characters.get(&account),
            By::CharacterId(id) => rows.characters.values().find(|character| character.id == id),
            By::Name(name) => rows.characters.values().find(|character| character.name == name),
        };
        let character = character.cloned().ok_or_else(|| Fault::not_found("character-unknown"))?;
        Ok(Response::new(user::GetCharacterResponse { character: Some(character) }))
    }

    async fn create_battle(&self, request: Request<user::CreateBattleRequest>) -> Answer<user::CreateBattleResponse> {
        let request = request.into_inner();
        let mut rows = self.open().await?;
        let now = self.clock(&rows);
        let character =
            rows.characters.values().find(|character| character.id == request.character_id).unwrap().clone();
        if rows.of_character(&character.id).is_some_and(|battle| battle.ended_at.is_none()) {
            return Err(Fault::exists("in-battle").reason("in_battle").into());
        }
        let changed = rows.changes > 0;
        rows.changes = rows.changes.saturating_sub(1);
        if changed || character.version != request.character_version {
            return Err(Fault::aborted("character-changed").reason("character_changed").into());
        }
        let segment =
            user::BattleSegment { from_seq: 1, ruleset: request.ruleset, state: request.state.clone(), origin_ms: now };
        let record = BattleRecord {
            battle_id: request.battle_id.clone(),
            account_id: character.account_id,
            character_id: character.id,
            character_name: character.name,
            epoch: 1,
            owner: request.owner,
            tick_ms: request.tick_ms,
            state: request.state.clone(),
            key_a: request.state.clone(),
            key_b: request.state,
            totals: Some(common::Totals::default()),
            seen_totals: Some(common::Totals::default()),
            seen_at: now,
            started_at: now,
            saved_at: now,
            segments: vec![segment],
            ..Default::default()
        };
        rows.battles.insert(request.battle_id, record);
        let slow = rows.slow_create;
        drop(rows);
        sleep(slow).await;
        Ok(Response::new(user::CreateBattleResponse { epoch: 1, started_at: now }))
    }

    async fn claim_battle(&self, request: Request<user::ClaimBattleRequest>) -> Answer<user::ClaimBattleResponse> {
        let request = request.into_inner();
        let mut rows = self.open().await?;
        let now = self.clock(&rows);
        let row = rows.battles.get_mut(&request.battle_id).ok_or_else(|| Fault::not_found("battle-unknown"))?;
        if row.ended_at.is_some() {
            return Err(Fault::precondition("battle-ended").reason("ended").into());
        }
        if row.epoch != request.epoch {
            return Err(Fault::aborted("battle-epoch-moved").reason("epoch_moved").into());
        }
        row.epoch += 1;
        row.owner = request.owner;
        let record = Some(row.clone());
        rows.claims += 1;
        let slow = rows.slow_claim;
        drop(rows);
        sleep(slow).await;
        Ok(Response::new(user::ClaimBattleResponse { record, now }))
    }

    async fn save_progress(&self, request: Request<user::SaveProgressRequest>) -> Answer<user::SaveProgressResponse> {
        let entries = request.into_inner().entries;
        let slow = self.open().await?.slow_save;
        sleep(slow.saturating_mul(u32::try_from(entries.len()).unwrap())).await;
        let mut rows = self.open().await?;
        if entries.iter().any(|entry| entry.battle_id == rows.chokes_on) {
            return Err(Fault::internal("a save it can't swallow").into());
        }
        let now = self.clock(&rows);
        let results = entries.into_iter().map(|entry| rows.save(entry, now).into()).collect();
        Ok(Response::new(user::SaveProgressResponse { results }))
    }

    async fn check_battles(&self, request: Request<user::CheckBattlesRequest>) -> Answer<user::CheckBattlesResponse> {
        let holds = request.into_inner().holds;
        let mut rows = self.open().await?;
        rows.checks.push(holds.len());
        if holds.iter().any(|hold| hold.battle_id == rows.mute_about) {
            drop(rows);
            return std::future::pending().await;
        }
        let mut lost = user::CheckBattlesResponse::default();
        for hold in holds {
            match rows.battles.get(&hold.battle_id) {
                _ if rows.agrees => {}
                Some(row) if row.epoch != hold.epoch => lost.taken.push(hold),
                Some(row) if row.ended_at.is_none() => {}
                Some(_) | None => lost.gone.push(hold),
            }
        }
        Ok(Response::new(lost))
    }

    async fn append_input(&self, request: Request<user::AppendInputRequest>) -> Answer<user::AppendInputResponse> {
        let request = request.into_inner();
        let mut rows = self.open().await?;
        let rows = &mut *rows;
        let (mute, unguarded) = (rows.mute, rows.unguarded);
        let row = rows.battles.get_mut(&request.battle_id).ok_or_else(|| Fault::not_found("battle-unknown"))?;
        let mut input = request.input.unwrap();
        if row.ended_at.is_some() {
            return Err(Fault::precondition("battle-ended").reason("ended").into());
        }
        if row.epoch != input.epoch && !unguarded {
            rows.refused += 1;
            return Err(Fault::aborted("battle-epoch-moved").reason("epoch_moved").into());
        }
        note(&mut rows.written, row, "input", input.epoch);
        let known = row.inputs.iter().find(|known| (known.epoch, known.at_seq) == (input.epoch, input.at_seq));
        let n = known.map_or(row.inputs.len() as u64 + 1, |known| known.n);
        if known.is_none() {
            input.n = n;
            row.inputs.push(input);
        }
        if mute {
            return Err(Fault::unavailable("mute").into());
        }
        Ok(Response::new(user::AppendInputResponse { n }))
    }

    async fn get_battle_record(
        &self,
        request: Request<user::GetBattleRecordRequest>,
    ) -> Answer<user::GetBattleRecordResponse> {
        use user::get_battle_record_request::By;
        let rows = self.open().await?;
        let record = match request.into_inner().by.unwrap() {
            By::BattleId(id) => rows.battles.get(&id),
            By::CharacterId(id) => rows.of_character(&id),
        };
        let mut record = record.cloned().ok_or_else(|| Fault::not_found("battle-unknown"))?;
        if rows.gone.contains(&record.owner) {
            record.owner.clear();
        }
        Ok(Response::new(user::GetBattleRecordResponse { record: Some(record), now: self.clock(&rows) }))
    }

    async fn list_battle_records(
        &self,
        request: Request<user::ListBattleRecordsRequest>,
    ) -> Answer<user::ListBattleRecordsResponse> {
        let live_only = request.into_inner().live_only;
        let rows = self.open().await?;
        let records = rows.battles.values().filter(|row| !live_only || row.ended_at.is_none()).cloned().collect();
        Ok(Response::new(user::ListBattleRecordsResponse { records, next_page_token: String::new() }))
    }

    async fn put_ruleset(&self, request: Request<user::PutRulesetRequest>) -> Answer<user::PutRulesetResponse> {
        let request = request.into_inner();
        self.open().await?.rulesets.insert(request.id, request.pack);
        Ok(Response::new(user::PutRulesetResponse {}))
    }

    async fn get_ruleset(&self, request: Request<user::GetRulesetRequest>) -> Answer<user::GetRulesetResponse> {
        let pack = self.open().await?.rulesets.get(&request.into_inner().id).cloned();
        let pack = pack.ok_or_else(|| Fault::not_found("ruleset-unknown"))?;
        Ok(Response::new(user::GetRulesetResponse { pack }))
    }

    async fn record_audit(&self, request: Request<user::RecordAuditRequest>) -> Answer<user::RecordAuditResponse> {
        let mut rows = self.open().await?;
        if rows.unaudited {
            return Err(Fault::unavailable("unaudited").into());
        }
        rows.audit.push(request.into_inner());
        Ok(Response::new(user::RecordAuditResponse { id: rows.audit.len().to_string() }))
    }

    async fn sign_up(&self, _: Request<user::SignUpRequest>) -> Answer<user::SignUpResponse> {
        Err(Status::unimplemented("not a battle's business"))
    }

    async fn sign_in(&self, _: Request<user::SignInRequest>) -> Answer<user::SignInResponse> {
        Err(Status::unimplemented("not a battle's business"))
    }

    async fn sign_out(&self, _: Request<user::SignOutRequest>) -> Answer<user::SignOutResponse> {
        Err(Status::unimplemented("not a battle's business"))
    }

    async fn authenticate(&self, _: Request<user::AuthenticateRequest>) -> Answer<user::AuthenticateResponse> {
        Err(Status::unimplemented("not a battle's business"))
    }

    async fn check_sessions(&self, _: Request<user::CheckSessionsRequest>) -> Answer<user::CheckSessionsResponse> {
        Err(Status::unimplemented("not a battle's business"))
    }

    async fn refresh_session(&self, _: Request<user::RefreshSessionRequest>) -> Answer<user::RefreshSessionResponse> {
        Err(Status::unimplemented("not a battle's business"))
    }

    async fn delete_account(&self, _: Request<user::DeleteAccountRequest>) -> Answer<user::DeleteAccountResponse> {
        Err(Status::unimplemented("not a battle's business"))
    }

    async fn begin_once(&self, _: Request<user::BeginOnceRequest>) -> Answer<user::BeginOnceResponse> {
        Err(Status::unimplemented("not a battle's business"))
    }

    async fn finish_once(&self, _: Request<user::FinishOnceRequest>) -> Answer<user::FinishOnceResponse> {
        Err(Status::unimplemented("not a battle's business"))
    }
}
