//! JSON-RPC 2.0 as far as a client needs it: messages that are sent, and what those that arrive are.
//! It leaves what they are about to `client`.

use serde_json::{Map, Value, json};

use super::error::RpcError;
use super::parse::parse;

/// JSON-RPC 2.0 section 5.1.
pub(super) const METHOD_NOT_FOUND: i64 = -32601;
pub(super) const INVALID_PARAMS: i64 = -32602;

/// A message that arrived.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Message {
    /// To a request of ours.
    Answer(Value, Result<Value, RpcError>),
    /// A request of the server's own: its id and method.
    Request(Value, String),
    /// What the server wants known.
    Notification(String, Value),
}

/// Every message in a text: one, or several in an array (2025-03-26 has those). `None` if one of them is none.
pub(super) fn read(text: &str) -> Option<Vec<Message>> {
    match parse(text).ok()? {
        Value::Array(several) => several.into_iter().map(one).collect(),
        value => Some(vec![one(value)?]),
    }
}

fn one(value: Value) -> Option<Message> {
    let Value::Object(mut object) = value else { return None };
    let id = object.remove("id");
    if let Some(Value::String(method)) = object.remove("method") {
        return Some(match id {
            Some(id) => Message::Request(id, method),
            None => Message::Notification(method, object.remove("params").unwrap_or_default()),
        });
    }
    let id = id.unwrap_or_default();
    // Several servers write both, one of them null.
    match (object.remove("result"), object.remove("error")) {
        (_, Some(error @ Value::Object(_))) => Some(Message::Answer(id, Err(RpcError::read(&error)))),
        (Some(result), _) => Some(Message::Answer(id, Ok(result))),
        (None, _) => None,
    }
}

/// A request, ready to send.
pub(super) fn request(id: u64, method: &str, params: &Map<String, Value>) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

/// A notification without parameters, ready to send.
pub(super) fn notification(method: &str) -> String {
    json!({"jsonrpc": "2.0", "method": method}).to_string()
}

/// The answer to a server's request: this client can be pinged and nothing else.
pub(super) fn reply(id: &Value, method: &str) -> String {
    match method {
        "ping" => json!({"jsonrpc": "2.0", "id": id, "result": {}}),
        _ => {
            let error = json!({"code": METHOD_NOT_FOUND, "message": "Method not found"});
            json!({"jsonrpc": "2.0", "id": id, "error": error})
        }
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_message_is() {
        let error = RpcError { code: -1, message: "no".into(), data: json!({"a": 1}) };
        let cases = [
            (r#"{"id":1,"result":{}}"#, Some(vec![Message::Answer(json!(1), Ok(json!({})))])),
            (r#"{"id":1,"result":null}"#, Some(vec![Message::Answer(json!(1), Ok(json!(null)))])),
            (r#"{"id":1,"result":{},"error":null}"#, Some(vec![Message::Answer(json!(1), Ok(json!({})))])),
            (
                r#"{"id":null,"error":{"code":-1,"message":"n\u001bo","data":{"a":1}}}"#,
                Some(vec![Message::Answer(
                    json!(null),
                    Err(RpcError { message: "n o".into(), ..error.clone() }),
                )]),
            ),
            (
                r#"[{"method":"a"},{"id":"x","method":"b"}]"#,
                Some(vec![
                    Message::Notification("a".into(), json!(null)),
                    Message::Request(json!("x"), "b".into()),
                ]),
            ),
            ("[]", Some(vec![])),
            (r#"{"id":1}"#, None),
            (r#"[{"id":1,"result":1},2]"#, None),
            ("<html>", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}|[\\[\\]{}\",:0-9a-z]{0,60}") {
            let _ = read(&text);
        }
    }
}
