//! `mud simulate`: what an hour in each dungeon brings at each level, without any server.

use std::io::{self, Write};

use anyhow::Context;
use rules::Ruleset;
use rules::content::{Content, DungeonIx};
use rules::simulate::{csv, minutes_to_level, table, text};
use service_kit::settings::{Check, Faults, number};

/// The level whose coming is told below the table.
const GOAL: u8 = 10;

/// What to simulate.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SimulateArgs {
    /// Levels, separated by commas
    #[arg(long, default_value = "1,5,10,15,20,25,30,35,40,45,50", value_name = "LEVELS")]
    levels: String,
    /// Hours per level and dungeon
    #[arg(long, default_value = "20", value_name = "NUMBER")]
    hours: String,
    /// The same seed gives the same figures
    #[arg(long, default_value = "1", value_name = "NUMBER")]
    seed: String,
    /// Comma-separated values instead of a table
    #[arg(long)]
    csv: bool,
}

/// A simulation to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Simulation {
    levels: Vec<u8>,
    hours: u64,
    seed: u64,
    csv: bool,
}

impl Check for SimulateArgs {
    type Checked = Simulation;

    fn check(self, faults: &mut Faults) -> Option<Simulation> {
        let levels: Option<Vec<u8>> =
            self.levels.split(',').map(|level| number("--levels", level.trim(), 1..=100, faults)).collect();
        let hours = number("--hours", &self.hours, 1..=10_000, faults);
        let seed = number("--seed", &self.seed, 0..=u64::MAX, faults);
        Some(Simulation { levels: levels?, hours: hours?, seed: seed?, csv: self.csv })
    }
}

impl Simulation {
    /// Simulates the shipped world and writes the outcome to `out`.
    ///
    /// # Errors
    /// When the world has faults or `out` is closed.
    pub(crate) fn run(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let ruleset = Ruleset::read(content::rules())?;
        let dungeons = dungeons(ruleset.content());
        let rows = table(&ruleset, &self.levels, &dungeons, self.hours, self.seed).context("simulation")?;
        if self.csv {
            return Ok(out.write_all(csv(&rows).as_bytes())?);
        }
        out.write_all(text(&rows).as_bytes())?;
        Ok(write_goal(&ruleset, self.seed, out)?)
    }
}

fn dungeons(content: &Content) -> Vec<DungeonIx> {
    content.dungeons().iter().map(|dungeon| dungeon.id).collect()
}

fn write_goal(ruleset: &Ruleset, seed: u64, out: &mut impl Write) -> io::Result<()> {
    let Some(first) = dungeons(ruleset.content()).first().copied() else { return Ok(()) };
    match minutes_to_level(ruleset, GOAL, first, seed) {
        Ok(Some(minutes)) => writeln!(out, "\nlevel {GOAL} comes after {minutes} minutes in dungeon {}", first.0),
        Ok(None) | Err(_) => writeln!(out, "\nlevel {GOAL} does not come in dungeon {}", first.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simulation(csv: bool) -> Simulation {
        Simulation { levels: vec![1, 5], hours: 1, seed: 7, csv }
    }

    fn output(simulation: &Simulation) -> String {
        let mut out = Vec::new();
        simulation.run(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_line_per_level_and_dungeon_and_always_the_same() {
        let text = output(&simulation(true));
        assert_eq!(text.lines().count(), 1 + 2 * 5, "{text}");
        assert_eq!(text, output(&simulation(true)));
    }

    #[test]
    fn the_table_ends_with_when_the_goal_comes() {
        let text = output(&simulation(false));
        assert!(text.lines().last().unwrap().starts_with("level 10 comes after "), "{text}");
    }

    #[test]
    fn levels_are_checked() {
        let mut faults = Faults::default();
        let args = SimulateArgs { levels: "1,101".into(), hours: "1".into(), seed: "1".into(), csv: false };
        assert_eq!(args.check(&mut faults), None);
    }
}
