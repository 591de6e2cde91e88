//! What is put into a battle from outside, and how it can end.

/// Why a battle ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The player stopped it.
    Stopped,
    /// The fighter fell for good.
    Died,
    /// The player fled.
    Fled,
    /// The player of a hunt was gone too long.
    Left,
    /// An operator stopped it.
    Operator,
    /// The account was deleted.
    Deleted,
}

/// What a player or an operator puts into a battle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Ends it.
    Stop {
        /// Why.
        reason: EndReason,
    },
}

/// An input that has no place here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The battle is over.
    #[error("the battle has ended")]
    Ended,
    /// Time would go back.
    #[error("the battle stands at tick {0} already")]
    Past(u64),
}
