//! The record's messages.

use std::collections::BTreeMap;

use proto::battle::v1 as pb;
use proto::common::v1 as common;
use proto::user::v1 as user;
use rules::battle::{EndReason, Input, Mode};
use rules::content::{Content, SkillIx};
use rules::fighter::{Fighter, SLOTS};
use rules::run::Recorded;
use service_kit::Fault;
use tokio::time::Instant;
use vocab::BattleId;

use super::{Caller, dungeon_id, frame, on_death_to, phase, totals};
use crate::record::{Create, Hero, Identity, Loss, Outcome, Owned, Read, Record, Save, Served, StoredSegment};
use crate::view::View;

/// The first byte of a stored stop; its reason follows as text.
const STOP: u8 = 1;

/// Reasons and the words they are stored under.
const REASONS: [(EndReason, &str); 6] = [
    (EndReason::Stopped, "stopped"),
    (EndReason::Died, "died"),
    (EndReason::Fled, "fled"),
    (EndReason::Left, "left"),
    (EndReason::Operator, "operator"),
    (EndReason::Deleted, "deleted"),
];

/// A record that the store answered with, and its clock.
pub(crate) fn read(record: Option<user::BattleRecord>, now: i64) -> Result<Read, Fault> {
    let record = record.ok_or_else(|| malformed("record"))?;
    Ok(Read { record: record_from(record)?, now })
}

/// The word a reason is stored under.
fn reason_text(reason: EndReason) -> &'static str {
    REASONS.iter().find(|(listed, _)| *listed == reason).map_or("", |(_, text)| text)
}

/// A new battle for the store.
pub(crate) fn create(create: Create, caller: Caller, owner: &str) -> user::CreateBattleRequest {
    user::CreateBattleRequest {
        caller: Some(common::Caller {
            account_id: caller.account.to_string(),
            epoch: caller.epoch,
            connection: caller.connection,
        }),
        battle_id: create.battle.to_string(),
        character_id: create.character.to_string(),
        character_version: create.character_version,
        owner: owner.to_owned(),
        tick_ms: create.tick_ms,
        ruleset: create.ruleset,
        state: create.state,
    }
}

/// A character as a battle sees it.
pub(crate) fn hero(content: &Content, character: Option<common::Character>) -> Result<Hero, Fault> {
    let character = character.ok_or_else(|| malformed("character"))?;
    let gear = |item: &Option<common::Item>| item.as_ref().map_or((0, 0), |item| (item.attack, item.defense));
    let (weapon, armour) = (gear(&character.weapon), gear(&character.armour));
    let mut skills = [None; SLOTS];
    for (slot, key) in skills.iter_mut().zip(&character.skills) {
        *slot = content.skill_by_key(key).map(|skill| skill.id);
    }
    let fighter = Fighter {
        level: u8::try_from(character.level).map_err(|_| malformed("level"))?,
        exp: character.exp,
        hp: character.hp,
        mp: character.mp,
        gear_attack: weapon.0.saturating_add(armour.0),
        gear_defense: weapon.1.saturating_add(armour.1),
        skills,
        bag_free: u16::try_from(character.bag_free).map_err(|_| malformed("bag"))?,
    };
    let id = stored_id("character", &character.id)?;
    Ok(Hero { id, name: character.name.into_boxed_str(), version: character.version, fighter })
}

/// A save for the store, as of `now`.
pub(crate) fn save(save: &Save, now: Instant) -> user::SaveEntry {
    let content = save.ruleset.content();
    let fighter = &save.fighter;
    let skill = |slot: Option<SkillIx>| {
        slot.and_then(|ix| content.skill(ix)).map(|skill| skill.key.clone()).unwrap_or_default()
    };
    let (key_a, key_b) = save.keys.clone().map(|[a, b]| (a.into_vec(), b.into_vec())).unzip();
    user::SaveEntry {
        battle_id: save.battle.to_string(),
        epoch: save.epoch,
        seq: save.seq,
        state: save.state.clone(),
        lag_ms: save.stood.at(now),
        key_a,
        key_b,
        totals: Some(totals(content, &save.totals)),
        level: fighter.level.into(),
        exp: fighter.exp,
        hp: fighter.hp,
        mp: fighter.mp,
        skills: fighter.skills.map(skill).to_vec(),
        seen: save.seen.as_ref().map(|served| seen(content, served, now)),
        release: save.release,
        end_reason: save.ended.map(|reason| reason_text(reason).to_owned()),
        new_segment: save.new_segment.clone().map(segment_to),
    }
}

fn seen(content: &Content, served: &Served, now: Instant) -> user::Seen {
    user::Seen { seq: served.seq, totals: Some(totals(content, &served.totals)), lag_ms: served.when.at(now) }
}

/// A battle that is asked about.
pub(crate) fn hold(owned: &Owned) -> user::BattleHold {
    user::BattleHold { battle_id: owned.battle.to_string(), epoch: owned.epoch }
}

/// Those that aren't ours any more, and why.
pub(crate) fn lost(answer: &user::CheckBattlesResponse) -> Result<BTreeMap<Owned, Loss>, Fault> {
    let taken = answer.taken.iter().map(|hold| (hold, Loss::Taken));
    let gone = answer.gone.iter().map(|hold| (hold, Loss::Gone));
    taken.chain(gone).map(|(hold, loss)| Ok((owned(hold)?, loss))).collect()
}

