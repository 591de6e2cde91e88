//! Many frames told as one: the sums a client needs to have missed nothing that counts.

use std::sync::Arc;

use proto::battle::v1::event::Kind as Happened;
use proto::battle::v1::{Event, Frame, LootItem, Vitals};
use proto::common::v1::{ItemCount, Totals};

/// Consecutive frames of one battle, summed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Digest {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) summary: Totals,
    /// How the character stands after the last of them.
    pub(super) vitals: Option<Vitals>,
}

/// A frame with the number of ticks since the one before.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) frame: Arc<Frame>,
    pub(super) ticks: u64,
}

impl Digest {
    /// The digest of a single frame.
    pub(super) fn of(told: &Told) -> Self {
        let frame = &told.frame;
        let mut summary = Totals { frames: 1, ticks: told.ticks, ..Totals::default() };
        frame.events.iter().for_each(|event| count(&mut summary, event));
        Self { from: frame.seq, to: frame.seq, summary, vitals: frame.vitals.clone() }
    }

    /// Adds what follows directly; false, and nothing happens, when it doesn't.
    pub(super) fn add(&mut self, next: &Self) -> bool {
        if next.from != self.to + 1 {
            return false;
        }
        self.to = next.to;
        self.vitals.clone_from(&next.vitals);
        sum(&mut self.summary, &next.summary);
        true
    }
}

fn count(totals: &mut Totals, event: &Event) {
    match &event.kind {
        Some(Happened::Hit(hit)) => totals.damage_dealt += u64::from(hit.damage),
        Some(Happened::Skill(skill)) => totals.damage_dealt += u64::from(skill.damage),
        Some(Happened::Hurt(hurt)) => totals.damage_taken += u64::from(hurt.damage),
        Some(Happened::Kill(kill)) => {
            totals.kills += 1;
            totals.exp += kill.exp;
        }
        Some(Happened::Loot(loot)) => {
            totals.gold += loot.gold;
            loot.items.iter().for_each(|item| keep(totals, item));
        }
        Some(Happened::LevelUp(_)) => totals.levels += 1,
        Some(Happened::Death(_)) => totals.deaths += 1,
        Some(
            Happened::Spawn(_)
            | Happened::Heal(_)
            | Happened::Shield(_)
            | Happened::NoMana(_)
            | Happened::Revive(_)
            | Happened::Stop(_),
        )
        | None => {}
    }
}

/// Totals hold what was kept: a piece sold for want of room is in the gold.
fn keep(totals: &mut Totals, item: &LootItem) {
    if !item.sold {
        add_item(&mut totals.items, &item.key, u64::from(item.count));
    }
}

fn add_item(items: &mut Vec<ItemCount>, key: &str, count: u64) {
    match items.iter_mut().find(|item| item.key == key) {
        Some(item) => item.count += count,
        None => items.push(ItemCount { key: key.to_owned(), count }),
    }
}

fn sum(totals: &mut Totals, next: &Totals) {
    totals.frames += next.frames;
    totals.ticks += next.ticks;
    totals.kills += next.kills;
    totals.deaths += next.deaths;
    totals.exp += next.exp;
    totals.levels += next.levels;
    totals.gold += next.gold;
    totals.damage_dealt += next.damage_dealt;
    totals.damage_taken += next.damage_taken;
    next.items.iter().for_each(|item| add_item(&mut totals.items, &item.key, item.count));
}

#[cfg(test)]
pub(super) mod tests {
    use proto::battle::v1::{Death, Hit, Hurt, Kill, LevelUp, Loot, Skill};

    use super::*;

    pub(in crate::delivery) fn frame(seq: u64) -> Arc<Frame> {
        let loot = Loot {
            gold: seq,
            items: vec![
                LootItem { key: "herb".into(), count: 2, sold: false },
                LootItem { key: "blade".into(), count: 1, sold: true },
            ],
        };
        let events = [
            Happened::Hit(Hit { damage: 7, ..Hit::default() }),
            Happened::Skill(Skill { damage: 5, ..Skill::default() }),
            Happened::Hurt(Hurt { damage: 3, ..Hurt::default() }),
            Happened::Kill(Kill { exp: 10 * seq, ..Kill::default() }),
            Happened::Loot(loot),
            Happened::LevelUp(LevelUp::default()),
            Happened::Death(Death::default()),
        ];
        Arc::new(Frame {
            seq,
            tick: seq,
            at: 0,
            events: events.into_iter().map(|kind| Event { kind: Some(kind) }).collect(),
            vitals: Some(Vitals { gold: seq, ..Vitals::default() }),
        })
    }

    fn digest(seq: u64) -> Digest {
        Digest::of(&Told { frame: frame(seq), ticks: seq })
    }

    #[test]
    fn a_digest_is_the_sum_of_its_frames() {
        let mut all = digest(1);
        for seq in 2..=4 {
            assert!(all.add(&digest(seq)));
        }
        assert_eq!((all.from, all.to), (1, 4));
        let expected = Totals {
            frames: 4,
            ticks: 10,
            kills: 4,
            deaths: 4,
            exp: 100,
            levels: 4,
            gold: 10,
            items: vec![ItemCount { key: "herb".into(), count: 8 }],
            damage_dealt: 48,
            damage_taken: 12,
            ..Totals::default()
        };
        assert_eq!(all.summary, expected);
        assert_eq!(all.vitals.unwrap().gold, 4);
    }

    #[test]
    fn only_what_follows_directly_is_added() {
        let mut one = digest(1);
        let before = one.clone();
        assert!(!one.add(&digest(3)));
        assert!(!one.add(&digest(1)));
        assert_eq!(one, before);
    }

    #[test]
    fn it_does_not_matter_in_which_groups_frames_are_added() {
        let mut by_one = digest(1);
        (2..=6).for_each(|seq| assert!(by_one.add(&digest(seq))));
        let mut front = digest(1);
        assert!(front.add(&digest(2)));
        let mut back = digest(3);
        (4..=6).for_each(|seq| assert!(back.add(&digest(seq))));
        assert!(front.add(&back));
        assert_eq!(front, by_one);
    }
}
