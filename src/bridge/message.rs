//! One JSON-RPC message of a client's, as far as passing it on needs it, and the errors a bridge answers with itself.
//! It leaves the content to the client and the server.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::bridge::NoAccess;
use crate::mcp::mirror::{self, MODERN};
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
}

impl Message {
    /// Reads a line.
    ///
    /// # Errors
    /// The line to answer with (JSON-RPC 2.0 section 5.1).
    pub fn read(line: &str) -> Result<Self, String> {
        let no = |code: i32, message: &str| {
            let error = json!({"code": code, "message": message});
            Err(json!({"jsonrpc": "2.0", "id": null, "error": error}).to_string())
        };
        match serde_json::from_str(line) {
            Ok(value @ Value::Object(_)) => Ok(Self { text: Bytes::copy_from_slice(line.as_bytes()), value }),
            // 2025-03-26 alone has them; what came back could not be told apart here.
            Ok(Value::Array(_)) => no(-32600, "several messages in one: send each on a line of its own"),
            Ok(_) => no(-32600, "not a message"),
            Err(_) => no(-32700, "not JSON"),
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

impl Failure {
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
        Self::Unreachable(error.to_string())
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
            let message = Message::read(line).unwrap();
            assert_eq!(message.request_id(), id.as_ref(), "{line}");
            assert_eq!((message.is_modern(), message.cancels()), (is_modern, cancels.as_ref()), "{line}");
        }
        let refused = Message::read("{oops").unwrap_err();
        assert_eq!(refused, r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"not JSON"}}"#);
        for line in [r#"[{"id":1,"method":"ping"}]"#, "5", "null", "\"ping\""] {
            assert!(Message::read(line).unwrap_err().contains("-32600"), "{line}");
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
