//! A ruleset: the engine's version and one content pack, named by an id that stands for both.

use crate::content::{Content, Fault};

/// A world that can't be played: every fault of it, with file, line and reason.
#[derive(Debug, thiserror::Error)]
#[error("the world has faults:{}", .0.iter().map(|fault| format!("\n  {fault}")).collect::<String>())]
pub struct BrokenWorld(Vec<Fault>);

/// Raised by every change that alters any frame under unchanged content.
pub const ENGINE_VERSION: u16 = 1;

/// Everything besides seed, state and inputs that decides frames.
#[derive(Debug, Clone)]
pub struct Ruleset {
    engine: u16,
    content: Content,
    id: String,
}

impl Ruleset {
    /// The rules of this engine over `content`.
    #[must_use]
    pub fn new(content: Content) -> Self {
        let id = format!("{ENGINE_VERSION}:{}", content.hash());
        Self { engine: ENGINE_VERSION, content, id }
    }

    /// The rules of this engine over a world's files, given as (name, text).
    ///
    /// # Errors
    /// Every fault found.
    pub fn read(files: &[(&str, &str)]) -> Result<Self, BrokenWorld> {
        Content::parse(files).map(Self::new).map_err(BrokenWorld)
    }

    /// The rules of this engine over a stored pack (see [`Content::pack`]).
    ///
    /// # Errors
    /// Every fault of the pack; none for bytes that `pack` made.
    pub fn from_pack(pack: &[u8]) -> Result<Self, Vec<Fault>> {
        Content::from_pack(pack).map(Self::new)
    }

    /// Engine version and content hash, such as `1:0123456789abcdef`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The version of the engine: [`ENGINE_VERSION`].
    #[must_use]
    pub fn engine(&self) -> u16 {
        self.engine
    }

    /// The world.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }
}
