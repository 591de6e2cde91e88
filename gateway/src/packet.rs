//! Socket.IO protocol v5 in its text form: what may follow Engine.IO's message type `4`.
//!
//! Only the main namespace exists. Payloads stay JSON text here; nothing is known about events.
//! Source: the public protocol description (socket.io-protocol, revision 5).

use std::io::Write as _;

use serde::Serialize;

/// A packet from a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming<'a> {
    /// The handshake, with its `auth` object.
    Connect(Option<&'a str>),
    /// The client leaves the namespace.
    Disconnect,
    /// An event: the number to acknowledge it by, and the JSON array of name and arguments.
    Event(Option<u64>, &'a str),
    /// The answer to something we asked. We never ask.
    Ack,
    /// A handshake for a namespace that doesn't exist.
    Elsewhere(&'a str),
}

/// The text is no packet of the protocol.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a Socket.IO packet")]
pub(crate) struct Malformed;

impl<'a> Incoming<'a> {
    /// Reads one packet. An event with binary attachments reads as the event with the attachments' placeholders:
    /// no payload of ours has a place for bytes, so the payload's own check refuses it by name.
    pub(crate) fn read(text: &'a str) -> Result<Self, Malformed> {
        let kind = *text.as_bytes().first().ok_or(Malformed)?;
        let rest = &text[text.ceil_char_boundary(1)..];
        let rest = if matches!(kind, b'5' | b'6') { after_attachments(rest)? } else { rest };
        let (namespace, rest) = split_namespace(rest);
        match (kind, namespace) {
            (b'0', None) => Ok(Self::Connect((!rest.is_empty()).then_some(rest))),
            (b'0', Some(other)) => Ok(Self::Elsewhere(other)),
            (b'1', None) => Ok(Self::Disconnect),
            (b'2' | b'5', None) => {
                let (ack, args) = split_number(rest);
                Ok(Self::Event(ack, args))
            }
            (b'3' | b'6', None) => Ok(Self::Ack),
            _ => Err(Malformed),
        }
    }
}

/// The answer to a handshake that succeeded.
pub(crate) fn connect(sid: &str) -> String {
    format!(r#"0{{"sid":"{sid}"}}"#)
}

/// The answer to a handshake that failed. `body` is a JSON object with at least `message`.
pub(crate) fn connect_error(namespace: Option<&str>, body: &str) -> String {
    match namespace {
        None => format!("4{body}"),
        Some(name) => format!("4{name},{body}"),
    }
}

/// The server ends the connection to the namespace; the client will not come back by itself.
pub(crate) const DISCONNECT: &str = "1";

/// An event with one argument, written straight into its packet.
pub(crate) fn event(name: &str, argument: &impl Serialize) -> String {
    let mut text = Vec::with_capacity(512);
    // Writing to memory cannot fail, nor can a shape be anything but JSON, which is text.
    #[expect(clippy::expect_used, reason = "no shape has a part that can fail to be written")]
    write!(text, r#"2["{name}","#)
        .map_err(serde_json::Error::io)
        .and_then(|()| serde_json::to_writer(&mut text, argument))
        .expect("a shape is always JSON");
    text.push(b']');
    #[expect(clippy::expect_used, reason = "JSON is text")]
    String::from_utf8(text).expect("JSON is text")
}

/// The acknowledgement of an event, with one argument, JSON text.
pub(crate) fn ack(number: u64, argument: &str) -> String {
    format!("3{number}[{argument}]")
}

fn after_attachments(text: &str) -> Result<&str, Malformed> {
    let (count, rest) = text.split_once('-').ok_or(Malformed)?;
    count.parse::<u8>().map(|_| rest).map_err(|_| Malformed)
}

fn split_namespace(text: &str) -> (Option<&str>, &str) {
    if !text.starts_with('/') {
        return (None, text);
    }
    let (name, rest) = text.split_once(',').unwrap_or((text, ""));
    let name = name.split('?').next().unwrap_or(name);
    ((name != "/").then_some(name), rest)
}

fn split_number(text: &str) -> (Option<u64>, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (text[..digits].parse().ok(), &text[digits..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_clients_send() {
        assert_eq!(Incoming::read("0"), Ok(Incoming::Connect(None)));
        assert_eq!(Incoming::read(r#"0{"token":"x"}"#), Ok(Incoming::Connect(Some(r#"{"token":"x"}"#))));
        assert_eq!(Incoming::read("0/admin,{}"), Ok(Incoming::Elsewhere("/admin")));
        assert_eq!(Incoming::read("1"), Ok(Incoming::Disconnect));
        assert_eq!(Incoming::read(r#"212["a",{}]"#), Ok(Incoming::Event(Some(12), r#"["a",{}]"#)));
        assert_eq!(Incoming::read(r#"2/,7["a"]"#), Ok(Incoming::Event(Some(7), r#"["a"]"#)));
        assert_eq!(Incoming::read(r#"2["a"]"#), Ok(Incoming::Event(None, r#"["a"]"#)));
        assert_eq!(Incoming::read("31[]"), Ok(Incoming::Ack));
    }

    #[test]
    fn attachments_become_placeholders() {
        let read = Incoming::read(r#"51-3["a",{"_placeholder":true,"num":0}]"#);
        assert_eq!(read, Ok(Incoming::Event(Some(3), r#"["a",{"_placeholder":true,"num":0}]"#)));
    }

    #[test]
    fn refuses_what_is_none() {
        for text in ["", "9", "x", "é", "5[]", "5é-[]", "2/other,[\"a\"]", "4{}", "51"] {
            assert_eq!(Incoming::read(text), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn writes_what_clients_read() {
        assert_eq!(event("a:b", &[1]), r#"2["a:b",[1]]"#);
        assert_eq!(ack(3, "{}"), "33[{}]");
        assert_eq!(connect("s"), r#"0{"sid":"s"}"#);
        assert_eq!(connect_error(None, r#"{"message":"no"}"#), r#"4{"message":"no"}"#);
        assert_eq!(connect_error(Some("/x"), "{}"), "4/x,{}");
    }
}
