//! The record of a battle: made, claimed, added to and read. Saving is `progress`.

use std::sync::Arc;

use rules::keyframes::KEYFRAME_EVERY;
use service_kit::{Fault, Superseded};
use vocab::BattleId;

use crate::page::{Page, PageOf};
use crate::store::rows::{BattleLine, BattleRow, Input, NewBattle, Record, Segment};
use crate::store::{Store, StoreError};

/// The epoch a battle is made with.
pub(crate) const FIRST_EPOCH: i64 = 1;

/// What became of a new battle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Created {
    /// It is there under its first epoch, since this call or an earlier one with its id.
    Made { started_at: i64 },
    /// A newer session of the account has taken the caller's place.
    SessionOver,
    /// The character has a live one.
    InBattle(BattleId),
    /// The character is no longer what the caller read.
    CharacterChanged,
    /// The account has no such character.
    NoCharacter,
    /// The id is another battle's.
    IdTaken,
}

/// What became of a claim.
#[derive(Debug)]
pub(crate) enum Claimed {
    /// The battle as it is now, under its new epoch.
    Yours(Box<Record>),
    /// Another claim was first; the epoch that counts.
    EpochMoved(i64),
    /// It is over.
    Ended,
    /// There is none.
    Gone,
}

/// What became of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    /// Stored under this number, by this call or an earlier one.
    At(i64),
    /// The caller is no longer the owner; the epoch that counts.
    EpochMoved(i64),
    /// The battle is over.
    Ended,
    /// There is none.
    Gone,
}

/// A battle, and the epoch somebody writes it under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) battle: BattleId,
    pub(crate) epoch: i64,
}

/// What doesn't live under its epoch any more.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    /// Another took these over.
    pub(crate) taken: Vec<Hold>,
    /// These were deleted, or have ended.
    pub(crate) gone: Vec<Hold>,
}

/// Which battle is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    ById(BattleId),
    OfCharacter(vocab::CharacterId),
}

/// Makes a battle; says its epoch and when it started.
pub(crate) async fn create(store: &Store, new: NewBattle) -> Result<(i64, i64), Fault> {
    match store.create_battle(Arc::new(new)).await.map_err(lost_race)? {
        Created::Made { started_at } => Ok((FIRST_EPOCH, started_at)),
        Created::SessionOver => Err(Superseded.into()),
        Created::InBattle(battle) => Err(in_battle().arg("battle", battle)),
        Created::CharacterChanged => Err(Fault::aborted("character-changed").reason("character_changed")),
        Created::NoCharacter => Err(Fault::not_found("character-unknown")),
        Created::IdTaken => Err(Fault::exists("battle-id-taken").field("battle_id")),
    }
}

/// Takes a battle over from the epoch read.
pub(crate) async fn claim(store: &Store, battle: BattleId, epoch: i64, owner: &str) -> Result<Record, Fault> {
    match store.claim_battle(battle, epoch, Arc::from(owner)).await? {
        Claimed::Yours(record) => Ok(*record),
        Claimed::EpochMoved(now) => Err(epoch_moved(now)),
        Claimed::Ended => Err(ended()),
        Claimed::Gone => Err(unknown()),
    }
}

/// Those of these battles that don't live under that epoch.
pub(crate) async fn check(store: &Store, holds: Vec<Hold>) -> Result<Lost, Fault> {
    let epochs = store.battle_epochs(holds.iter().map(|hold| hold.battle).collect()).await?;
    let mut lost = Lost::default();
    for hold in holds {
        match epochs.get(&hold.battle) {
            Some((epoch, _)) if *epoch != hold.epoch => lost.taken.push(hold),
            Some((_, None)) => {}
            Some((_, Some(_))) | None => lost.gone.push(hold),
        }
    }
    Ok(lost)
}

