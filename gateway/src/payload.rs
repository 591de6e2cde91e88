//! What clients send with their events, parsed once into types.
//!
//! Unknown fields, missing fields and wrong types are refused by name. A changing event may carry an idempotency `key`,
//! which is taken off here, so that payload types don't repeat it.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use service_kit::Fault;
use sha2::{Digest, Sha256};

/// `auth:signup`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignUp {
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) character: String,
}

/// `auth:signin`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    pub(crate) username: String,
    pub(crate) password: String,
}

/// `account:delete`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteAccount {
    pub(crate) password: String,
}

/// Events that take nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// `battle:auto`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Auto {
    pub(crate) dungeon: String,
    #[serde(default)]
    pub(crate) on_death: OnDeath,
}

/// What happens when the character falls.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnDeath {
    Stop,
    #[default]
    Revive,
}

/// `battle:sync`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sync {
    pub(crate) after: u64,
}

/// `chat:send`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Say {
    pub(crate) text: String,
}

/// `chat:history`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct History {
    #[serde(default)]
    pub(crate) after: Option<u64>,
    #[serde(default)]
    pub(crate) epoch: Option<String>,
}

/// The `auth` of a handshake.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Handshake {
    #[serde(default)]
    pub(crate) token: Option<String>,
    #[serde(default)]
    pub(crate) lang: Option<crate::lang::Lang>,
    #[serde(default)]
    pub(crate) style: Option<crate::lang::Style>,
    #[serde(default, deserialize_with = "object")]
    pub(crate) resume: Option<Resume>,
}

/// Where a returning client left off.
#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {
    #[serde(default, deserialize_with = "object")]
    pub(crate) battle: Option<ResumeBattle>,
    #[serde(default, deserialize_with = "object")]
    pub(crate) chat: Option<ResumeChat>,
}

/// The last frame a client has.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResumeBattle {
    pub(crate) id: String,
    pub(crate) seq: u64,
}

/// The last line a client has.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResumeChat {
    pub(crate) room: String,
    pub(crate) epoch: String,
    pub(crate) offset: u64,
}

/// The array of an event: its name and its payload, as text.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    pub(crate) name: String,
    args: Vec<&'a RawValue>,
}

/// The payload of one event.
#[derive(Debug)]
pub(crate) struct Payload {
    object: String,
    key: Option<String>,
}

impl<'a> Event<'a> {
    /// Reads the array; None when it isn't one that starts with a text.
    pub(crate) fn read(array: &'a str) -> Option<Self> {
        let mut args: Vec<&RawValue> = serde_json::from_str(array).ok()?;
        if args.is_empty() {
            return None;
        }
        let name = serde_json::from_str(args.remove(0).get()).ok()?;
        Some(Self { name, args })
    }

    /// The payload: one argument at most, none counts as `{}`. `keyed` events may carry a `key`.
    pub(crate) fn payload(&self, keyed: bool) -> Result<Payload, Fault> {
        match self.args.as_slice() {
            [] => Ok(Payload { object: "{}".to_owned(), key: None }),
            [one] if keyed => take_key(one.get()),
            [one] => Ok(Payload { object: one.get().to_owned(), key: None }),
            _ => Err(Fault::invalid("too-many-arguments").field("arguments")),
        }
    }
}

impl Payload {
    /// Parses the payload into its type.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        parse(&self.object)
    }

    /// The idempotency key, if one was sent.
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// What the key stands for: the event and its payload, fields in order of their names.
    pub(crate) fn digest(&self, event: &str) -> Vec<u8> {
        let digest = Sha256::new().chain_update(event).chain_update([0]).chain_update(&self.object).finalize();
        digest.to_vec()
    }
}

/// Parses a JSON object into `T`; a fault names the field.
pub(crate) fn parse<T: DeserializeOwned>(object: &str) -> Result<T, Fault> {
    if !object.trim_start().starts_with('{') {
        return Err(Fault::invalid("payload-not-an-object").field("payload"));
    }
    let mut reader = serde_json::Deserializer::from_str(object);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| fault(&error))
}

