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

    /// The sentences of a report. One about no frame at all has nothing to tell.
    pub(crate) fn report(self, report: &Report) -> Vec<String> {
        if report.from_seq > report.to_seq {
            return Vec::new();
        }
        let none = Totals::default();
        let mut lines = vec![
            self.say("away", &[("time", Arg::Text(&self.span(report.away_ms)))]),
            self.summary("report", report.summary.as_ref().unwrap_or(&none), report.vitals.as_ref()),
        ];
        if report.capped {
            lines.push(self.say("capped", &[("time", Arg::Text(&self.span(report.counted_ms)))]));
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

    /// A length of time, as exact as people say it.
    fn span(self, ms: u64) -> String {
        let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
        let id = match (hours, minutes) {
            (0, 0) => "span-seconds",
            (0, _) => "span-minutes",
            (_, 0) => "span-hours",
            (_, _) => "span-hours-minutes",
        };
        let parts = [("hours", hours), ("minutes", minutes), ("seconds", seconds)];
        self.words.say(id, &parts.map(|(name, number)| (name, Arg::Number(number))))
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

    fn report_of(away_ms: u64, summary: Totals) -> Report {
        Report { from_seq: 1, to_seq: 9, away_ms, summary: Some(summary), ..Report::default() }
    }

    #[test]
    fn one_is_one_and_hours_are_hours() {
        let texts = Texts::load().unwrap();
        let teller = Teller::new(texts.of(Lang::En), Style::Plain);
        let summary = Totals { kills: 1, deaths: 2, levels: 1, ..Totals::default() };
        let lines = teller.report(&report_of(7_500_000, summary));
        assert_eq!(
            lines,
            [
                "You were away for 2 hours 5 minutes.",
                "In all: 1 kill, 0 experience, 0 gold, 0 items, 1 level, 2 deaths."
            ]
        );
        for (ms, english, korean) in [
            (0, "0 seconds", "0초"),
            (1_999, "1 second", "1초"),
            (61_000, "1 minute", "1분"),
            (3_600_000, "1 hour", "1시간"),
            (43_260_000, "12 hours 1 minute", "12시간 1분"),
        ] {
            for (lang, span) in [(Lang::En, english), (Lang::Ko, korean)] {
                assert_eq!(Teller::new(texts.of(lang), Style::Plain).span(ms), span);
            }
        }
    }

    #[test]
    fn a_report_about_nothing_says_nothing() {
        let texts = Texts::load().unwrap();
        let empty = Report { from_seq: 10, to_seq: 9, ..Report::default() };
        assert!(Teller::new(texts.of(Lang::Ko), Style::Rich).report(&empty).is_empty());
    }
}
