//! Rendezvous hashing: every process that knows the same names chooses the same one for a key, and when a name goes,
//! only its keys move.

/// The name that `key` belongs to; `None` without names. Their order does not matter.
pub fn choose<'a>(key: &[u8], names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names.max_by_key(|name| (score(key, name), *name))
}

/// FNV-1a over both with a byte between them that no name holds, then the finaliser of MurmurHash3, without which
/// names that differ in their last letters alone would score alike. All processes of a cluster have to agree on it.
fn score(key: &[u8], name: &str) -> u64 {
    let bytes = key.iter().chain(&[0xff]).chain(name.as_bytes());
    let mut hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["battle-svc-1", "battle-svc-2", "battle-svc-3", "battle-svc-4"];

    fn chosen(key: u32, names: &[&'static str]) -> &'static str {
        choose(&key.to_be_bytes(), names.iter().copied()).unwrap()
    }

    #[test]
    fn every_process_and_every_version_chooses_alike() {
        assert_eq!(choose(b"a battle", NAMES.into_iter()), choose(b"a battle", NAMES.into_iter().rev()));
        assert_eq!(score(b"a battle", "battle-svc-1"), 4_388_235_403_541_323_489, "a changed hash parts processes");
        assert_eq!(choose(b"a battle", std::iter::empty()), None);
    }

    #[test]
    fn names_share_keys_and_one_that_goes_moves_its_own_alone() {
        for key in 0..4_000 {
            let (with, without) = (chosen(key, &NAMES), chosen(key, &NAMES[..3]));
            assert!(with == without || with == NAMES[3]);
        }
        for name in NAMES {
            let share = (0..4_000).filter(|key| chosen(*key, &NAMES) == name).count();
            assert!((850..1_150).contains(&share), "{name} has {share}");
        }
    }
}
