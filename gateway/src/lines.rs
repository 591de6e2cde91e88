//! Sentences for people, in frames and in what stands for frames; made only for clients that asked for a style.

use proto::battle::v1::event::Kind as Happened;
use proto::battle::v1::{End, Event, Frame, Loot, Report, Vitals, Word};
use proto::common::v1::Totals;

use crate::lang::{Arg, Kind, Style, Words};
use crate::shape::end_reason;

/// A way of telling: a language's words in one style.
#[derive(Clone, Copy)]
pub(crate) struct Teller<'a> {
    words: &'a Words,
    style: Style,
}

impl<'a> Teller<'a> {
    /// Tells in these words and this style.
    pub(crate) fn new(words: &'a Words, style: Style) -> Self {
        Self { words, style }
    }

    /// The sentences of a frame.
    pub(crate) fn frame(self, frame: &Frame) -> Vec<String> {
        let foe = foe(frame).map_or("", |key| self.words.name(Kind::Monster, key));
        frame.events.iter().filter_map(|event| self.event(event, foe)).collect()
    }

    /// The sentences of a digest.
    pub(crate) fn digest(self, summary: &Totals, vitals: Option<&Vitals>) -> Vec<String> {
        vec![self.summary("digest", summary, vitals)]
    }

    /// The sentences of a report.
    pub(crate) fn report(self, report: &Report) -> Vec<String> {
        let none = Totals::default();
        let mut lines = vec![
            self.away(report.away_ms),
            self.summary("report", report.summary.as_ref().unwrap_or(&none), report.vitals.as_ref()),
        ];
        if report.capped {
            lines.push(self.say("capped", &[("minutes", Arg::Number(report.counted_ms / 60_000))]));
        }
        lines
    }

    /// The sentences of a battle's end.
    pub(crate) fn end(self, end: &End) -> Vec<String> {
        let none = Totals::default();
        vec![
            self.say(&format!("end-{}", end_reason(end.reason())), &[]),
            self.summary("report", end.totals.as_ref().unwrap_or(&none), None),
        ]
    }

    fn away(self, ms: u64) -> String {
        match ms / 60_000 {
            0 => self.say("away-seconds", &[("seconds", Arg::Number(ms / 1_000))]),
            minutes => self.say("away", &[("minutes", Arg::Number(minutes))]),
        }
    }

    fn summary(self, id: &str, totals: &Totals, vitals: Option<&Vitals>) -> String {
        let args = [
            ("kills", Arg::Number(totals.kills)),
            ("deaths", Arg::Number(totals.deaths)),
            ("exp", Arg::Number(totals.exp)),
            ("gold", Arg::Number(totals.gold)),
            ("levels", Arg::Number(u64::from(totals.levels))),
            ("items", Arg::Number(totals.items.iter().map(|item| item.count).sum())),
            ("hp", Arg::Number(vitals.map_or(0, |vitals| u64::from(vitals.hp)))),
        ];
        self.say(id, &args)
    }

    fn event(self, event: &Event, foe: &str) -> Option<String> {
        let number = |n: u32| Arg::Number(u64::from(n));
        let monster = |key| Arg::Text(self.words.name(Kind::Monster, key));
        let skill = |key| Arg::Text(self.words.name(Kind::Skill, key));
        Some(match event.kind.as_ref()? {
            Happened::Spawn(e) => {
                let new = e.monster.as_ref()?;
                self.say("spawn", &[("monster", monster(&new.key)), ("hp", number(new.max_hp))])
            }
            Happened::Hit(e) => self.blow(
                "hit",
                e.word(),
                e.wording,
                &[("monster", Arg::Text(foe)), ("damage", number(e.damage)), ("hp", number(e.monster_hp))],
            ),
            Happened::Hurt(e) => self.blow(
                "hurt",
                e.word(),
                e.wording,
                &[("monster", Arg::Text(foe)), ("damage", number(e.damage)), ("hp", number(e.hp))],
            ),
            Happened::Skill(e) => self.say(
                "skill",
                &[
                    ("skill", skill(&e.skill)),
                    ("monster", Arg::Text(foe)),
                    ("damage", number(e.damage)),
                    ("hp", number(e.monster_hp)),
                ],
            ),
            Happened::Heal(e) => self.say("heal", &[("amount", number(e.amount)), ("hp", number(e.hp))]),
            Happened::Shield(e) => self.say(
                "shield",
                &[("skill", skill(&e.skill)), ("defense", number(e.defense)), ("ticks", number(e.ticks))],
            ),
            Happened::NoMana(e) => self.say("no-mana", &[("skill", skill(&e.skill)), ("cost", number(e.cost))]),
            Happened::Kill(e) => self.say("kill", &[("monster", monster(&e.monster)), ("exp", Arg::Number(e.exp))]),
            Happened::Loot(e) => self.loot(e),
            Happened::LevelUp(e) => self.say("level-up", &[("level", number(e.level))]),
            Happened::Death(e) => self.say("death", &[("monster", monster(&e.by))]),
            Happened::Revive(e) => self.say("revive", &[("hp", number(e.hp))]),
            Happened::Stop(_) => return None,
        })
    }

