//! What MCP 2026-07-28 wants repeated in HTTP headers ("Streamable HTTP", request headers): the method, the name, and the
//! arguments that a tool's schema marks with `x-mcp-header`. It leaves sending them to `talk`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

const MARK: &str = "x-mcp-header";
const SENTINEL: (&str, &str) = ("=?base64?", "?=");

/// A value as a header carries it: as it is, or in base64 between markers if it is not plain or looks as if it were encoded.
/// Every value has such a form; `None` only satisfies the type.
pub fn encoded(value: &str) -> Option<HeaderValue> {
    let (start, end) = SENTINEL;
    let plain = value.bytes().all(|b| (0x20..0x7f).contains(&b))
        && value.trim() == value
        && !(value.starts_with(start) && value.ends_with(end));
    let text = if plain { value.into() } else { format!("{start}{}{end}", BASE64_STANDARD.encode(value)) };
    HeaderValue::try_from(text).ok()
}

/// The headers for these arguments of the tool with this `inputSchema`.
pub(super) fn parameters(schema: &Value, arguments: &Map<String, Value>) -> Vec<(HeaderName, HeaderValue)> {
    let header = |mark: Mark| {
        let value = match mark
            .path
            .iter()
            .try_fold(arguments, |at, name| at.get(name)?.as_object())?
            .get(&mark.last)?
        {
            Value::String(text) => text.clone(),
            Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            Value::Bool(is) => is.to_string(),
            // An absent value has no header, and one of another type is the server's to refuse.
            _ => return None,
        };
        Some((HeaderName::try_from(format!("mcp-param-{}", mark.name)).ok()?, encoded(&value)?))
    };
    marks(schema).unwrap_or_default().into_iter().filter_map(header).collect()
}

/// Why a tool must not be used at all, if its schema marks an argument in a way that is not allowed.
pub(super) fn fault(schema: &Value) -> Option<&'static str> {
    marks(schema).err()
}

/// A marked argument: where it is in the arguments, and its header's name.
struct Mark {
    path: Vec<String>,
    last: String,
    name: String,
}

fn marks(schema: &Value) -> Result<Vec<Mark>, &'static str> {
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

/// Collects the marks that are reached through `properties` alone; their number.
fn below(schema: &Value, path: &mut Vec<String>, found: &mut Vec<Mark>) -> Result<usize, &'static str> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Ok(0) };
    let mut reached = 0;
    for (key, property) in properties {
        if let Some(mark) = property.get(MARK) {
            let name = mark
                .as_str()
                .filter(|name| is_token(name))
                .ok_or("an x-mcp-header that is no header name")?;
            let kind = property.get("type").and_then(Value::as_str).unwrap_or_default();
            if !["string", "integer", "boolean"].contains(&kind) {
                return Err("an x-mcp-header on an argument that is neither string, integer nor boolean");
            }
            found.push(Mark { path: path.clone(), last: key.clone(), name: name.into() });
            reached += 1;
        }
        path.push(key.clone());
        reached += below(property, path, found)?;
        path.pop();
    }
    Ok(reached)
}

/// How many marks there are, wherever they are; names of properties are not among them.
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
        let headers = parameters(&schema, arguments.as_object().unwrap());
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        let expected = [
            ("mcp-param-region", "=?base64?w7w=?="),
            ("mcp-param-dry-run", "true"),
            ("mcp-param-limit", "42"),
        ];
        assert_eq!(headers, expected);
        assert_eq!(fault(&schema), None);
    }

    #[test]
    fn a_tool_that_marks_badly_is_refused() {
        let property = |property: Value| json!({"properties": {"a": property}});
        for (schema, expected) in [
            (
                property(json!({"type": "string", "x-mcp-header": ""})),
                "an x-mcp-header that is no header name",
            ),
            (
                property(json!({"type": "string", "x-mcp-header": "a b"})),
                "an x-mcp-header that is no header name",
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
            assert_eq!(fault(&schema), Some(expected), "{schema}");
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
