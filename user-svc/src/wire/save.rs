//! Saves, and the totals inside them.

use std::collections::HashSet;

use prost::{DecodeError, Message};
use proto::common::v1::Totals;
use proto::user::v1 as user;
use rules::content::Content;
use rules::growth::MAX_LEVEL;
use service_kit::Fault;

use super::battle::segment;
use super::{id, missing, name, stored};
use crate::progress::{MAX_ENTRIES, Outcome};
use crate::store::rows::{Entry, Seen};
use crate::tally::{Piece, Tally};

/// The entries of a batch: each battle once.
pub(crate) fn entries(content: &Content, entries: Vec<user::SaveEntry>) -> Result<Vec<Entry>, Fault> {
    if entries.len() > MAX_ENTRIES {
        return Err(Fault::invalid("too-many-entries").field("entries"));
    }
    let mut seen = HashSet::with_capacity(entries.len());
    let entries = entries.into_iter().map(|each| {
        let entry = entry(content, each)?;
        if seen.insert(entry.id) { Ok(entry) } else { Err(Fault::invalid("entry-twice").field("entries")) }
    });
    entries.collect()
}

pub(crate) fn results(outcomes: &[Outcome]) -> Vec<i32> {
    let result = |outcome: &Outcome| match outcome {
        Outcome::Saved => user::SaveResult::Saved,
        Outcome::Stale => user::SaveResult::Stale,
        Outcome::Gone => user::SaveResult::Gone,
    };
    outcomes.iter().map(|outcome| result(outcome).into()).collect()
}

/// Totals as they were stored.
pub(super) fn totals(bytes: &[u8]) -> Result<Totals, Fault> {
    Totals::decode(bytes).map_err(Fault::internal)
}

impl Tally {
    /// What encoded totals say, everything found among the stacks: only a tally made with the content at hand knows
    /// what is equipment.
    pub(crate) fn read(totals: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self::of(&Totals::decode(totals)?, |_| true))
    }

    fn of(totals: &Totals, stacks: impl Fn(&str) -> bool) -> Self {
        let kills = totals.kills_by_monster.iter().map(|kill| (kill.key.clone(), clamped(kill.count)));
        let items = totals.items.iter().filter(|item| stacks(&item.key));
        Self {
            gold: clamped(totals.gold),
            kills: kills.collect(),
            stacks: items.map(|item| (item.key.clone(), clamped(item.count))).collect(),
            pieces: totals
                .pieces
                .iter()
                .map(|each| Piece { seq: each.seq, n: each.n, key: each.key.clone() })
                .collect(),
        }
    }
}

fn entry(content: &Content, entry: user::SaveEntry) -> Result<Entry, Fault> {
    let totals = entry.totals.ok_or_else(|| missing("totals"))?;
    if !(1..=u32::from(MAX_LEVEL)).contains(&entry.level) {
        return Err(Fault::invalid("level-range").field("level"));
    }
    // What the content doesn't know is equipment where a piece says so, and a stack otherwise: nothing that was earned
    // gets lost over a content update, and nothing is booked as both.
    let pieces: HashSet<&str> = totals.pieces.iter().map(|piece| piece.key.as_str()).collect();
    let known = |key: &str| content.item_by_key(key).is_some_and(|item| item.kind.is_equipment());
    let stacks = |key: &str| !pieces.contains(key) && !known(key);
    Ok(Entry {
        id: id(&entry.battle_id, "battle_id")?,
        epoch: stored(entry.epoch, "epoch")?,
        seq: stored(entry.seq, "seq")?,
        state: entry.state,
        lag_ms: stored(entry.lag_ms, "lag_ms")?,
        key_a: entry.key_a,
        key_b: entry.key_b,
        tally: Tally::of(&totals, stacks),
        totals: totals.encode_to_vec(),
        level: i32::try_from(entry.level).unwrap_or(i32::MAX),
        exp: stored(entry.exp, "exp")?,
        hp: entry.hp.into(),
        mp: entry.mp.into(),
        skills: skills(entry.skills)?,
        seen: entry.seen.map(seen).transpose()?,
        release: entry.release,
        end_reason: entry.end_reason.map(|reason| name(reason, "end_reason")).transpose()?,
        new_segment: entry.new_segment.map(segment).transpose()?,
    })
}

fn skills(skills: Vec<String>) -> Result<[String; 3], Fault> {
    skills.try_into().map_err(|_| Fault::invalid("skills-three").field("skills"))
}

fn seen(seen: user::Seen) -> Result<Seen, Fault> {
    Ok(Seen {
        seq: stored(seen.seq, "seen.seq")?,
        totals: seen.totals.unwrap_or_default().encode_to_vec(),
        lag_ms: stored(seen.lag_ms, "seen.lag_ms")?,
    })
}

/// Counts beyond what SQL can hold are not earned in any lifetime.
fn clamped(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proto::common::v1::{ItemCount, Piece as Found};

    use super::*;

    #[test]
    fn equipment_of_another_world_is_booked_once() {
        let content = Content::parse(content::rules()).unwrap();
        let count = |key: &str, count| ItemCount { key: key.to_owned(), count };
        let totals = Totals {
            items: vec![count("blade-of-tomorrow", 1), count("dust-of-tomorrow", 2)],
            pieces: vec![Found { seq: 3, n: 0, key: "blade-of-tomorrow".to_owned() }],
            ..Totals::default()
        };
        let save = user::SaveEntry {
            battle_id: vocab::BattleId::generate().to_string(),
            totals: Some(totals),
            level: 1,
            skills: vec![String::new(); 3],
            ..user::SaveEntry::default()
        };
        let tally = entry(&content, save).unwrap().tally;
        assert_eq!(tally.stacks, [("dust-of-tomorrow".to_owned(), 2)]);
        assert_eq!(tally.pieces.len(), 1);
    }
}
