//! Which lines of which logs belong together: one trace per event of a player or call of a tool, through every process
//! it touches.
//!
//! A trace travels as the W3C's `traceparent` (`00-<32 hex: trace>-<16 hex: parent>-<2 hex: flags>`,
//! <https://www.w3.org/TR/trace-context/>), a header of calls and a field of what is said on the bus. It is the field
//! `trace.id` of the span that work is done in, and is taken over by calls made within that work. Nothing is collected or
//! sent anywhere: the logs are what is read.
//!
//! The spans are of the level `error`, for a span below the log's level is not there: also who logs warnings alone wants
//! to know what they belong to.

use std::fmt;
use std::future::Future;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::Either;
use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::Instrument;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The length of a header of version 0. Later versions may be longer, and begin alike.
const LENGTH: usize = 55;

/// One trace, by its number; never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    id: u128,
    flags: u8,
}

tokio::task_local! {
    static CURRENT: Trace;
}

impl Trace {
    /// A new trace.
    fn begin() -> Self {
        let id = (u128::from(unique()) << 64) | u128::from(unique());
        Self { id: id.max(1), flags: 0 }
    }

    /// The trace that this work belongs to, if any.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|trace| *trace).ok()
    }

    fn parse(header: &str) -> Option<Self> {
        let (version, rest) = header.split_once('-')?;
        let (id, rest) = rest.split_once('-')?;
        let (parent, rest) = rest.split_once('-')?;
        let (flags, more) = rest.split_once('-').map_or((rest, false), |(flags, _)| (flags, true));
        let (version, id) = (hex(version, 2)?, hex(id, 32)?);
        let valid = version != 0xff && (version > 0 || !more) && id != 0 && hex(parent, 16)? != 0;
        valid.then_some(Self { id, flags: u8::try_from(hex(flags, 2)?).ok()? })
    }

    /// The header for a call made, or a message sent, within this trace.
    fn header(self) -> String {
        let text = format!("00-{self}-{:016x}-{:02x}", unique().max(1), self.flags);
        debug_assert_eq!(text.len(), LENGTH);
        text
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.id)
    }
}

/// Carries out the work of one event as a trace of its own, or as part of the one it is already in.
pub fn event<F: Future>(name: &str, work: F) -> impl Future<Output = F::Output> {
    let trace = Trace::current().unwrap_or_else(Trace::begin);
    let span = tracing::error_span!("event", event.name = name, trace.id = %trace);
    CURRENT.scope(trace, work).instrument(span)
}

/// The trace of an incoming call: its caller's, or one that begins here.
pub(crate) fn of_call(headers: &HeaderMap) -> Trace {
    let header = headers.get(TRACEPARENT).and_then(|header| header.to_str().ok());
    header.and_then(Trace::parse).unwrap_or_else(Trace::begin)
}

/// Carries out an incoming call as part of its trace.
pub(crate) fn call<F: Future>(trace: Trace, method: &str, work: F) -> impl Future<Output = F::Output> {
    let span = tracing::error_span!("call", call.method = method, trace.id = %trace);
    CURRENT.scope(trace, work).instrument(span)
}

/// Lets an outgoing call say which trace it belongs to, if any.
pub(crate) fn pass_on(headers: &mut HeaderMap) {
    if let Some(Ok(header)) = Trace::current().map(|trace| HeaderValue::from_str(&trace.header())) {
        headers.insert(TRACEPARENT, header);
    }
}

/// What a message to another process says of the trace that it belongs to; empty when it belongs to none.
#[must_use]
pub fn of_message() -> String {
    Trace::current().map(Trace::header).unwrap_or_default()
}

/// Hears a message as part of the trace that it says it belongs to, if any.
pub fn heard<R>(traceparent: &str, hear: impl FnOnce() -> R) -> R {
    let Some(trace) = Trace::parse(traceparent) else { return hear() };
    let span = tracing::error_span!("heard", trace.id = %trace);
    CURRENT.sync_scope(trace, || span.in_scope(hear))
}

/// Lets work that another task does stay in the trace of whom it is done for.
pub(crate) fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    match Trace::current() {
        Some(trace) => {
            let span = tracing::error_span!("for", trace.id = %trace);
            Either::Left(CURRENT.scope(trace, work).instrument(span))
        }
        None => Either::Right(work),
    }
}