/// Stores an input; says its number.
pub(crate) async fn append(store: &Store, battle: BattleId, input: Input) -> Result<i64, Fault> {
    match store.append_input(battle, Arc::new(input)).await? {
        Appended::At(n) => Ok(n),
        Appended::EpochMoved(now) => Err(epoch_moved(now)),
        Appended::Ended => Err(ended()),
        Appended::Gone => Err(unknown()),
    }
}

/// Reads a record; `history` for all of it.
pub(crate) async fn read(store: &Store, which: Which, history: bool) -> Result<Record, Fault> {
    let found = match which {
        Which::ById(battle) => store.battle_by_id(battle, history).await?,
        Which::OfCharacter(character) => store.battle_of_character(character, history).await?,
    };
    found.ok_or_else(unknown)
}

/// Lists battles in the order of their starts, each line with the character's name.
pub(crate) async fn list(
    store: &Store,
    live_only: bool,
    of: PageOf<BattleId>,
) -> Result<Page<(BattleLine, String), BattleId>, Fault> {
    let lines = store.list_battles(live_only, of.after, of.limit()).await?;
    Ok(of.cut(lines, |(line, _)| line.id))
}

/// What a creation comes to whose id is known. It is a repeat only as long as the caller would still be the owner: with
/// an epoch that somebody else writes under it could spoil their battle.
pub(crate) fn repeated(known: &BattleRow, new: &NewBattle) -> Created {
    let still_owned = known.epoch == FIRST_EPOCH && known.owner.as_ref() == Some(&new.owner);
    if (known.account, known.character) != (new.account, new.character) {
        Created::IdTaken
    } else if known.ended_at.is_some() {
        Created::CharacterChanged
    } else if still_owned {
        Created::Made { started_at: known.started_at }
    } else {
        Created::InBattle(known.id)
    }
}

/// The frame of the older keyframe of a battle that stands at `seq`: the keyframe before the last one passed.
pub(crate) fn older_keyframe(seq: i64) -> i64 {
    let every = i64::try_from(KEYFRAME_EVERY).unwrap_or(i64::MAX);
    (seq / every - 1).max(0) * every
}

/// The segments that have a frame after `seq`, of all a battle has in their order: the last always has.
pub(crate) fn reaching_past(mut segments: Vec<Segment>, seq: i64) -> Vec<Segment> {
    let first = segments.iter().rposition(|segment| segment.from_seq <= seq + 1).unwrap_or(0);
    segments.split_off(first)
}

/// Two at once: the unique index let the other in first.
fn lost_race(error: StoreError) -> Fault {
    error.on_unique(&[("live_character", in_battle)])
}

fn in_battle() -> Fault {
    Fault::exists("in-battle").reason("in_battle")
}

fn epoch_moved(now: i64) -> Fault {
    Fault::aborted("battle-epoch-moved").reason("epoch_moved").arg("epoch", now)
}

fn ended() -> Fault {
    Fault::precondition("battle-ended").reason("ended")
}

fn unknown() -> Fault {
    Fault::not_found("battle-unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_keyframe_is_the_one_before_the_last_passed() {
        let at = [0, 1, 1_199, 1_200, 2_399, 2_400, 3_600, 3_601];
        assert_eq!(at.map(older_keyframe), [0, 0, 0, 0, 0, 1_200, 2_400, 2_400]);
    }

    #[test]
    fn segments_that_end_before_are_left_out() {
        let segment = |from_seq| Segment { from_seq, ruleset: String::new(), state: Vec::new(), origin_ms: 0 };
        let all: Vec<Segment> = [1, 100, 200].map(segment).to_vec();
        let froms = |seq| reaching_past(all.clone(), seq).iter().map(|segment| segment.from_seq).collect::<Vec<_>>();
        assert_eq!(froms(0), [1, 100, 200]);
        assert_eq!(froms(98), [1, 100, 200]);
        assert_eq!(froms(99), [100, 200]);
        assert_eq!(froms(500), [200]);
    }
}
