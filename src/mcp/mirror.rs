//! The headers that repeat what a message says (MCP 2026-07-28, Streamable HTTP: `MCP-Protocol-Version`, `Mcp-Method`,
//! `Mcp-Name`, `Mcp-Param-*`), so that whoever stands between can route without reading bodies. A server compares them.
//! It leaves sending to its callers.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// The first protocol version in which every request says its version itself, and there are no sessions.
pub const MODERN: &str = "2026-07-28";
/// Where a request says it.
const VERSION: &str = "/params/_meta/io.modelcontextprotocol~1protocolVersion";

/// What says in a tool's schema that an argument is to be repeated.
const ANNOTATION: &str = "x-mcp-header";
const MISPLACED: &str = "an x-mcp-header is not on an argument";

/// The arguments of a server's tools that are to be repeated in headers, as its tool lists said (`x-mcp-header`).
#[derive(Clone, Debug, Default)]
pub struct Repeated(BTreeMap<String, Vec<(HeaderName, String)>>);

/// A tool that a client must not offer (2026-07-28, Streamable HTTP, Custom headers).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its name.
    pub tool: String,
    /// What is wrong with its annotations.
    pub reason: &'static str,
}

impl Repeated {
    /// Takes note of the tools in a `tools/list` result, and takes those out of it whose annotations break the rules.
    pub fn learn(&mut self, result: &mut Value) -> Vec<Refused> {
        let mut refused = Vec::new();
        let Some(tools) = result.get_mut("tools").and_then(Value::as_array_mut) else { return refused };
        tools.retain(|tool| {
            let name = tool.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let mut found = Vec::new();
            let read =
                tool.get("inputSchema").map_or(Ok(()), |schema| annotated(schema, Some(""), &mut found));
            match read {
                Ok(()) => self.0.insert(name, found),
                Err(reason) => {
                    refused.push(Refused { tool: name, reason });
                    return false;
                }
            };
            true
        });
        refused
    }
}

/// The version a message says it is written in; only modern messages say it.
pub fn version(message: &Value) -> Option<&str> {
    message.pointer(VERSION).and_then(Value::as_str)
}

/// The headers that go with a message. A legacy message has none of its own.
pub fn headers(message: &Value, repeated: &Repeated) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(version) = version(message).filter(|version| *version >= MODERN) else { return headers };
    let mut set = |name: HeaderName, text: &str| {
        if let Some(value) = written(text) {
            headers.insert(name, value);
        }
    };
    set(HeaderName::from_static("mcp-protocol-version"), version);
    let method = message.get("method").and_then(Value::as_str).unwrap_or_default();
    set(HeaderName::from_static("mcp-method"), method);
    let named = match method {
        "tools/call" | "prompts/get" => message.pointer("/params/name"),
        "resources/read" => message.pointer("/params/uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" => message.pointer("/params/taskId"),
        _ => None,
    };
    let Some(name) = named.and_then(Value::as_str) else { return headers };
    set(HeaderName::from_static("mcp-name"), name);
    if method == "tools/call" {
        for (header, at) in repeated.0.get(name).into_iter().flatten() {
            match message.pointer(&format!("/params/arguments{at}")) {
                Some(Value::String(text)) => set(header.clone(), text),
                Some(value @ (Value::Bool(_) | Value::Number(_))) => set(header.clone(), &value.to_string()),
                _ => {}
            }
        }
    }
    headers
}

/// The properties with `x-mcp-header`, each with the JSON pointer to its value. `at` is where a schema's value is among
/// the arguments; nowhere, once anything but a chain of `properties` leads to it.
fn annotated(
    schema: &Value,
    at: Option<&str>,
    found: &mut Vec<(HeaderName, String)>,
) -> Result<(), &'static str> {
    if let Value::Array(schemas) = schema {
        return schemas.iter().try_for_each(|schema| annotated(schema, None, found));
    }
    for (key, value) in schema.as_object().into_iter().flatten() {
        match (key.as_str(), at) {
            ("properties", _) => {
                for (name, property) in value.as_object().into_iter().flatten() {
                    let at = at.map(|at| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")));
                    if let Some(header) = property.get(ANNOTATION) {
                        found.push((header_of(header, property, found)?, at.clone().ok_or(MISPLACED)?));
                    }
                    annotated(property, at.as_deref(), found)?;
                }
            }
            // A property's own annotation has been read with it; anywhere else there is no argument to repeat.
            (ANNOTATION, Some("") | None) => return Err(MISPLACED),
            (ANNOTATION | "default" | "const" | "enum" | "examples", _) => {}
            _ => annotated(value, None, found)?,
        }
    }
    Ok(())
}

