//! The shipped world: whole, named in every language, and with numbers that keep their meaning.

mod common;

use std::collections::HashSet;

use common::{FROZEN, SHIPPED};
use rules::Ruleset;
use rules::content::{Content, ItemKind};

/// Every text id that the world needs.
fn needed() -> Vec<String> {
    let content = SHIPPED.content();
    let dungeons = content.dungeons().iter().map(|dungeon| format!("dungeon-{}", dungeon.id.0));
    let monsters = content.monsters().iter().map(|monster| format!("monster-{}", monster.key));
    let skills = content.skills().iter().map(|skill| format!("skill-{}", skill.key));
    let items = content.items().iter().map(|item| format!("item-{}", item.key));
    dungeons.chain(monsters).chain(skills).chain(items).collect()
}

#[test]
fn every_key_has_a_name_in_every_language() {
    for language in ::content::LANGUAGES {
        let lines: Vec<&str> = ::content::texts(language).iter().flat_map(|(_, text)| text.lines()).collect();
        let named: HashSet<&str> = lines
            .iter()
            .filter_map(|line| line.split_once(" = "))
            .filter(|(_, name)| !name.is_empty())
            .map(|(id, _)| id)
            .collect();
        let missing: Vec<String> = needed().into_iter().filter(|id| !named.contains(id.as_str())).collect();
        assert!(missing.is_empty(), "{language} has no text for {missing:?}");
    }
}

/// Stored battles hold numbers. A line that changes here breaks them; new lines at the end are fine.
#[test]
fn numbers_keep_their_meaning() {
    let content = SHIPPED.content();
    let monsters = content.monsters().iter().map(|monster| format!("monster {} {}", monster.id.0, monster.key));
    let skills = content.skills().iter().map(|skill| format!("skill {} {}", skill.id.0, skill.key));
    let items = content.items().iter().map(|item| format!("item {} {}", item.id.0, item.key));
    let all: Vec<String> = monsters.chain(skills).chain(items).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn skills_are_as_promised() {
    let skills = SHIPPED.content().skills();
    assert_eq!(skills.iter().map(|skill| skill.level).collect::<Vec<_>>(), [1, 5, 10, 20, 30]);
    assert!(
        skills.is_sorted_by(|a, b| a.cost < b.cost && a.multiple < b.multiple),
        "costs and multiples rise together"
    );
    assert!(skills.iter().any(|skill| skill.heal.is_some()) && skills.iter().any(|skill| skill.shield.is_some()));
}

#[test]
fn every_band_has_gear_and_something_to_drop() {
    let content = SHIPPED.content();
    for dungeon in content.dungeons() {
        assert!(rules::gear::of_band(content, dungeon.id).iter().all(Option::is_some), "{dungeon:?}");
    }
    assert!(content.monsters().iter().all(|monster| !content.drops(monster.id).is_empty()));
    let kinds = [ItemKind::Weapon, ItemKind::Armour, ItemKind::Potion, ItemKind::Material];
    assert!(kinds.iter().all(|&kind| content.items().iter().any(|item| item.kind == kind)));
    assert!(rules::gear::starting(content).iter().all(Option::is_some));
}

#[test]
fn a_pack_is_the_world_again_under_the_same_id() {
    let pack = SHIPPED.content().pack();
    let again = Ruleset::from_pack(pack).unwrap();
    assert_eq!(again.id(), SHIPPED.id());
    assert_eq!(again.content().pack(), pack);
    assert_ne!(FROZEN.id(), "");
}

#[test]
fn only_what_can_change_a_frame_changes_the_id() {
    let id = |from: &str, to: &str| {
        let files: Vec<(&str, String)> =
            ::content::rules().iter().map(|&(name, text)| (name, text.replace(from, to))).collect();
        // The order of files means nothing either.
        let files: Vec<(&str, &str)> = files.iter().rev().map(|(name, text)| (*name, text.as_str())).collect();
        Ruleset::new(Content::parse(&files).unwrap()).id().to_owned()
    };
    assert_eq!(id("normal = 71", "# a remark\nnormal   =   71"), SHIPPED.id());
    assert_ne!(id("normal = 71", "normal = 72"), SHIPPED.id());
}
