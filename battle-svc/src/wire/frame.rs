//! Frames and what stands for many of them, with keys in place of indexes.

use proto::battle::v1 as pb;
use proto::battle::v1::event::Kind;
use proto::battle::v1::feed_item::Kind as News;
use rules::battle::{EndReason, MonsterView, Vitals};
use rules::blow::Word;
use rules::content::{Content, ItemIx, MonsterIx, Rank, SkillIx};
use rules::event::{Drop, Event, Fate};

use super::{StoredTotals, end_reason, rank, totals};
use crate::frame::{self, End, Frame, Item, Report};

/// A frame.
pub(crate) fn frame(content: &Content, frame: &Frame) -> pb::Frame {
    let keys = Keys(content);
    let mut mp = frame.vitals.mp;
    pb::Frame {
        seq: frame.seq,
        tick: frame.tick,
        at: frame.at,
        events: frame.events.iter().map(|event| pb::Event { kind: Some(keys.event(event, &mut mp)) }).collect(),
        vitals: Some(keys.vitals(&frame.vitals)),
    }
}

/// A report.
pub(crate) fn report(content: &Content, report: &Report) -> pb::Report {
    pb::Report {
        from_seq: report.from_seq,
        to_seq: report.to_seq,
        away_ms: report.away_ms,
        counted_ms: report.counted_ms,
        capped: report.capped,
        partial: report.partial,
        summary: Some(totals(content, &report.summary)),
        vitals: Some(vitals(content, &report.vitals)),
    }
}

/// The end of a battle.
pub(crate) fn end(content: &Content, end: &End) -> pb::End {
    stored_end(end.seq, end.reason, totals(content, &end.totals))
}

/// The end of a battle as it is stored.
pub(crate) fn stored_end(seq: u64, reason: EndReason, totals: StoredTotals) -> pb::End {
    pb::End { seq, reason: end_reason(reason).into(), totals: Some(totals) }
}

/// How a fighter stands.
pub(super) fn vitals(content: &Content, vitals: &Vitals) -> pb::Vitals {
    Keys(content).vitals(vitals)
}

/// News in their order, the consecutive frames of a battle in one item.
pub(crate) fn feed_items(news: impl IntoIterator<Item = Item>) -> Vec<pb::FeedItem> {
    let mut items: Vec<pb::FeedItem> = Vec::new();
    for item in news {
        let battle_id = item.battle.to_string();
        let kind = match item.news {
            frame::News::Frame(ruleset, made) => {
                let made = frame(ruleset.content(), &made);
                match items.last_mut() {
                    Some(pb::FeedItem { battle_id: last, epoch, kind: Some(News::Frames(frames)) })
                        if *last == battle_id && *epoch == item.epoch =>
                    {
                        frames.frames.push(made);
                        continue;
                    }
                    _ => News::Frames(pb::Frames { frames: vec![made] }),
                }
            }
            frame::News::End(ruleset, over) => News::End(end(ruleset.content(), &over)),
            frame::News::Behind(from_seq) => News::Behind(pb::Behind { from_seq }),
            frame::News::Moved => News::Moved(pb::Moved {}),
        };
        items.push(pb::FeedItem { battle_id, epoch: item.epoch, kind: Some(kind) });
    }
    items
}

/// Text for indexes.
struct Keys<'a>(&'a Content);

