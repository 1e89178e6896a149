//! What MCP 2026-07-28 requires to be repeated in HTTP headers ("Streamable HTTP", request headers): the version, the
//! method, the name, and the arguments that a tool's schema marks with `x-mcp-header`. Clients write the headers
//! ([`MirroredValues::headers`]) and the gateway checks them ([`MirroredValues::check`]) with one table
//! ([`MirroredValues::rows`]).

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::methods::{self, Method, MethodSubject, Mirrored};
use super::{METHOD, NAME, VERSION, is_modern};

/// Where a request names its version.
const SAYS_VERSION: &str = "/params/_meta/io.modelcontextprotocol~1protocolVersion";
const MARK: &str = "x-mcp-header";
const SENTINEL: (&str, &str) = ("=?base64?", "?=");

/// How headers and body disagree, naming the header; answered with status 400 and [`HEADER_MISMATCH`].
///
/// [`HEADER_MISMATCH`]: super::jsonrpc::HEADER_MISMATCH
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The header occurs more than once.
    #[error("{0} occurs more than once")]
    Repeated(&'static str),
    /// The header has characters other than visible ASCII, space and tab.
    #[error("{0} has invalid characters")]
    Invalid(&'static str),
    /// The header is required for this message and this version.
    #[error("{0} is required")]
    Missing(&'static str),
    /// The header contradicts the body, or has something that the body does not have.
    #[error("{0} does not match the body")]
    Differs(&'static str),
}

/// The parts of a message that headers repeat.
#[derive(Clone, Copy, Debug, Default)]
pub struct MirroredValues<'m> {
    /// The protocol version in `params._meta`.
    pub version: Option<&'m str>,
    /// The method; responses have none.
    pub method: Option<&'m str>,
    /// MCP's definition of the method.
    pub known: Option<&'static Method>,
    /// What the message names.
    pub name: Option<&'m str>,
    /// Whether it expects an answer.
    pub is_request: bool,
}

/// A row of the table: a header, and what it repeats.
struct HeaderRow<'m> {
    header: HeaderName,
    /// The same, in MCP's spelling.
    shown: &'static str,
    text: Option<&'m str>,
    need: Mirrored,
    /// Whether the header can have its text in base64.
    encodes: bool,
}

impl<'m> MirroredValues<'m> {
    fn rows(&self) -> [HeaderRow<'m>; 3] {
        let row = |header, shown, text, need, encodes| HeaderRow { header, shown, text, need, encodes };
        let named = self.known.map_or(Mirrored::Never, |known| known.mirrored);
        [
            row(VERSION, "MCP-Protocol-Version", self.version, Mirrored::Required, false),
            row(METHOD, "Mcp-Method", self.method, Mirrored::Required, false),
            row(NAME, "Mcp-Name", self.name, named, true),
        ]
    }

    /// The headers of a 2026-07-28 message.
    pub fn headers(&self) -> HeaderMap {
        let rows = self.rows().into_iter().filter(|row| row.need == Mirrored::Required);
        rows.filter_map(|row| Some((row.header.clone(), row.value()?))).collect()
    }

    /// Whether the headers agree with the message: required from 2026-07-28 on, optional before but never wrong.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Mismatch> {
        let [version, method, name] = self.rows();
        let header = version.only(headers)?;
        match (header, version.text) {
            (Some(header), Some(body)) if header != body && (is_modern(header) || is_modern(body)) => {
                return Err(Mismatch::Differs(version.shown));
            }
            (None, Some(body)) if is_modern(body) => return Err(Mismatch::Missing(version.shown)),
            _ => {}
        }
        let required = self.is_request && header.is_some_and(is_modern);
        method.check(headers, required)?;
        name.check(headers, required)
    }
}