fn owned(hold: &user::BattleHold) -> Result<Owned, Fault> {
    Ok(Owned { battle: stored_id("battle_id", &hold.battle_id)?, epoch: hold.epoch })
}

/// What became of an entry.
pub(crate) fn outcome(result: i32) -> Result<Outcome, Fault> {
    match user::SaveResult::try_from(result) {
        Ok(user::SaveResult::Saved) => Ok(Outcome::Saved),
        Ok(user::SaveResult::Stale) => Ok(Outcome::Stale),
        Ok(user::SaveResult::Gone) => Ok(Outcome::Gone),
        Ok(user::SaveResult::Unspecified) | Err(_) => Err(malformed("result")),
    }
}

/// An input for the store.
pub(crate) fn input(battle: BattleId, epoch: u64, recorded: &Recorded) -> user::AppendInputRequest {
    let Recorded { at_seq, tick, input: Input::Stop { reason } } = *recorded;
    let input = [&[STOP], reason_text(reason).as_bytes()].concat();
    let input = user::BattleInput { n: 0, epoch, at_seq, tick, input };
    user::AppendInputRequest { battle_id: battle.to_string(), input: Some(input) }
}

/// A battle as it stands.
pub(crate) fn battle(content: &Content, view: &View) -> pb::Battle {
    pb::Battle {
        id: view.identity.id.to_string(),
        character: view.identity.name.to_string(),
        dungeon: dungeon_id(view.dungeon),
        mode: mode(view.mode).into(),
        on_death: on_death_to(view.on_death).into(),
        tick_ms: view.identity.tick_ms,
        started_at: view.identity.started_at,
        seq: view.seq,
        phase: phase(view.phase).into(),
        vitals: Some(frame::vitals(content, &view.vitals)),
    }
}

/// A battle in a list.
pub(crate) fn summary(record: user::BattleRecord) -> pb::BattleSummary {
    pb::BattleSummary {
        id: record.battle_id,
        character: record.character_name,
        owner: record.owner,
        epoch: record.epoch,
        seq: record.seq,
        started_at: record.started_at,
        ended_at: record.ended_at,
    }
}

fn record_from(record: user::BattleRecord) -> Result<Record, Fault> {
    let identity = Identity {
        id: stored_id("battle_id", &record.battle_id)?,
        account: stored_id("account_id", &record.account_id)?,
        name: record.character_name.into_boxed_str(),
        tick_ms: record.tick_ms.max(1),
        started_at: record.started_at,
    };
    let reason = record.end_reason.as_deref().map(reason_from).transpose()?;
    Ok(Record {
        identity,
        epoch: record.epoch,
        owner: record.owner,
        seq: record.seq,
        state: record.state.into_boxed_slice(),
        key_a: record.key_a.into_boxed_slice(),
        key_b: record.key_b.into_boxed_slice(),
        totals: record.totals.unwrap_or_default(),
        seen_seq: record.seen_seq,
        seen_totals: record.seen_totals.unwrap_or_default(),
        seen_at: record.seen_at,
        saved_at: record.saved_at,
        ended: reason.map(|reason| (reason, record.ended_at.unwrap_or(record.saved_at))),
        segments: record.segments.into_iter().map(segment_from).collect(),
        inputs: record.inputs.iter().map(input_from).collect::<Result<_, _>>()?,
    })
}

fn segment_from(segment: user::BattleSegment) -> StoredSegment {
    StoredSegment {
        from_seq: segment.from_seq,
        ruleset: segment.ruleset,
        state: segment.state.into_boxed_slice(),
        origin_ms: segment.origin_ms,
    }
}

fn segment_to(segment: StoredSegment) -> user::BattleSegment {
    user::BattleSegment {
        from_seq: segment.from_seq,
        ruleset: segment.ruleset,
        state: segment.state.into_vec(),
        origin_ms: segment.origin_ms,
    }
}

fn input_from(input: &user::BattleInput) -> Result<Recorded, Fault> {
    let Some((&STOP, reason)) = input.input.split_first() else { return Err(malformed("input")) };
    let reason = std::str::from_utf8(reason).map_err(|_| malformed("input"))?;
    let input_kind = Input::Stop { reason: reason_from(reason)? };
    Ok(Recorded { at_seq: input.at_seq, tick: input.tick, input: input_kind })
}

fn reason_from(text: &str) -> Result<EndReason, Fault> {
    let known = REASONS.iter().find(|(_, listed)| *listed == text);
    known.map(|(reason, _)| *reason).ok_or_else(|| malformed("end_reason"))
}

fn mode(mode: Mode) -> pb::Mode {
    match mode {
        Mode::Auto => pb::Mode::Auto,
    }
}

fn stored_id<T: std::str::FromStr>(field: &'static str, text: &str) -> Result<T, Fault> {
    text.parse().map_err(|_| malformed(field))
}

/// The store answered with something that no store answers with.
fn malformed(what: &'static str) -> Fault {
    Fault::internal(format!("the store's answer has a malformed {what}"))
}