fn take_key(object: &str) -> Result<Payload, Fault> {
    let mut fields = fields(object)?;
    let Some(key) = fields.remove("key") else {
        return Ok(Payload { object: crate::shape::json(&fields), key: None });
    };
    let key: String = serde_json::from_str(key.get()).map_err(|_| Fault::invalid("wrong-type").field("key"))?;
    if !(1..=64).contains(&key.chars().count()) {
        return Err(Fault::invalid("key-length").field("key"));
    }
    Ok(Payload { object: crate::shape::json(&fields), key: Some(key) })
}

/// The fields of an object by name, each of them once.
fn fields(object: &str) -> Result<BTreeMap<String, &RawValue>, Fault> {
    let Pairs(pairs) =
        serde_json::from_str(object).map_err(|_| Fault::invalid("payload-not-an-object").field("payload"))?;
    let mut fields = BTreeMap::new();
    for (name, value) in pairs {
        if fields.contains_key(&name) {
            return Err(Fault::invalid("wrong-type").field(name));
        }
        fields.insert(name, value);
    }
    Ok(fields)
}

/// The fields of an object as they were written. A map would keep the last of two with one name and say nothing.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// An object within a payload, if there is one. By itself serde takes an array for an object, too, whose fields come in
/// order.
fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_none<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_map(self)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }
    }

    deserializer.deserialize_option(Object(PhantomData))
}

/// The fault for a payload that doesn't fit its type. serde says which field is unknown or missing in its message only,
/// and where a value has the wrong type in the path only.
fn fault(error: &serde_path_to_error::Error<serde_json::Error>) -> Fault {
    let text = error.inner().to_string();
    let named = || text.split('`').nth(1).unwrap_or("payload").to_owned();
    let path = error.path().to_string();
    let below = |name: String| match path.as_str() {
        "." | "?" => name,
        path if path.ends_with(&name) => path.to_owned(),
        path => format!("{path}.{name}"),
    };
    if text.starts_with("unknown field") {
        Fault::invalid("unknown-field").field(below(named()))
    } else if text.starts_with("missing field") {
        Fault::invalid("missing-field").field(below(named()))
    } else if text.starts_with("duplicate field") {
        Fault::invalid("wrong-type").field(below(named()))
    } else if path == "." {
        Fault::invalid("wrong-type").field("payload")
    } else if let Some(choices) = choices(&text) {
        Fault::invalid("not-a-choice").field(path).arg("choices", choices)
    } else {
        Fault::invalid("wrong-type").field(path)
    }
}

