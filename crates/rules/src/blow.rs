//! One blow: the roll, the word for it, and what is left of it after defense.

use crate::generator::Generator;

/// The lowest and the highest roll, in percent of attack.
pub const ROLL: (u32, u32) = (80, 119);

/// How many wordings each word has.
pub const WORDINGS: u32 = 3;

/// The word for a blow, by its roll: below 95 weak, 95 … 104 plain, from 105 strong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Below 95 percent.
    Weak,
    /// 95 to 104 percent.
    Plain,
    /// 105 percent and above.
    Strong,
}

/// A blow that was rolled and has met its defense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blow {
    /// Percent of attack, 80 … 119.
    pub roll: u8,
    /// The word for the roll.
    pub word: Word,
    /// Which of the word's wordings, 0 … 2.
    pub wording: u8,
    /// Hit points it takes, at least 1.
    pub damage: u32,
}

impl Word {
    /// The word for a roll in percent.
    #[must_use]
    pub fn of(roll: u8) -> Self {
        match roll {
            ..95 => Self::Weak,
            95..105 => Self::Plain,
            105.. => Self::Strong,
        }
    }
}

impl Blow {
    /// Draws the roll, then the wording.
    pub(crate) fn strike(generator: &mut Generator, attack: u32, defense: u32) -> Self {
        let roll = generator.between(ROLL.0, ROLL.1);
        let wording = generator.small(WORDINGS) as u8;
        let raw = u64::from(attack) * u64::from(roll) / 100;
        Self { roll: roll as u8, word: Word::of(roll as u8), wording, damage: after_defense(raw, defense) }
    }
}

/// What a skill's blow takes: `attack × multiple / 100` met by defense. A skill does not roll.
#[must_use]
pub fn skill_damage(attack: u32, multiple: u32, defense: u32) -> u32 {
    after_defense(u64::from(attack) * u64::from(multiple) / 100, defense)
}

/// The defense formula: `raw² / (raw + defense)`, rounded down, at least 1.
///
/// Chosen by simulation; `docs/GAME.md` has the formulae that were tried and their figures.
#[must_use]
pub fn after_defense(raw: u64, defense: u32) -> u32 {
    let met = raw.saturating_add(u64::from(defense)).max(1);
    let damage = u128::from(raw) * u128::from(raw) / u128::from(met);
    u32::try_from(damage).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_change_at_95_and_105() {
        let words = [80, 94, 95, 104, 105, 119].map(Word::of);
        use Word::{Plain, Strong, Weak};
        assert_eq!(words, [Weak, Weak, Plain, Plain, Strong, Strong]);
    }

    #[test]
    fn defense_halves_an_equal_blow_and_never_stops_one() {
        assert_eq!(after_defense(100, 0), 100);
        assert_eq!(after_defense(100, 100), 50);
        assert_eq!(after_defense(1, 1_000_000), 1);
        assert_eq!(after_defense(0, 0), 1);
        assert_eq!(after_defense(u64::MAX, u32::MAX), u32::MAX);
    }
}