    fn loot(self, loot: &Loot) -> String {
        let things: Vec<String> = loot
            .items
            .iter()
            .map(|item| {
                let name = self.words.name(Kind::Item, &item.key);
                let id = if item.sold { "loot-sold" } else { "loot-item" };
                self.say(id, &[("item", Arg::Text(name)), ("count", Arg::Number(u64::from(item.count)))])
            })
            .collect();
        let gold = ("gold", Arg::Number(loot.gold));
        if things.is_empty() {
            return self.say("loot", &[gold]);
        }
        self.say("loot-with", &[gold, ("items", Arg::Text(&things.join(", ")))])
    }

    /// A blow has a word and one of three wordings; the plain style knows one sentence for all.
    fn blow(self, id: &str, word: Word, wording: u32, args: &[(&str, Arg<'_>)]) -> String {
        match self.style {
            Style::Plain => self.say(id, args),
            Style::Rich => {
                let word = match word {
                    Word::Weak => "weak",
                    Word::Unspecified | Word::Plain => "plain",
                    Word::Strong => "strong",
                };
                self.say(&format!("{id}-{word}-{}", wording.min(2)), args)
            }
        }
    }

    fn say(self, id: &str, args: &[(&str, Arg<'_>)]) -> String {
        let style = match self.style {
            Style::Rich => "rich",
            Style::Plain => "plain",
        };
        self.words.say(&format!("line-{style}-{id}"), args)
    }
}

/// The key of the monster the blows of a frame are about: the one that fell, else the one that stands there after it.
fn foe(frame: &Frame) -> Option<&str> {
    let fallen = frame.events.iter().find_map(|event| match &event.kind {
        Some(Happened::Kill(kill)) => Some(kill.monster.as_str()),
        Some(Happened::Death(death)) => Some(death.by.as_str()),
        Some(
            Happened::Spawn(_)
            | Happened::Hit(_)
            | Happened::Hurt(_)
            | Happened::Skill(_)
            | Happened::Heal(_)
            | Happened::Shield(_)
            | Happened::NoMana(_)
            | Happened::Loot(_)
            | Happened::LevelUp(_)
            | Happened::Revive(_)
            | Happened::Stop(_),
        )
        | None => None,
    });
    let standing = || frame.vitals.as_ref()?.monster.as_ref().map(|monster| monster.key.as_str());
    fallen.or_else(standing)
}

#[cfg(test)]
mod tests {
    use proto::battle::v1::{Hit, Hurt, Kill, Monster, Spawn};

    use super::*;
    use crate::lang::{Lang, Texts};

    fn frame(events: Vec<Happened>, standing: Option<&str>) -> Frame {
        let monster = standing.map(|key| Monster { key: key.into(), ..Monster::default() });
        let vitals = Some(Vitals { monster, ..Vitals::default() });
        let events = events.into_iter().map(|kind| Event { kind: Some(kind) }).collect();
        Frame { events, vitals, ..Frame::default() }
    }

    #[test]
    fn blows_are_told_of_the_monster_that_fell_and_not_of_the_next() {
        let texts = Texts::load().unwrap();
        let teller = Teller::new(texts.of(Lang::En), Style::Plain);
        let hit = Happened::Hit(Hit { damage: 9, ..Hit::default() });
        let kill = Happened::Kill(Kill { monster: "moss-rat".into(), exp: 10, ..Kill::default() });
        let next = Monster { key: "dew-slug".into(), max_hp: 72, ..Monster::default() };
        let spawn = Happened::Spawn(Spawn { monster: Some(next) });
        let lines = teller.frame(&frame(vec![hit, kill, spawn], Some("dew-slug")));
        assert_eq!(
            lines,
            ["You deal 9. Moss Rat has 0 hp.", "Moss Rat is defeated. 10 experience.", "Dew Slug appears. 72 hp.",]
        );
    }

    #[test]
    fn every_wording_of_every_word_differs_in_the_rich_style() {
        let texts = Texts::load().unwrap();
        for lang in [Lang::Ko, Lang::En] {
            let teller = Teller::new(texts.of(lang), Style::Rich);
            let mut told = Vec::new();
            for word in [Word::Weak, Word::Plain, Word::Strong] {
                for wording in 0..3 {
                    let hit = Happened::Hit(Hit { word: word.into(), wording, ..Hit::default() });
                    let hurt = Happened::Hurt(Hurt { word: word.into(), wording, ..Hurt::default() });
                    told.extend(teller.frame(&frame(vec![hit, hurt], Some("moss-rat"))));
                }
            }
            assert_eq!(told.len(), 18);
            assert!(told.iter().all(|line| !line.contains("line-")), "{told:?}");
            told.sort();
            told.dedup();
            assert_eq!(told.len(), 18);
        }
    }
}
