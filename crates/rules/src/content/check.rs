//! What has to hold between and within entries that were read well. Reports all faults, not the first.

use std::collections::HashSet;

use super::model::{Entry, Item, ItemKind, Monster, Rank, Skill};
use super::parse::{Draft, Fault, Placed};
use crate::growth::MAX_LEVEL;

/// The most lines that a drop table has.
pub const MAX_DROPS: usize = 4;

/// The most that any strength, price or experience may be: far from where sums over months could overflow.
const MOST: u32 = 1_000_000;

/// The whole of a chance, in ten-thousandths.
const CERTAIN: u32 = 10_000;

/// How many kinds each rank of a dungeon has at least.
const KINDS_PER_RANK: usize = 2;

/// Collects faults while reading like a list of rules.
struct Checker<'a> {
    draft: &'a Draft,
    faults: Vec<Fault>,
}

/// Checks the whole world.
pub(super) fn check(draft: &Draft) -> Result<(), Vec<Fault>> {
    let mut checker = Checker { draft, faults: Vec::new() };
    checker.numbers_and_keys(&draft.dungeons);
    checker.numbers_and_keys(&draft.monsters);
    checker.numbers_and_keys(&draft.skills);
    checker.numbers_and_keys(&draft.items);
    checker.balance();
    checker.dungeons();
    checker.skill_levels();
    draft.monsters.iter().for_each(|monster| checker.monster(monster));
    draft.skills.iter().for_each(|skill| checker.skill(skill));
    draft.items.iter().for_each(|item| checker.item(item));
    if checker.faults.is_empty() { Ok(()) } else { Err(checker.faults) }
}

