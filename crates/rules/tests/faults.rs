//! Wrong content is refused with file, line and reason, all of it at once.
#![allow(clippy::unwrap_used, reason = "a test that stops here says so")]

use rules::content::{Content, Fault};

/// The shipped files, with one text in one of them replaced.
fn broken(file: &str, from: &str, to: &str) -> Vec<String> {
    let files: Vec<(&str, String)> = ::content::rules()
        .iter()
        .map(|&(name, text)| {
            assert!(name != file || text.contains(from), "`{from}` is not in {file}");
            (name, if name == file { text.replacen(from, to, 1) } else { text.to_owned() })
        })
        .collect();
    faults(&files.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>())
}

fn faults(files: &[(&str, &str)]) -> Vec<String> {
    Content::parse(files).map(|_| ()).unwrap_err().iter().map(Fault::to_string).collect()
}

/// What was changed and every fault that follows.
fn told(cases: &[(&str, &str, &str)]) -> String {
    let told =
        cases.iter().map(|&(file, from, to)| format!("{from:?} -> {to:?}\n{}\n", broken(file, from, to).join("\n")));
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn wrong_shapes_are_told_where_they_stand() {
    insta::assert_snapshot!(told(&[
        ("balance.toml", "revive_ms = 60000", "revive_ms = \"a minute\""),
        ("balance.toml", "elite = 26", "elite = 26\nlegend = 1"),
        ("monsters.toml", "rank = \"normal\"", "rank = \"common\""),
        ("monsters.toml", "attack = ", "atack = "),
        ("skills.toml", "cost = 20", "cost = -20"),
        ("items.toml", "[[item]]", "[[thing]]"),
        ("items.toml", "id = 1", "id = = 1"),
    ]));
}

#[test]
fn wrong_meanings_are_told_at_their_entry() {
    insta::assert_snapshot!(told(&[
        ("balance.toml", "\"plain-clothes\"", "\"wooden-stick\""),
        ("balance.toml", "boss = 2", "boss = 0"),
        ("dungeons.toml", "max_level = 9", "max_level = 0"),
        ("monsters.toml", "dungeon = 1", "dungeon = 9"),
        ("monsters.toml", "rank = \"boss\"", "rank = \"elite\""),
        ("monsters.toml", "item = \"moss-fibre\"", "item = \"moss-fiber\""),
        ("monsters.toml", "chance = 250", "chance = 25000"),
        ("monsters.toml", "key = \"dew-slug\"", "key = \"moss-rat\""),
        ("monsters.toml", "gold = [", "gold = [9"),
        ("skills.toml", "level = 5", "level = 1"),
        ("skills.toml", "heal = 12", "heal = 120"),
        ("items.toml", "id = 2\n", "id = 1\n"),
        ("items.toml", "key = \"rush-vest\"", "key = \"Rush Vest\""),
        ("items.toml", "kind = \"weapon\"\nband", "kind = \"material\"\nband"),
    ]));
}

#[test]
fn all_is_told_at_once_in_the_order_of_files_and_lines() {
    let files = [
        ("a.toml", "[balance]\nrevive_ms = 1\n\n[[skill]]\nid = 1\nkey = 5\n"),
        ("b.toml", "[[monster]]\nid = \"x\"\n\n[[monster]]\nid = 2\nrank = \"king\"\n\n[village]\n"),
    ];
    insta::assert_snapshot!(faults(&files).join("\n"));
}

#[test]
fn an_empty_world_is_a_fault_too() {
    let told = [faults(&[]), faults(&[("empty.toml", "")])].concat();
    insta::assert_snapshot!(told.join("\n"));
    assert!(Content::from_pack(&[0xff, 0xfe]).is_err());
}
