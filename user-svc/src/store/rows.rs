//! What the store takes and gives: rows with ids as words and everything else as SQL keeps it.
//!
//! Numbers are `i64` because SQL's are; whoever makes a row has checked that they fit, and the tables' own checks keep
//! them from going below zero. Encoded states, keyframes, totals and inputs are opaque here.

use diesel::prelude::*;
use vocab::{AccountId, AuditId, BattleId, CharacterId, ItemId};

use super::key::Key;
use super::schema::{account, audit, battle, battle_input, battle_segment, character, item, ledger, session};
use crate::tally::Tally;

/// SHA-256 of a session's token.
pub(crate) type TokenHash = [u8; 32];

/// What signing in needs to know of an account.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = account)]
pub(crate) struct Credentials {
    #[diesel(deserialize_as = Key)]
    pub(crate) id: AccountId,
    pub(crate) username_key: String,
    pub(crate) password_hash: String,
    pub(crate) signup_key: Option<String>,
    pub(crate) created_at: i64,
}

/// An account to be made.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = account)]
pub(crate) struct AccountRow {
    #[diesel(serialize_as = Key)]
    pub(crate) id: AccountId,
    pub(crate) username: String,
    pub(crate) username_key: String,
    pub(crate) password_hash: String,
    pub(crate) epoch: i64,
    pub(crate) signup_key: Option<String>,
    pub(crate) created_at: i64,
}

/// A session.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = session)]
pub(crate) struct SessionRow {
    pub(crate) token_hash: Vec<u8>,
    #[diesel(serialize_as = Key, deserialize_as = Key)]
    pub(crate) account: AccountId,
    pub(crate) epoch: i64,
    pub(crate) expires_at: i64,
}

/// How the sessions of an account stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch {
    /// The epoch that counts.
    pub(crate) now: i64,
    /// Whether there is a session of it; none after a sign-out.
    pub(crate) open: bool,
}

/// A character.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = character)]
pub(crate) struct CharacterRow {
    #[diesel(serialize_as = Key, deserialize_as = Key)]
    pub(crate) id: CharacterId,
    #[diesel(serialize_as = Key, deserialize_as = Key)]
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) name_key: String,
    pub(crate) job: String,
    pub(crate) level: i32,
    pub(crate) exp: i64,
    pub(crate) hp: i64,
    pub(crate) mp: i64,
    pub(crate) skill_1: String,
    pub(crate) skill_2: String,
    pub(crate) skill_3: String,
    pub(crate) gold: i64,
    pub(crate) rating: i32,
    pub(crate) version: i64,
    pub(crate) created_at: i64,
}

/// A piece of equipment or a stack.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = item)]
pub(crate) struct ItemRow {
    #[diesel(serialize_as = Key, deserialize_as = Key)]
    pub(crate) id: ItemId,
    #[diesel(serialize_as = Key, deserialize_as = Key)]
    pub(crate) character: CharacterId,
    pub(crate) item_key: String,
    pub(crate) stack: Option<String>,
    pub(crate) count: i64,
    pub(crate) plus: i32,
    pub(crate) slot: Option<String>,
}

/// Everything a sign-up makes.
#[derive(Debug, Clone)]
pub(crate) struct NewAccount {
    pub(crate) account: AccountRow,
    pub(crate) character: CharacterRow,
    pub(crate) items: Vec<ItemRow>,
    pub(crate) session: SessionRow,
}

/// A character with what it wears and what it carries.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    pub(crate) character: CharacterRow,
    pub(crate) worn: Vec<ItemRow>,
    /// Pieces of equipment in the bag; what is worn is not in the bag.
    pub(crate) bagged: i64,
}

/// The battle that concerns a player now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Current {
    pub(crate) battle: BattleId,
    pub(crate) live: bool,
    pub(crate) end_seen: bool,
}

/// Where a player stands.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) sheet: Sheet,
    pub(crate) battle: Option<Current>,
}

/// A battle's record without its blobs' meaning.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = battle)]
pub(crate) struct BattleRow {
    #[diesel(deserialize_as = Key)]
    pub(crate) id: BattleId,
    #[diesel(deserialize_as = Key)]
    pub(crate) account: AccountId,
    #[diesel(deserialize_as = Key)]
    pub(crate) character: CharacterId,
    pub(crate) epoch: i64,
    pub(crate) owner: Option<String>,
    pub(crate) tick_ms: i64,
    pub(crate) seq: i64,
    pub(crate) state: Vec<u8>,
    pub(crate) key_a: Vec<u8>,
    pub(crate) key_b: Vec<u8>,
    pub(crate) totals: Vec<u8>,
    pub(crate) seen_seq: i64,
    pub(crate) seen_totals: Vec<u8>,
    pub(crate) seen_at: i64,
    pub(crate) started_at: i64,
    pub(crate) saved_at: i64,
    pub(crate) ended_at: Option<i64>,
    pub(crate) end_reason: Option<String>,
}

