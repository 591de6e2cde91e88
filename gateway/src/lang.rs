//! Texts for people: the Fluent files of `content`, one table per language.
//!
//! Keys and numbers travel through the house; this is where they become words. A key without a text shows the key and
//! counts. No wire format here.

use std::borrow::Cow;
use std::collections::HashMap;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use serde::Deserialize;

use crate::particle;

/// A language there are texts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Lang {
    /// Korean, where a client names none.
    #[default]
    Ko,
    /// English.
    En,
}

/// How sentences are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Style {
    /// With colour of its own.
    Rich,
    /// Short and without decoration, for screen readers.
    Plain,
}

/// Kinds of things with names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A monster.
    Monster,
    /// A thing one can own.
    Item,
    /// A skill.
    Skill,
    /// A dungeon.
    Dungeon,
}

/// The embedded texts are broken: a fault of the build, found at the start.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {fault}")]
pub struct BrokenTexts {
    file: String,
    fault: String,
}

/// Every text, in every language.
pub(crate) struct Texts {
    ko: Words,
    en: Words,
}

/// The texts of one language.
pub(crate) struct Words {
    bundle: FluentBundle<FluentResource>,
    /// Names by kind and key, taken out of the bundle: frames need one or two each.
    names: [HashMap<String, String>; KINDS.len()],
}

const KINDS: [(Kind, &str); 4] =
    [(Kind::Monster, "monster-"), (Kind::Item, "item-"), (Kind::Skill, "skill-"), (Kind::Dungeon, "dungeon-")];

impl Texts {
    /// Reads the texts embedded in `content`.
    pub(crate) fn load() -> Result<Self, BrokenTexts> {
        Ok(Self { ko: Words::load("ko")?, en: Words::load("en")? })
    }

    /// The texts of a language.
    pub(crate) fn of(&self, lang: Lang) -> &Words {
        match lang {
            Lang::Ko => &self.ko,
            Lang::En => &self.en,
        }
    }
}

impl Words {
    fn load(code: &str) -> Result<Self, BrokenTexts> {
        let broken = |file: &str, fault: String| BrokenTexts { file: file.to_owned(), fault };
        let language = code.parse().map_err(|fault| broken(code, format!("{fault}")))?;
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // Marks that keep the direction of foreign words apart only disturb a terminal.
        bundle.set_use_isolating(false);
        bundle.add_function(particle::NAME, particle::josa).map_err(|fault| broken(code, fault.to_string()))?;
        let mut names: [HashMap<String, String>; KINDS.len()] = Default::default();
        for (file, text) in content::texts(code) {
            let resource = FluentResource::try_new((*text).to_owned())
                .map_err(|(_, faults)| broken(file, format!("{faults:?}")))?;
            let ids = ids(text);
            bundle.add_resource(resource).map_err(|faults| broken(file, format!("{faults:?}")))?;
            take_names(&bundle, &ids, &mut names);
        }
        Ok(Self { bundle, names })
    }

    /// The name of a thing.
    pub(crate) fn name<'a>(&'a self, kind: Kind, key: &'a str) -> &'a str {
        match self.names[kind as usize].get(key) {
            Some(name) => name,
            None => missing(key),
        }
    }

    /// The text `id`, with values put in; the id itself where there is no such text.
    pub(crate) fn say(&self, id: &str, args: &[(&str, Arg<'_>)]) -> String {
        self.try_say(id, args).unwrap_or_else(|| missing(id).to_owned())
    }

    /// The text `id`, with values put in, if there is one.
    pub(crate) fn try_say(&self, id: &str, args: &[(&str, Arg<'_>)]) -> Option<String> {
        let pattern = self.bundle.get_message(id)?.value()?;
        let args: FluentArgs<'_> = args.iter().map(|(name, value)| (*name, value.fluent())).collect();
        let mut faults = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(&args), &mut faults).into_owned();
        if !faults.is_empty() {
            metrics::counter!("gateway_texts_faulty_total").increment(1);
        }
        Some(text)
    }
}

/// A value in a text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Arg<'a> {
    /// A word.
    Text(&'a str),
    /// A number. Written without separators, so that it reads the same for people and programs.
    Number(u64),
}

impl<'a> Arg<'a> {
    fn fluent(self) -> FluentValue<'a> {
        match self {
            Self::Text(text) => FluentValue::String(Cow::Borrowed(text)),
            Self::Number(number) => FluentValue::from(number),
        }
    }
}

fn missing(key: &str) -> &str {
    metrics::counter!("gateway_texts_missing_total").increment(1);
    key
}

/// The ids of the messages in a Fluent file: what stands before `=` at the start of a line.
fn ids(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic()))
        .filter_map(|line| line.split_once('='))
        .map(|(id, _)| id.trim().to_owned())
        .collect()
}

fn take_names(bundle: &FluentBundle<FluentResource>, ids: &[String], names: &mut [HashMap<String, String>]) {
    for id in ids {
        for (kind, prefix) in KINDS {
            let Some(key) = id.strip_prefix(prefix) else { continue };
            let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) else { continue };
            let name = bundle.format_pattern(pattern, None, &mut Vec::new()).into_owned();
            names[kind as usize].insert(key.to_owned(), name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all_ids(code: &str) -> BTreeSet<String> {
        content::texts(code).iter().flat_map(|(_, text)| ids(text)).collect()
    }

    #[test]
    fn both_languages_have_the_same_texts() {
        assert_eq!(all_ids("ko"), all_ids("en"));
        assert!(all_ids("en").len() > 50);
    }

    #[test]
    fn names_are_found_and_strangers_show_their_key() {
        let texts = Texts::load().unwrap();
        assert_eq!(texts.of(Lang::En).name(Kind::Monster, "moss-rat"), "Moss Rat");
        assert_eq!(texts.of(Lang::Ko).name(Kind::Dungeon, "1"), "이끼 골짜기");
        assert_eq!(texts.of(Lang::Ko).name(Kind::Item, "no-such"), "no-such");
    }

    #[test]
    fn korean_names_take_the_particle_that_fits() {
        let words = Words::load("ko").unwrap();
        let spawn = |monster| words.say("line-rich-spawn", &[("monster", Arg::Text(monster)), ("hp", Arg::Number(9))]);
        assert_eq!(spawn("잔가지 꼬마귀"), "⚔ 어둠 속에서 잔가지 꼬마귀가 나타났다! (체력 9)");
        assert_eq!(spawn("이끼 왕"), "⚔ 어둠 속에서 이끼 왕이 나타났다! (체력 9)");
        let loot = |gold| words.say("line-rich-loot", &[("gold", Arg::Number(gold))]);
        assert_eq!((loot(10), loot(12)), ("골드 10을 주웠다.".into(), "골드 12를 주웠다.".into()));
    }

    #[test]
    fn values_stand_in_the_text_as_they_are() {
        let words = Words::load("en").unwrap();
        let line = words.say("line-plain-level-up", &[("level", Arg::Number(1_234))]);
        assert!(line.contains("1234"), "{line}");
        assert_eq!(words.say("no-such", &[]), "no-such");
    }
}
