//! From text to entries that know their place, so that every fault can be told by file and line.

use std::fmt;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::model::{Balance, Dungeon, Entry, Item, Monster, Skill, World};

/// Something wrong with the content, told so that a designer finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The name of the file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// An entry and where it was written.
#[derive(Debug)]
pub(super) struct Placed<T> {
    pub(super) entry: T,
    pub(super) file: String,
    pub(super) line: usize,
}

/// A world that was read and not checked yet; entries lie in the order of their numbers.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) balance: Placed<Balance>,
    pub(super) dungeons: Vec<Placed<Dungeon>>,
    pub(super) monsters: Vec<Placed<Monster>>,
    pub(super) skills: Vec<Placed<Skill>>,
    pub(super) items: Vec<Placed<Item>>,
}

/// What has been read so far, and what was wrong with the rest.
#[derive(Debug, Default)]
struct Reading {
    balance: Vec<Placed<Balance>>,
    dungeons: Vec<Placed<Dungeon>>,
    monsters: Vec<Placed<Monster>>,
    skills: Vec<Placed<Skill>>,
    items: Vec<Placed<Item>>,
    faults: Vec<Fault>,
}

/// One file, to turn a place in its text into a line.
#[derive(Debug, Clone, Copy)]
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl Fault {
    pub(super) fn new(file: &str, line: usize, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, reason: reason.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

impl std::error::Error for Fault {}

impl<T> Placed<T> {
    pub(super) fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault::new(&self.file, self.line, reason)
    }
}

impl Draft {
    pub(super) fn into_world(self) -> World {
        World {
            balance: self.balance.entry,
            dungeon: entries(self.dungeons),
            monster: entries(self.monsters),
            skill: entries(self.skills),
            item: entries(self.items),
        }
    }
}

impl Reading {
    fn file(&mut self, source: Source<'_>) {
        let (table, errors) = DeTable::parse_recoverable(source.text);
        self.faults.extend(errors.iter().map(|error| source.fault(error)));
        for (name, value) in table.into_inner() {
            match name.get_ref().as_ref() {
                "balance" => source.one(value, &mut self.balance, &mut self.faults),
                "dungeon" => source.many(value, &mut self.dungeons, &mut self.faults),
                "monster" => source.many(value, &mut self.monsters, &mut self.faults),
                "skill" => source.many(value, &mut self.skills, &mut self.faults),
                "item" => source.many(value, &mut self.items, &mut self.faults),
                other => self.faults.push(Fault::new(
                    source.name,
                    source.line(name.span().start),
                    format!("unknown table `{other}`"),
                )),
            }
        }
    }
}

impl Source<'_> {
    fn many<T: DeserializeOwned>(
        self,
        value: Spanned<DeValue<'_>>,
        found: &mut Vec<Placed<T>>,
        faults: &mut Vec<Fault>,
    ) {
        let line = self.line(value.span().start);
        let found_type = value.get_ref().type_str();
        let DeValue::Array(entries) = value.into_inner() else {
            return faults.push(Fault::new(self.name, line, format!("expected `[[…]]` entries, found {found_type}")));
        };
        entries.into_iter().for_each(|entry| self.one(entry, found, faults));
    }

    fn one<T: DeserializeOwned>(
        self,
        value: Spanned<DeValue<'_>>,
        found: &mut Vec<Placed<T>>,
        faults: &mut Vec<Fault>,
    ) {
        let line = self.line(value.span().start);
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(entry) => found.push(Placed { entry, file: self.name.to_owned(), line }),
            Err(error) => faults.push(Fault { line: self.line_of(&error).unwrap_or(line), ..self.fault(&error) }),
        }
    }

    fn fault(self, error: &toml::de::Error) -> Fault {
        Fault::new(self.name, self.line_of(error).unwrap_or(1), error.message())
    }

    fn line_of(self, error: &toml::de::Error) -> Option<usize> {
        error.span().map(|span| self.line(span.start))
    }

    fn line(self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
    }
}

/// Reads all files.
pub(super) fn read(files: &[(&str, &str)]) -> Result<Draft, Vec<Fault>> {
    let mut reading = Reading::default();
    for &(name, text) in files {
        reading.file(Source { name, text });
    }
    let Reading { mut balance, dungeons, monsters, skills, items, mut faults } = reading;
    for second in balance.iter().skip(1) {
        faults.push(second.fault("`balance` is already given elsewhere"));
    }
    if balance.is_empty() && faults.is_empty() {
        faults.push(Fault::new(files.first().map_or("content", |file| file.0), 1, "no file has the table `balance`"));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let balance = balance.swap_remove(0);
    Ok(Draft {
        balance,
        dungeons: by_number(dungeons),
        monsters: by_number(monsters),
        skills: by_number(skills),
        items: by_number(items),
    })
}

fn by_number<T: Entry>(mut placed: Vec<Placed<T>>) -> Vec<Placed<T>> {
    placed.sort_by_key(|placed| placed.entry.number());
    placed
}

fn entries<T>(placed: Vec<Placed<T>>) -> Vec<T> {
    placed.into_iter().map(|placed| placed.entry).collect()
}
