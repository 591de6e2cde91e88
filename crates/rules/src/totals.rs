//! What a battle has brought so far, as sums of its events.
//!
//! Every number here is folded from events in one place, so that sums over frames and totals can't disagree.

use crate::codec::{InvalidState, Reader, Writer};
use crate::content::{Content, ItemIx, MonsterIx};
use crate::event::{Drops, Event, Fate};

/// The first byte of stored totals.
const VERSION: u8 = 1;

/// Sums from the first frame on. Counts per key are sorted by key and never zero.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// Frames made.
    pub frames: u64,
    /// Battle time of the last frame, in ticks.
    pub ticks: u64,
    /// Monsters killed.
    pub kills: u64,
    /// Times the fighter fell.
    pub deaths: u64,
    /// Experience earned.
    pub exp: u64,
    /// Levels gained.
    pub levels: u64,
    /// Gold earned, sold pieces included.
    pub gold: u64,
    /// Damage of all hits and skills.
    pub damage_dealt: u64,
    /// Damage of all blows suffered.
    pub damage_taken: u64,
    /// Everything found, sold pieces included.
    pub items: Vec<(ItemIx, u64)>,
    /// Kills by kind of monster.
    pub kills_by_monster: Vec<(MonsterIx, u64)>,
    /// The pieces of equipment that are in the bag now, in the order they were found: never more than its places.
    pub pieces: Vec<Piece>,
}

/// A piece of equipment found and kept, named within its battle by frame and place in the loot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The frame of its loot.
    pub seq: u64,
    /// Its place among the drops of that loot, from 0.
    pub n: u8,
    /// What it is.
    pub item: ItemIx,
}

impl Totals {
    /// Adds one event of frame `seq`.
    pub(crate) fn add(&mut self, seq: u64, event: &Event) {
        match *event {
            Event::Hit { damage, .. } | Event::Skill { damage, .. } => add(&mut self.damage_dealt, damage.into()),
            Event::Hurt { damage, .. } => add(&mut self.damage_taken, damage.into()),
            Event::Kill { monster, exp, .. } => {
                add(&mut self.kills, 1);
                add(&mut self.exp, exp);
                count(&mut self.kills_by_monster, monster, 1);
            }
            Event::Loot { gold, drops } => {
                add(&mut self.gold, gold);
                self.add_drops(seq, &drops);
            }
            Event::LevelUp { .. } => add(&mut self.levels, 1),
            Event::Death { .. } => add(&mut self.deaths, 1),
            Event::Spawn { .. }
            | Event::Heal { .. }
            | Event::Shield { .. }
            | Event::NoMana { .. }
            | Event::Revive { .. }
            | Event::Stop { .. } => {}
        }
    }

    fn add_drops(&mut self, seq: u64, drops: &Drops) {
        for (n, drop) in (0..).zip(drops.iter()) {
            count(&mut self.items, drop.item, drop.count.into());
            if drop.fate == Fate::Kept {
                self.pieces.push(Piece { seq, n, item: drop.item });
            }
        }
    }

    /// What came after `earlier`, totals of the same battle at an earlier frame.
    #[must_use]
    pub fn minus(&self, earlier: &Self) -> Self {
        Self {
            frames: self.frames.saturating_sub(earlier.frames),
            ticks: self.ticks.saturating_sub(earlier.ticks),
            kills: self.kills.saturating_sub(earlier.kills),
            deaths: self.deaths.saturating_sub(earlier.deaths),
            exp: self.exp.saturating_sub(earlier.exp),
            levels: self.levels.saturating_sub(earlier.levels),
            gold: self.gold.saturating_sub(earlier.gold),
            damage_dealt: self.damage_dealt.saturating_sub(earlier.damage_dealt),
            damage_taken: self.damage_taken.saturating_sub(earlier.damage_taken),
            items: difference(&self.items, &earlier.items),
            kills_by_monster: difference(&self.kills_by_monster, &earlier.kills_by_monster),
            pieces: self.pieces.iter().filter(|piece| piece.seq > earlier.frames).copied().collect(),
        }
    }

    /// The totals as bytes for storage.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(VERSION);
        self.write(&mut writer);
        writer.finish()
    }

    /// Totals from stored bytes.
    ///
    /// # Errors
    /// When the bytes are not what [`Totals::encode`] made.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidState> {
        let mut reader = Reader::new(bytes, VERSION)?;
        let totals = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(totals)
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        for number in self.numbers() {
            writer.number(number);
        }
        writer.list(&self.items, |writer, &(item, count)| {
            writer.number(item.0.into());
            writer.number(count);
        });
        writer.list(&self.kills_by_monster, |writer, &(monster, count)| {
            writer.number(monster.0.into());
            writer.number(count);
        });
        writer.list(&self.pieces, |writer, piece| {
            writer.number(piece.seq);
            writer.number(piece.n.into());
            writer.number(piece.item.0.into());
        });
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, InvalidState> {
        Ok(Self {
            frames: reader.number()?,
            ticks: reader.number()?,
            kills: reader.number()?,
            deaths: reader.number()?,
            exp: reader.number()?,
            levels: reader.number()?,
            gold: reader.number()?,
            damage_dealt: reader.number()?,
            damage_taken: reader.number()?,
            items: sorted(reader.list(|reader| Ok((ItemIx(reader.fitting()?), reader.number()?)))?)?,
            kills_by_monster: sorted(reader.list(|reader| Ok((MonsterIx(reader.fitting()?), reader.number()?)))?)?,
            pieces: reader.list(|reader| {
                Ok(Piece { seq: reader.number()?, n: reader.fitting()?, item: ItemIx(reader.fitting()?) })
            })?,
        })
    }

    /// Whether everything counted exists in the world.
    pub(crate) fn fit(&self, content: &Content) -> Result<(), InvalidState> {
        let items = self.items.iter().map(|&(item, _)| item).chain(self.pieces.iter().map(|piece| piece.item));
        for item in items {
            content.item(item).ok_or(InvalidState::Unknown("such item"))?;
        }
        for &(monster, _) in &self.kills_by_monster {
            content.monster(monster).ok_or(InvalidState::Unknown("such monster"))?;
        }
        Ok(())
    }

    fn numbers(&self) -> [u64; 9] {
        [
            self.frames,
            self.ticks,
            self.kills,
            self.deaths,
            self.exp,
            self.levels,
            self.gold,
            self.damage_dealt,
            self.damage_taken,
        ]
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

fn count<K: Ord + Copy>(counts: &mut Vec<(K, u64)>, key: K, more: u64) {
    match counts.binary_search_by_key(&key, |&(key, _)| key) {
        Ok(place) => add(&mut counts[place].1, more),
        Err(place) => counts.insert(place, (key, more)),
    }
}

fn difference<K: Ord + Copy>(now: &[(K, u64)], earlier: &[(K, u64)]) -> Vec<(K, u64)> {
    let before = |key: K| match earlier.binary_search_by_key(&key, |&(key, _)| key) {
        Ok(place) => earlier[place].1,
        Err(_) => 0,
    };
    now.iter().map(|&(key, count)| (key, count.saturating_sub(before(key)))).filter(|&(_, count)| count > 0).collect()
}

/// Refuses counts that are not sorted by key, each key once: look-ups rely on it.
fn sorted<K: Ord>(counts: Vec<(K, u64)>) -> Result<Vec<(K, u64)>, InvalidState> {
    if counts.is_sorted_by(|a, b| a.0 < b.0) { Ok(counts) } else { Err(InvalidState::Value("order of counts")) }
}
