//! JSON-RPC 2.0 in MCP: messages that are sent ([`Message`]) or arrive ([`Received`]), errors and their codes.
//! Lenient in what decides nothing: a null member counts as absent. Not here: the gateway's parser, which accepts one
//! meaning or none (see `gateway::wire`).

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::{is_modern, mirror};
use crate::text::clean;

/// JSON-RPC 2.0 section 5.1.
pub const PARSE_ERROR: i64 = -32700;
/// The same.
pub const INVALID_REQUEST: i64 = -32600;
/// The same.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// The same.
pub const INVALID_PARAMS: i64 = -32602;
/// Headers and body disagree (MCP 2026-07-28, "Error codes").
pub const HEADER_MISMATCH: i64 = -32020;
/// The server needs a capability that the client does not have (same section).
pub const MISSING_CAPABILITY: i64 = -32021;
/// The server does not support this version (same section).
pub const UNSUPPORTED_VERSION: i64 = -32022;

/// The most elements and members that are parsed into values, about 200 MiB: a few bytes of text become a hundred in
/// memory.
pub const PARTS: usize = 1 << 20;
/// The most levels of a text: those of arguments, as many as the gateway takes, and those of the message around them.
const LEVELS: usize = 128 + 8;
/// As many as `serde_json` accepts by default.
const LIBRARY_LEVELS: usize = 127;
/// The longest error message from a server that is passed on, in characters.
const SAID: usize = 500;

/// Why a text is not parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// It is not JSON.
    #[error("not JSON")]
    NotJson,
    /// It has more than [`PARTS`].
    #[error("more elements and members than allowed ({PARTS})")]
    TooManyParts,
    /// Its arguments have more levels than the gateway takes.
    #[error("nested deeper than 128 levels")]
    TooDeep,
}

/// A client's message: its bytes and their content.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its bytes, which are sent.
    pub text: Bytes,
    /// The same, parsed.
    pub value: Value,
}

/// A message that arrived, parsed.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    /// The answer to a request of ours: its id and its result.
    Answer(Value, Result<Value, RpcError>),
    /// A request from the server: its id and method.
    Request(Value, String),
    /// A notification from the server.
    Notification(String, Value),
}

/// A JSON-RPC error.
#[derive(Clone, Debug, PartialEq)]
pub struct RpcError {
    /// Its code.
    pub code: i64,
    /// Its message, cleaned and cut.
    pub message: String,
    /// Its additional data.
    pub data: Value,
}

/// Parses a text, with or without a byte order mark.
pub fn parse(text: &str) -> Result<Value, ParseError> {
    let text = text.trim_start_matches('\u{feff}');
    // Each part takes at least two bytes.
    if text.len() > 2 * PARTS && shape(text).0 > PARTS {
        return Err(ParseError::TooManyParts);
    }
    serde_json::from_str(text).or_else(|_| deep(text))
}

/// Parses a text that is deeper than the library's own limit of 128 levels.
fn deep(text: &str) -> Result<Value, ParseError> {
    let levels = shape(text).1;
    if levels > LEVELS {
        return Err(ParseError::TooDeep);
    }
    if levels <= LIBRARY_LEVELS {
        return Err(ParseError::NotJson);
    }
    let mut from = serde_json::Deserializer::from_str(text);
    from.disable_recursion_limit();
    let value = Value::deserialize(&mut from).map_err(|_| ParseError::NotJson)?;
    from.end().map(|()| value).map_err(|_| ParseError::NotJson)
}

/// The messages of a text: 2025-03-26 allows several in an array.
///
/// # Errors
/// As [`parse`] says.
pub fn each(text: String) -> Result<Vec<String>, ParseError> {
    if !text.trim_start().starts_with('[') {
        return Ok(vec![text]);
    }
    match parse(&text)? {
        Value::Array(several) => Ok(several.iter().map(Value::to_string).collect()),
        _ => Err(ParseError::NotJson),
    }
}

/// How many elements and members a text has, counted by what precedes each, and how many levels.
fn shape(text: &str) -> (usize, usize) {
    let (mut count, mut in_string, mut escaped) = (0, false, false);
    let (mut level, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b',' if !in_string => count += 1,
            b'[' | b'{' if !in_string => {
                (count, level) = (count + 1, level + 1);
                deepest = deepest.max(level);
            }
            b']' | b'}' if !in_string => level = level.saturating_sub(1),
            _ => {}
        }
    }
    (count, deepest)
}

/// The id in a message of which nothing else is parsed.
fn id_of(line: &str) -> Value {
    #[derive(Deserialize)]
    struct OnlyId {
        id: Value,
    }
    let found = serde_json::from_str::<OnlyId>(line.trim_start_matches('\u{feff}'));
    found.map(|found| found.id).ok().filter(is_id).unwrap_or_default()
}

/// Whether a value can be an id; null only stands for one that cannot be read.
fn is_id(id: &Value) -> bool {
    id.is_string() || id.is_number()
}

/// An error as an answer to `id`, ready to send.
pub fn error(id: &Value, code: i64, message: &str) -> String {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}).to_string()
}