/// The same for a list: without states and totals, of which a page would hold megabytes.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = battle)]
pub(crate) struct BattleLine {
    #[diesel(deserialize_as = Key)]
    pub(crate) id: BattleId,
    #[diesel(deserialize_as = Key)]
    pub(crate) account: AccountId,
    #[diesel(deserialize_as = Key)]
    pub(crate) character: CharacterId,
    pub(crate) epoch: i64,
    pub(crate) owner: Option<String>,
    pub(crate) tick_ms: i64,
    pub(crate) seq: i64,
    pub(crate) seen_seq: i64,
    pub(crate) seen_at: i64,
    pub(crate) started_at: i64,
    pub(crate) saved_at: i64,
    pub(crate) ended_at: Option<i64>,
    pub(crate) end_reason: Option<String>,
}

/// A stretch of a battle.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = battle_segment)]
pub(crate) struct Segment {
    pub(crate) from_seq: i64,
    pub(crate) ruleset: String,
    pub(crate) state: Vec<u8>,
    pub(crate) origin_ms: i64,
}

/// What reached a battle from outside; `n` is given by the store.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = battle_input)]
pub(crate) struct Input {
    pub(crate) n: i64,
    pub(crate) epoch: i64,
    pub(crate) at_seq: i64,
    pub(crate) tick: i64,
    pub(crate) input: Vec<u8>,
}

/// A battle with its segments and inputs.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) battle: BattleRow,
    pub(crate) character_name: String,
    pub(crate) segments: Vec<Segment>,
    pub(crate) inputs: Vec<Input>,
    /// The clock at the read.
    pub(crate) now: i64,
}

/// One movement of gold.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = ledger)]
pub(crate) struct LedgerRow {
    pub(crate) entry_key: String,
    #[diesel(serialize_as = Key)]
    pub(crate) account: AccountId,
    pub(crate) delta: i64,
    pub(crate) counter: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) booked_at: i64,
}

/// What an operator changed.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit)]
pub(crate) struct AuditRow {
    #[diesel(serialize_as = Key, deserialize_as = Key)]
    pub(crate) id: AuditId,
    pub(crate) at: i64,
    pub(crate) operator: String,
    pub(crate) action: String,
    pub(crate) subject: String,
    pub(crate) detail: String,
}

/// What stands in the way of a save, or what it builds on.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = battle)]
pub(crate) struct Saved {
    #[diesel(deserialize_as = Key)]
    pub(crate) id: BattleId,
    #[diesel(deserialize_as = Key)]
    pub(crate) account: AccountId,
    #[diesel(deserialize_as = Key)]
    pub(crate) character: CharacterId,
    pub(crate) epoch: i64,
    pub(crate) seq: i64,
    pub(crate) totals: Vec<u8>,
    pub(crate) seen_seq: i64,
    pub(crate) saved_at: i64,
    pub(crate) end_reason: Option<String>,
}

/// A battle to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewBattle {
    pub(crate) id: BattleId,
    pub(crate) account: AccountId,
    /// The caller's session, which must not be an older one than the account's; none for an internal tool.
    pub(crate) session_epoch: Option<i64>,
    pub(crate) character: CharacterId,
    pub(crate) character_version: i64,
    pub(crate) owner: String,
    pub(crate) tick_ms: i64,
    pub(crate) ruleset: String,
    pub(crate) state: Vec<u8>,
}

/// One battle's save.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: BattleId,
    pub(crate) epoch: i64,
    pub(crate) seq: i64,
    pub(crate) state: Vec<u8>,
    pub(crate) lag_ms: i64,
    pub(crate) key_a: Option<Vec<u8>>,
    pub(crate) key_b: Option<Vec<u8>>,
    pub(crate) totals: Vec<u8>,
    /// What `totals` says of gold, kills and things.
    pub(crate) tally: Tally,
    pub(crate) level: i32,
    pub(crate) exp: i64,
    pub(crate) hp: i64,
    pub(crate) mp: i64,
    pub(crate) skills: [String; 3],
    pub(crate) seen: Option<Seen>,
    pub(crate) release: bool,
    pub(crate) end_reason: Option<String>,
    pub(crate) new_segment: Option<Segment>,
}

/// The columns that say how far the player's own socket has been served.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = battle)]
pub(super) struct SeenColumns<'s> {
    seen_seq: i64,
    seen_totals: &'s [u8],
    seen_at: i64,
}

impl<'s> SeenColumns<'s> {
    /// What was seen some time before `now`.
    pub(super) fn of(seen: &'s Seen, now: i64) -> Self {
        Self { seen_seq: seen.seq, seen_totals: &seen.totals, seen_at: now - seen.lag_ms }
    }
}

/// How far the player's own socket has been served.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) seq: i64,
    pub(crate) totals: Vec<u8>,
    /// How long ago that was.
    pub(crate) lag_ms: i64,
}
