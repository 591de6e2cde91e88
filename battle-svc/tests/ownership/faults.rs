//! What goes wrong, and when: drawn from the seed before anything begins.

use std::fmt;
use std::time::Duration;

use crate::dice::Dice;
use crate::net::Party;

/// Places for instances.
pub(crate) const PLACES: usize = 3;

/// Gateways.
pub(crate) const GATEWAYS: usize = 2;

/// The first fault comes after this: by then everybody has found everybody.
const CALM_MS: u64 = 6_000;

/// The last one begins before that much later.
const STORM_MS: u64 = 20_000;

/// What lasts that long has others claim, take an input, and go on.
const LONG_MS: u64 = 17_000;

/// What lasts that long shows whatever follows from a takeover.
const LONGEST_MS: u64 = 40_000;

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A process stands still.
    Freeze(usize),
    /// A process is killed, and another starts in its place, by the same name or a new one.
    Kill { place: usize, same_name: bool },
    /// A process drains, and another starts in its place.
    Drain(usize),
    /// Two parties don't reach each other.
    Cut(Party, Party),
    /// One party reaches nobody but the gateways, or nobody at all.
    Isolate { place: usize, from_gateways: bool },
    /// The store answers `unavailable`.
    StoreAway,
    /// The store reaches nobody.
    StoreFrozen,
    /// Redis answers nobody for a while.
    RedisFrozen,
    /// Redis is gone for a while, and has forgotten everything afterwards.
    RedisRestarted,
    /// Redis forgets everything.
    RedisEmptied,
    /// Many messages are late, some by seconds.
    Slow,
    /// Some messages are lost.
    Lossy,
}

/// When it begins, for how long it lasts.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) at: Duration,
    pub(crate) lasts: Duration,
    pub(crate) fault: Fault,
}

/// Everything that will go wrong, in its order.
pub(crate) fn plan(dice: &Dice) -> Vec<Planned> {
    let count = 1 + dice.below(6);
    let mut plan: Vec<Planned> = (0..count).map(|_| planned(dice)).collect();
    plan.sort_by_key(|planned| planned.at);
    plan
}

/// One instance fails, for longer than it may take the others to make that good, and nothing else ever goes wrong.
pub(crate) fn lone(dice: &Dice) -> Vec<Planned> {
    let (at, lasts) = (dice.ms(CALM_MS, CALM_MS + STORM_MS), dice.ms(LONG_MS, LONGEST_MS));
    let place = dice.below(PLACES);
    let fault = match dice.below(4) {
        0 => Fault::Freeze(place),
        1 => Fault::Kill { place, same_name: dice.percent(50) },
        2 => Fault::Isolate { place, from_gateways: true },
        _ => Fault::Drain(place),
    };
    vec![Planned { at, lasts, fault }]
}

/// When the last of it is over.
pub(crate) fn calm_after(plan: &[Planned]) -> Duration {
    plan.iter().map(|planned| planned.at + planned.lasts).max().unwrap_or_default()
}

fn planned(dice: &Dice) -> Planned {
    let at = dice.ms(CALM_MS, CALM_MS + STORM_MS);
    let fault = fault(dice);
    let lasts = match fault {
        Fault::RedisEmptied => Duration::ZERO,
        // It comes back just when its battles are claimed.
        Fault::Cut(Party::Instance(_), Party::Redis) if dice.percent(50) => dice.ms(9_000, 14_000),
        // Now and then long enough for another to have claimed, and to have taken an input.
        _ if dice.percent(25) => dice.ms(LONG_MS, LONGEST_MS),
        // Long enough to count as dead, about half of the time.
        _ => dice.ms(100, LONG_MS),
    };
    Planned { at, lasts, fault }
}

fn fault(dice: &Dice) -> Fault {
    let place = dice.below(PLACES);
    match dice.below(18) {
        0..=2 => Fault::Freeze(place),
        3 | 4 => Fault::Kill { place, same_name: dice.percent(50) },
        5 => Fault::Drain(place),
        6 => Fault::Cut(Party::Instance(place), Party::Redis),
        7 => Fault::Cut(Party::Instance(place), Party::Store),
        8 => Fault::Cut(Party::Instance(place), Party::Gateway(dice.below(GATEWAYS))),
        9 => Fault::Cut(Party::Instance(place), Party::Instance((place + 1 + dice.below(PLACES - 1)) % PLACES)),
        10 => Fault::Isolate { place, from_gateways: dice.percent(50) },
        11 if dice.percent(50) => Fault::StoreAway,
        11 => Fault::StoreFrozen,
        12 => Fault::RedisFrozen,
        13 if dice.percent(50) => Fault::RedisRestarted,
        13 => Fault::RedisEmptied,
        14 => Fault::Slow,
        15 => Fault::Lossy,
        _ => Fault::Cut(Party::Instance(place), Party::Redis),
    }
}

impl Fault {
    /// The place of which it takes the instance away from everybody.
    pub(crate) fn takes(&self) -> Option<usize> {
        match *self {
            Self::Freeze(place)
            | Self::Kill { place, .. }
            | Self::Drain(place)
            | Self::Isolate { place, from_gateways: true } => Some(place),
            Self::Isolate { .. }
            | Self::Cut(..)
            | Self::StoreAway
            | Self::StoreFrozen
            | Self::RedisFrozen
            | Self::RedisRestarted
            | Self::RedisEmptied
            | Self::Slow
            | Self::Lossy => None,
        }
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, lasts) = (self.at.as_secs_f64(), self.lasts.as_secs_f64());
        write!(f, "at {at:6.3} s for {lasts:6.3} s: {:?}", self.fault)
    }
}