/// A number without sign, of exactly so many digits, in lower case as the header wants it.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let lower = text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    (text.len() == digits && lower).then(|| u128::from_str_radix(text, 16).ok())?
}

/// A number that no other process and no other call gives: SplitMix64 from a start by chance. It has to be unique, not
/// secret.
fn unique() -> u64 {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(getrandom::u64().unwrap_or_default()));
    let mut number = NEXT.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::Arc;

    use super::*;

    const SAMPLE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(traceparent: &str) -> HeaderMap {
        HeaderMap::from_iter([(TRACEPARENT, traceparent.parse().unwrap())])
    }

    #[tokio::test]
    async fn calls_within_a_call_are_of_its_trace_with_a_parent_of_their_own() {
        let sent = call(of_call(&headers(SAMPLE)), "/a.B/C", async {
            let mut headers = HeaderMap::new();
            pass_on(&mut headers);
            headers[TRACEPARENT].to_str().unwrap().to_owned()
        });
        let sent = sent.await;
        assert!(sent.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && sent.ends_with("-01"), "{sent}");
        assert!(Trace::parse(&sent).is_some() && !sent.contains("b7ad6b7169203331"), "{sent}");
    }

    #[tokio::test]
    async fn what_is_heard_is_of_the_trace_in_which_it_was_said() {
        let said = call(of_call(&headers(SAMPLE)), "/a.B/C", async { of_message() }).await;
        let heard_in = |said: &str| heard(said, Trace::current);
        assert_eq!(heard_in(&said), Trace::parse(SAMPLE));
        assert_eq!((of_message(), heard_in(""), heard_in("no trace")), (String::new(), None, None));
    }

    #[tokio::test]
    async fn without_one_a_trace_begins_and_outside_there_is_none() {
        let here = async { Trace::current().unwrap() };
        let (one, other) = (
            call(of_call(&HeaderMap::new()), "/a.B/C", here).await,
            event("chat:send", async { Trace::current().unwrap() }).await,
        );
        assert_ne!(one, other);
        assert_eq!(Trace::current(), None);
        let mut headers = HeaderMap::new();
        pass_on(&mut headers);
        assert!(headers.is_empty());
    }

    #[tokio::test]
    async fn work_carried_out_by_a_task_stays_in_the_trace() {
        let tasks = crate::TaskGroup::new();
        let seen = call(of_call(&headers(SAMPLE)), "/a.B/C", async {
            tasks.carry_out("write", async { Trace::current() }).await.unwrap()
        });
        assert_eq!(seen.await, Trace::parse(SAMPLE));
    }

    #[tokio::test]
    async fn log_lines_say_which_trace_they_belong_to() {
        let (mut log, writer) = std::io::pipe().unwrap();
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter("warn");
        let subscriber = subscriber.with_writer(Arc::new(writer)).finish();
        let _listening = tracing::subscriber::set_default(subscriber);
        call(of_call(&headers(SAMPLE)), "/a.B/C", async { tracing::warn!("character lost") }).await;
        let mut line = vec![0; 4096];
        let length = log.read(&mut line).unwrap();
        let line = String::from_utf8_lossy(&line[..length]);
        assert!(line.contains(r#""trace.id":"0af7651916cd43dd8448eb211c80319c""#), "{line}");
    }

    #[test]
    fn what_the_standard_forbids_is_no_trace() {
        assert_eq!(SAMPLE.len(), LENGTH);
        assert!(Trace::parse(&SAMPLE.replacen("00", "01", 1)).is_some());
        assert!(Trace::parse(&format!("{}-more", SAMPLE.replacen("00", "01", 1))).is_some());
        for wrong in [
            "",
            "00",
            &SAMPLE.to_uppercase(),
            &SAMPLE[..54],
            &format!("{SAMPLE}-more"),
            &SAMPLE.replacen("00", "ff", 1),
            &SAMPLE.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &SAMPLE.replace("b7ad6b7169203331", &"0".repeat(16)),
            &SAMPLE.replace("0af7", "+af7"),
        ] {
            assert_eq!(Trace::parse(wrong), None, "{wrong}");
        }
    }
}
