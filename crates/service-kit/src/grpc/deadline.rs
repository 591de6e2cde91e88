//! Deadlines of calls, carried by the `grpc-timeout` header.
//!
//! A deadline covers a call up to the start of its answer: all of a unary call, the opening of a stream. Whether an
//! open stream still lives is the keepalive's business.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use tonic::Status;

const GRPC_TIMEOUT: &str = "grpc-timeout";

/// The deadline the caller asked for; `None` without one, or with one that does not parse.
pub(super) fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    // The protocol allows at most eight digits and no sign.
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

/// Asks for a deadline.
pub(super) fn ask(headers: &mut HeaderMap, limit: Duration) {
    // Eight digits of milliseconds are more than a day; no call of this house lives that long.
    let milliseconds = limit.as_millis().min(99_999_999);
    if let Ok(value) = HeaderValue::from_str(&format!("{milliseconds}m")) {
        headers.insert(GRPC_TIMEOUT, value);
    }
}

/// The status of a call that took too long.
pub(super) fn passed() -> Status {
    crate::Fault::too_late("deadline-exceeded").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_read() {
        let mut headers = HeaderMap::new();
        assert_eq!(asked(&headers), None);
        ask(&mut headers, Duration::from_millis(2_500));
        assert_eq!(asked(&headers), Some(Duration::from_millis(2_500)));
    }

    #[test]
    fn every_unit_of_the_protocol_and_nothing_else() {
        let read = |text: &'static str| {
            asked(&HeaderMap::from_iter([(
                http::HeaderName::from_static(GRPC_TIMEOUT),
                HeaderValue::from_static(text),
            )]))
        };
        assert_eq!(read("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(read("3M"), Some(Duration::from_secs(180)));
        assert_eq!(read("4S"), Some(Duration::from_secs(4)));
        assert_eq!(read("6u"), Some(Duration::from_micros(6)));
        assert_eq!(read("7n"), Some(Duration::from_nanos(7)));
        for wrong in ["", "S", "5", "+5S", "123456789S", "5x"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