impl Message {
    /// Parses a line from a client.
    ///
    /// # Errors
    /// The line to answer with (JSON-RPC 2.0 section 5.1).
    pub fn read(line: String) -> Result<Self, String> {
        let no = |code, message: &str| Err(error(&Value::Null, code, message));
        match parse(&line) {
            Ok(Value::Object(mut object)) => {
                let is_tidied = drop_nulls(&mut object);
                if let Some(id) = object.get("id").filter(|id| !is_id(id)) {
                    return no(
                        INVALID_REQUEST,
                        &format!("\"id\" must be a string or a number, not {}", clean(&id.to_string(), 40)),
                    );
                }
                // It would never be answered.
                if !object.get("method").is_some_and(Value::is_string)
                    && !["result", "error"].iter().any(|name| object.contains_key(*name))
                {
                    let id = object.get("id").cloned().unwrap_or_default();
                    return Err(error(
                        &id,
                        INVALID_REQUEST,
                        "not a message: without \"method\", \"result\" and \"error\"",
                    ));
                }
                if is_tidied || line.starts_with('\u{feff}') {
                    return Ok(Self::from(Value::Object(object)));
                }
                Ok(Self { text: line.into(), value: Value::Object(object) })
            }
            // Only 2025-03-26 has them; the answers could not be told apart here.
            Ok(Value::Array(_)) => no(INVALID_REQUEST, "several messages in one: send each on its own line"),
            Ok(_) => no(INVALID_REQUEST, "not a message"),
            Err(refused @ (ParseError::TooManyParts | ParseError::TooDeep)) => {
                Err(error(&id_of(&line), INVALID_REQUEST, &refused.to_string()))
            }
            Err(ParseError::NotJson) => no(PARSE_ERROR, "not JSON"),
        }
    }

    /// A request.
    pub fn request(id: u64, method: &str, params: &Map<String, Value>) -> Self {
        json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).into()
    }

    /// A notification without parameters.
    pub fn notification(method: &str) -> Self {
        json!({"jsonrpc": "2.0", "method": method}).into()
    }

    /// Our answer to a server's request: a client that can be pinged and nothing else.
    pub fn reply(id: &Value, method: &str) -> Self {
        match method {
            "ping" => json!({"jsonrpc": "2.0", "id": id, "result": {}}).into(),
            _ => {
                let error = json!({"code": METHOD_NOT_FOUND, "message": "Method not found"});
                json!({"jsonrpc": "2.0", "id": id, "error": error}).into()
            }
        }
    }

    /// The method; a response has none.
    pub fn method(&self) -> Option<&str> {
        self.value.get("method").and_then(Value::as_str)
    }

    /// The id of a request: something that will be answered.
    pub fn request_id(&self) -> Option<&Value> {
        self.method().and_then(|_| self.value.get("id")).filter(|id| !id.is_null())
    }

    /// Whether it is written in a version without sessions.
    pub fn is_modern(&self) -> bool {
        mirror::version(&self.value).is_some_and(is_modern)
    }

    /// The id of the request that this notification cancels.
    pub fn cancels(&self) -> Option<&Value> {
        (self.method() == Some("notifications/cancelled"))
            .then(|| self.value.pointer("/params/requestId"))
            .flatten()
    }

    /// The same under another id.
    #[must_use]
    pub fn under(&self, id: &str) -> Self {
        let mut value = self.value.clone();
        if let Some(object) = value.as_object_mut() {
            object.insert("id".into(), id.into());
        }
        value.into()
    }
}

impl From<Value> for Message {
    fn from(value: Value) -> Self {
        Self { text: value.to_string().into(), value }
    }
}

impl Received {
    /// Every message in a text: one, or several in an array (2025-03-26 allows those). `None` if one of them is not a
    /// message.
    pub fn read(text: &str) -> Option<Vec<Self>> {
        match parse(text).ok()? {
            Value::Array(several) => several.into_iter().map(Self::from_value).collect(),
            value => Some(vec![Self::from_value(value)?]),
        }
    }

    fn from_value(value: Value) -> Option<Self> {
        let Value::Object(mut object) = value else { return None };
        let id = object.remove("id");
        if let Some(Value::String(method)) = object.remove("method") {
            return Some(match id.filter(|id| !id.is_null()) {
                Some(id) => Self::Request(id, method),
                None => Self::Notification(method, object.remove("params").unwrap_or_default()),
            });
        }
        let id = id.unwrap_or_default();
        // Several servers write both, one of them null.
        match (object.remove("result"), object.remove("error")) {
            (_, Some(error @ Value::Object(_))) => Some(Self::Answer(id, Err(RpcError::read(&error)))),
            (Some(result), _) => Some(Self::Answer(id, Ok(result))),
            (None, _) => None,
        }
    }
}

impl RpcError {
    /// Parses the `error` member of a message.
    fn read(error: &Value) -> Self {
        let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
        Self {
            code: error.get("code").and_then(Value::as_i64).unwrap_or_default(),
            message: clean(message, SAID),
            data: error.get("data").cloned().unwrap_or_default(),
        }
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.message.as_str(), self.code) {
            ("", code) => write!(f, "code {code}"),
            (message, code) => write!(f, "{message} (code {code})"),
        }
    }
}

/// Removes null members, which mean absent ones, from a message; returns whether there were any. A result may be
/// null.
pub(super) fn drop_nulls(object: &mut Map<String, Value>) -> bool {
    let before = object.len();
    for name in ["method", "params", "error"] {
        if object.get(name).is_some_and(Value::is_null) {
            object.shift_remove(name);
        }
    }
    // In an answer, null means that the request's id could not be read.
    if object.contains_key("method") && object.get("id").is_some_and(Value::is_null) {
        object.shift_remove("id");
    }
    let mut dropped = object.len() < before;
    for name in ["params", "result", "error"] {
        let inner = object.get_mut(name).and_then(Value::as_object_mut);
        if let Some(inner) = inner.filter(|inner| inner.get("_meta").is_some_and(Value::is_null)) {
            inner.shift_remove("_meta");
            dropped = true;
        }
    }
    dropped
}

#[cfg(test)]
mod tests;
