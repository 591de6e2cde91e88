//! What a level is worth: base values and the experience it takes, all functions of the level alone.
//!
//! Equipment is added on top by [`crate::fighter::Fighter`]; nothing here knows of it.

/// The last level. Experience goes on counting past it.
pub const MAX_LEVEL: u8 = 100;

/// `EXP_TO_LEAVE[l - 1]` is the whole experience at which level `l` is over: `e(1) + … + e(l)` with `e(1) = 50` and
/// `e(i) = e(i-1) + 20 × (⌊i/5⌋ + 1)²`.
const EXP_TO_LEAVE: [u64; MAX_LEVEL as usize] = thresholds();

/// Hit points of a healthy fighter.
#[must_use]
pub fn max_hp(level: u8) -> u32 {
    100 * u32::from(level)
}

/// Mana of a rested fighter.
#[must_use]
pub fn max_mp(level: u8) -> u32 {
    100 * u32::from(level)
}

/// Attack without equipment.
#[must_use]
pub fn attack(level: u8) -> u32 {
    10 + u32::from(level)
}

/// Defense without equipment.
#[must_use]
pub fn defense(level: u8) -> u32 {
    10 + u32::from(level)
}

/// The whole experience at which `level` is left behind. Levels outside 1 … 100 count as the nearest one.
#[must_use]
pub fn exp_to_leave(level: u8) -> u64 {
    EXP_TO_LEAVE[usize::from(level.clamp(1, MAX_LEVEL)) - 1]
}

/// The experience shown as the next goal: [`exp_to_leave`], which at the last level is a goal already behind or ahead
/// but leads nowhere.
#[must_use]
pub fn next_exp(level: u8) -> u64 {
    exp_to_leave(level)
}

/// The level that this much experience makes: 1 … 100.
#[must_use]
pub fn level_for(exp: u64) -> u8 {
    let left = EXP_TO_LEAVE.partition_point(|&threshold| threshold <= exp);
    u8::try_from(left + 1).unwrap_or(MAX_LEVEL).min(MAX_LEVEL)
}

/// The least experience with which one has `level`.
#[must_use]
pub fn exp_of(level: u8) -> u64 {
    if level <= 1 { 0 } else { exp_to_leave(level - 1) }
}

const fn thresholds() -> [u64; MAX_LEVEL as usize] {
    let mut table = [50; MAX_LEVEL as usize];
    let mut step = 50;
    let mut level = 2;
    while level <= MAX_LEVEL as u64 {
        step += 20 * (level / 5 + 1) * (level / 5 + 1);
        table[level as usize - 1] = table[level as usize - 2] + step;
        level += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_the_published_ones() {
        let first: Vec<u64> = (1..=10).map(exp_to_leave).collect();
        assert_eq!(first, [50, 120, 210, 320, 510, 780, 1130, 1560, 2070, 2760]);
        let later: Vec<u64> = [15, 20, 30, 50, 100].map(exp_to_leave).to_vec();
        assert_eq!(later, [9050, 22680, 90160, 569_400, 7_807_800]);
    }

    #[test]
    fn level_and_experience_agree_at_every_threshold() {
        for level in 1..=MAX_LEVEL {
            assert_eq!(level_for(exp_of(level)), level);
            assert_eq!(level_for(exp_to_leave(level) - 1), level);
        }
        assert_eq!(level_for(u64::MAX), MAX_LEVEL);
    }
}
