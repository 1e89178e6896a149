//! How a member of a published document is parsed: `null` counts as absent, and a wrong type invalidates only the
//! member and not the document, which has many members that are not needed.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

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
