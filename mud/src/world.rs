//! The shipped world.

use anyhow::anyhow;
use rules::Ruleset;
use rules::content::Content;

/// The rules over the content built into this program.
///
/// # Errors
/// Every fault of the content, with file, line and reason.
pub(crate) fn ruleset() -> anyhow::Result<Ruleset> {
    let content = Content::parse(content::rules()).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow!("the world has faults:\n  {}", lines.join("\n  "))
    })?;
    Ok(Ruleset::new(content))
}
