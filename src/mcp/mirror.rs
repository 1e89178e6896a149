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

/// The arguments of a server's tools that are to be repeated in headers, as its tool lists said (`x-mcp-header`).
#[derive(Clone, Debug, Default)]
pub struct Repeated(BTreeMap<String, Vec<(HeaderName, String)>>);

impl Repeated {
    /// Takes note of the tools in a `tools/list` result.
    pub fn learn(&mut self, result: &Value) {
        for tool in result.get("tools").and_then(Value::as_array).into_iter().flatten() {
            let Some(name) = tool.get("name").and_then(Value::as_str) else { continue };
            let mut found = Vec::new();
            if let Some(schema) = tool.get("inputSchema") {
                annotated(schema, "", &mut found);
            }
            self.0.insert(name.to_owned(), found);
        }
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

/// Properties with `x-mcp-header`, each with the JSON pointer to its value. Only chains of `properties` count.
fn annotated(schema: &Value, at: &str, found: &mut Vec<(HeaderName, String)>) {
    for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        let name = property.get("x-mcp-header").and_then(Value::as_str).filter(|name| !name.is_empty());
        if let Some(header) = name.and_then(|name| format!("mcp-param-{name}").parse().ok()) {
            found.push((header, at.clone()));
        }
        annotated(property, &at, found);
    }
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
        repeated.learn(&json!({"tools": [{"name": "run", "inputSchema": {"properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"properties": {"n": {"type": "integer", "x-mcp-header": "N"}}},
            "bad": {"x-mcp-header": "not a token"}, "plain": {"type": "string"}}}}]}));
        let call = json!({"method": "tools/call", "params": {"name": "run",
            "_meta": {"io.modelcontextprotocol/protocolVersion": MODERN},
            "arguments": {"region": "eu", "deep": {"n": 3}, "bad": "x", "plain": "y"}}});
        let headers = shown(&call, &repeated);
        let params: Vec<_> = headers.iter().filter(|(name, _)| name.starts_with("mcp-param")).collect();
        assert_eq!(format!("{params:?}"), r#"[("mcp-param-n", "3"), ("mcp-param-region", "eu")]"#);
    }
}
