//! How a published document is parsed: `null` counts as absent, and a member with a wrong type, or one that occurs twice,
//! invalidates only itself and not the document, which has many members that are not needed. Those are not even parsed.

use std::fmt;

use serde::de::value::Error as NoValue;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::{Map, Value};
use url::Url;

/// The members that decide who gets secrets and who is trusted, in addition to those whose names end in `_endpoint`: one that has
/// two meanings has none.
const DECIDING: [&str; 6] = [
    "issuer",
    "jwks_uri",
    "resource",
    "authorization_servers",
    "code_challenge_methods_supported",
    "authorization_response_iss_parameter_supported",
];

/// Reads the members of a document with these names, each once. What stands in any other may be what no parser accepts: a
/// number out of range, half a character.
struct Reader(&'static [&'static str]);

/// Learns the names of a structure's members.
struct Names<'n>(&'n mut &'static [&'static str]);

/// A whole document. Of a name that stands several times the last counts, and none that is `null`; where what it says decides,
/// all of them must say the same.
pub(super) fn read_document<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    let mut names: &[&str] = &[];
    // There is nothing to read: it ends with the names.
    let _ = T::deserialize(Names(&mut names));
    let mut from = serde_json::Deserializer::from_slice(body);
    let members = Reader(names).deserialize(&mut from)?;
    from.end()?;
    T::deserialize(Value::Object(members))
}

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = NoValue;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoValue> {
        Err(NoValue::custom("not a structure"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NoValue> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = from.next_key::<String>()? {
            let decides = name.ends_with("_endpoint") || DECIDING.contains(&name.as_str());
            if !decides && !self.0.contains(&name.as_str()) {
                from.next_value::<IgnoredAny>()?;
                continue;
            }
            let value: Value = from.next_value()?;
            match members.get(&name) {
                _ if value.is_null() => continue,
                Some(before) if decides && *before != value => {
                    let name = crate::text::clean(&name, 64);
                    return Err(A::Error::custom(format_args!("{name} occurs twice, with different values")));
                }
                _ => members.insert(name, value),
            };
        }
        Ok(members)
    }
}

/// One member of an object, by its path.
struct Member<'p>(&'p [&'p str]);

/// The member at this path, read alone: what stands around it may be what no parser accepts. `None` where it is absent, or
/// something on the way to it is not an object.
pub fn read_member(body: &[u8], path: &[&str]) -> serde_json::Result<Option<Value>> {
    let mut from = serde_json::Deserializer::from_slice(body);
    let found = Member(path).deserialize(&mut from)?;
    from.end()?;
    Ok(found)
}

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = from.next_key::<String>()? {
            found = match self.0 {
                [last] if *last == name => Some(from.next_value()?),
                [first, rest @ ..] if *first == name => from.next_value_seed(Member(rest))?,
                _ => {
                    from.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
        }
        Ok(found)
    }
}

/// An endpoint; an invalid URL counts as absent.
pub(super) fn read_url<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Url>, D::Error> {
    Ok(Value::deserialize(from)?.as_str().and_then(|text| Url::parse(text).ok()))
}

/// A list of names. Another type counts as an empty list, not an absent one: if absence allows more than a list
/// would, garbage must not.
pub(super) fn read_list<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Null => None,
        Value::Array(values) => Some(values.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        _ => Some(Vec::new()),
    })
}

/// A list of what can be chosen from. One name is a list of one, and what names nothing is absent: a wrong choice is
/// refused by the server, and costs no secret.
pub(super) fn read_choices<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let listed = match Value::deserialize(from)? {
        Value::String(name) => Value::Array(vec![Value::String(name)]),
        other => other,
    };
    Ok(read_list(listed).unwrap_or_default().filter(|names| !names.is_empty()))
}

/// The same as [`read_list`], if absence and emptiness mean the same.
pub(super) fn read_names<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    read_list(from).map(Option::unwrap_or_default)
}

/// A promise that its maker is then held to: whatever is not false counts as true.
pub(super) fn read_promise<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(!matches!(Value::deserialize(from)?, Value::Null | Value::Bool(false)))
}

/// An offer that we would use: only true counts as true.
pub(super) fn read_offer<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(Value::deserialize(from)? == Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct NeededMembers {
        issuer: String,
        #[serde(default, deserialize_with = "read_url")]
        token_endpoint: Option<Url>,
    }

    #[test]
    fn what_stands_in_a_member_that_nobody_needs_is_not_parsed() {
        let deep = "[".repeat(1_000) + &"]".repeat(1_000);
        for odd in
            [&b"1e999"[..], b"-0", br#""\ud800""#, b"\"\xe4\"", br#"{"a":1,"a":2}"#, deep.as_bytes(), b"null"]
        {
            let body =
                [b"{\"logo\":", odd, br#","issuer":"i","token_endpoint":"https://i.test/t"}"#].concat();
            let found: NeededMembers = read_document(&body).unwrap();
            assert_eq!((found.issuer.as_str(), found.token_endpoint.is_some()), ("i", true));
        }
    }

    #[test]
    fn what_is_no_document_or_says_two_things_is_refused() {
        for body in [
            "",
            "[]",
            "null",
            r#"{"issuer":"i"}x"#,
            r#"{"issuer":"i","logo":}"#,
            r#"{"issuer":"\ud800"}"#,
            r#"{"issuer":"i","issuer":"j"}"#,
            r#"{"issuer":"i","userinfo_endpoint":"a","userinfo_endpoint":"b"}"#,
        ] {
            assert!(read_document::<NeededMembers>(body.as_bytes()).is_err(), "{body}");
        }
    }
}
