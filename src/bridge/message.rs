//! One JSON-RPC message of a client's, as far as passing it on needs it, and the errors a bridge answers with itself.
//! It leaves the content to the client and the server.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};

use crate::bridge::NoAccess;
use crate::mcp::mirror::{self, MODERN};
use crate::mcp::{LIMIT, Unread, parse};
use crate::sys::http::HttpError;

/// A message as it came, and read.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its bytes, which are passed on.
    pub text: Bytes,
    /// The same, parsed.
    pub value: Value,
}

/// Why the bridge cannot give a server's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No credentials to ask with.
    NoAccess(NoAccess),
    /// No answer.
    Unreachable(String),
    /// An answer with this status that is no MCP message.
    Status(u16),
    /// The stream ended before the answer came.
    Broken,
    /// The answer is larger than is read.
    TooLarge,
}

/// What of a server's message says where it goes. It is read without the rest becoming values.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    #[serde(default)]
    id: Option<Id>,
    #[serde(default)]
    method: Option<IgnoredAny>,
}

/// A message's id: a text or a number, and nothing for what no id can be.
#[derive(Debug, Default)]
struct Id(Value);

/// The answer to a line that is longer than a message may be: what its id was is not known.
pub(super) fn too_long() -> String {
    let message = format!("the message is larger than {} MiB", LIMIT >> 20);
    json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": message}}).to_string()
}

impl Message {
    /// Reads a line.
    ///
    /// # Errors
    /// The line to answer with (JSON-RPC 2.0 section 5.1).
    pub fn read(line: String) -> Result<Self, String> {
        let no = |code: i32, message: &str| {
            let error = json!({"code": code, "message": message});
            Err(json!({"jsonrpc": "2.0", "id": null, "error": error}).to_string())
        };
        match parse(&line) {
            Ok(value @ Value::Object(_)) => Ok(Self { text: line.into(), value }),
            // 2025-03-26 alone has them; what came back could not be told apart here.
            Ok(Value::Array(_)) => no(-32600, "several messages in one: send each on a line of its own"),
            Ok(_) => no(-32600, "not a message"),
            Err(error @ Unread::TooManyParts) => no(-32600, &error.to_string()),
            Err(Unread::NotJson) => no(-32700, "not JSON"),
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
        mirror::version(&self.value).is_some_and(|version| version >= MODERN)
    }

    /// The id of the request that this notification takes back.
    pub fn cancels(&self) -> Option<&Value> {
        (self.method() == Some("notifications/cancelled"))
            .then(|| self.value.pointer("/params/requestId"))
            .flatten()
    }

    /// The same under another id.
    pub(super) fn under(&self, id: &str) -> Self {
        let mut value = self.value.clone();
        if let Some(object) = value.as_object_mut() {
            object.insert("id".into(), id.into());
        }
        Self { text: value.to_string().into(), value }
    }
}

impl Head {
    /// The head of a message, if a text is one.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Whether it is the answer to the request `id`.
    pub(super) fn answers(&self, id: &Value) -> bool {
        self.answered() == Some(id)
    }

    /// The id of the request that it answers.
    pub(super) fn answered(&self) -> Option<&Value> {
        self.id.as_ref().map(|Id(id)| id).filter(|_| self.method.is_none())
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnId)
    }
}

struct AnId;

impl<'de> Visitor<'de> for AnId {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }

    fn visit_str<E>(self, text: &str) -> Result<Id, E> {
        Ok(Id(text.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Id, E> {
        Ok(Id(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Id, E> {
        Ok(Id(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Id, E> {
        Ok(Id(number.into()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Id, E> {
        Ok(Id::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Id, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Id::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Id, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Id::default())
    }
}

impl Failure {
    /// Why a text with this status was not read into values.
    pub(super) fn unread(text: &str, status: u16) -> Self {
        if parse(text) == Err(Unread::TooManyParts) { Self::TooLarge } else { Self::Status(status) }
    }

    /// The answer to the request `id`.
    pub fn answer(&self, id: &Value) -> String {
        let (code, message) = self.said();
        json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}).to_string()
    }

    /// Code and words. The codes are the bridge's own, outside JSON-RPC's reserved range.
    pub(super) fn said(&self) -> (i32, String) {
        match self {
            Self::NoAccess(no) => (4011, format!("{}; {}", no.message, no.hint)),
            Self::Unreachable(cause) => (5021, cause.clone()),
            Self::Status(401) => (4012, "the server refuses the credentials, new ones too".into()),
            Self::Status(403) => (4031, "the server allows this to somebody else alone".into()),
            Self::Status(status) => (5022, format!("the server answered with HTTP {status} and no message")),
            Self::Broken => (5023, "the server ended the stream before it answered; ask again".into()),
            Self::TooLarge => {
                (5024, format!("the server's answer is larger than the bridge reads ({} MiB)", LIMIT >> 20))
            }
        }
    }
}

impl From<NoAccess> for Failure {
    fn from(no: NoAccess) -> Self {
        Self::NoAccess(no)
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::TooLarge { .. } => Self::TooLarge,
            other => Self::Unreachable(other.to_string()),
        }
    }
}

/// Whether a server's message is the answer to the request `id`.
pub(super) fn answers(value: &Value, id: &Value) -> bool {
    value.get("method").is_none() && value.get("id") == Some(id)
}

/// A server's error without the id of what it answers (it could not read the request) is made the answer to `id`.
pub(super) fn addressed(mut value: Value, id: &Value) -> Value {
    let lost = value.get("error").is_some() && value.get("id").is_none_or(Value::is_null);
    if let Some(object) = value.as_object_mut().filter(|_| lost) {
        object.insert("id".into(), id.clone());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart() {
        let modern = r#"{"id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        let cases = [
            (r#"{"id":1,"method":"ping"}"#, Some(json!(1)), false, None),
            (r#"{"method":"notifications/initialized"}"#, None, false, None),
            (r#"{"id":"a","result":{}}"#, None, false, None),
            (r#"{"id":null,"method":"ping"}"#, None, false, None),
            (r#"{"method":"notifications/cancelled","params":{"requestId":7}}"#, None, false, Some(json!(7))),
            (modern, Some(json!(1)), true, None),
        ];
        for (line, id, is_modern, cancels) in cases {
            let message = Message::read(line.to_owned()).unwrap();
            assert_eq!(message.request_id(), id.as_ref(), "{line}");
            assert_eq!((message.is_modern(), message.cancels()), (is_modern, cancels.as_ref()), "{line}");
        }
        let refused = Message::read("{oops".to_owned()).unwrap_err();
        assert_eq!(refused, r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"not JSON"}}"#);
        for line in [r#"[{"id":1,"method":"ping"}]"#, "5", "null", "\"ping\""] {
            assert!(Message::read(line.to_owned()).unwrap_err().contains("-32600"), "{line}");
        }
    }

    #[test]
    fn errors_without_an_id_are_addressed_and_nothing_else_is_changed() {
        let error = json!({"id": null, "error": {"code": 1}});
        assert_eq!(addressed(error, &json!(5)), json!({"id": 5, "error": {"code": 1}}));
        let other = json!({"id": 4, "error": {"code": 1}});
        assert_eq!(addressed(other.clone(), &json!(5)), other);
        let request = json!({"id": null, "method": "x"});
        assert_eq!(addressed(request.clone(), &json!(5)), request);
    }
}