impl Checker<'_> {
    fn require<T>(&mut self, holds: bool, at: &Placed<T>, reason: &str) {
        if !holds {
            self.faults.push(at.fault(reason));
        }
    }

    fn numbers_and_keys<T: Entry>(&mut self, entries: &[Placed<T>]) {
        let mut keys = HashSet::new();
        for (place, placed) in entries.iter().enumerate() {
            let number = placed.entry.number();
            if number != place + 1 {
                let reason = format!("{} ids run from 1 without hole or repeat: {number} is out of turn", T::NOUN);
                self.faults.push(placed.fault(reason));
            }
            let Some(key) = placed.entry.key() else { continue };
            if !is_key(key) {
                self.faults
                    .push(placed.fault(format!("`{key}` is not a key: small letters, digits and single dashes")));
            }
            if !keys.insert(key) {
                self.faults.push(placed.fault(format!("{} `{key}` is already given elsewhere", T::NOUN)));
            }
        }
    }

    fn balance(&mut self) {
        let placed = &self.draft.balance;
        let balance = &placed.entry;
        let weights = balance.spawn.by_rank();
        self.require(
            weights.iter().all(|&weight| (1..=MOST).contains(&weight)),
            placed,
            "spawn weights are 1 … 1000000",
        );
        self.require((1..=86_400_000).contains(&balance.revive_ms), placed, "`revive_ms` is 1 … 86400000");
        self.require(balance.resale_percent <= 100, placed, "`resale_percent` is 0 … 100");
        self.start_gear(&balance.start.weapon, ItemKind::Weapon);
        self.start_gear(&balance.start.armour, ItemKind::Armour);
    }

    fn start_gear(&mut self, key: &str, kind: ItemKind) {
        if !self.draft.items.iter().any(|item| item.entry.key == key && item.entry.kind == kind) {
            let reason = format!("no {kind:?} has the key `{key}`").to_lowercase();
            self.faults.push(self.draft.balance.fault(reason));
        }
    }

    fn dungeons(&mut self) {
        self.require(!self.draft.dungeons.is_empty(), &self.draft.balance, "there is no dungeon");
        for placed in &self.draft.dungeons {
            let dungeon = &placed.entry;
            let levels =
                1 <= dungeon.min_level && dungeon.min_level <= dungeon.max_level && dungeon.max_level <= MAX_LEVEL;
            self.require(levels, placed, "levels are 1 … 100, the first not above the last");
            for rank in Rank::ALL {
                let lives_there =
                    |monster: &&Placed<Monster>| monster.entry.dungeon == dungeon.id && monster.entry.rank == rank;
                if self.draft.monsters.iter().filter(lives_there).count() < KINDS_PER_RANK {
                    let reason = format!("fewer than {KINDS_PER_RANK} {rank:?} monsters live here").to_lowercase();
                    self.faults.push(placed.fault(reason));
                }
            }
        }
    }

    fn monster(&mut self, placed: &Placed<Monster>) {
        let monster = &placed.entry;
        let [least, most] = monster.gold;
        let known = |key: &str| self.draft.items.iter().any(|item| item.entry.key == key);
        let unknown: Vec<_> = monster.drops.iter().filter(|line| !known(&line.item)).collect();
        for line in unknown {
            self.faults.push(placed.fault(format!("drops an unknown item `{}`", line.item)));
        }
        let dungeon_known = self.draft.dungeons.iter().any(|dungeon| dungeon.entry.id == monster.dungeon);
        self.require(dungeon_known, placed, "lives in an unknown dungeon");
        self.require((1..=MOST).contains(&monster.hp), placed, "`hp` is 1 … 1000000");
        self.require(monster.attack.max(monster.defense).max(monster.exp) <= MOST, placed, "a number is above 1000000");
        self.require(least <= most && most <= MOST, placed, "`gold` is [least, most], at most 1000000");
        self.require(monster.restores.hp.max(monster.restores.mp) <= 100, placed, "`restores` is in percent");
        self.require(monster.drops.len() <= MAX_DROPS, placed, "a drop table has at most 4 lines");
        let chances = monster.drops.iter().all(|line| (1..=CERTAIN).contains(&line.chance));
        self.require(chances, placed, "`chance` is 1 … 10000 ten-thousandths");
    }

    fn skill_levels(&mut self) {
        let mut levels = HashSet::new();
        for placed in &self.draft.skills {
            self.require(levels.insert(placed.entry.level), placed, "another skill is learned at this level");
        }
    }

    fn skill(&mut self, placed: &Placed<Skill>) {
        let skill = &placed.entry;
        self.require((1..=MAX_LEVEL).contains(&skill.level), placed, "`level` is 1 … 100");
        self.require((1..=MOST).contains(&skill.cost), placed, "`cost` is 1 … 1000000");
        self.require(skill.multiple <= MOST, placed, "`multiple` is at most 1000000 percent");
        self.require(skill.heal.is_none_or(|heal| (1..=100).contains(&heal)), placed, "`heal` is 1 … 100 percent");
        let shield = skill.shield.is_none_or(|shield| shield.defense <= MOST && (1..=MOST).contains(&shield.ticks));
        self.require(shield, placed, "a shield lasts 1 … 1000000 ticks and adds at most 1000000 percent");
    }

    fn item(&mut self, placed: &Placed<Item>) {
        let item = &placed.entry;
        let numbers = [item.attack, item.defense, item.hp, item.mp, item.price];
        self.require(numbers.iter().all(|&number| number <= MOST), placed, "a number is above 1000000");
        let worn = item.attack > 0 || item.defense > 0 || item.band.is_some();
        self.require(item.kind.is_equipment() || !worn, placed, "only equipment has `attack`, `defense` or `band`");
        let drunk = item.hp > 0 || item.mp > 0;
        self.require(drunk == (item.kind == ItemKind::Potion), placed, "potions, and only they, give `hp` or `mp`");
        let band_known =
            item.band.is_none_or(|band| self.draft.dungeons.iter().any(|dungeon| dungeon.entry.id == band));
        self.require(band_known, placed, "`band` is an unknown dungeon");
    }
}

fn is_key(key: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    key.len() <= 40 && key.starts_with(|first: char| first.is_ascii_lowercase()) && key.split('-').all(word)
}
