//! Holds the house's import table: which package may know which, and which words may stand in which files.
//!
//! `packages` reads `cargo metadata`, `sources` reads the files. Both give a list of breaches, each with the place and
//! the rule it breaks; the tables at their heads are the rules themselves (see `docs/ARCHITECTURE.md`).

mod packages;
mod sources;

use std::error::Error;

use cargo_metadata::MetadataCommand;

#[test]
fn packages_import_what_the_table_allows() -> Result<(), Box<dyn Error>> {
    let workspace = MetadataCommand::new().no_deps().exec()?;
    assert_none(&packages::breaches(&packages::edges(&workspace)));
    Ok(())
}

#[test]
fn words_stand_only_in_their_rooms() -> Result<(), Box<dyn Error>> {
    let workspace = MetadataCommand::new().no_deps().exec()?;
    let files = sources::files(&workspace)?;
    assert!(files.len() > 20, "the scan finds the sources, not {} files", files.len());
    assert_none(&sources::breaches(&files));
    Ok(())
}

#[track_caller]
fn assert_none(breaches: &[String]) {
    assert!(breaches.is_empty(), "{} breach(es) of the import table:\n{}", breaches.len(), breaches.join("\n"));
}
