//! A thousand seeds, in ten tests so that all cores work; and mutants, which have to be found out.
//!
//! A seed that fails says how to run it alone: `cargo test -p battle-svc --test ownership -- --ignored one_seed` with
//! `SEED` set to it.

use crate::witness::Counts;
use crate::world::{self, Mutant, Outcome};

/// Seeds of one test.
const EACH: u64 = 100;

fn explain(seed: u64, outcome: &Outcome) -> String {
    let plan: Vec<String> = outcome.plan.iter().map(ToString::to_string).collect();
    let broken = outcome.broken.as_deref().unwrap_or("nothing broke");
    format!(
        "seed {seed}: {broken}\n  {}\nalone: SEED={seed} cargo nextest run -p battle-svc --test ownership --run-ignored only one_seed",
        plan.join("\n  ")
    )
}

/// Runs a hundred seeds; all of those that break are told.
fn hundred(number: u64) {
    let mut failed = Vec::new();
    let mut all = Counts::default();
    for seed in number * EACH..(number + 1) * EACH {
        let outcome = world::run(seed, Mutant::None);
        all.add(outcome.counts);
        if outcome.broken.is_some() {
            failed.push(explain(seed, &outcome));
        }
    }
    assert!(failed.is_empty(), "{} of {EACH} seeds\n{}", failed.len(), failed.join("\n"));
    // A simulation in which nothing goes wrong proves nothing.
    let Counts { reports, ends, claims, writes, refused_writes, redirects, moved, behind, keyframes, paid, .. } = all;
    let rare =
        [reports, ends, claims, writes, refused_writes, redirects, moved, behind, keyframes, paid].into_iter().min();
    assert!(rare > Some(0) && claims >= EACH / 2, "the faults do nothing: {all:?}");
    // Nor does one that looks at nobody.
    let Counts { settled, bounded, rescued, reclaimed, .. } = all;
    println!("{all:?}");
    assert!(reclaimed >= EACH / 4, "hardly a battle is claimed from nobody: {all:?}");
    assert!(settled >= EACH / 4 && bounded >= EACH * 9 / 10 && rescued >= EACH / 8, "nobody is looked at: {all:?}");
}

/// The first seed that finds a mutant out.
fn found_out(mutant: Mutant, within: u64) -> (u64, Outcome) {
    (0..within)
        .map(|seed| (seed, world::run(seed, mutant)))
        .find(|(_, outcome)| outcome.broken.is_some())
        .unwrap_or_else(|| panic!("{within} seeds didn't miss it: {mutant:?}"))
}

macro_rules! hundreds {
    ($($name:ident: $number:literal),*) => {
        $(#[test]
        fn $name() {
            hundred($number);
        })*
    };
}

hundreds! {
    seeds_0_to_99: 0, seeds_100_to_199: 1, seeds_200_to_299: 2, seeds_300_to_399: 3, seeds_400_to_499: 4,
    seeds_500_to_599: 5, seeds_600_to_699: 6, seeds_700_to_799: 7, seeds_800_to_899: 8, seeds_900_to_999: 9
}

#[test]
fn the_guard_of_the_epoch_is_needed() {
    let (seed, outcome) = found_out(Mutant::Guard, 1_000);
    println!("{:?}: {}", Mutant::Guard, explain(seed, &outcome));
    let broken = outcome.broken.unwrap_or_default();
    assert!(broken.contains("under another epoch"), "found by something else than the write: {broken}");
}

#[test]
fn the_order_of_saves_is_needed() {
    let (seed, outcome) = found_out(Mutant::Order, 1_000);
    println!("with saves that go back: {}", explain(seed, &outcome));
}

/// The rules of `docs/adr/0023` and `docs/adr/0024`, each without what it stands on.
macro_rules! missed {
    ($($name:ident: $mutant:ident),*) => {
        $(#[test]
        fn $name() {
            let (seed, outcome) = found_out(Mutant::$mutant, 1_000);
            println!("{:?}: {}", Mutant::$mutant, explain(seed, &outcome));
        })*
    };
}

missed! {
    the_quiet_after_a_takeover_is_needed: Quiet,
    the_question_to_the_store_is_needed: Checks,
    the_guard_and_its_answers_are_needed: GuardAndAnswers,
    one_transaction_for_save_and_pay_is_needed: Books,
    a_whole_ttl_is_needed: Haste
}

#[test]
fn the_end_of_the_patience_is_needed() {
    let (seed, outcome) = found_out(Mutant::Patience, 1_000);
    println!("{:?}: {}", Mutant::Patience, explain(seed, &outcome));
    let broken = outcome.broken.unwrap_or_default();
    assert!(broken.contains("was taken away"), "found by something else than the bound: {broken}");
}

#[test]
fn a_seed_repeats() {
    for seed in [3, 5, 10, 14, 26, 159] {
        let (first, second) = (world::run(seed, Mutant::None), world::run(seed, Mutant::None));
        assert!(first.plan == second.plan);
        let parts = first.trace.iter().zip(&second.trace).position(|(one, other)| one != other);
        let around = parts.map(|at| (&first.trace[at.saturating_sub(3)..=at], &second.trace[at]));
        assert!(around.is_none(), "seed {seed} went another way: {around:#?}");
        assert_eq!(first.trace.len(), second.trace.len(), "seed {seed}");
    }
}

#[test]
#[ignore = "the seed of the environment alone"]
fn one_seed() {
    #[expect(clippy::disallowed_methods, reason = "how a failed seed is run alone")]
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let outcome = world::run(seed, Mutant::None);
    println!("{}\n{}\n{:?}", outcome.trace.join("\n"), explain(seed, &outcome), outcome.counts);
    assert!(outcome.broken.is_none());
}
