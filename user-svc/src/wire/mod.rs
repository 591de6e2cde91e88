//! Where protobuf stops: messages become rows and words here, and rows become messages. No decision is made here, and
//! nothing is read from the store.

mod audit;
mod battle;
mod save;
mod session;

use prost::Message;
use proto::ENVELOPE_VERSION;
use proto::common::v1 as common;
use service_kit::{Fault, trace};
use vocab::AccountId;

pub(crate) use audit::{audit_record, deed};
pub(crate) use battle::{holds, input, line, lost, new_battle, record, which};
pub(crate) use save::{entries, results};
pub(crate) use session::{asked, character, over, session, who};

use common::envelope::Body;

use crate::notice::Over;
use crate::page::PageOf;

/// The longest name.
const NAME_BYTES: usize = 255;

/// Lines on a page when the request doesn't say, and at most.
const DEFAULT_PAGE: i64 = 100;
const MAX_PAGE: i64 = 1_000;

/// For whom a request acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) account: AccountId,
    pub(crate) epoch: u64,
    pub(crate) connection: u64,
}

/// The caller of a request.
pub(crate) fn caller(caller: Option<common::Caller>) -> Result<Caller, Fault> {
    let caller = caller.ok_or_else(|| missing("caller"))?;
    Ok(Caller {
        account: id(&caller.account_id, "caller.account_id")?,
        epoch: caller.epoch,
        connection: caller.connection,
    })
}

/// An id in its one spelling.
pub(crate) fn id<T: std::str::FromStr>(text: &str, field: &'static str) -> Result<T, Fault> {
    text.parse().map_err(|_| Fault::invalid("id-form").field(field))
}

/// A number that SQL can hold.
pub(crate) fn stored(number: u64, field: &'static str) -> Result<i64, Fault> {
    i64::try_from(number).map_err(|_| Fault::invalid("number-too-large").field(field))
}

/// A number that SQL held: its tables refuse those below zero.
pub(crate) fn unsigned(number: i64) -> u64 {
    number.unsigned_abs()
}

/// The same for the smaller numbers of the wire.
pub(crate) fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A name that is there and not endless.
pub(crate) fn name(text: String, field: &'static str) -> Result<String, Fault> {
    if (1..=NAME_BYTES).contains(&text.len()) { Ok(text) } else { Err(Fault::invalid("name-form").field(field)) }
}

/// Which page of a list a request asks for, by its `page_size` and `page_token`.
pub(crate) fn page<I: std::str::FromStr>(size: u32, token: &str) -> Result<PageOf<I>, Fault> {
    let after = if token.is_empty() { None } else { Some(id(token, "page_token")?) };
    let size = if size == 0 { DEFAULT_PAGE } else { i64::from(size).min(MAX_PAGE) };
    Ok(PageOf { after, size })
}

/// The token that asks for the page after.
pub(crate) fn page_token<I: std::fmt::Display>(next: Option<I>) -> String {
    next.map_or_else(String::new, |id| id.to_string())
}

/// A text of 1 to 64 characters that stands for an action.
pub(crate) fn key(text: String) -> Result<String, Fault> {
    if (1..=64).contains(&text.chars().count()) { Ok(text) } else { Err(Fault::invalid("key-form").field("key")) }
}

/// A SHA-256.
pub(crate) fn digest(bytes: &[u8]) -> Result<[u8; 32], Fault> {
    bytes.try_into().map_err(|_| Fault::invalid("digest-form").field("digest"))
}

/// The envelope that tells the gateways of a session that is over.
pub(crate) fn session_over(publisher: &str, number: u64, news: Over) -> Vec<u8> {
    envelope(publisher, number, Body::Replaced(over(news)))
}

/// The envelope that repeats the number of the last one.
pub(crate) fn heartbeat(publisher: &str, number: u64) -> Vec<u8> {
    envelope(publisher, number, Body::Heartbeat(common::Heartbeat {}))
}

fn envelope(publisher: &str, number: u64, body: Body) -> Vec<u8> {
    let publisher = publisher.to_owned();
    common::Envelope { version: ENVELOPE_VERSION, publisher, number, trace: trace::of_message(), body: Some(body) }
        .encode_to_vec()
}

fn missing(field: &'static str) -> Fault {
    Fault::invalid("field-missing").field(field)
}