impl Keys<'_> {
    fn monster(&self, ix: MonsterIx) -> String {
        self.0.monster(ix).map(|monster| monster.key.clone()).unwrap_or_default()
    }

    fn skill(&self, ix: SkillIx) -> String {
        self.0.skill(ix).map(|skill| skill.key.clone()).unwrap_or_default()
    }

    fn item(&self, ix: ItemIx) -> String {
        self.0.item(ix).map(|item| item.key.clone()).unwrap_or_default()
    }

    fn vitals(&self, vitals: &Vitals) -> pb::Vitals {
        pb::Vitals {
            hp: vitals.hp,
            max_hp: vitals.max_hp,
            mp: vitals.mp,
            max_mp: vitals.max_mp,
            level: vitals.level.into(),
            exp: vitals.exp,
            next_exp: vitals.next_exp,
            gold: vitals.gold,
            monster: vitals.monster.map(|monster| self.view(monster)),
        }
    }

    fn view(&self, MonsterView { ix, rank, hp, max_hp }: MonsterView) -> pb::Monster {
        self.shown(ix, rank, hp, max_hp)
    }

    fn shown(&self, ix: MonsterIx, of_rank: Rank, hp: u32, max_hp: u32) -> pb::Monster {
        pb::Monster { key: self.monster(ix), rank: rank(of_rank).into(), hp, max_hp }
    }

    fn drop(&self, drop: &Drop) -> pb::LootItem {
        pb::LootItem { key: self.item(drop.item), count: drop.count, sold: matches!(drop.fate, Fate::Sold(_)) }
    }

    /// `mp` is the mana after the last event that told it: what a skill does besides follows it as an event of its own.
    fn event(&self, event: &Event, mp: &mut u32) -> Kind {
        if let Event::Skill { mp: left, .. } | Event::NoMana { mp: left, .. } = event {
            *mp = *left;
        }
        match *event {
            Event::Spawn { monster, rank, hp } => {
                Kind::Spawn(pb::Spawn { monster: Some(self.shown(monster, rank, hp, hp)) })
            }
            Event::Hit { roll, word, wording, damage, monster_hp } => Kind::Hit(pb::Hit {
                roll: roll.into(),
                word: word_to(word).into(),
                wording: wording.into(),
                damage,
                monster_hp,
            }),
            Event::Hurt { roll, word, wording, damage, hp } => Kind::Hurt(pb::Hurt {
                roll: roll.into(),
                word: word_to(word).into(),
                wording: wording.into(),
                damage,
                hp,
            }),
            Event::Skill { skill, slot, damage, monster_hp, mp } => {
                Kind::Skill(pb::Skill { skill: self.skill(skill), slot: slot.into(), damage, monster_hp, mp })
            }
            Event::Heal { skill, amount, hp } => {
                Kind::Heal(pb::Heal { skill: skill.map(|skill| self.skill(skill)), amount, hp, mp: *mp })
            }
            Event::Shield { skill, defense, ticks } => {
                Kind::Shield(pb::Shield { skill: self.skill(skill), defense, ticks, mp: *mp })
            }
            Event::NoMana { skill, cost, mp } => Kind::NoMana(pb::NoMana { skill: self.skill(skill), cost, mp }),
            Event::Kill { monster, rank: of_rank, exp, hp, mp } => {
                Kind::Kill(pb::Kill { monster: self.monster(monster), rank: rank(of_rank).into(), exp, hp, mp })
            }
            Event::Loot { gold, drops } => {
                Kind::Loot(pb::Loot { gold, items: drops.iter().map(|drop| self.drop(drop)).collect() })
            }
            Event::LevelUp { level, max_hp, max_mp, attack, defense, learned } => Kind::LevelUp(pb::LevelUp {
                level: level.into(),
                max_hp,
                max_mp,
                attack,
                defense,
                learned: learned.map(|skill| self.skill(skill)).into_iter().collect(),
            }),
            Event::Death { by } => Kind::Death(pb::Death { by: self.monster(by) }),
            Event::Revive { hp, mp } => Kind::Revive(pb::Revive { hp, mp }),
            Event::Stop { reason } => Kind::Stop(pb::Stop { reason: end_reason(reason).into() }),
        }
    }
}

fn word_to(word: Word) -> pb::Word {
    match word {
        Word::Weak => pb::Word::Weak,
        Word::Plain => pb::Word::Plain,
        Word::Strong => pb::Word::Strong,
    }
}
