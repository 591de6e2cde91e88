//! The rules run without any server, to balance the world: what hours in a dungeon bring at a level.
//!
//! Figures are integers; shares of one are told in hundredths. Nothing here decides a frame.

use std::fmt::Write;

use crate::battle::{Mode, OnDeath, Phase, Refusal, Start, State};
use crate::content::{Content, DungeonIx};
use crate::fighter::Fighter;
use crate::gear;
use crate::growth;
use crate::ruleset::Ruleset;

/// The tick that simulations use, in milliseconds.
pub const TICK_MS: u32 = 1_500;

/// Battle time in an hour.
const TICKS_PER_HOUR: u64 = 3_600_000 / TICK_MS as u64;

/// The columns of [`csv`].
pub const COLUMNS: [&str; 8] = [
    "level",
    "dungeon",
    "kills_per_hour",
    "exp_per_hour",
    "gold_per_hour",
    "minutes_to_next_level",
    "deaths_per_100_hours",
    "seconds_to_first_death",
];

/// What a simulation found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The level at the start of each hour.
    pub level: u8,
    /// Where.
    pub dungeon: DungeonIx,
    /// Monsters killed in an hour.
    pub kills_per_hour: u64,
    /// Experience earned in an hour.
    pub exp_per_hour: u64,
    /// Gold earned in an hour.
    pub gold_per_hour: u64,
    /// Minutes that the whole level takes at this pace; `None` when nothing is earned.
    pub minutes_to_next_level: Option<u64>,
    /// Deaths in a hundred hours.
    pub deaths_per_100_hours: u64,
    /// Seconds from the start to the first death, on average over the hours that saw one.
    pub seconds_to_first_death: Option<u64>,
}

/// Sums over simulated hours.
#[derive(Debug, Default)]
struct Tally {
    hours: u64,
    kills: u64,
    exp: u64,
    gold: u64,
    deaths: u64,
    /// Hours that saw a death, and the seconds to the first one, summed.
    deadly_hours: u64,
    seconds_to_death: u64,
}

/// A fighter of this level as it would come: in the plain gear of the dungeon whose band holds its level, or of the
/// last one; level 1 in what everybody starts with.
#[must_use]
pub fn typical_fighter(content: &Content, level: u8) -> Fighter {
    let fighter = Fighter::of_level(content, level);
    if level <= 1 {
        return fighter.wearing(gear::starting(content));
    }
    let band = content.dungeons().iter().find(|dungeon| level <= dungeon.max_level).or(content.dungeons().last());
    match band {
        Some(dungeon) => fighter.wearing(gear::of_band(content, dungeon.id)),
        None => fighter,
    }
}

/// Lets the typical fighter of a level fight for so many hours, reviving after deaths. Each hour starts afresh at that
/// level with a seed of its own, so that the figures are those of the level and not of where it leads.
///
/// # Errors
/// When there is no such dungeon.
pub fn simulate(ruleset: &Ruleset, level: u8, dungeon: DungeonIx, hours: u64, seed: u64) -> Result<Row, Refusal> {
    let fighter = typical_fighter(ruleset.content(), level);
    let mut tally = Tally::default();
    for hour in 0..hours {
        let state = start(ruleset, fighter.clone(), dungeon, seed.wrapping_add(hour))?;
        tally.hour(ruleset, state);
    }
    Ok(tally.row(level, dungeon))
}

/// One row per level and dungeon.
///
/// # Errors
/// When there is no such dungeon.
pub fn table(
    ruleset: &Ruleset,
    levels: &[u8],
    dungeons: &[DungeonIx],
    hours: u64,
    seed: u64,
) -> Result<Vec<Row>, Refusal> {
    let cells = levels.iter().flat_map(|&level| dungeons.iter().map(move |&dungeon| (level, dungeon)));
    cells.map(|(level, dungeon)| simulate(ruleset, level, dungeon, hours, seed)).collect()
}

