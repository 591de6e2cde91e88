//! What is left to chance: the ids and the seeds of new battles.

use std::fmt;
use std::sync::Arc;

use service_kit::Fault;
use vocab::BattleId;

/// Where ids and seeds come from.
#[derive(Clone, Default)]
pub enum Chance {
    /// The system's own randomness, which nobody foresees.
    #[default]
    System,
    /// A source that repeats, for simulations: bytes that fill 32.
    Repeating(Arc<dyn Fn() -> [u8; 32] + Send + Sync>),
}

impl Chance {
    /// The id of a new battle.
    pub(crate) fn battle(&self) -> BattleId {
        match self {
            Self::System => BattleId::generate(),
            Self::Repeating(next) => {
                let bytes = next();
                BattleId::from_bytes(std::array::from_fn(|at| bytes[at]))
            }
        }
    }

    /// What decides the rolls of a new battle.
    pub(crate) fn seed(&self) -> Result<[u8; 32], Fault> {
        match self {
            Self::System => {
                let mut seed = [0; 32];
                getrandom::fill(&mut seed).map_err(|error| Fault::internal(error.to_string()))?;
                Ok(seed)
            }
            Self::Repeating(next) => Ok(next()),
        }
    }

    /// What tells a start of an instance from others by its name.
    pub(crate) fn nonce(&self) -> Result<u64, Fault> {
        let seed = self.seed()?;
        Ok(u64::from_le_bytes(std::array::from_fn(|at| seed[at])))
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::Repeating(_) => "Repeating",
        })
    }
}
