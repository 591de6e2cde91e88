//! What one step costs, and what catching up on a night costs.
#![expect(clippy::expect_used, reason = "a benchmark over shipped content")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rules::battle::{Mode, OnDeath, Start, State};
use rules::content::{Content, DungeonIx};
use rules::{Ruleset, run, simulate};

/// Ticks of 1.5 s in eight hours.
const NIGHT: u64 = 8 * 2_400;

fn battle(ruleset: &Ruleset) -> State {
    let start = Start {
        seed: [7; 32],
        dungeon: DungeonIx(3),
        mode: Mode::Auto,
        on_death: OnDeath::Revive,
        tick_ms: simulate::TICK_MS,
        fighter: simulate::typical_fighter(ruleset.content(), 25),
    };
    State::new(ruleset, start).expect("a battle")
}

fn engine(criterion: &mut Criterion) {
    let ruleset = Ruleset::new(Content::parse(content::rules()).expect("shipped content"));
    let fresh = battle(&ruleset);

    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(1));
    group.bench_function("step", |bencher| {
        let mut state = fresh.clone();
        let mut events = Vec::with_capacity(16);
        bencher.iter(|| state.step(&ruleset, black_box(&mut events)));
    });
    group.bench_function("encode", |bencher| bencher.iter(|| black_box(&fresh).encode()));
    group.throughput(Throughput::Elements(NIGHT));
    group.bench_function("catch up 8 h", |bencher| {
        bencher.iter(|| {
            let mut state = fresh.clone();
            run::forward(&ruleset, &mut state, &[], NIGHT, u32::MAX, |_, _| {})
        });
    });
    group.finish();
}

criterion_group!(benches, engine);
criterion_main!(benches);