/// What may stand in place of a word that is none of an enumeration's, as serde lists it.
fn choices(text: &str) -> Option<String> {
    let (_, listed) = text.strip_prefix("unknown variant")?.rsplit_once(", expected ")?;
    let words: Vec<_> = listed.split('`').skip(1).step_by(2).collect();
    Some(words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field_of<T: DeserializeOwned>(object: &str) -> String {
        let fault = parse::<T>(object).err().unwrap();
        assert_eq!(fault.kind(), service_kit::FaultKind::InvalidArgument);
        fault.at_field().unwrap().to_owned()
    }

    #[test]
    fn faults_name_the_field() {
        assert_eq!(field_of::<SignIn>(r#"{"username":"abcd"}"#), "password");
        assert_eq!(field_of::<SignIn>(r#"{"username":1,"password":"x"}"#), "username");
        assert_eq!(field_of::<SignIn>(r#"{"username":"a","password":"x","extra":1}"#), "extra");
        assert_eq!(field_of::<Sync>(r#"{"after":-1}"#), "after");
        assert_eq!(field_of::<Sync>(r#"{"after":1.5}"#), "after");
        assert_eq!(field_of::<Sync>(r#"{"after":"1"}"#), "after");
        assert_eq!(field_of::<Auto>(r#"{"dungeon":"1","onDeath":"never"}"#), "onDeath");
        assert_eq!(field_of::<Auto>(r#"{"dungeon":"1","onDeath":1}"#), "onDeath");
        assert_eq!(field_of::<Nothing>(r#"{"a":1}"#), "a");
        assert_eq!(field_of::<Handshake>(r#"{"lang":"fr"}"#), "lang");
        assert_eq!(field_of::<Handshake>(r#"{"resume":{"battle":{"id":"x"}}}"#), "resume.battle.seq");
        assert_eq!(field_of::<Handshake>(r#"{"resume":{"battle":{"id":"x","seq":"1"}}}"#), "resume.battle.seq");
        assert_eq!(field_of::<Handshake>(r#"{"resume":{"x":{}}}"#), "resume.x");
        assert_eq!(field_of::<Handshake>(r#"{"resume":[]}"#), "resume");
        assert_eq!(field_of::<Handshake>(r#"{"resume":{"battle":["x",1]}}"#), "resume.battle");
        assert_eq!(field_of::<Handshake>(r#"{"resume":{"chat":7}}"#), "resume.chat");
        assert!(
            parse::<Handshake>(r#"{"resume":{"battle":null}}"#).is_ok_and(|it| it.resume.unwrap().battle.is_none())
        );
        for none in ["null", "[]", "1", "\"x\"", "true"] {
            assert_eq!(field_of::<Nothing>(none), "payload", "{none}");
        }
    }

    #[test]
    fn a_wrong_word_is_answered_with_the_right_ones() {
        let fault = parse::<Auto>(r#"{"dungeon":"1","onDeath":"`never`, expected `x`"}"#).err().unwrap();
        assert_eq!(fault.key(), "not-a-choice");
        assert_eq!(fault.args().collect::<Vec<_>>(), [("choices", "stop, revive")]);
    }

    #[test]
    fn one_argument_at_most_and_none_is_an_empty_object() {
        assert!(Event::read(r#"["a"]"#).unwrap().payload(false).unwrap().parse::<Nothing>().is_ok());
        assert!(Event::read(r#"["a",{}]"#).unwrap().payload(true).unwrap().parse::<Nothing>().is_ok());
        let fault = Event::read(r#"["a",{},{}]"#).unwrap().payload(true).unwrap_err();
        assert_eq!(fault.at_field(), Some("arguments"));
        for text in ["[]", "{}", "[1]", "[{}]", "x", ""] {
            assert!(Event::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn no_field_is_given_twice_with_a_key_or_without() {
        let of = |text: &str, keyed| Event::read(text).unwrap().payload(keyed);
        for (text, field) in [
            (r#"["a",{"text":"x","text":"y"}]"#, "text"),
            (r#"["a",{"text":"x","key":"k","text":"y"}]"#, "text"),
            (r#"["a",{"key":"k","text":"x","key":"k"}]"#, "key"),
        ] {
            assert_eq!(of(text, true).unwrap_err().at_field(), Some(field), "{text}");
        }
        let unkeyed = of(r#"["a",{"text":"x","text":"y"}]"#, false).unwrap();
        assert_eq!(unkeyed.parse::<Say>().err().unwrap().at_field(), Some("text"));
    }

    #[test]
    fn the_key_is_taken_off_and_stands_for_the_rest() {
        let of = |text: &str| Event::read(text).unwrap().payload(true);
        let one = of(r#"["a",{"x":1,"key":"k","y":2}]"#).unwrap();
        let other = of(r#"["a",{"y":2,"x":1,"key":"other"}]"#).unwrap();
        assert_eq!(one.key(), Some("k"));
        assert_eq!(one.digest("a"), other.digest("a"), "the order of fields means nothing");
        assert_ne!(one.digest("a"), one.digest("b"));
        assert_ne!(one.digest("a"), of(r#"["a",{"x":1}]"#).unwrap().digest("a"));
        for bad in [r#"["a",{"key":""}]"#, r#"["a",{"key":7}]"#, r#"["a",{"key":null}]"#] {
            assert_eq!(of(bad).unwrap_err().at_field(), Some("key"), "{bad}");
        }
        let long = format!(r#"["a",{{"key":"{}"}}]"#, "k".repeat(65));
        assert_eq!(of(&long).unwrap_err().at_field(), Some("key"));
    }
}
