//! The character as a battle sees it: what grows, what it wears in sum, and its skills.

use crate::content::{Content, SkillIx};
use crate::growth;

/// How many skills a fighter has at hand.
pub const SLOTS: usize = 3;

/// The pieces of equipment a bag holds.
pub const BAG_PLACES: u16 = 100;

/// One fighter. The level is always the one its experience makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fighter {
    /// 1 … 100.
    pub level: u8,
    /// All experience ever earned.
    pub exp: u64,
    /// 0 only while dead.
    pub hp: u32,
    /// Mana.
    pub mp: u32,
    /// What equipment adds to attack.
    pub gear_attack: u32,
    /// What equipment adds to defense.
    pub gear_defense: u32,
    /// The skills in slots 1 to 3. Which are known follows from the level.
    pub skills: [Option<SkillIx>; SLOTS],
    /// Places left in the bag for equipment.
    pub bag_free: u16,
}

impl Fighter {
    /// A healthy fighter with just enough experience for `level`, the skills that filled the slots on the way and an
    /// empty bag, in bare clothes.
    #[must_use]
    pub fn of_level(content: &Content, level: u8) -> Self {
        let level = level.clamp(1, growth::MAX_LEVEL);
        let mut fighter = Self {
            level,
            exp: growth::exp_of(level),
            hp: growth::max_hp(level),
            mp: growth::max_mp(level),
            gear_attack: 0,
            gear_defense: 0,
            skills: [None; SLOTS],
            bag_free: BAG_PLACES,
        };
        for reached in 1..=level {
            fighter.learn(content, reached);
        }
        fighter
    }

    /// Hit points when healthy.
    #[must_use]
    pub fn max_hp(&self) -> u32 {
        growth::max_hp(self.level)
    }

    /// Mana when rested.
    #[must_use]
    pub fn max_mp(&self) -> u32 {
        growth::max_mp(self.level)
    }

    /// Attack with equipment.
    #[must_use]
    pub fn attack(&self) -> u32 {
        growth::attack(self.level).saturating_add(self.gear_attack)
    }

    /// Defense with equipment, without a shield.
    #[must_use]
    pub fn defense(&self) -> u32 {
        growth::defense(self.level).saturating_add(self.gear_defense)
    }

    /// Gives back this share of the maximum, in percent, rounded down.
    pub(crate) fn restore(&mut self, hp_percent: u32, mp_percent: u32) {
        self.hp = (self.hp + share(self.max_hp(), hp_percent)).min(self.max_hp());
        self.mp = (self.mp + share(self.max_mp(), mp_percent)).min(self.max_mp());
    }

    /// Heals a share of the maximum, in percent, and says how much that was.
    pub(crate) fn heal(&mut self, percent: u32) -> u32 {
        let before = self.hp;
        self.restore(percent, 0);
        self.hp - before
    }

    /// Goes up one level: health and mana are full again, and a skill of that level goes into the first free slot.
    pub(crate) fn level_up(&mut self, content: &Content) -> Option<SkillIx> {
        self.level += 1;
        self.hp = self.max_hp();
        self.mp = self.max_mp();
        self.learn(content, self.level)
    }

    fn learn(&mut self, content: &Content, level: u8) -> Option<SkillIx> {
        let learned = content.skill_of_level(level)?;
        if let Some(free) = self.skills.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(learned);
        }
        Some(learned)
    }
}

/// A share in percent, rounded down.
fn share(whole: u32, percent: u32) -> u32 {
    (u64::from(whole) * u64::from(percent) / 100) as u32
}
