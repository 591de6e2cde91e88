//! A reader of frames that knows the published laws and nothing of the engine: it follows every number from the events
//! alone and compares with what the vitals claim.

use rules::battle::{EndReason, Vitals};
use rules::event::{Event, Fate};
use rules::{Totals, blow, growth};

use super::Kept;

/// What the events so far add up to.
#[derive(Debug)]
pub(crate) struct Witness {
    seq: u64,
    tick: u64,
    hp: u32,
    mp: u32,
    level: u8,
    exp: u64,
    gold: u64,
    monster_hp: Option<u32>,
    ended: Option<EndReason>,
    sums: Sums,
}

/// The sums that totals are checked against.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    kills: u64,
    deaths: u64,
    exp: u64,
    levels: u64,
    gold: u64,
    dealt: u64,
    taken: u64,
    found: u64,
    kept: u64,
}

impl Witness {
    /// Begins to watch at a battle that stands at frame `seq`.
    pub(crate) fn new(seq: u64, tick: u64, vitals: &Vitals) -> Self {
        Self {
            seq,
            tick,
            hp: vitals.hp,
            mp: vitals.mp,
            level: vitals.level,
            exp: vitals.exp,
            gold: vitals.gold,
            monster_hp: vitals.monster.map(|monster| monster.hp),
            ended: None,
            sums: Sums::default(),
        }
    }

    /// Follows a frame and panics where it breaks a law.
    pub(crate) fn watch(&mut self, frame: &Kept) {
        assert_eq!(self.ended, None, "nothing follows the end");
        assert_eq!(frame.seq, self.seq + 1, "seq rises by one");
        assert!(frame.tick >= self.tick, "ticks never go back");
        assert!(!frame.events.is_empty(), "every frame tells something");
        (self.seq, self.tick) = (frame.seq, frame.tick);
        frame.events.iter().for_each(|event| self.follow(event));
        self.agree(&frame.vitals);
    }

    /// Panics where totals of the stretch watched are not the sums of its events.
    pub(crate) fn settle(&self, totals: &Totals) {
        let claimed = Sums {
            kills: totals.kills,
            deaths: totals.deaths,
            exp: totals.exp,
            levels: totals.levels,
            gold: totals.gold,
            dealt: totals.damage_dealt,
            taken: totals.damage_taken,
            found: totals.items.iter().map(|&(_, count)| count).sum(),
            kept: totals.pieces.len() as u64,
        };
        assert_eq!(self.sums, claimed);
        assert_eq!(totals.kills, totals.kills_by_monster.iter().map(|&(_, count)| count).sum::<u64>());
    }

    fn agree(&self, vitals: &Vitals) {
        assert_eq!((self.hp, self.mp), (vitals.hp, vitals.mp));
        assert_eq!((self.level, self.exp, self.gold), (vitals.level, vitals.exp, vitals.gold));
        assert_eq!(self.level, growth::level_for(self.exp), "level is the function of exp");
        assert_eq!(vitals.next_exp, growth::next_exp(self.level));
        assert_eq!((vitals.max_hp, vitals.max_mp), (growth::max_hp(self.level), growth::max_mp(self.level)));
        assert!(vitals.hp <= vitals.max_hp && vitals.mp <= vitals.max_mp);
        assert_eq!(self.monster_hp, vitals.monster.map(|monster| monster.hp));
        assert!(self.monster_hp != Some(0), "the dead are gone when a frame ends");
    }

    fn follow(&mut self, event: &Event) {
        match *event {
            Event::Spawn { hp, .. } => {
                assert!(self.monster_hp.is_none_or(|left| left == 0), "one monster at a time");
                self.monster_hp = Some(hp);
            }
            Event::Hit { roll, word, wording, damage, monster_hp } => {
                blow_is_told_right(roll, word, wording, damage);
                self.strike(damage, monster_hp);
            }
            Event::Hurt { roll, word, wording, damage, hp } => {
                blow_is_told_right(roll, word, wording, damage);
                assert!(self.monster_hp.is_some_and(|left| left > 0), "only the living strike");
                assert_eq!(hp, self.hp.saturating_sub(damage));
                self.hp = hp;
                self.sums.taken += u64::from(damage);
            }
            Event::Skill { slot, damage, monster_hp, mp, .. } => {
                assert!((1..=3).contains(&slot) && mp < self.mp);
                self.strike(damage, monster_hp);
                self.mp = mp;
            }
            Event::Heal { amount, hp, .. } => {
                assert!(amount > 0);
                assert_eq!(hp, self.hp + amount);
                self.hp = hp;
            }
            Event::NoMana { cost, mp, .. } => assert!(cost > mp && mp == self.mp),
            Event::Kill { exp, hp, mp, .. } => {
                assert_eq!(self.monster_hp, Some(0), "a monster dies of its wounds, once");
                assert!(hp >= self.hp && mp >= self.mp);
                (self.hp, self.mp) = (hp, mp);
                self.exp += exp;
                self.sums.exp += exp;
                self.sums.kills += 1;
            }
            Event::Loot { gold, drops } => {
                self.gold += gold;
                self.sums.gold += gold;
                self.sums.found += drops.iter().map(|drop| u64::from(drop.count)).sum::<u64>();
                self.sums.kept += drops.iter().filter(|drop| drop.fate == Fate::Kept).count() as u64;
            }
            Event::LevelUp { level, max_hp, max_mp, .. } => {
                assert_eq!(level, self.level + 1);
                (self.level, self.hp, self.mp) = (level, max_hp, max_mp);
                self.sums.levels += 1;
            }
            Event::Death { .. } => {
                assert_eq!(self.hp, 0);
                self.monster_hp = None;
                self.sums.deaths += 1;
            }
            Event::Revive { hp, mp } => {
                assert_eq!((self.hp, self.mp), (0, mp));
                self.hp = hp;
            }
            Event::Stop { reason } => {
                self.ended = Some(reason);
                self.monster_hp = None;
            }
            Event::Shield { .. } => {}
        }
    }

    fn strike(&mut self, damage: u32, left: u32) {
        assert!(self.monster_hp.is_some_and(|before| before > 0), "nobody strikes the dead");
        assert_eq!(left, self.monster_hp.unwrap_or(0).saturating_sub(damage));
        self.monster_hp = Some(left);
        self.sums.dealt += u64::from(damage);
    }
}

fn blow_is_told_right(roll: u8, word: blow::Word, wording: u8, damage: u32) {
    assert!((80..=119).contains(&roll) && wording < 3 && damage >= 1);
    assert_eq!(word, blow::Word::of(roll));
}
