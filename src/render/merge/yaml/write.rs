//! Writes values as YAML: maps and lists in lines, texts in double quotes.
//! It leaves where they go to `yaml`.

use serde_json::{Map, Value};

/// A value behind a key's colon.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum YamlValue {
    /// On the key's line.
    Inline(String),
    /// On lines of its own, each with its indentation and without what ends it.
    Lines(Vec<String>),
}

/// A map's lines, each indented by `column`.
pub(super) fn fields(map: &Map<String, Value>, column: usize) -> Vec<String> {
    map.iter().flat_map(|(key, value)| field(&name(key), value, column)).collect()
}

/// The lines of one field; `key` is as it is to be written.
pub(super) fn field(key: &str, value: &Value, column: usize) -> Vec<String> {
    let indent = " ".repeat(column);
    match behind_colon(value, column) {
        YamlValue::Inline(text) => vec![format!("{indent}{key}: {text}")],
        YamlValue::Lines(lines) => [format!("{indent}{key}:")].into_iter().chain(lines).collect(),
    }
}

/// A value as it is written behind the colon of a key at `column`.
pub(super) fn behind_colon(value: &Value, column: usize) -> YamlValue {
    let is_scalar = |value: &Value| !value.is_object() && !value.is_array();
    match value {
        Value::Object(map) if !map.is_empty() => YamlValue::Lines(fields(map, column + 2)),
        Value::Array(items) if !items.is_empty() && items.iter().all(is_scalar) => {
            let indent = " ".repeat(column + 2);
            YamlValue::Lines(items.iter().map(|item| format!("{indent}- {}", flow(item))).collect())
        }
        other => YamlValue::Inline(flow(other)),
    }
}

/// A map as an element of a list whose dashes stand at `column`.
pub(super) fn element(map: &Map<String, Value>, column: usize) -> Vec<String> {
    let mut lines = fields(map, column + 2);
    match lines.first_mut() {
        Some(first) => *first = format!("{}- {}", " ".repeat(column), first.trim_start()),
        None => lines.push(format!("{}- {{}}", " ".repeat(column))),
    }
    lines
}

/// A name, plain where no reader could take it for anything else.
pub(super) fn name(name: &str) -> String {
    // Words that one version of YAML or another reads as a value.
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        && !WORDS.contains(&name.to_ascii_lowercase().as_str());
    if is_plain { name.into() } else { quoted(name) }
}

/// A value on one line, as JSON, which is YAML too.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let pairs = map.iter().map(|(key, value)| format!("{}: {}", quoted(key), flow(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A text in double quotes. YAML has fewer characters than JSON that may stand for themselves.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