impl HeaderRow<'_> {
    fn value(&self) -> Option<HeaderValue> {
        if self.encodes { encoded(self.text?) } else { HeaderValue::try_from(self.text?).ok() }
    }

    /// The value of the header, which may occur once, without the white space around it.
    fn only<'h>(&self, headers: &'h HeaderMap) -> Result<Option<&'h str>, Mismatch> {
        let mut values = headers.get_all(&self.header).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Mismatch::Repeated(self.shown));
        }
        let value = value.to_str().map_err(|_| Mismatch::Invalid(self.shown))?;
        Ok(Some(value.trim_ascii()))
    }

    fn check(&self, headers: &HeaderMap, required: bool) -> Result<(), Mismatch> {
        match (self.only(headers)?, self.text) {
            (Some(header), Some(text)) if self.need != Mirrored::Never && self.says(header, text) => Ok(()),
            (Some(_), _) => Err(Mismatch::Differs(self.shown)),
            (None, _) if required && self.need == Mirrored::Required => Err(Mismatch::Missing(self.shown)),
            (None, _) => Ok(()),
        }
    }

    /// Whether a header's value, which may be in base64 form, is this text. A text has only one base64 form, so the
    /// text is encoded and nothing that was sent is decoded; a header that is too long is rejected unread.
    fn says(&self, header: &str, text: &str) -> bool {
        let (start, end) = SENTINEL;
        let inner = || header.strip_prefix(start)?.strip_suffix(end);
        let Some(sent) = self.encodes.then(inner).flatten() else { return header == text };
        base64::encoded_len(text.len(), true) == Some(sent.len()) && BASE64_STANDARD.encode(text) == sent
    }
}

/// The marked arguments of the tools that a server listed, for programs that forward messages.
#[derive(Debug, Default)]
pub struct ToolHeaders(BTreeMap<String, Vec<MarkedArgument>>);

/// A tool that a client must not offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedTool {
    /// Its name.
    pub tool: String,
    /// What is wrong with its marks.
    pub reason: &'static str,
}

impl ToolHeaders {
    /// Records the tools in a `tools/list` result, and removes those whose marks break the rules.
    pub fn learn(&mut self, result: &mut Value) -> Vec<RejectedTool> {
        let mut refused = Vec::new();
        let Some(tools) = result.get_mut("tools").and_then(Value::as_array_mut) else { return refused };
        tools.retain(|tool| {
            let name = tool.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let found = marks(tool.get("inputSchema").unwrap_or(&Value::Null));
            let keep = found.is_ok();
            match found {
                Ok(marks) => drop(self.0.insert(name, marks)),
                Err(reason) => refused.push(RejectedTool { tool: name, reason }),
            }
            keep
        });
        refused
    }

    /// The headers for a forwarded message. One of an older version has none.
    pub fn headers(&self, message: &Value) -> HeaderMap {
        let none = Map::new();
        let Some(version) = version(message).filter(|version| is_modern(version)) else {
            return HeaderMap::new();
        };
        let method = message.get("method").and_then(Value::as_str).unwrap_or_default();
        let params = message.get("params").and_then(Value::as_object).unwrap_or(&none);
        let known = methods::find(method);
        let name = match known.map(|known| known.about) {
            Some(MethodSubject::Member(_, member)) => params.get(member).and_then(Value::as_str),
            _ => None,
        };
        let (version, method) = (Some(version), Some(method));
        let mut headers = MirroredValues { version, method, known, name, is_request: true }.headers();
        if known.is_some_and(|known| known.about == methods::TOOL) {
            let marks = name.and_then(|name| self.0.get(name)).map_or(&[][..], Vec::as_slice);
            let arguments = params.get("arguments").and_then(Value::as_object).unwrap_or(&none);
            headers.extend(marked(marks, arguments));
        }
        headers
    }
}

/// The version that a message names; only those from 2026-07-28 on name one.
pub fn version(message: &Value) -> Option<&str> {
    message.pointer(SAYS_VERSION).and_then(Value::as_str)
}

/// A value as a header carries it: unchanged, or in base64 between markers if it is not plain or looks encoded. Every
/// value has such a form; `None` only satisfies the type.
pub fn encoded(value: &str) -> Option<HeaderValue> {
    let (start, end) = SENTINEL;
    let plain = value.bytes().all(|b| (0x20..0x7f).contains(&b))
        && value.trim() == value
        && !(value.starts_with(start) && value.ends_with(end));
    let text = if plain { value.into() } else { format!("{start}{}{end}", BASE64_STANDARD.encode(value)) };
    HeaderValue::try_from(text).ok()
}

