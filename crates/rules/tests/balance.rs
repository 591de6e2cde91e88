//! The shipped world holds what players are promised.
#![allow(clippy::unwrap_used, reason = "a test that stops here says so")]

mod common;

use common::SHIPPED;
use rules::content::{Dungeon, DungeonIx};
use rules::simulate::{Row, csv, minutes_to_level, simulate, table, text};

/// Hours simulated per claim.
const HOURS: u64 = 60;

/// Ten levels before a dungeon's band begins; the first level for the second dungeon.
fn far_below(dungeon: &Dungeon) -> Option<u8> {
    (dungeon.min_level >= 10).then(|| (dungeon.min_level - 10).max(1))
}

fn hours(level: u8, dungeon: DungeonIx) -> Row {
    simulate(&SHIPPED, level, dungeon, HOURS, 1).unwrap()
}

#[test]
fn the_middle_of_a_band_dies_less_than_once_an_hour() {
    for dungeon in SHIPPED.content().dungeons() {
        let row = hours((dungeon.min_level + dungeon.max_level) / 2, dungeon.id);
        assert!(row.deaths_per_100_hours < 100, "{row:?}");
        assert!(row.kills_per_hour > 200, "{row:?}");
    }
}

#[test]
fn ten_levels_below_a_band_dies_within_five_minutes() {
    for dungeon in SHIPPED.content().dungeons() {
        let Some(level) = far_below(dungeon) else { continue };
        for seed in 0..HOURS {
            let row = simulate(&SHIPPED, level, dungeon.id, 1, seed).unwrap();
            assert!(row.seconds_to_first_death.is_some_and(|seconds| seconds <= 300), "seed {seed}: {row:?}");
        }
    }
}

#[test]
fn the_tenth_level_comes_in_half_an_hour_to_two_hours() {
    for seed in 0..20 {
        let minutes = minutes_to_level(&SHIPPED, 10, DungeonIx(1), seed).unwrap();
        assert!(minutes.is_some_and(|minutes| (30..=120).contains(&minutes)), "seed {seed}: {minutes:?}");
    }
}

#[test]
fn a_novice_is_at_home_in_the_first_dungeon() {
    let row = hours(1, DungeonIx(1));
    assert!(row.deaths_per_100_hours < 100, "{row:?}");
}

#[test]
fn deeper_pays_more_for_those_who_can_stand_it() {
    let middle = |dungeon: &Dungeon| (dungeon.min_level + dungeon.max_level) / 2;
    for pair in SHIPPED.content().dungeons().windows(2) {
        let [shallow, deep] = [&pair[0], &pair[1]].map(|dungeon| hours(middle(&pair[1]), dungeon.id));
        assert!(deep.exp_per_hour > shallow.exp_per_hour, "{shallow:?} against {deep:?}");
    }
}

#[test]
fn figures_come_as_table_and_as_csv() {
    let rows = table(&SHIPPED, &[1, 50], &[DungeonIx(1), DungeonIx(5)], 1, 7).unwrap();
    let csv = csv(&rows);
    assert_eq!(csv.lines().count(), 5);
    assert!(csv.starts_with("level,dungeon,kills_per_hour,"));
    // The first level earns nothing in the last dungeon, so that its next level never comes.
    assert!(csv.lines().any(|line| line.starts_with("1,5,0,0,0,,")), "{csv}");
    let widths: Vec<usize> = text(&rows).lines().map(str::len).collect();
    assert!(widths.iter().all(|&width| width == widths[0]), "{widths:?}");
}
