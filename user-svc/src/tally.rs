//! What the books need to know of a battle's totals: gold, kills, and things found.
//!
//! The totals themselves stay encoded; reading them is `wire`'s business.

use std::collections::{HashMap, HashSet};

/// Sums from the battle's start on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) gold: i64,
    /// Monsters killed, by key.
    pub(crate) kills: Vec<(String, i64)>,
    /// Things found that stack, by key.
    pub(crate) stacks: Vec<(String, i64)>,
    /// Equipment found and kept.
    pub(crate) pieces: Vec<Piece>,
}

/// A piece of equipment, named by the frame it was found in and its place there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Piece {
    pub(crate) seq: u64,
    pub(crate) n: u32,
    pub(crate) key: String,
}

impl Tally {
    /// What came since `earlier`; nothing when this isn't a later tally of the same battle, because a sum fell or
    /// something is missing. Only a stack may be: a stored tally has equipment among them
    /// ([`read`](Self::read)), this one doesn't.
    pub(crate) fn since(&self, earlier: &Self) -> Option<Self> {
        if is_any_missing(&self.kills, &earlier.kills)
            || earlier.pieces.iter().any(|piece| !self.pieces.contains(piece))
        {
            return None;
        }
        Some(Self {
            gold: fallen_to_none(self.gold - earlier.gold)?,
            kills: rise(&self.kills, &earlier.kills)?,
            stacks: rise(&self.stacks, &earlier.stacks)?,
            pieces: self.pieces.iter().filter(|piece| !earlier.pieces.contains(piece)).cloned().collect(),
        })
    }
}

fn fallen_to_none(difference: i64) -> Option<i64> {
    (difference >= 0).then_some(difference)
}

/// Whether something was counted before, and isn't any more.
fn is_any_missing(now: &[(String, i64)], earlier: &[(String, i64)]) -> bool {
    let now: HashSet<&str> = now.iter().map(|(key, _)| key.as_str()).collect();
    earlier.iter().any(|(key, count)| *count > 0 && !now.contains(key.as_str()))
}

/// The sums that rose, by how much.
fn rise(now: &[(String, i64)], earlier: &[(String, i64)]) -> Option<Vec<(String, i64)>> {
    let before: HashMap<&str, i64> = earlier.iter().map(|(key, count)| (key.as_str(), *count)).collect();
    let rises = now.iter().map(|(key, count)| {
        let more = fallen_to_none(count - before.get(key.as_str()).copied().unwrap_or(0))?;
        Some((key.clone(), more))
    });
    rises.filter(|rise| rise.as_ref().is_none_or(|(_, more)| *more > 0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(gold: i64, kills: &[(&str, i64)], pieces: &[u64]) -> Tally {
        Tally {
            gold,
            kills: kills.iter().map(|(key, count)| ((*key).to_owned(), *count)).collect(),
            stacks: Vec::new(),
            pieces: pieces.iter().map(|&seq| Piece { seq, n: 0, key: "cap".to_owned() }).collect(),
        }
    }

    #[test]
    fn the_difference_is_what_is_new() {
        let earlier = tally(5, &[("rat", 2), ("owl", 1)], &[3]);
        let now = tally(9, &[("rat", 2), ("owl", 4), ("fox", 1)], &[3, 8]);
        assert_eq!(now.since(&earlier), Some(tally(4, &[("owl", 3), ("fox", 1)], &[8])));
        assert_eq!(now.since(&now), Some(Tally::default()), "a repeat brings nothing");
    }

    #[test]
    fn a_sum_that_fell_is_no_later_tally() {
        assert_eq!(tally(4, &[], &[]).since(&tally(5, &[], &[])), None);
        assert_eq!(tally(5, &[("rat", 1)], &[]).since(&tally(5, &[("rat", 2)], &[])), None);
    }

    #[test]
    fn what_vanished_fell() {
        assert_eq!(tally(5, &[("owl", 3)], &[]).since(&tally(5, &[("rat", 2)], &[])), None, "kills");
        assert_eq!(tally(5, &[], &[8]).since(&tally(5, &[], &[3, 8])), None, "a piece");
    }
}
