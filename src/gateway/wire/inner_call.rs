//! A call of another server's tool inside a call of `call_tool`: it is copied out of the outer call byte for byte,
//! so that no number or text of its arguments changes on the way. Not here: what may be called (see `policy`).

use serde_json::{Map, Value};

use super::json::{DEPTH, JsonReader, KnownKeys, Malformed};

/// The call inside.
#[derive(Debug, PartialEq, Eq)]
pub struct InnerCall<'b> {
    /// The JSON of the request's `id`.
    id: &'b str,
    /// The JSON of the tool's arguments.
    arguments: &'b str,
    /// The JSON of `_meta`.
    meta: Option<&'b str>,
    /// Further members of `params` unchanged, each with its key: for example a client's responses to a server's requests.
    further: Vec<(String, &'b str)>,
}

const PARAMS: &[&str] = &["name", "arguments", "_meta"];
const ARGUMENTS: &[&str] = &["server", "tool", "arguments"];
/// The prefix of the members of `_meta` that describe a request's protocol.
const PROTOCOLS: &str = "io.modelcontextprotocol/";

impl<'b> InnerCall<'b> {
    /// Reads it from a message that was parsed before.
    pub fn read(body: &'b [u8], id: &'b str) -> Result<Self, Malformed> {
        let mut call = Self { id, arguments: "{}", meta: None, further: Vec::new() };
        let mut reader = JsonReader::message(body, DEPTH)?;
        reader.object(|reader, key| {
            if key.decode()? == "params" && reader.peek() == Some(b'{') {
                return call.params(reader);
            }
            reader.skip()
        })?;
        Ok(call)
    }

    fn params(&mut self, reader: &mut JsonReader<'b>) -> Result<(), Malformed> {
        let mut keys = KnownKeys::new(PARAMS);
        reader.object(|reader, key| {
            let known = keys.admit(key)?;
            match known {
                Some("arguments") if reader.peek() == Some(b'{') => self.arguments(reader)?,
                Some("_meta") => self.meta = Some(reader.value()?),
                Some(_) => reader.skip()?,
                None => {
                    let key = Value::from(key.decode()?.into_owned()).to_string();
                    self.further.push((key, reader.value()?));
                }
            }
            Ok(())
        })
    }

    fn arguments(&mut self, reader: &mut JsonReader<'b>) -> Result<(), Malformed> {
        let mut keys = KnownKeys::new(ARGUMENTS);
        reader.object(|reader, key| {
            if keys.admit(key)? == Some("arguments") {
                let value = reader.value()?;
                if value != "null" {
                    self.arguments = value;
                }
                return Ok(());
            }
            reader.skip()
        })
    }

    /// The message for the other server, in the form of an era: since 2026-07-28 it names the client, before that it does not.
    pub fn message(&self, tool: &str, modern: Option<&Map<String, Value>>) -> String {
        let meta = self.meta(modern);
        let mut text = format!(
            r#"{{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{{"name":{},"arguments":{}"#,
            self.id,
            Value::from(tool),
            self.arguments
        );
        for (key, value) in &self.further {
            text.push_str(&format!(",{key}:{value}"));
        }
        if !meta.is_empty() {
            text.push_str(&format!(r#","_meta":{}"#, Value::Object(meta)));
        }
        text.push_str("}}");
        text
    }

    fn meta(&self, modern: Option<&Map<String, Value>>) -> Map<String, Value> {
        let said: Map<String, Value> =
            self.meta.and_then(|meta| serde_json::from_str(meta).ok()).unwrap_or_default();
        let is_own = |name: &str| name.starts_with(PROTOCOLS);
        match modern {
            None => said.into_iter().filter(|(name, _)| !is_own(name)).collect(),
            Some(ours) => {
                let mut all = ours.clone();
                all.extend(said);
                all
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_called_is_called_with_the_same_bytes() {
        let body = br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"_meta":{"progressToken":1.0e2,"io.modelcontextprotocol/x":1},
            "name":"call_tool","requestState":"\u0061","arguments":{"tool":"t\n","server":"s","arguments":{"n":12345678901234567890123,"f":1.10}}}}"#;
        let call = InnerCall::read(body, "7").unwrap();
        let legacy = call.message("t\n", None);
        assert!(legacy.contains(r#""arguments":{"n":12345678901234567890123,"f":1.10}"#), "{legacy}");
        assert!(legacy.contains(r#","requestState":"\u0061","_meta":{"progressToken":100.0}}}"#), "{legacy}");
        assert!(
            legacy.starts_with(r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"t\n","#),
            "{legacy}"
        );
        let ours = json!({"io.modelcontextprotocol/x": 2, "io.modelcontextprotocol/y": 3});
        let modern: Value = serde_json::from_str(&call.message("t", ours.as_object())).unwrap();
        assert_eq!(
            modern["params"]["_meta"]["io.modelcontextprotocol/x"], 1,
            "what the client said of itself counts"
        );
        assert_eq!(modern["params"]["_meta"]["io.modelcontextprotocol/y"], 3);
    }

    #[test]
    fn without_arguments_there_are_none_and_two_of_them_are_refused() {
        let read = |arguments: &str| {
            let body = format!(
                r#"{{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{{"name":"call_tool","arguments":{arguments}}}}}"#
            );
            InnerCall::read(body.as_bytes(), "\"a\"").map(|call| call.arguments.to_owned())
        };
        for (arguments, expected) in [
            (r#"{"server":"s","tool":"t"}"#, Ok("{}")),
            (r#"{"server":"s","tool":"t","arguments":null}"#, Ok("{}")),
            (r#"{"arguments":{"a":1},"arguments":{"a":2}}"#, Err(Malformed::DuplicateKey)),
            (r#"{"arguments":{"a":1},"Arguments":{"a":2}}"#, Err(Malformed::CaseTwin("arguments"))),
            (r#"{"tool":"t","tool":"u"}"#, Err(Malformed::DuplicateKey)),
        ] {
            assert_eq!(read(arguments), expected.map(str::to_owned), "{arguments}");
        }
    }
}