fn marked(marks: &[MarkedArgument], arguments: &Map<String, Value>) -> Vec<(HeaderName, HeaderValue)> {
    let header = |mark: &MarkedArgument| {
        let inner = mark.path.iter().try_fold(arguments, |at, name| at.get(name)?.as_object())?;
        let value = match inner.get(&mark.last)? {
            Value::String(text) => text.clone(),
            Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            Value::Bool(is) => is.to_string(),
            // An absent value has no header, and the server must reject one of another type.
            _ => return None,
        };
        Some((HeaderName::try_from(format!("mcp-param-{}", mark.name)).ok()?, encoded(&value)?))
    };
    marks.iter().filter_map(header).collect()
}

/// A marked argument: where it is in the arguments, and its header's name.
#[derive(Debug)]
struct MarkedArgument {
    path: Vec<String>,
    last: String,
    name: String,
}

fn marks(schema: &Value) -> Result<Vec<MarkedArgument>, &'static str> {
    let mut found = Vec::new();
    let reached = below(schema, &mut Vec::new(), &mut found)?;
    if reached != count(schema) {
        return Err("an x-mcp-header that is not on a property of the arguments");
    }
    let mut names: Vec<String> = found.iter().map(|mark| mark.name.to_ascii_lowercase()).collect();
    names.sort();
    names.dedup();
    if names.len() == found.len() { Ok(found) } else { Err("two arguments with one x-mcp-header") }
}

/// Collects the marks that are reached only through `properties`; returns their number.
fn below(
    schema: &Value,
    path: &mut Vec<String>,
    found: &mut Vec<MarkedArgument>,
) -> Result<usize, &'static str> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Ok(0) };
    let mut reached = 0;
    for (key, property) in properties {
        if let Some(mark) = property.get(MARK) {
            let name = mark
                .as_str()
                .filter(|name| is_token(name))
                .ok_or("an x-mcp-header that is not a header name")?;
            let kind = property.get("type").and_then(Value::as_str).unwrap_or_default();
            if !["string", "integer", "boolean"].contains(&kind) {
                return Err("an x-mcp-header on an argument that is neither string, integer nor boolean");
            }
            found.push(MarkedArgument { path: path.clone(), last: key.clone(), name: name.into() });
            reached += 1;
        }
        path.push(key.clone());
        reached += below(property, path, found)?;
        path.pop();
    }
    Ok(reached)
}

