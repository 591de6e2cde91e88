//! The world as text, embedded: rules data in TOML and texts in Fluent, nothing of it parsed here.
//!
//! `rules::content` reads the first, the edges read the second. What must not live here: code that knows what the
//! files mean.

/// A file's name and its text.
pub type File = (&'static str, &'static str);

/// The languages there are texts in; the first is the one to fall back on.
pub const LANGUAGES: [&str; 2] = ["ko", "en"];

/// The files that decide how the game plays.
const RULES: &[File] = &[
    ("balance.toml", include_str!("../balance.toml")),
    ("dungeons.toml", include_str!("../dungeons.toml")),
    ("monsters.toml", include_str!("../monsters.toml")),
    ("skills.toml", include_str!("../skills.toml")),
    ("items.toml", include_str!("../items.toml")),
];

/// The Korean texts.
const KO: &[File] = &[
    ("ko/world.ftl", include_str!("../texts/ko/world.ftl")),
    ("ko/messages.ftl", include_str!("../texts/ko/messages.ftl")),
    ("ko/lines.ftl", include_str!("../texts/ko/lines.ftl")),
];

/// The English texts.
const EN: &[File] = &[
    ("en/world.ftl", include_str!("../texts/en/world.ftl")),
    ("en/messages.ftl", include_str!("../texts/en/messages.ftl")),
    ("en/lines.ftl", include_str!("../texts/en/lines.ftl")),
];

/// The files that decide how the game plays, for `rules::content::Content::parse`.
#[must_use]
pub fn rules() -> &'static [File] {
    RULES
}

/// The Fluent files of a language; those of the first of [`LANGUAGES`] where there are none.
#[must_use]
pub fn texts(language: &str) -> &'static [File] {
    match language {
        "en" => EN,
        _ => KO,
    }
}
