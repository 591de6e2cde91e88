//! Who may depend on whom, by `Cargo.toml`.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, Metadata};

/// What each package may import of ours. `content` holds only text, so that all may read it (`SHARED`).
const OURS: &[(&str, &[&str])] = &[
    ("proto", &[]),
    ("content", &[]),
    ("vocab", &[]),
    ("rules", &["vocab"]),
    ("service-kit", &[]),
    ("backplane", &["vocab", "service-kit"]),
    ("testkit", &[]),
    ("user-svc", SERVICE_WITH_RULES),
    ("battle-svc", SERVICE_WITH_RULES),
    ("chat-svc", SERVICE),
    ("gateway", SERVICE),
    ("mud", &["proto", "vocab", "rules", "service-kit", "backplane", "user-svc", "battle-svc", "chat-svc", "gateway"]),
];
const SERVICE: &[&str] = &["proto", "vocab", "service-kit", "backplane"];
const SERVICE_WITH_RULES: &[&str] = &["proto", "vocab", "rules", "service-kit", "backplane"];
const SHARED: &[&str] = &["content"];
/// For tests alone: a dependency of the kind `dev` on it is always fine, of any other kind never.
const DEV_ONLY: &str = "testkit";

/// Outside crates that are the business of a few packages.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("diesel", &["user-svc"]),
    ("diesel-async", &["user-svc"]),
    ("diesel_migrations", &["user-svc"]),
    ("libsqlite3-sys", &["user-svc"]),
    ("mysql_async", &["testkit"]),
    ("bcrypt", &["user-svc"]),
    ("redis", &["backplane"]),
    ("bb8-redis", &["backplane"]),
    ("engineioxide", &["gateway"]),
    ("axum", &["service-kit", "gateway"]),
    ("tonic-health", &["service-kit"]),
    ("tonic-reflection", &["service-kit"]),
    ("tonic-types", &["service-kit"]),
    ("metrics-exporter-prometheus", &["service-kit"]),
    ("tracing-subscriber", &["service-kit"]),
];

/// What a package must stay free of, whoever else may have it.
const NEVER: &[(&str, &[&str])] =
    &[("vocab", IO), ("rules", IO), ("content", IO), ("backplane", &["tonic", "prost"]), ("service-kit", &["prost"])];
const IO: &[&str] = &["tokio", "tonic", "prost", "hyper", "axum", "futures", "tracing"];

/// One line of a `Cargo.toml`: `from` depends on `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edge {
    /// The package whose manifest says so.
    pub(crate) from: String,
    /// The package it names.
    pub(crate) to: String,
    /// Whether only its tests and benchmarks see it.
    pub(crate) dev: bool,
}

/// Every dependency that a member of the workspace declares.
pub(crate) fn edges(metadata: &Metadata) -> Vec<Edge> {
    let declared = metadata.workspace_packages().into_iter().flat_map(|package| {
        package.dependencies.iter().map(|dependency| Edge {
            from: package.name.to_string(),
            to: dependency.name.clone(),
            dev: dependency.kind == DependencyKind::Development,
        })
    });
    // A member without dependencies must be in the table too.
    let members = metadata.workspace_packages().into_iter().map(|package| {
        let name = package.name.to_string();
        Edge { from: name.clone(), to: name, dev: true }
    });
    declared.chain(members).collect()
}

/// The edges that break a rule, one sentence each.
pub(crate) fn breaches(edges: &[Edge]) -> Vec<String> {
    let ours: BTreeMap<&str, &[&str]> = OURS.iter().copied().collect();
    edges
        .iter()
        .filter(|edge| edge.from != edge.to || !ours.contains_key(edge.from.as_str()))
        .filter_map(|edge| breach(&ours, edge))
        .collect()
}

fn breach(ours: &BTreeMap<&str, &[&str]>, edge: &Edge) -> Option<String> {
    let Edge { from, to, dev } = edge;
    let Some(allowed) = ours.get(from.as_str()) else {
        return Some(format!("{from}: a package that the import table doesn't know"));
    };
    let named = |list: &[&str]| list.contains(&to.as_str());
    if to == DEV_ONLY {
        return (!dev).then(|| format!("{from}/Cargo.toml: {to} is for [dev-dependencies] alone"));
    }
    if ours.contains_key(to.as_str()) {
        let fine = named(allowed) || named(SHARED);
        return (!fine).then(|| format!("{from}/Cargo.toml: may not import {to}, only {allowed:?}"));
    }
    if let Some((_, owners)) = OUTSIDE.iter().find(|(name, _)| name == to)
        && !owners.contains(&from.as_str())
    {
        return Some(format!("{from}/Cargo.toml: {to} is the business of {owners:?} alone"));
    }
    let (_, never) = NEVER.iter().find(|(name, _)| name == from)?;
    (!dev && named(never)).then(|| format!("{from}/Cargo.toml: {from} stays free of {to}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(from: &str, to: &str, dev: bool) -> bool {
        !breaches(&[Edge { from: from.into(), to: to.into(), dev }]).is_empty()
    }

    #[test]
    fn breaches_are_noticed() {
        assert!(broken("chat-svc", "rules", false), "not in the row");
        assert!(broken("chat-svc", "user-svc", true), "another service, even for tests");
        assert!(broken("gateway", "diesel", false), "somebody else's outside crate");
        assert!(broken("rules", "tokio", false), "an engine that does I/O");
        assert!(broken("gateway", "testkit", false), "a test helper in the program");
        assert!(broken("gateway", "mud", true), "the program itself");
        assert!(broken("newcomer", "serde", false), "a package without a row");
        assert!(broken("newcomer", "newcomer", true), "a package without row or dependency");
    }

    #[test]
    fn what_the_table_says_is_allowed() {
        assert!(!broken("chat-svc", "backplane", false));
        assert!(!broken("chat-svc", "content", false));
        assert!(!broken("chat-svc", "testkit", true));
        assert!(!broken("user-svc", "diesel", false));
        assert!(!broken("rules", "serde", false));
        assert!(!broken("vocab", "vocab", true));
    }
}
