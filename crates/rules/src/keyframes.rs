//! The two states from which the last frames of a battle can be made again.

use crate::battle::State;

/// How many frames lie between two keyframes.
pub const KEYFRAME_EVERY: u64 = 1_200;

/// Whether a keyframe is due at this frame.
#[must_use]
pub fn crossed(seq: u64) -> bool {
    seq > 0 && seq.is_multiple_of(KEYFRAME_EVERY)
}

/// Two keyframes, the older and the newer: at least the last [`KEYFRAME_EVERY`] frames follow from the older.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyframes {
    /// Every frame after this state can be made again.
    pub older: State,
    /// Takes the older's place at the next keyframe.
    pub newer: State,
}

impl Keyframes {
    /// The keyframes of a battle that starts here.
    #[must_use]
    pub fn new(start: State) -> Self {
        Self { older: start.clone(), newer: start }
    }

    /// To be shown the state after every frame; keeps what has to be kept, and says whether it did.
    pub fn pass(&mut self, state: &State) -> bool {
        let due = crossed(state.seq());
        if due {
            self.older = std::mem::replace(&mut self.newer, state.clone());
        }
        due
    }

    /// The first frame that can be made again.
    #[must_use]
    pub fn first_seq(&self) -> u64 {
        self.older.seq() + 1
    }

    /// The nearest state before frame `seq`, when that frame can be made again.
    #[must_use]
    pub fn before(&self, seq: u64) -> Option<&State> {
        [&self.newer, &self.older].into_iter().find(|state| state.seq() < seq)
    }
}