/// Minutes of battle from the first level to `goal`, staying in one dungeon in what everybody starts with; `None` when
/// a thousand hours don't suffice.
///
/// # Errors
/// When there is no such dungeon.
pub fn minutes_to_level(ruleset: &Ruleset, goal: u8, dungeon: DungeonIx, seed: u64) -> Result<Option<u64>, Refusal> {
    let fighter = typical_fighter(ruleset.content(), 1);
    let mut state = start(ruleset, fighter, dungeon, seed)?;
    run(ruleset, &mut state, 1_000 * TICKS_PER_HOUR, |state| state.fighter().level < goal);
    Ok((state.fighter().level >= goal).then(|| seconds(state.tick()) / 60))
}

/// The rows as comma-separated values with a head line; what never came is empty.
#[must_use]
pub fn csv(rows: &[Row]) -> String {
    let mut text = COLUMNS.join(",");
    for row in rows {
        let cells = row.cells().map(|cell| cell.map_or(String::new(), |number| number.to_string()));
        text.push('\n');
        text.push_str(&cells.join(","));
    }
    text.push('\n');
    text
}

/// The rows as a table for people; what never came is a dash.
#[must_use]
pub fn text(rows: &[Row]) -> String {
    let mut text = String::new();
    line(&mut text, &COLUMNS.map(str::to_owned));
    for row in rows {
        line(&mut text, &row.cells().map(|cell| cell.map_or("-".to_owned(), |number| number.to_string())));
    }
    text
}

impl Row {
    /// The figures in the order of [`COLUMNS`].
    #[must_use]
    pub fn cells(&self) -> [Option<u64>; COLUMNS.len()] {
        [
            Some(self.level.into()),
            Some(self.dungeon.0.into()),
            Some(self.kills_per_hour),
            Some(self.exp_per_hour),
            Some(self.gold_per_hour),
            self.minutes_to_next_level,
            Some(self.deaths_per_100_hours),
            self.seconds_to_first_death,
        ]
    }
}

impl Tally {
    /// Fights an hour from here and adds what it brought.
    fn hour(&mut self, ruleset: &Ruleset, mut state: State) {
        let mut first_death = None;
        run(ruleset, &mut state, TICKS_PER_HOUR, |state| {
            if state.phase() == Phase::Dead {
                first_death = first_death.or(Some(state.tick()));
            }
            true
        });
        let totals = state.totals();
        self.hours += 1;
        self.kills += totals.kills;
        self.exp += totals.exp;
        self.gold += totals.gold;
        self.deaths += totals.deaths;
        if let Some(tick) = first_death {
            self.deadly_hours += 1;
            self.seconds_to_death += seconds(tick);
        }
    }

    fn row(&self, level: u8, dungeon: DungeonIx) -> Row {
        let hours = self.hours.max(1);
        let step = growth::exp_to_leave(level) - growth::exp_of(level);
        Row {
            level,
            dungeon,
            kills_per_hour: self.kills / hours,
            exp_per_hour: self.exp / hours,
            gold_per_hour: self.gold / hours,
            minutes_to_next_level: (step * 60).checked_div(self.exp / hours),
            deaths_per_100_hours: self.deaths * 100 / hours,
            seconds_to_first_death: self.seconds_to_death.checked_div(self.deadly_hours),
        }
    }
}

fn start(ruleset: &Ruleset, fighter: Fighter, dungeon: DungeonIx, seed: u64) -> Result<State, Refusal> {
    let mut bytes = [0x5a; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let start = Start { seed: bytes, dungeon, mode: Mode::Auto, on_death: OnDeath::Revive, tick_ms: TICK_MS, fighter };
    State::new(ruleset, start)
}

/// Steps until `ticks` are over or `on` says no.
fn run(ruleset: &Ruleset, state: &mut State, ticks: u64, mut on: impl FnMut(&State) -> bool) {
    let mut events = Vec::new();
    while state.due().is_some_and(|due| due <= ticks) {
        state.step(ruleset, &mut events);
        if !on(state) {
            break;
        }
    }
}

fn seconds(ticks: u64) -> u64 {
    ticks * u64::from(TICK_MS) / 1_000
}

fn line(text: &mut String, cells: &[String; COLUMNS.len()]) {
    for (cell, column) in cells.iter().zip(COLUMNS) {
        // Writing to a string can't fail.
        let _ = write!(text, "{cell:>width$}  ", width = column.len());
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
}
