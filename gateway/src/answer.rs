//! Acknowledgements: `{ ok: true, …result }` or `{ ok: false, error }`.

use serde::Serialize;
use service_kit::Fault;
use service_kit::time::millis;

use crate::lang::{Arg, Words};
use crate::shape;

#[derive(Serialize)]
struct Failure<'a> {
    ok: bool,
    error: ErrorShape<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorShape<'a> {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

#[derive(Serialize)]
struct Refusal<'a> {
    message: String,
    data: ErrorShape<'a>,
}

/// The acknowledgement of something done. `result` is the text of a JSON object.
pub(crate) fn done(result: &str) -> String {
    match result.strip_prefix('{') {
        Some("}") | None => r#"{"ok":true}"#.to_owned(),
        Some(fields) => format!(r#"{{"ok":true,{fields}"#),
    }
}

/// The acknowledgement of something refused.
pub(crate) fn failed(fault: &Fault, words: &Words) -> String {
    shape::json(&Failure { ok: false, error: error(fault, words) })
}

/// The body of a `connect_error`.
pub(crate) fn refused(fault: &Fault, words: &Words) -> String {
    shape::json(&Refusal { message: message(fault, words), data: error(fault, words) })
}

fn error<'a>(fault: &'a Fault, words: &Words) -> ErrorShape<'a> {
    ErrorShape {
        code: fault.kind().word(),
        message: message(fault, words),
        field: fault.at_field(),
        reason: fault.because().filter(|reason| !reason.is_empty()),
        retry_after_ms: fault.retry_delay().map(|delay| millis(delay).max(1)),
    }
}

/// The sentence for a fault: that of its key, else that of its kind.
fn message(fault: &Fault, words: &Words) -> String {
    let args: Vec<_> = fault.args().map(|(name, value)| (name, Arg::Text(value))).collect();
    words.try_say(&format!("fault-{}", fault.key()), &args).unwrap_or_else(|| {
        metrics::counter!("gateway_texts_missing_total").increment(1);
        words.say(&format!("kind-{}", fault.kind().word().replace('_', "-")), &args)
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use service_kit::FaultKind;

    use super::*;
    use crate::lang::{Lang, Texts};

    #[test]
    fn results_stand_beside_ok() {
        assert_eq!(done("{}"), r#"{"ok":true}"#);
        assert_eq!(done(r#"{"a":1}"#), r#"{"ok":true,"a":1}"#);
    }

    #[test]
    fn a_fault_says_all_a_client_needs() {
        let texts = Texts::load().unwrap();
        let fault = Fault::exhausted("too-fast").retry_after(Duration::from_millis(50)).field("text").reason("why");
        let text = failed(&fault, texts.of(Lang::En));
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["ok"], false);
        assert_eq!(json["error"]["code"], "resource_exhausted");
        assert_eq!(json["error"]["field"], "text");
        assert_eq!(json["error"]["reason"], "why");
        assert_eq!(json["error"]["retryAfterMs"], 50);
        assert!(!json["error"]["message"].as_str().unwrap().starts_with("fault-"));
    }

    #[test]
    fn every_kind_has_a_sentence_in_both_languages() {
        let texts = Texts::load().unwrap();
        for kind in FaultKind::ALL {
            let fault = Fault::new(kind, "a-key-nobody-wrote-a-text-for");
            for lang in [Lang::Ko, Lang::En] {
                let text = message(&fault, texts.of(lang));
                assert!(!text.starts_with("kind-"), "{kind:?} {text}");
            }
        }
    }

    /// Keys that only tools and other services get to see; players never hear their sentences.
    const INTERNAL: [&str; 17] = [
        "admin-token-missing",
        "battle-id-taken",
        "detail-too-long",
        "digest-form",
        "entry-twice",
        "frames-forgotten",
        "internal-token-missing",
        "level-range",
        "name-form",
        "name-too-long",
        "no-feed",
        "other-engine",
        "ruleset-unknown",
        "seed-exists",
        "skills-three",
        "too-many-entries",
        "unknown-value",
    ];

    const CONSTRUCTORS: [&str; 12] = [
        "invalid",
        "unauthenticated",
        "denied",
        "not_found",
        "exists",
        "precondition",
        "out_of_range",
        "aborted",
        "exhausted",
        "unimplemented",
        "too_late",
        "unavailable",
    ];

    /// The message keys written in the sources of a package.
    fn keys_in(package: &str) -> Vec<String> {
        let mut waiting = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(package).join("src")];
        let mut keys = Vec::new();
        while let Some(directory) = waiting.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    waiting.push(path);
                } else {
                    keys.extend(keys_of(&std::fs::read_to_string(path).unwrap()));
                }
            }
        }
        keys
    }

    fn keys_of(source: &str) -> Vec<String> {
        let source = source.split("#[cfg(test)]").next().unwrap();
        let calls = source.split("Fault::").skip(1).chain(source.split("Self::").skip(1));
        calls
            .filter_map(|call| {
                let (constructor, rest) = call.split_once("(")?;
                let key = rest.trim_start().strip_prefix('"')?.split('"').next()?;
                CONSTRUCTORS.contains(&constructor).then(|| key.to_owned())
            })
            .collect()
    }

    #[test]
    fn every_key_of_the_house_has_a_sentence() {
        let words = Texts::load().unwrap();
        let packages = ["gateway", "user-svc", "battle-svc", "chat-svc", "crates/service-kit", "crates/backplane"];
        let keys: Vec<_> = packages.into_iter().flat_map(keys_in).collect();
        assert!(keys.len() > 40, "{keys:?}");
        // A fault that says no more than its kind has the kind's sentence.
        let said = |key: &str| {
            ["fault", "kind"].iter().any(|of| words.of(Lang::En).try_say(&format!("{of}-{key}"), &[]).is_some())
        };
        let silent: Vec<_> =
            keys.iter().filter(|key| !INTERNAL.contains(&key.as_str())).filter(|key| !said(key)).collect();
        assert!(silent.is_empty(), "{silent:?}");
    }
}
