//! Battle records, whole and in lines.

use proto::user::v1 as user;
use service_kit::Fault;
use user::get_battle_record_request::By;

use super::save::totals;
use super::{Caller, id, missing, name, small, stored, unsigned};
use crate::battle_record::{Hold, Lost, Which};
use crate::store::rows::{BattleLine, Input, NewBattle, Record, Segment};

/// Battles asked about at once.
const CHECKED_AT_ONCE: usize = 1_000;

pub(crate) fn new_battle(caller: Caller, request: user::CreateBattleRequest) -> Result<NewBattle, Fault> {
    if request.tick_ms == 0 {
        return Err(missing("tick_ms"));
    }
    // Connection 0 is an internal tool.
    let session_epoch = (caller.connection != 0).then(|| stored(caller.epoch, "caller.epoch")).transpose()?;
    Ok(NewBattle {
        id: id(&request.battle_id, "battle_id")?,
        account: caller.account,
        session_epoch,
        character: id(&request.character_id, "character_id")?,
        character_version: stored(request.character_version, "character_version")?,
        owner: name(request.owner, "owner")?,
        tick_ms: request.tick_ms.into(),
        ruleset: name(request.ruleset, "ruleset")?,
        state: request.state,
    })
}

pub(crate) fn input(input: Option<user::BattleInput>) -> Result<Input, Fault> {
    let input = input.ok_or_else(|| missing("input"))?;
    Ok(Input {
        n: 0,
        epoch: stored(input.epoch, "input.epoch")?,
        at_seq: stored(input.at_seq, "input.at_seq")?,
        tick: stored(input.tick, "input.tick")?,
        input: input.input,
    })
}

/// The battles that an owner asks about.
pub(crate) fn holds(holds: Vec<user::BattleHold>) -> Result<Vec<Hold>, Fault> {
    if holds.len() > CHECKED_AT_ONCE {
        return Err(Fault::invalid("too-many-entries").field("holds").arg("max", CHECKED_AT_ONCE));
    }
    let hold = |hold: user::BattleHold| {
        Ok(Hold { battle: id(&hold.battle_id, "holds.battle_id")?, epoch: stored(hold.epoch, "holds.epoch")? })
    };
    holds.into_iter().map(hold).collect()
}

pub(crate) fn lost(lost: Lost) -> user::CheckBattlesResponse {
    let all = |holds: Vec<Hold>| holds.into_iter().map(hold).collect();
    user::CheckBattlesResponse { taken: all(lost.taken), gone: all(lost.gone) }
}

fn hold(Hold { battle, epoch }: Hold) -> user::BattleHold {
    user::BattleHold { battle_id: battle.to_string(), epoch: unsigned(epoch) }
}

/// Which battle a request names.
pub(crate) fn which(by: Option<By>) -> Result<Which, Fault> {
    Ok(match by.ok_or_else(|| missing("by"))? {
        By::BattleId(text) => Which::ById(id(&text, "battle_id")?),
        By::CharacterId(text) => Which::OfCharacter(id(&text, "character_id")?),
    })
}

/// # Errors
/// `internal` when stored totals can't be read.
pub(crate) fn record(record: Record) -> Result<user::BattleRecord, Fault> {
    let battle = record.battle;
    Ok(user::BattleRecord {
        battle_id: battle.id.to_string(),
        account_id: battle.account.to_string(),
        character_id: battle.character.to_string(),
        character_name: record.character_name,
        epoch: unsigned(battle.epoch),
        owner: battle.owner.unwrap_or_default(),
        tick_ms: small(battle.tick_ms),
        seq: unsigned(battle.seq),
        state: battle.state,
        key_a: battle.key_a,
        key_b: battle.key_b,
        totals: Some(totals(&battle.totals)?),
        seen_seq: unsigned(battle.seen_seq),
        seen_totals: Some(totals(&battle.seen_totals)?),
        seen_at: battle.seen_at,
        started_at: battle.started_at,
        saved_at: battle.saved_at,
        end_reason: battle.end_reason,
        ended_at: battle.ended_at,
        segments: record.segments.into_iter().map(segment_out).collect(),
        inputs: record.inputs.into_iter().map(input_out).collect(),
    })
}

/// A record as lists show it: without states, totals, segments and inputs.
pub(crate) fn line((line, character_name): (BattleLine, String)) -> user::BattleRecord {
    user::BattleRecord {
        battle_id: line.id.to_string(),
        account_id: line.account.to_string(),
        character_id: line.character.to_string(),
        character_name,
        epoch: unsigned(line.epoch),
        owner: line.owner.unwrap_or_default(),
        tick_ms: small(line.tick_ms),
        seq: unsigned(line.seq),
        seen_seq: unsigned(line.seen_seq),
        seen_at: line.seen_at,
        started_at: line.started_at,
        saved_at: line.saved_at,
        end_reason: line.end_reason,
        ended_at: line.ended_at,
        ..Default::default()
    }
}

pub(super) fn segment(segment: user::BattleSegment) -> Result<Segment, Fault> {
    if segment.from_seq == 0 {
        return Err(missing("new_segment.from_seq"));
    }
    Ok(Segment {
        from_seq: stored(segment.from_seq, "new_segment.from_seq")?,
        ruleset: name(segment.ruleset, "new_segment.ruleset")?,
        state: segment.state,
        origin_ms: segment.origin_ms,
    })
}

fn segment_out(segment: Segment) -> user::BattleSegment {
    user::BattleSegment {
        from_seq: unsigned(segment.from_seq),
        ruleset: segment.ruleset,
        state: segment.state,
        origin_ms: segment.origin_ms,
    }
}

fn input_out(input: Input) -> user::BattleInput {
    user::BattleInput {
        n: unsigned(input.n),
        epoch: unsigned(input.epoch),
        at_seq: unsigned(input.at_seq),
        tick: unsigned(input.tick),
        input: input.input,
    }
}
