//! Checks of single values, for settings that only one service has.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::{Faults, parse_duration};

/// A number within `range`.
pub fn number<N>(flag: &'static str, text: &str, range: RangeInclusive<N>, faults: &mut Faults) -> Option<N>
where
    N: FromStr + PartialOrd + fmt::Display,
{
    let number = text.parse().ok().filter(|number| range.contains(number));
    if number.is_none() {
        faults.add(flag, text, format_args!("expected a number from {} to {}", range.start(), range.end()));
    }
    number
}

/// A length of time of at least a millisecond, such as `30s`.
pub fn duration(flag: &'static str, text: &str, faults: &mut Faults) -> Option<Duration> {
    let parsed =
        parse_duration(text).and_then(|span| if span.is_zero() { Err("must be more than zero") } else { Ok(span) });
    faults.keep(flag, text, parsed)
}
