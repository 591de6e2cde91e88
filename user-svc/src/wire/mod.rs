//! Where protobuf stops: messages become rows and words here, and rows become messages. No decision is made here, and
//! nothing is read from the store.

mod battle;
mod save;
mod session;

use prost::Message;
use proto::common::v1 as common;
use service_kit::Fault;
use vocab::AccountId;

pub(crate) use battle::{input, line, name, new_battle, page, record, which};
pub(crate) use save::{entries, results};
pub(crate) use session::{character, session, who};

use common::envelope::Body;

/// Version of the envelope this service writes.
const ENVELOPE: u32 = 1;

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

/// A text of 1 to 64 characters that stands for an action.
pub(crate) fn key(text: String) -> Result<String, Fault> {
    if (1..=64).contains(&text.chars().count()) { Ok(text) } else { Err(Fault::invalid("key-form").field("key")) }
}

/// A SHA-256.
pub(crate) fn digest(bytes: &[u8]) -> Result<[u8; 32], Fault> {
    bytes.try_into().map_err(|_| Fault::invalid("digest-form").field("digest"))
}

/// The envelope that tells the gateways that sessions of an account below `epoch` are over.
pub(crate) fn session_over(publisher: &str, number: u64, account: AccountId, epoch: i64, reason: &str) -> Vec<u8> {
    let over = common::SessionReplaced {
        account_id: account.to_string(),
        epoch: unsigned(epoch),
        connection: 0,
        reason: reason.to_owned(),
    };
    let envelope = common::Envelope {
        version: ENVELOPE,
        publisher: publisher.to_owned(),
        number,
        trace: String::new(),
        body: Some(Body::Replaced(over)),
    };
    envelope.encode_to_vec()
}

fn missing(field: &'static str) -> Fault {
    Fault::invalid("field-missing").field(field)
}