/// How many marks there are anywhere; names of properties do not count.
fn count(schema: &Value) -> usize {
    match schema {
        Value::Array(several) => several.iter().map(count).sum(),
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| match (key.as_str(), value) {
                (MARK, _) => 1,
                ("properties", Value::Object(properties)) => properties.values().map(count).sum(),
                // Data, not schema.
                ("default" | "const" | "enum" | "examples", _) => 0,
                _ => count(value),
            })
            .sum(),
        _ => 0,
    }
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::MODERN;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn values_are_encoded_where_a_header_cannot_have_them() {
        for (value, expected) in [
            ("echo", "echo"),
            ("two words", "two words"),
            ("", ""),
            (" lead", "=?base64?IGxlYWQ=?="),
            ("naïve", "=?base64?bmHDr3Zl?="),
            ("a\r\nX-Evil: 1", "=?base64?YQ0KWC1FdmlsOiAx?="),
            ("=?base64?eA==?=", "=?base64?PT9iYXNlNjQ/ZUE9PT89?="),
            ("=?BASE64?eA==?=", "=?BASE64?eA==?="),
        ] {
            assert_eq!(encoded(value).unwrap(), expected, "{value:?}");
        }
    }

    #[test]
    fn marked_arguments_become_headers() {
        let schema = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "dry": {"type": "boolean", "x-mcp-header": "Dry-Run"},
            "where": {"type": "object", "properties": {"limit": {"type": "integer", "x-mcp-header": "Limit"}}},
            "x-mcp-header": {"type": "string"},
            "none": {"type": "string", "x-mcp-header": "None", "default": {"x-mcp-header": 1}},
        }});
        let arguments =
            json!({"region": "ü", "dry": true, "where": {"limit": 42}, "none": null, "x-mcp-header": "y"});
        let marks = marks(&schema).unwrap();
        let headers = marked(&marks, arguments.as_object().unwrap());
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        let expected = [
            ("mcp-param-region", "=?base64?w7w=?="),
            ("mcp-param-dry-run", "true"),
            ("mcp-param-limit", "42"),
        ];
        assert_eq!(headers, expected);
    }

    #[test]
    fn a_message_of_somebodys_gets_the_headers_that_its_version_wants() {
        let mut repeated = ToolHeaders::default();
        let schema = json!({"properties": {"n": {"type": "integer", "x-mcp-header": "N"}}});
        let bad = json!({"properties": {"n": {"type": "number", "x-mcp-header": "N"}}});
        let mut list =
            json!({"tools": [{"name": "run", "inputSchema": schema}, {"name": "bad", "inputSchema": bad}]});
        let refused = repeated.learn(&mut list);
        assert_eq!((refused.len(), refused[0].tool.as_str()), (1, "bad"));
        assert_eq!(list["tools"].as_array().unwrap().len(), 1, "nobody is offered the other");
        let meta = json!({"io.modelcontextprotocol/protocolVersion": MODERN});
        let version = ("mcp-protocol-version", MODERN);
        let cases = [
            (json!({"method": "tools/call", "params": {"name": "run", "arguments": {"n": 3}}}), vec![]),
            (
                json!({"method": "tools/call", "params": {"name": "run", "arguments": {"n": 3}, "_meta": meta}}),
                vec![version, ("mcp-method", "tools/call"), ("mcp-name", "run"), ("mcp-param-n", "3")],
            ),
            (
                json!({"method": "resources/read", "params": {"uri": "file:///a", "_meta": meta}}),
                vec![version, ("mcp-method", "resources/read"), ("mcp-name", "file:///a")],
            ),
            (
                json!({"method": "tools/list", "params": {"name": "x", "_meta": meta}}),
                vec![version, ("mcp-method", "tools/list")],
            ),
        ];
        for (message, expected) in cases {
            let headers = repeated.headers(&message);
            let mut found: Vec<_> =
                headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
            found.sort_unstable();
            let mut expected = expected;
            expected.sort_unstable();
            assert_eq!(found, expected, "{message}");
        }
    }

    #[test]
    fn a_tool_that_marks_badly_is_refused() {
        let property = |property: Value| json!({"properties": {"a": property}});
        for (schema, expected) in [
            (
                property(json!({"type": "string", "x-mcp-header": ""})),
                "an x-mcp-header that is not a header name",
            ),
            (
                property(json!({"type": "string", "x-mcp-header": "a b"})),
                "an x-mcp-header that is not a header name",
            ),
            (
                property(json!({"type": "number", "x-mcp-header": "A"})),
                "an x-mcp-header on an argument that is neither string, integer nor boolean",
            ),
            (
                property(json!({"type": "array", "items": {"type": "string", "x-mcp-header": "A"}})),
                "an x-mcp-header that is not on a property of the arguments",
            ),
            (
                json!({"properties": {"a": {"type": "string", "x-mcp-header": "A"}, "b": {"type": "string", "x-mcp-header": "a"}}}),
                "two arguments with one x-mcp-header",
            ),
        ] {
            assert_eq!(marks(&schema).err(), Some(expected), "{schema}");
        }
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_header_value_that_says_it(text in "\\PC{0,20}|[\\x00-\\x7f]{0,20}|=\\?base64\\?.{0,9}\\?=") {
            let value = encoded(&text).unwrap();
            let value = value.to_str().unwrap();
            let decoded = value
                .strip_prefix("=?base64?")
                .and_then(|rest| rest.strip_suffix("?="))
                .map_or_else(|| value.as_bytes().to_vec(), |inner| BASE64_STANDARD.decode(inner).unwrap());
            prop_assert_eq!(decoded, text.as_bytes());
        }
    }
}
