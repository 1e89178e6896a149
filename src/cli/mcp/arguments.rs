//! A tool's arguments: a JSON object, or `KEY=VALUE` words that the tool's own schema types. What is in them is repeated
//! nowhere. Not here: which words they are (see `words`).

use std::path::Path;

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::client::{ParseError, parse};
use crate::error::Error;
use crate::sys::{public_file, terminal};
use crate::text::clean;

/// The largest file of arguments that is read, in bytes.
const MAX_ARGUMENT_BYTES: u64 = 64 << 20;
/// How far a schema's references are followed.
const DEEPEST: usize = 8;
const TYPES: [&str; 7] = ["null", "boolean", "integer", "number", "array", "object", "string"];

/// The arguments as they were given.
#[derive(Debug, PartialEq)]
pub(super) enum ToolArguments {
    /// An object, as it is sent.
    Ready(Map<String, Value>),
    /// Keys and texts, whose types the tool's schema knows.
    Typed(Vec<(String, String)>),
}

impl ToolArguments {
    /// # Errors
    /// [`Error::Usage`] for what is not a JSON object, and for words that are not `KEY=VALUE`.
    pub(super) fn read(words: &[String]) -> Result<Self, Error> {
        match words {
            [] => Ok(Self::Ready(Map::new())),
            [one] if pair(one).is_none() => object(one).map(Self::Ready),
            many => {
                let pairs = many
                    .iter()
                    .map(|word| pair(word).ok_or_else(|| wrong(NOT_PAIRS)))
                    .collect::<Result<_, _>>()?;
                Ok(Self::Typed(pairs))
            }
        }
    }
}

const NOT_PAIRS: &str = "either all KEY=VALUE, or one JSON object";

/// The pairs as one object, each value of the type that the tool's input schema gives it; as JSON, else as text, where it gives
/// none.
///
/// # Errors
/// [`Error::Usage`] for a value of another type, and a key that is given twice and is not a list's.
pub(super) fn typed(pairs: &[(String, String)], schema: Option<&Value>) -> Result<Map<String, Value>, Error> {
    let mut object = Map::new();
    for (key, text) in pairs {
        let types = schema.map(|root| property_types(root, key)).unwrap_or_default();
        let item = schema.map(|root| item_types(root, key)).unwrap_or_default();
        let is_list = types.contains(&"array");
        let value = match value(text, &types) {
            Some(value) => value,
            None if is_list => Value::Array(vec![value(text, &item).ok_or_else(|| mistyped(key, &item))?]),
            None => return Err(mistyped(key, &types)),
        };
        match (object.get_mut(key), value) {
            (None, value) => {
                object.insert(key.clone(), value);
            }
            (Some(Value::Array(all)), Value::Array(more)) if is_list => all.extend(more),
            (Some(_), _) => return Err(wrong(&format!("given twice for {:?}", clean(key, 60)))),
        }
    }
    Ok(object)
}

/// A text as one of these types; any JSON, else text, where there are none.
fn value(text: &str, types: &[&str]) -> Option<Value> {
    let json = parse(text).ok();
    if types.is_empty() {
        return Some(json.unwrap_or_else(|| text.into()));
    }
    // Where a text will do, nothing that was typed is read as anything else.
    if types.contains(&"string") {
        return Some(text.into());
    }
    json.filter(|value| types.iter().any(|name| is_of(value, name)))
}

fn is_of(value: &Value, name: &str) -> bool {
    match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => {
            let is_whole =
                number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|n| n.fract() == 0.0);
            name == "number" || name == "integer" && is_whole
        }
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    }
}

/// The types that a property is allowed (JSON Schema 2020-12); none if the schema does not say.
fn property_types(root: &Value, key: &str) -> Vec<&'static str> {
    root.get("properties").and_then(|all| all.get(key)).map(|of| types(root, of, 0)).unwrap_or_default()
}

