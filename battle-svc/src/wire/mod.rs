//! Where protobuf begins and ends: words of the wire into ours and back. Nothing else in this crate names a field of a
//! message but the handlers, which take requests apart.

mod frame;
mod record;
mod totals;

use std::str::FromStr;

use proto::battle::v1 as pb;
use proto::common::v1::Caller as PbCaller;
use rules::battle::{EndReason, OnDeath, Phase};
use rules::content::{Content, DungeonIx, Rank};
use service_kit::Fault;
use vocab::AccountId;

pub(crate) use frame::{end, feed_items, frame, report, stored_end};
pub(crate) use record::{battle, create, hero, hold, input, lost, outcome, read, save, summary};
pub(crate) use totals::{from_stored as totals_from, to_wire as totals};

/// Totals as they are stored: by key, whatever ruleset they were made under.
pub(crate) type StoredTotals = proto::common::v1::Totals;

/// For whom a request acts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    /// The account.
    pub(crate) account: AccountId,
    /// Session epoch.
    pub(crate) epoch: u64,
    /// Connection number; 0 for an internal tool.
    pub(crate) connection: u64,
}

/// The caller that a request must name.
pub(crate) fn caller(caller: Option<&PbCaller>) -> Result<Caller, Fault> {
    let caller = caller.ok_or_else(|| Fault::invalid("missing").field("caller"))?;
    let account = id("caller.account_id", &caller.account_id)?;
    Ok(Caller { account, epoch: caller.epoch, connection: caller.connection })
}

/// An id in a named field.
pub(crate) fn id<T: FromStr>(field: &'static str, text: &str) -> Result<T, Fault> {
    text.parse().map_err(|_| Fault::invalid("invalid-id").field(field))
}

/// A dungeon by its id.
pub(crate) fn dungeon(content: &Content, id: &str) -> Result<DungeonIx, Fault> {
    let known = content.dungeons().iter().find(|dungeon| dungeon_id(dungeon.id) == id);
    known.map(|dungeon| dungeon.id).ok_or_else(|| Fault::invalid("unknown-dungeon").field("dungeon"))
}

/// The id of a dungeon.
pub(crate) fn dungeon_id(ix: DungeonIx) -> String {
    ix.0.to_string()
}

/// Every dungeon with its monsters.
pub(crate) fn dungeons(content: &Content) -> Vec<pb::Dungeon> {
    let monsters = |dungeon| {
        let living = content.monsters().iter().filter(move |monster| monster.dungeon == dungeon);
        let view = |monster: &rules::content::Monster| pb::Monster {
            key: monster.key.clone(),
            rank: rank(monster.rank).into(),
            hp: monster.hp,
            max_hp: monster.hp,
        };
        living.map(view).collect()
    };
    let view = |dungeon: &rules::content::Dungeon| pb::Dungeon {
        id: dungeon_id(dungeon.id),
        min_level: dungeon.min_level.into(),
        max_level: dungeon.max_level.into(),
        monsters: monsters(dungeon.id),
    };
    content.dungeons().iter().map(view).collect()
}

/// What a death means; not saying counts as `revive`.
pub(crate) fn on_death(value: i32) -> Result<OnDeath, Fault> {
    match pb::OnDeath::try_from(value) {
        Ok(pb::OnDeath::Unspecified | pb::OnDeath::Revive) => Ok(OnDeath::Revive),
        Ok(pb::OnDeath::Stop) => Ok(OnDeath::Stop),
        Err(_unknown) => Err(Fault::invalid("unknown-value").field("on_death")),
    }
}

/// Why a battle is to end.
pub(crate) fn reason(value: i32) -> Result<EndReason, Fault> {
    match pb::EndReason::try_from(value) {
        Ok(pb::EndReason::Stopped) => Ok(EndReason::Stopped),
        Ok(pb::EndReason::Died) => Ok(EndReason::Died),
        Ok(pb::EndReason::Fled) => Ok(EndReason::Fled),
        Ok(pb::EndReason::Left) => Ok(EndReason::Left),
        Ok(pb::EndReason::Operator) => Ok(EndReason::Operator),
        Ok(pb::EndReason::Deleted) => Ok(EndReason::Deleted),
        Ok(pb::EndReason::Unspecified) | Err(_) => Err(Fault::invalid("unknown-value").field("reason")),
    }
}

fn on_death_to(value: OnDeath) -> pb::OnDeath {
    match value {
        OnDeath::Revive => pb::OnDeath::Revive,
        OnDeath::Stop => pb::OnDeath::Stop,
    }
}

fn phase(phase: Phase) -> pb::Phase {
    match phase {
        Phase::Fight => pb::Phase::Fight,
        Phase::Encounter => pb::Phase::Encounter,
        Phase::Dead => pb::Phase::Dead,
        Phase::Ended => pb::Phase::Ended,
    }
}

fn rank(rank: Rank) -> pb::Rank {
    match rank {
        Rank::Normal => pb::Rank::Normal,
        Rank::Elite => pb::Rank::Elite,
        Rank::Boss => pb::Rank::Boss,
    }
}

fn end_reason(reason: EndReason) -> pb::EndReason {
    match reason {
        EndReason::Stopped => pb::EndReason::Stopped,
        EndReason::Died => pb::EndReason::Died,
        EndReason::Fled => pb::EndReason::Fled,
        EndReason::Left => pb::EndReason::Left,
        EndReason::Operator => pb::EndReason::Operator,
        EndReason::Deleted => pb::EndReason::Deleted,
    }
}
