//! Edits JSON, with comments and trailing commas where a file has them.
//! It leaves what is to be edited to `plan`.
//!
//! Only the object that gets a new key is laid out anew, between its entries: one on a single line is spread over several,
//! and blank lines beside its braces go. A removed entry takes the comments on its own line with it.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstObjectProp, CstRootNode};
use serde_json::{Map, Value};

use super::MergeError;
use super::plan::Edit;
use crate::render::targets::Target;

/// What the text means.
pub(super) fn read(text: &str) -> Result<Value, MergeError> {
    Ok(parse(text)?.to_serde_value().unwrap_or_else(|| Value::Object(Map::new())))
}

/// Readers differ on which of two equal keys to take, so neither may be changed: on the way to our entries, among their
/// `names`, and within them.
pub(super) fn check_unique<'a>(
    text: &str,
    target: &Target,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), MergeError> {
    let root = parse(text)?;
    let Some(mut at) = root.object_value() else { return Ok(()) };
    for key in target.root {
        let Some(next) = find(&at, key)?.and_then(|prop| prop.object_value()) else { return Ok(()) };
        at = next;
    }
    for name in names {
        let Some(entry) = find(&at, name)?.and_then(|prop| prop.object_value()) else { continue };
        for prop in entry.properties() {
            find(&entry, &prop.decoded_name().unwrap_or_default())?;
        }
    }
    Ok(())
}

/// The text with `edits` made.
pub(super) fn edit(text: &str, target: &Target, edits: &[Edit<'_>]) -> Result<String, MergeError> {
    let root = parse(text)?;
    let servers = target.root.iter().fold(root.object_value_or_set(), |at, key| at.object_value_or_set(key));
    let there = |object: &CstObject, name: &str| find(object, name)?.ok_or(MergeError::Foreign);
    let entry = |name: &str| there(&servers, name)?.object_value().ok_or(MergeError::Foreign);
    for edit in edits {
        match *edit {
            Edit::Add(name, fields) => drop(servers.append(name, object(fields))),
            Edit::Remove(name) => there(&servers, name)?.remove(),
            Edit::Drop(name, field) => there(&entry(name)?, field)?.remove(),
            Edit::Set(name, field, value) => {
                let entry = entry(name)?;
                match find(&entry, field)? {
                    Some(prop) => prop.set_value(input(value)),
                    None => drop(entry.append(field, input(value))),
                }
            }
        }
    }
    Ok(root.to_string())
}

/// JSON as the clients' editors read it: with comments and trailing commas, and no more than that.
fn parse(text: &str) -> Result<CstRootNode, MergeError> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let root = CstRootNode::parse(text, &options).map_err(|e| MergeError::Parse("JSON", e.to_string()))?;
    if root.to_string() == text { Ok(root) } else { Err(MergeError::Foreign) }
}

fn find(object: &CstObject, name: &str) -> Result<Option<CstObjectProp>, MergeError> {
    let mut found =
        object.properties().into_iter().filter(|prop| prop.decoded_name().as_deref() == Some(name));
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(MergeError::Twice(name.into())),
        (found, None) => Ok(found),
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(value) => CstInputValue::Number(value.to_string()),
        Value::String(value) => CstInputValue::String(value.clone()),
        Value::Array(values) => CstInputValue::Array(values.iter().map(input).collect()),
        Value::Object(values) => object(values),
    }
}

fn object(values: &Map<String, Value>) -> CstInputValue {
    CstInputValue::Object(values.iter().map(|(key, value)| (key.clone(), input(value))).collect())
}
