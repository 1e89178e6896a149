//! How a published document is parsed: `null` counts as absent, and a member with a wrong type, or one that stands twice,
//! invalidates only itself and not the document, which has many members that are not needed.

use std::fmt;

use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use url::Url;

/// The members that decide whom secrets go to and who is trusted, in addition to those whose names end in `_endpoint`: one that has
/// two meanings has none.
const DECIDING: [&str; 6] = [
    "issuer",
    "jwks_uri",
    "resource",
    "authorization_servers",
    "code_challenge_methods_supported",
    "authorization_response_iss_parameter_supported",
];

/// The members of a document, each once.
struct Members(Map<String, Value>);

/// Makes [`Members`].
struct Reader;

/// A whole document. Of a name that stands several times the last counts, and none that is `null`; where what it says decides,
/// all of them must say the same.
pub(super) fn read_document<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    let Members(members) = serde_json::from_slice(body)?;
    T::deserialize(Value::Object(members))
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Reader)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Members, A::Error> {
        let mut members = Map::new();
        while let Some((name, value)) = from.next_entry::<String, Value>()? {
            let decides = name.ends_with("_endpoint") || DECIDING.contains(&name.as_str());
            match members.get(&name) {
                _ if value.is_null() => continue,
                Some(before) if decides && *before != value => {
                    let name = crate::text::clean(&name, 64);
                    return Err(A::Error::custom(format_args!("{name} stands twice, with different values")));
                }
                _ => members.insert(name, value),
            };
        }
        Ok(Members(members))
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

/// The same, if absence and emptiness mean the same.
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