/// The types that the items of a property's list are allowed.
fn item_types(root: &Value, key: &str) -> Vec<&'static str> {
    let property = root.get("properties").and_then(|all| all.get(key));
    let items = property.and_then(|of| referred(root, of, 0)?.get("items"));
    items.map(|of| types(root, of, 0)).unwrap_or_default()
}

fn types(root: &Value, schema: &Value, depth: usize) -> Vec<&'static str> {
    let Some(schema) = referred(root, schema, depth) else { return Vec::new() };
    let named = |name: &Value| TYPES.into_iter().find(|known| name == known);
    let of_value = |value: &Value| TYPES.into_iter().find(|name| is_of(value, name));
    let list = |name: &str| schema.get(name).and_then(Value::as_array).into_iter().flatten();
    let mut found: Vec<&'static str> = match schema.get("type") {
        Some(Value::Array(names)) => names.iter().filter_map(named).collect(),
        Some(name) => named(name).into_iter().collect(),
        None if depth < DEEPEST => {
            let branches = list("anyOf").chain(list("oneOf"));
            branches.flat_map(|branch| types(root, branch, depth + 1)).collect()
        }
        None => Vec::new(),
    };
    if found.is_empty() {
        found.extend(list("enum").chain(schema.get("const")).filter_map(of_value));
    }
    found
}

/// A schema, or the one it refers to within the same document.
fn referred<'s>(root: &'s Value, schema: &'s Value, depth: usize) -> Option<&'s Value> {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(to) if depth < DEEPEST => referred(root, root.pointer(to.strip_prefix('#')?)?, depth + 1),
        Some(_) => None,
        None => Some(schema),
    }
}

fn pair(word: &str) -> Option<(String, String)> {
    let (key, value) = word.split_once('=')?;
    let is_key = !key.is_empty() && !key.starts_with(['{', '[', '"', '@']);
    is_key.then(|| (key.to_owned(), value.to_owned()))
}

fn object(given: &str) -> Result<Map<String, Value>, Error> {
    let text = match given.strip_prefix('@') {
        // `@-` is how curl writes it.
        Some("-") => terminal::piped()?,
        Some("") => return Err(wrong("not readable: no file is named after @")),
        None if given == "-" => terminal::piped()?,
        Some(path) => public_file::read_named_text(Path::new(path), MAX_ARGUMENT_BYTES)
            .map_err(|e| wrong(&format!("not readable from {path}: {e}")))?,
        None => given.to_owned(),
    };
    match parse(&text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(wrong("JSON, but not an object")),
        Err(ParseError::NotJson) => {
            let why = serde_json::from_str::<IgnoredAny>(&text).err().map(|error| error.to_string());
            Err(wrong(&format!("not JSON: {}", why.unwrap_or_default())))
        }
        Err(error) => Err(wrong(&error.to_string())),
    }
}

fn wrong(what: &str) -> Error {
    Error::Usage {
        message: format!("the tool's arguments are {what}"),
        hint: "give them as KEY=VALUE, or as a JSON object in single quotes, such as '{\"name\": \"value\"}', or @FILE, or - for stdin"
            .into(),
    }
}

fn mistyped(key: &str, types: &[&str]) -> Error {
    let key = clean(key, 60);
    let expected: Vec<&str> = types.iter().map(|name| if *name == "array" { "list" } else { name }).collect();
    Error::Usage {
        message: format!("the tool's argument {key:?} must be of the type {}", expected.join(" or ")),
        hint: format!("give it as JSON, as in {}", word_for(&key, types)),
    }
}

