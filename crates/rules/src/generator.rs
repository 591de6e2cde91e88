//! The battle's own generator: xoshiro256** 1.0 by David Blackman and Sebastiano Vigna (2018, public domain,
//! <https://prng.di.unimi.it/xoshiro256starstar.c>), with unbiased ranges by Daniel Lemire's multiplication method
//! ("Fast Random Integer Generation in an Interval", ACM TOMACS 29, 2019).
//!
//! It is part of the state, so that a stored battle draws on exactly as it would have.

/// 256 bits of state, never all zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Generator([u64; 4]);

impl Generator {
    /// The generator that starts from this seed: four little-endian words. The one seed xoshiro can't leave, all zero,
    /// stands for another fixed one.
    pub(crate) fn from_seed(seed: [u8; 32]) -> Self {
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(seed.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        Self::from_words(words).unwrap_or(Self([0x9e37_79b9_7f4a_7c15, 1, 1, 1]))
    }

    /// The generator with this state; `None` when it is all zero.
    pub(crate) fn from_words(words: [u64; 4]) -> Option<Self> {
        (words != [0; 4]).then_some(Self(words))
    }

    pub(crate) fn words(&self) -> [u64; 4] {
        self.0
    }

    /// A number in `0 … bound - 1`, each equally likely. A bound of 0 gives 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let mut wide = u128::from(self.next()) * u128::from(bound);
        if low(wide) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while low(wide) < threshold {
                wide = u128::from(self.next()) * u128::from(bound);
            }
        }
        (wide >> 64) as u64
    }

    /// A number in `low … high`, both included. Needs `low <= high`.
    pub(crate) fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.small(high - low + 1)
    }

    /// [`Self::below`] for a bound that fits 32 bits.
    pub(crate) fn small(&mut self, bound: u32) -> u32 {
        self.below(u64::from(bound)) as u32
    }

    fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let drawn = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        drawn
    }
}

fn low(wide: u128) -> u64 {
    wide as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference program's first numbers from the state 1, 2, 3, 4.
    #[test]
    fn draws_the_reference_sequence() {
        let mut generator = Generator::from_words([1, 2, 3, 4]).unwrap();
        let drawn: Vec<u64> = (0..5).map(|_| generator.next()).collect();
        assert_eq!(drawn, [11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360]);
    }

    #[test]
    fn ranges_reach_their_ends_and_no_further() {
        let mut generator = Generator::from_seed([7; 32]);
        let mut seen = [0_u32; 40];
        for _ in 0..40_000 {
            seen[(generator.between(80, 119) - 80) as usize] += 1;
        }
        assert!(seen.iter().all(|&count| (800..1200).contains(&count)), "{seen:?}");
        assert_eq!(generator.below(0), 0);
        assert_eq!(generator.below(1), 0);
    }

    #[test]
    fn an_all_zero_seed_still_draws() {
        let mut generator = Generator::from_seed([0; 32]);
        assert!((0..10).any(|_| generator.next() != 0));
    }
}
