//! Which words may stand in which files.

use std::fs;
use std::io;
use std::path::Path;

use cargo_metadata::Metadata;

/// A source file: its path from the workspace's root, with `/`, and its text.
#[derive(Debug)]
pub(crate) struct File {
    /// For instance `chat-svc/src/room.rs`.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

struct Rule {
    /// For people.
    says: &'static str,
    /// Files under one of these path prefixes are looked at.
    among: &'static [&'static str],
    /// Whether a line of code breaks the rule where it doesn't belong.
    found: fn(&str) -> bool,
    /// Whether it belongs into the file at this path.
    home: fn(&str) -> bool,
}

const EVERYWHERE: &[&str] = &[""];

const RULES: &[Rule] = &[
    Rule {
        says: "only gateway/src/delivery emits to sockets",
        // The one package that can (see `packages`).
        among: &["gateway/src/"],
        found: |line| [".emit(", ".emit_with_ack(", ".broadcast()"].iter().any(|call| line.contains(call)),
        home: |path| is_room(path, "gateway", &["delivery"]),
    },
    Rule {
        says: "only user-svc/src/store names diesel",
        among: EVERYWHERE,
        found: |line| names_crate(line, &["diesel", "diesel_async", "diesel_migrations"]),
        home: |path| is_room(path, "user-svc", &["store"]),
    },
    Rule {
        says: "only backplane/src/redis names redis",
        among: EVERYWHERE,
        found: |line| names_crate(line, &["redis", "bb8_redis"]),
        // The crate's head names its module of the same name.
        home: |path| is_room(path, "crates/backplane", &["redis"]) || path == "crates/backplane/src/lib.rs",
    },
    Rule {
        says: "only proto and wire modules name prost",
        // The gateway has protobuf in its hands everywhere; its bytes are read and written in `bus` alone.
        among: EVERYWHERE,
        found: |line| names_crate(line, &["prost", "prost_types"]),
        home: |path| path.starts_with("proto/") || has_room(path, &["wire"]) || is_room(path, "gateway", &["bus"]),
    },
    Rule {
        says: "only proto, service-kit, service and client modules name tonic",
        among: EVERYWHERE,
        found: |line| names_crate(line, &["tonic", "tonic_types"]),
        home: |path| {
            path.starts_with("proto/")
                || path.starts_with("crates/service-kit/")
                || has_room(path, &["service", "clients"])
        },
    },
    Rule {
        says: "rules knows no clock and no float",
        among: &["crates/rules/src/"],
        found: |line| has_word(line, &["f32", "f64", "Instant", "SystemTime"]),
        home: |_| false,
    },
];

/// Every file of the members' `src` folders.
pub(crate) fn files(metadata: &Metadata) -> io::Result<Vec<File>> {
    let root = metadata.workspace_root.as_std_path();
    let mut files = Vec::new();
    for package in metadata.workspace_packages() {
        if let Some(folder) = package.manifest_path.parent() {
            collect(root, folder.join("src").as_std_path(), &mut files)?;
        }
    }
    Ok(files)
}

/// The lines that break a rule, one sentence each.
pub(crate) fn breaches(files: &[File]) -> Vec<String> {
    let mut breaches = Vec::new();
    for (rule, file) in RULES.iter().flat_map(|rule| files.iter().map(move |file| (rule, file))) {
        if !rule.among.iter().any(|prefix| file.path.starts_with(prefix)) || (rule.home)(&file.path) {
            continue;
        }
        let lines = file.text.lines().enumerate().filter(|(_, line)| (rule.found)(code(line)));
        breaches.extend(lines.map(|(n, line)| format!("{}:{}: {}: {}", file.path, n + 1, rule.says, line.trim())));
    }
    breaches
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.push(File { path: name, text: fs::read_to_string(&path)? });
        }
    }
    Ok(())
}

/// The line without its comment: words about a thing are not the thing.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Whether a path in this line starts at one of these crates: `redis::Client` does, `backplane::redis::connect` and
/// `redis_url` don't.
fn names_crate(line: &str, crates: &[&str]) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let occurrences = crates.iter().flat_map(|name| line.match_indices(name));
    occurrences.map(|(at, name)| (&line[..at], &line[at + name.len()..])).any(|(before, after)| {
        let whole_word = !before.ends_with(is_word) && !after.starts_with(is_word);
        let at_the_start = before.ends_with(" ::") || !before.ends_with("::");
        whole_word && at_the_start && (after.starts_with("::") || before.ends_with("use "))
    })
}

fn has_word(line: &str, forbidden: &[&str]) -> bool {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| forbidden.contains(&word))
}

/// Whether the path is one of these modules (file or folder) right under the package's `src`.
fn is_room(path: &str, package: &str, rooms: &[&str]) -> bool {
    path.strip_prefix(package)
        .and_then(|rest| rest.strip_prefix("/src/"))
        .is_some_and(|rest| rest.split('/').next().is_some_and(|first| rooms.contains(&first.trim_end_matches(".rs"))))
}

/// Whether the path is one of these modules, or lies in one, anywhere.
fn has_room(path: &str, rooms: &[&str]) -> bool {
    path.split('/').any(|part| rooms.contains(&part.trim_end_matches(".rs")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(path: &str, line: &str) -> Vec<String> {
        breaches(&[File { path: path.into(), text: line.into() }])
    }

    #[test]
    fn breaches_are_noticed_with_place_and_rule() {
        for (path, line) in [
            ("gateway/src/handlers/chat.rs", "socket.emit(\"x\", &y)"),
            ("mud/src/lib.rs", "use diesel::prelude::*;"),
            ("chat-svc/src/room.rs", "let c = redis::Client::open(url);"),
            ("chat-svc/src/main.rs", "use redis as store;"),
            ("chat-svc/src/room.rs", "use prost::Message;"),
            ("battle-svc/src/shard.rs", "fn f() -> tonic::Status {"),
            ("crates/rules/src/blow.rs", "let x: f64 = 0.5;"),
        ] {
            let found = broken(path, line);
            assert_eq!(found.len(), 1, "{path}: {line}");
            assert!(found[0].starts_with(&format!("{path}:1: ")), "{found:?}");
        }
    }

    #[test]
    fn words_at_home_and_comments_are_fine() {
        for (path, line) in [
            ("gateway/src/delivery/outbox.rs", "socket.emit(\"x\", &y)"),
            ("user-svc/src/store/account.rs", "use diesel::prelude::*;"),
            ("chat-svc/src/wire.rs", "use prost::Message;"),
            ("battle-svc/src/service/battle.rs", "fn f() -> tonic::Status {"),
            ("crates/rules/src/lib.rs", "//! no tokio, no f64, no diesel"),
            ("gateway/src/lib.rs", "let prosthesis = 1; // tonic::Status"),
            ("chat-svc/src/main.rs", "let plane = backplane::redis::connect(&settings.redis_url).await?;"),
            ("crates/rules/src/turn.rs", "self.emit(event)"),
        ] {
            assert_eq!(broken(path, line), Vec::<String>::new(), "{path}: {line}");
        }
    }
}