fn header_of(
    annotation: &Value,
    property: &Value,
    found: &[(HeaderName, String)],
) -> Result<HeaderName, &'static str> {
    let name = annotation.as_str().filter(|name| !name.is_empty()).ok_or("an x-mcp-header is empty")?;
    if !matches!(property.get("type").and_then(Value::as_str), Some("string" | "integer" | "boolean")) {
        return Err("an x-mcp-header is on an argument that is no string, integer or boolean");
    }
    let header: HeaderName =
        format!("mcp-param-{name}").parse().map_err(|_| "an x-mcp-header is no header name")?;
    if found.iter().any(|(known, _)| *known == header) {
        return Err("an x-mcp-header is there twice");
    }
    Ok(header)
}

/// A header's value: as it is, or in base64 where a header could not carry it, or where it would be taken for base64.
fn written(text: &str) -> Option<HeaderValue> {
    let plain = text.bytes().all(|b| (b' '..=b'~').contains(&b))
        && text.trim_matches(' ') == text
        && !(text.starts_with("=?base64?") && text.ends_with("?="));
    let encoded = if plain { text.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(text)) };
    HeaderValue::try_from(encoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(message: &Value, repeated: &Repeated) -> Vec<(String, String)> {
        let mut all: Vec<_> = headers(message, repeated)
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        all.sort();
        all
    }

    #[test]
    fn a_modern_message_is_repeated_in_headers_and_a_legacy_one_is_not() {
        let call = |version: &str, name: &str| {
            json!({"method": "tools/call", "params": {"name": name, "_meta":
                {"io.modelcontextprotocol/protocolVersion": version}}})
        };
        let none = Repeated::default();
        assert!(shown(&call("2025-11-25", "add"), &none).is_empty());
        assert!(shown(&json!({"method": "tools/call", "params": {"name": "add"}}), &none).is_empty());
        let names = [
            ("add", "add"),
            ("größe", "=?base64?Z3LDtsOfZQ==?="),
            (" x", "=?base64?IHg=?="),
            ("=?base64?eA==?=", "=?base64?PT9iYXNlNjQ/ZUE9PT89?="),
            ("a\r\nX: y", "=?base64?YQ0KWDogeQ==?="),
        ];
        for (name, header) in names {
            let expected =
                [("mcp-method", "tools/call"), ("mcp-name", header), ("mcp-protocol-version", MODERN)];
            let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(shown(&call(MODERN, name), &none), expected, "{name:?}");
        }
    }

    #[test]
    fn annotated_arguments_are_repeated_once_the_list_was_seen() {
        let mut repeated = Repeated::default();
        let mut list = json!({"tools": [{"name": "run", "inputSchema": {"properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"properties": {"n": {"type": "integer", "x-mcp-header": "N"}}},
            "x-mcp-header": {"type": "string"}, "plain": {"type": "string", "default": {"x-mcp-header": 1}}}}}]});
        assert_eq!(repeated.learn(&mut list), []);
        let call = json!({"method": "tools/call", "params": {"name": "run",
            "_meta": {"io.modelcontextprotocol/protocolVersion": MODERN},
            "arguments": {"region": "eu", "deep": {"n": 3}, "plain": "y"}}});
        let headers = shown(&call, &repeated);
        let params: Vec<_> = headers.iter().filter(|(name, _)| name.starts_with("mcp-param")).collect();
        assert_eq!(format!("{params:?}"), r#"[("mcp-param-n", "3"), ("mcp-param-region", "eu")]"#);
    }

    #[test]
    fn tools_that_break_the_rules_are_taken_out_of_the_list() {
        let property = |annotation: Value, kind: &str| json!({"properties": {"a": {"type": kind, "x-mcp-header": annotation}}});
        let twice = json!({"properties": {"a": {"type": "string", "x-mcp-header": "X"}, "b": {"type": "string", "x-mcp-header": "x"}}});
        let below = json!({"properties": {"a": {"type": "array", "items": {"properties": {"b": {"type": "string", "x-mcp-header": "X"}}}}}});
        let cases = [
            (property(json!("X"), "string"), None),
            (property(json!(""), "string"), Some("an x-mcp-header is empty")),
            (property(json!(1), "string"), Some("an x-mcp-header is empty")),
            (property(json!("a b"), "string"), Some("an x-mcp-header is no header name")),
            (property(json!("ü"), "string"), Some("an x-mcp-header is no header name")),
            (
                property(json!("X"), "number"),
                Some("an x-mcp-header is on an argument that is no string, integer or boolean"),
            ),
            (twice, Some("an x-mcp-header is there twice")),
            (below, Some(MISPLACED)),
            (json!({"x-mcp-header": "X"}), Some(MISPLACED)),
        ];
        for (schema, reason) in cases {
            let mut list = json!({"tools": [{"name": "t", "inputSchema": schema}, {"name": "plain"}]});
            let refused = Repeated::default().learn(&mut list);
            assert_eq!(refused.first().map(|refused| refused.reason), reason, "{list}");
            assert_eq!(list["tools"].as_array().unwrap().len(), 2 - refused.len());
        }
    }
}