fn word_for(key: &str, types: &[&str]) -> String {
    let example = match types.first() {
        Some(&"boolean") => "true",
        Some(&"integer") => "5",
        Some(&"number") => "1.5",
        Some(&"array") => "'[\"a\", \"b\"]'",
        Some(&"object") => "'{\"a\": 1}'",
        _ => "null",
    };
    format!("{key}={example}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(line: &[&str]) -> Vec<String> {
        line.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn arguments_are_an_object_and_an_error_repeats_nothing_of_them() {
        let read = |line: &[&str]| ToolArguments::read(&words(line));
        let object = |value: Value| ToolArguments::Ready(value.as_object().unwrap().clone());
        assert_eq!(read(&[]).unwrap(), object(json!({})));
        assert_eq!(read(&["{}"]).unwrap(), object(json!({})));
        assert_eq!(read(&[r#"{"a":["b=c"]}"#]).unwrap(), object(json!({"a": ["b=c"]})));
        for (given, expected) in [
            (&["[1]"][..], "the tool's arguments are JSON, but not an object"),
            (&["\"hunter2\""], "the tool's arguments are JSON, but not an object"),
            (&["{hunter2}"], "the tool's arguments are not JSON: key must be a string at line 1 column 2"),
            (&[""], "the tool's arguments are not JSON: EOF while parsing a value at line 1 column 0"),
            (&["a=1", "hunter2"], "the tool's arguments are either all KEY=VALUE, or one JSON object"),
            (&["{}", "a=hunter2"], "the tool's arguments are either all KEY=VALUE, or one JSON object"),
            (&["=hunter2", "a=1"], "the tool's arguments are either all KEY=VALUE, or one JSON object"),
        ] {
            assert_eq!(read(given).unwrap_err().to_string(), expected, "{given:?}");
        }
    }

    fn pairs(line: &[&str]) -> Vec<(String, String)> {
        line.iter().map(|word| pair(word).unwrap()).collect()
    }

    #[test]
    fn values_have_the_types_of_the_schema() {
        let schema = json!({
            "properties": {
                "text": {"type": "string"}, "count": {"type": "integer"}, "rate": {"type": "number"},
                "on": {"type": "boolean"}, "tags": {"type": "array", "items": {"type": "string"}},
                "ids": {"type": "array", "items": {"type": "integer"}}, "any": {}, "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "words": {"type": ["string", "null"]}, "far": {"$ref": "#/$defs/far"}, "object": {"type": "object"},
                "choice": {"enum": ["1", "2"]}, "loop": {"$ref": "#/properties/loop"},
            },
            "$defs": {"far": {"type": "string"}},
        });
        let line = [
            "text=5",
            "count=5",
            "rate=1e3",
            "on=true",
            "tags=a",
            "tags=2",
            "ids=1",
            "ids=[2,3]",
            "any=[1]",
            "maybe=null",
            "words=null",
            "far=true",
            "object={\"a\":1}",
            "choice=1",
            "loop=x",
            "other=7",
            "free=a=b",
        ];
        let expected = json!({
            "text": "5", "count": 5, "rate": 1e3, "on": true, "tags": ["a", "2"], "ids": [1, 2, 3], "any": [1], "maybe": null,
            "words": "null", "far": "true", "object": {"a": 1}, "choice": "1", "loop": "x", "other": 7, "free": "a=b",
        });
        assert_eq!(Value::Object(typed(&pairs(&line), Some(&schema)).unwrap()), expected);
        for (wrong, expected) in [
            (&["count=hunter2"][..], "the tool's argument \"count\" must be of the type integer"),
            (&["count=1.5"], "the tool's argument \"count\" must be of the type integer"),
            (&["on=yes"], "the tool's argument \"on\" must be of the type boolean"),
            (&["maybe=hunter2"], "the tool's argument \"maybe\" must be of the type integer or null"),
            (&["ids=hunter2"], "the tool's argument \"ids\" must be of the type integer"),
            (&["object=[]"], "the tool's argument \"object\" must be of the type object"),
            (&["text=a", "text=b"], "the tool's arguments are given twice for \"text\""),
        ] {
            assert_eq!(typed(&pairs(wrong), Some(&schema)).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn without_a_schema_a_value_is_json_or_text() {
        let line = ["a=1", "b=text", "c=", "d={\"e\":[]}", "f=\"1\"", "g=null"];
        let expected = json!({"a": 1, "b": "text", "c": "", "d": {"e": []}, "f": "1", "g": null});
        assert_eq!(Value::Object(typed(&pairs(&line), None).unwrap()), expected);
    }
}
