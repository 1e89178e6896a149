//! The inputs that an editor asks its user for, next to the entries that refer to them by `${input:ID}`: their defaults may be
//! secrets. Not here: the entries (see `plan`).

use jsonc_parser::cst::CstObject;
use serde_json::Value;

use super::json;
use super::{ClientText, MergeError};
use crate::registry::members::written;
use crate::render::layout::Layout;
use crate::render::targets::Format;

/// The member with the inputs, next to the entries.
const INPUTS: &str = "inputs";
const DEFAULT: &str = "default";

/// An input with a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputDefault {
    /// What entries call it.
    pub id: String,
    /// What it is unless its user enters something else.
    pub default: String,
    /// Whether the editor hides what is entered.
    pub is_password: bool,
}

/// The inputs with a default next to the entries at `root`.
pub fn defaults(whole: &Value, root: &[String]) -> Vec<InputDefault> {
    let parent = root.split_last().map_or(&[][..], |(_, parent)| parent);
    let at = parent.iter().try_fold(whole, |at, key| at.get(key));
    let inputs = at.and_then(|at| at.get(INPUTS)?.as_array()).into_iter().flatten();
    let text = |input: &Value, name: &str| input.get(name).and_then(Value::as_str).map(str::to_owned);
    let read = |input: &Value| {
        let is_password = input.get("password") == Some(&Value::Bool(true));
        Some(InputDefault { id: text(input, "id")?, default: text(input, DEFAULT)?, is_password })
    };
    inputs.filter_map(read).collect()
}

/// The file with other defaults of the inputs with these ids, or without one.
///
/// # Errors
/// As for [`rewrite`](super::rewrite).
pub fn with_defaults(
    existing: &str,
    layout: Layout<'_>,
    new: &[(&str, Option<&str>)],
) -> Result<String, MergeError> {
    if layout.format != Format::Json {
        return Err(MergeError::Unsupported("inputs in this format"));
    }
    let text = ClientText::of(existing, layout.format)?;
    let parent = layout.root.split_last().map_or(&[][..], |(_, parent)| parent);
    let root = json::parse(&text.body)?;
    let at = parent.iter().try_fold(root.object_value().ok_or(MergeError::Foreign)?, |at, key| {
        at.object_value(key).ok_or(MergeError::Foreign)
    })?;
    for input in at.array_value(INPUTS).into_iter().flat_map(|inputs| inputs.elements()) {
        let Some(input) = input.as_object() else { continue };
        let id = input.get("id").and_then(|id| id.value()).and_then(|id| id.to_serde_value());
        let Some((_, default)) = new.iter().find(|(new, _)| id == Some(Value::from(*new))) else { continue };
        set(&input, *default);
    }
    let edited = root.to_string();
    let mut expected = json::read(&text.body)?;
    expect(&mut expected, parent, new);
    if json::read(&edited)? != expected {
        return Err(MergeError::Foreign);
    }
    let edited = text.halves.map_or_else(|| edited.clone(), |halves| halves.restore(&edited));
    Ok(format!("{}{edited}", text.mark))
}

fn set(input: &CstObject, default: Option<&str>) {
    match (input.get(DEFAULT), default) {
        (Some(prop), Some(default)) => prop.set_value(written(&default.into())),
        (Some(prop), None) => prop.remove(),
        (None, Some(default)) => drop(input.append(DEFAULT, written(&default.into()))),
        (None, None) => {}
    }
}

fn expect(whole: &mut Value, parent: &[&str], new: &[(&str, Option<&str>)]) {
    let at = parent.iter().try_fold(whole, |at, key| at.get_mut(*key));
    let inputs = at.and_then(|at| at.get_mut(INPUTS)?.as_array_mut()).into_iter().flatten();
    for input in inputs.filter_map(Value::as_object_mut) {
        let is_its = |id: &str| input.get("id").and_then(Value::as_str) == Some(id);
        let Some((_, default)) = new.iter().find(|(id, _)| is_its(id)) else { continue };
        match default {
            Some(default) => drop(input.insert(DEFAULT.into(), (*default).into())),
            None => drop(input.remove(DEFAULT)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::targets::Shape;

    const FILE: &str = "{\n  // mine\n  \"inputs\": [\n    {\"type\": \"promptString\", \"id\": \"key\", \"default\": \"s3cret\", \"password\": true},\n    {\"id\": \"other\"},\n  ],\n  \"servers\": {}\n}\n";

    fn layout() -> Layout<'static> {
        Layout { format: Format::Json, shape: Shape::Map, root: &["servers"] }
    }

    #[test]
    fn a_default_goes_and_comes_back_and_all_else_stays() {
        let root = ["servers".to_owned()];
        let found = defaults(&json::read(FILE).unwrap(), &root);
        let expected = InputDefault { id: "key".into(), default: "s3cret".into(), is_password: true };
        assert_eq!(found, [expected]);
        let without = with_defaults(FILE, layout(), &[("key", None)]).unwrap();
        assert!(!without.contains("s3cret") && without.contains("// mine"), "{without}");
        let back = with_defaults(&without, layout(), &[("key", Some("s3cret"))]).unwrap();
        assert_eq!(json::read(&back).unwrap(), json::read(FILE).unwrap());
        assert_eq!(with_defaults(FILE, layout(), &[("nobody", None)]).unwrap(), FILE);
        assert_eq!(
            with_defaults("{\"servers\": {}}", layout(), &[("key", None)]).unwrap(),
            "{\"servers\": {}}"
        );
    }
}
