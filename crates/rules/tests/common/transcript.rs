//! Frames as text that a reader of a failing transcript understands.

use std::fmt::Write;

use rules::battle::Vitals;
use rules::event::{Drops, Event, Fate};

use super::Kept;

/// One line per frame and one, set in, per event.
pub(crate) fn text<'a>(frames: impl IntoIterator<Item = &'a Kept>) -> String {
    let mut text = String::new();
    for frame in frames {
        writeln!(text, "#{} t{} {}", frame.seq, frame.tick, vitals(&frame.vitals)).unwrap();
        for event in &frame.events {
            writeln!(text, "    {}", self::event(event)).unwrap();
        }
    }
    text
}

fn vitals(vitals: &Vitals) -> String {
    let Vitals { hp, max_hp, mp, max_mp, level, exp, next_exp, gold, monster } = vitals;
    let monster = monster.map_or("-".to_owned(), |m| format!("{:?} {} {}/{}", m.rank, m.ix.0, m.hp, m.max_hp));
    format!("hp {hp}/{max_hp} mp {mp}/{max_mp} level {level} exp {exp}/{next_exp} gold {gold} | {monster}")
}

fn event(event: &Event) -> String {
    match event {
        Event::Loot { gold, drops } => format!("Loot {{ gold: {gold}, drops: [{}] }}", self::drops(drops)),
        other => format!("{other:?}"),
    }
}

fn drops(drops: &Drops) -> String {
    let drop = |drop: &rules::event::Drop| {
        let fate = match drop.fate {
            Fate::Stacked => "stacked".to_owned(),
            Fate::Kept => "kept".to_owned(),
            Fate::Sold(price) => format!("sold for {price}"),
        };
        format!("{} x{} {fate}", drop.item.0, drop.count)
    };
    drops.iter().map(drop).collect::<Vec<_>>().join(", ")
}
