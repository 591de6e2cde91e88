//! Where a battle is, or is to be: here or with another instance, and why.

use std::time::Duration;

/// How a question came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hop {
    /// From outside the cluster of battle-svc: it may be passed on.
    First,
    /// Another instance sent it here, or did not answer: it is not to be sent on to one that has no claim to it.
    Last,
}

/// Something that is done here, or is another's to do.
#[derive(Debug)]
pub(crate) enum Placed<T> {
    /// Done.
    Here(T),
    /// To be asked for elsewhere.
    There(Peer),
}

/// Another instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its name.
    pub(crate) name: String,
    /// Where it is reached.
    pub(crate) address: String,
    /// It has no right to the question: when it doesn't answer, this instance may.
    pub(crate) replaceable: bool,
    /// For so long at least nobody may in its place.
    pub(crate) irreplaceable_for: Duration,
}

/// Why a battle is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nobody had it.
    Unowned,
    /// Its owner is gone.
    Dead,
    /// The record says that it is ours, but it isn't in memory: we let go of it, or were another start of this name.
    Own,
}

impl<T> Placed<T> {
    /// The same of something else.
    pub(crate) fn map<U>(self, with: impl FnOnce(T) -> U) -> Placed<U> {
        match self {
            Self::Here(done) => Placed::Here(with(done)),
            Self::There(peer) => Placed::There(peer),
        }
    }
}

impl Peer {
    /// One that has no right to the question.
    pub(crate) fn replaceable(name: &str, address: String) -> Self {
        Self { name: name.to_owned(), address, replaceable: true, irreplaceable_for: Duration::ZERO }
    }

    /// The owner of what is asked about, whom nobody replaces for so long at least.
    pub(crate) fn owner(name: &str, address: String, irreplaceable_for: Duration) -> Self {
        Self { name: name.to_owned(), address, replaceable: false, irreplaceable_for }
    }
}

impl Why {
    /// Whether another may go on showing the battle for a while. It may also where the record says that it is ours: an
    /// earlier start may have taken it over, or this one by a claim whose answer never came, or it was let go of too soon.
    pub(crate) fn is_quiet(self) -> bool {
        match self {
            Self::Unowned => false,
            Self::Dead | Self::Own => true,
        }
    }

    /// The word for it in metrics.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Unowned => "unowned",
            Self::Dead => "dead",
            Self::Own => "own",
        }
    }
}
