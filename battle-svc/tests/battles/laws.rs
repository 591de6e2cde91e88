//! The laws that frames obey, and what an unbroken computation of a stored battle gives.

use proto::battle::v1::event::Kind;
use proto::battle::v1::{Frame, Report};
use proto::common::v1::Totals;
use proto::user::v1::BattleRecord;
use rules::battle::State;
use rules::{Event, Ruleset, run};

/// Numbers follow each other without a hole.
pub(crate) fn consecutive(frames: &[Frame], first: u64) {
    let numbers: Vec<u64> = frames.iter().map(|frame| frame.seq).collect();
    let expected: Vec<u64> = (first..).take(frames.len()).collect();
    assert_eq!(numbers, expected);
}

/// Experience, gold and kills of frames.
pub(crate) fn sums(frames: &[Frame]) -> (u64, u64, u64) {
    let mut sums = (0, 0, 0);
    for event in frames.iter().flat_map(|frame| &frame.events) {
        match event.kind.as_ref().unwrap() {
            Kind::Kill(kill) => {
                sums.0 += kill.exp;
                sums.2 += 1;
            }
            Kind::Loot(loot) => sums.1 += loot.gold,
            _ => {}
        }
    }
    sums
}

/// The same of totals.
pub(crate) fn summed(totals: &Totals) -> (u64, u64, u64) {
    (totals.exp, totals.gold, totals.kills)
}

/// The sums that a report must show: those of its frames, made again from the battle's first state by the rules alone.
pub(crate) fn report_holds(record: &BattleRecord, ruleset: &Ruleset, report: &Report) {
    let start = State::decode(&record.segments[0].state).unwrap();
    let (mut exp, mut gold, mut kills) = (0, 0, 0);
    let each = |frame: run::Frame<'_>| {
        for event in frame.events {
            match event {
                Event::Kill { exp: more, .. } => {
                    exp += more;
                    kills += 1;
                }
                Event::Loot { gold: more, .. } => gold += more,
                _ => {}
            }
        }
    };
    let end = run::frames(ruleset, &start, &[], report.from_seq..=report.to_seq, each).unwrap();
    let summary = report.summary.as_ref().unwrap();
    assert_eq!(end.seq(), report.to_seq);
    assert_eq!(summed(summary), (exp, gold, kills));
    assert_eq!(summary.frames, report.to_seq + 1 - report.from_seq);
    let vitals = report.vitals.as_ref().unwrap();
    assert_eq!((vitals.exp, vitals.gold, vitals.hp), (end.vitals().exp, end.vitals().gold, end.vitals().hp));
}
