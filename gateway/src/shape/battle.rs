//! Battles, frames, and what stands for many frames.

use proto::battle::v1::{Battle, End, EndReason, Frame, Mode, Monster, OnDeath, Phase, Rank, Report, Vitals};
use proto::common::v1::{ItemCount, Totals};
use serde::{Serialize, Serializer};

use super::event::EventShape;
use crate::lang::{Kind, Words};

/// `battle`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BattleShape<'a> {
    id: &'a str,
    character: &'a str,
    dungeon: &'a str,
    mode: &'static str,
    on_death: &'static str,
    tick_ms: u32,
    started_at: i64,
    seq: u64,
    phase: &'static str,
    vitals: VitalsShape<'a>,
}

/// `vitals`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VitalsShape<'a> {
    hp: u32,
    max_hp: u32,
    mp: u32,
    max_mp: u32,
    level: u32,
    exp: u64,
    next_exp: u64,
    gold: u64,
    monster: Option<MonsterShape<'a>>,
}

/// `monster`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MonsterShape<'a> {
    key: &'a str,
    name: &'a str,
    rank: &'static str,
    hp: u32,
    max_hp: u32,
}

/// `frame`.
#[derive(Serialize)]
pub(crate) struct FrameShape<'a> {
    battle: &'a str,
    seq: u64,
    tick: u64,
    at: i64,
    events: Events<'a>,
    vitals: VitalsShape<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<String>>,
}

struct Events<'a>(&'a Frame, &'a Words);

/// `digest`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DigestShape<'a> {
    pub(crate) battle: &'a str,
    pub(crate) from_seq: u64,
    pub(crate) to_seq: u64,
    pub(crate) cause: &'static str,
    pub(crate) summary: TotalsShape<'a>,
    pub(crate) vitals: VitalsShape<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lines: Option<Vec<String>>,
}

/// `report`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReportShape<'a> {
    battle: &'a str,
    from_seq: u64,
    to_seq: u64,
    cause: &'static str,
    away_ms: u64,
    counted_ms: u64,
    capped: bool,
    partial: bool,
    summary: TotalsShape<'a>,
    vitals: Option<VitalsShape<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<String>>,
}

/// `end`.
#[derive(Serialize)]
pub(crate) struct EndShape<'a> {
    battle: &'a str,
    seq: u64,
    reason: &'static str,
    totals: TotalsShape<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<String>>,
}

/// `totals`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TotalsShape<'a> {
    frames: u64,
    ticks: u64,
    kills: u64,
    deaths: u64,
    exp: u64,
    levels: u32,
    gold: u64,
    items: Vec<CountShape<'a>>,
    damage_dealt: u64,
    damage_taken: u64,
}

#[derive(Serialize)]
struct CountShape<'a> {
    key: &'a str,
    name: &'a str,
    count: u64,
}

impl<'a> BattleShape<'a> {
    pub(crate) fn of(battle: &'a Battle, words: &'a Words) -> Self {
        Self {
            id: &battle.id,
            character: &battle.character,
            dungeon: &battle.dungeon,
            mode: mode(battle.mode()),
            on_death: on_death(battle.on_death()),
            tick_ms: battle.tick_ms,
            started_at: battle.started_at,
            seq: battle.seq,
            phase: phase(battle.phase()),
            vitals: VitalsShape::of(battle.vitals.as_ref(), words),
        }
    }
}

impl<'a> VitalsShape<'a> {
    /// The service always sends vitals; without them everything reads zero.
    pub(crate) fn of(vitals: Option<&'a Vitals>, words: &'a Words) -> Self {
        let monster = vitals.and_then(|v| v.monster.as_ref()).map(|m| MonsterShape::of(m, words));
        let v = vitals.cloned().unwrap_or_default();
        Self {
            hp: v.hp,
            max_hp: v.max_hp,
            mp: v.mp,
            max_mp: v.max_mp,
            level: v.level,
            exp: v.exp,
            next_exp: v.next_exp,
            gold: v.gold,
            monster,
        }
    }
}

