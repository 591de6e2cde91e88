//! A message as it travels: a line of text that is its stamp, a line feed, and the payload. Scripts write the same form.

use bytes::Bytes;

use crate::bus::Stamp;
use crate::rooms::{Appended, Position};

/// An ordinary message.
pub(super) fn plain(payload: &[u8]) -> Vec<u8> {
    [b"-\n", payload].concat()
}

/// The stamp and the payload; `None` when this is nothing of ours.
pub(super) fn read(message: Vec<u8>) -> Option<(Stamp, Bytes)> {
    let end = message.iter().position(|byte| *byte == b'\n')?;
    let stamp = stamp(std::str::from_utf8(&message[..end]).ok()?)?;
    Some((stamp, Bytes::from(message).slice(end + 1..)))
}

fn stamp(text: &str) -> Option<Stamp> {
    match text.split(' ').collect::<Vec<_>>()[..] {
        ["-"] => Some(Stamp::None),
        ["c", count] => Some(Stamp::Count(count.parse().ok()?)),
        ["a", epoch, offset, at_ms] => {
            let position = Position { epoch: epoch.parse().ok()?, offset: offset.parse().ok()? };
            Some(Stamp::Appended(Appended { position, at_ms: at_ms.parse().ok()? }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_come_back_whatever_is_in_them() {
        for payload in [&b""[..], b"hi", b"\n\n-\n", &[0, 255]] {
            assert_eq!(read(plain(payload)), Some((Stamp::None, Bytes::copy_from_slice(payload))));
        }
    }

    #[test]
    fn stamps_are_read() {
        assert_eq!(read(b"c 7\nhi".to_vec()), Some((Stamp::Count(7), Bytes::from_static(b"hi"))));
        let position = Position { epoch: 9_007_199_254_740_991, offset: 12 };
        let appended = Stamp::Appended(Appended { position, at_ms: 1_700_000_000_000 });
        let read = read(b"a 9007199254740991 12 1700000000000\n".to_vec());
        assert_eq!(read, Some((appended, Bytes::new())));
    }

    #[test]
    fn other_messages_are_nothing_of_ours() {
        for message in ["", "hi", "c\n", "c x\n", "a 1 2\n", "z\n", "c -1\n"] {
            assert_eq!(read(message.as_bytes().to_vec()), None, "{message:?}");
        }
    }
}
