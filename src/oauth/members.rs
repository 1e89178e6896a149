//! How a member of a published document is read: `null` is absent, and one of another type than it should have spoils
//! itself and not the document, which has many members that nobody needs.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

/// An endpoint; what is no URL is none.
pub(super) fn read_url<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Url>, D::Error> {
    Ok(Value::deserialize(from)?.as_str().and_then(|text| Url::parse(text).ok()))
}

/// A list of names. Something else in its place is a list without names, not an absent one: where absence allows more than
/// a list would, garbage must not.
pub(super) fn read_list<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Null => None,
        Value::Array(values) => Some(values.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        _ => Some(Vec::new()),
    })
}

/// The same, where absence and emptiness mean one thing.
pub(super) fn read_names<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    read_list(from).map(Option::unwrap_or_default)
}

/// A promise that is then held against its maker: whatever is not a no counts as one.
pub(super) fn read_promise<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(!matches!(Value::deserialize(from)?, Value::Null | Value::Bool(false)))
}

/// An offer that we would take up: nothing but a yes counts as one.
pub(super) fn read_offer<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(Value::deserialize(from)? == Value::Bool(true))
}