impl<'a> MonsterShape<'a> {
    pub(super) fn of(monster: &'a Monster, words: &'a Words) -> Self {
        Self {
            key: &monster.key,
            name: words.name(Kind::Monster, &monster.key),
            rank: rank(monster.rank()),
            hp: monster.hp,
            max_hp: monster.max_hp,
        }
    }
}

impl<'a> FrameShape<'a> {
    pub(crate) fn of(battle: &'a str, frame: &'a Frame, words: &'a Words, lines: Option<Vec<String>>) -> Self {
        Self {
            battle,
            seq: frame.seq,
            tick: frame.tick,
            at: frame.at,
            events: Events(frame, words),
            vitals: VitalsShape::of(frame.vitals.as_ref(), words),
            lines,
        }
    }
}

impl Serialize for Events<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.events.iter().filter_map(|event| EventShape::of(event, self.1)))
    }
}

impl<'a> ReportShape<'a> {
    pub(crate) fn of(battle: &'a str, report: &'a Report, words: &'a Words, lines: Option<Vec<String>>) -> Self {
        Self {
            battle,
            from_seq: report.from_seq,
            to_seq: report.to_seq,
            cause: "away",
            away_ms: report.away_ms,
            counted_ms: report.counted_ms,
            capped: report.capped,
            partial: report.partial,
            summary: TotalsShape::of(report.summary.as_ref(), words),
            vitals: report.vitals.as_ref().map(|vitals| VitalsShape::of(Some(vitals), words)),
            lines,
        }
    }
}

impl<'a> EndShape<'a> {
    pub(crate) fn of(battle: &'a str, end: &'a End, words: &'a Words, lines: Option<Vec<String>>) -> Self {
        let totals = TotalsShape::of(end.totals.as_ref(), words);
        Self { battle, seq: end.seq, reason: end_reason(end.reason()), totals, lines }
    }
}

impl<'a> TotalsShape<'a> {
    pub(crate) fn of(totals: Option<&'a Totals>, words: &'a Words) -> Self {
        const NONE: &Totals = &Totals {
            frames: 0,
            ticks: 0,
            kills: 0,
            deaths: 0,
            exp: 0,
            levels: 0,
            gold: 0,
            items: Vec::new(),
            damage_dealt: 0,
            damage_taken: 0,
            kills_by_monster: Vec::new(),
            pieces: Vec::new(),
        };
        let t = totals.unwrap_or(NONE);
        Self {
            frames: t.frames,
            ticks: t.ticks,
            kills: t.kills,
            deaths: t.deaths,
            exp: t.exp,
            levels: t.levels,
            gold: t.gold,
            items: t.items.iter().map(|item| CountShape::of(item, words)).collect(),
            damage_dealt: t.damage_dealt,
            damage_taken: t.damage_taken,
        }
    }
}

impl<'a> CountShape<'a> {
    fn of(item: &'a ItemCount, words: &'a Words) -> Self {
        Self { key: &item.key, name: words.name(Kind::Item, &item.key), count: item.count }
    }
}

pub(super) fn rank(rank: Rank) -> &'static str {
    match rank {
        Rank::Unspecified | Rank::Normal => "normal",
        Rank::Elite => "elite",
        Rank::Boss => "boss",
    }
}

pub(crate) fn end_reason(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Unspecified | EndReason::Stopped => "stopped",
        EndReason::Died => "died",
        EndReason::Fled => "fled",
        EndReason::Left => "left",
        EndReason::Operator => "operator",
        EndReason::Deleted => "deleted",
    }
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Unspecified | Mode::Auto => "auto",
        Mode::Hunt => "hunt",
    }
}

fn on_death(choice: OnDeath) -> &'static str {
    match choice {
        OnDeath::Unspecified | OnDeath::Revive => "revive",
        OnDeath::Stop => "stop",
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Unspecified | Phase::Fight => "fight",
        Phase::Encounter => "encounter",
        Phase::Dead => "dead",
        Phase::Ended => "ended",
    }
}
