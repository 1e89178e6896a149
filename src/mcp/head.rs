//! The head of a JSON-RPC message that is passed on: where it goes and whether a client can parse it, found without
//! making values of the rest, which would take many times the memory of the text. Not here: parsing whole messages
//! (see `jsonrpc`).

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::jsonrpc::{ParseError, drop_nulls, parse};

/// The parts of an arriving message that say where it goes. Nothing else becomes a value.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Head {
    jsonrpc: MemberKind,
    id: MemberKind,
    method: MemberKind,
    params: MemberKind,
    result: MemberKind,
    error: MemberKind,
}

/// A member of a message, as far as it decides where the message goes.
#[derive(Debug, Default, PartialEq)]
enum MemberKind {
    #[default]
    Absent,
    Null,
    /// A string or a number.
    Plain(Value),
    Object {
        /// Whether `_meta` is null.
        null_meta: bool,
        /// Whether there are an integer `code` and a string `message`.
        is_error: bool,
    },
    Other,
}

impl Head {
    /// The head of a text that is a JSON object.
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()
    }

    /// Whether a client can parse it as a message, once it is [tidy](Self::tidied).
    pub fn is_message(&self) -> bool {
        match (&self.method, &self.error, &self.result) {
            (MemberKind::Plain(Value::String(_)), ..) => true,
            (MemberKind::Absent | MemberKind::Null, MemberKind::Absent | MemberKind::Null, result) => {
                *result != MemberKind::Absent
            }
            (MemberKind::Absent | MemberKind::Null, error, _) => {
                matches!(error, MemberKind::Object { is_error: true, .. })
            }
            _ => false,
        }
    }

    /// The method; a response has none.
    pub fn method(&self) -> Option<&str> {
        match &self.method {
            MemberKind::Plain(method) => method.as_str(),
            _ => None,
        }
    }

    /// The id of a request.
    pub fn request_id(&self) -> Option<&Value> {
        match (&self.id, &self.method) {
            (MemberKind::Plain(id), MemberKind::Plain(Value::String(_))) => Some(id),
            _ => None,
        }
    }

    /// Whether it is the answer to the request `id` that it came back for. An answer without an id is: its connection
    /// says which request it is about. Some servers make a string of a number, or the other way round.
    pub fn answers(&self, id: &Value) -> bool {
        match self.answered() {
            Some(answered) => is_same(answered, id),
            None => self.is_answer() && matches!(self.id, MemberKind::Absent | MemberKind::Null),
        }
    }

    /// Whether it is an answer, whatever request it is to.
    fn is_answer(&self) -> bool {
        self.is_error() || (!matches!(self.method, MemberKind::Plain(_)) && self.result != MemberKind::Absent)
    }

    /// The id of the request that it answers.
    pub fn answered(&self) -> Option<&Value> {
        match &self.id {
            MemberKind::Plain(id) if matches!(self.method, MemberKind::Absent | MemberKind::Null) => Some(id),
            _ => None,
        }
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        !matches!(self.method, MemberKind::Plain(_)) && matches!(self.error, MemberKind::Object { .. })
    }

    /// Whether it says that it is JSON-RPC 2.0.
    pub fn says_its_version(&self) -> bool {
        matches!(&self.jsonrpc, MemberKind::Plain(version) if version == "2.0")
    }

    /// The message as strict clients parse it, with the `id` of the request that it answers, if any: without null
    /// members, without a result next to an error, and with its version. A valid message is not parsed again.
    ///
    /// # Errors
    /// As [`parse`] says.
    pub fn tidied(&self, text: String, id: Option<&Value>) -> Result<String, ParseError> {
        let lost =
            id.filter(|id| self.is_answer() && !matches!(&self.id, MemberKind::Plain(own) if own == *id));
        if lost.is_none() && self.is_tidy() {
            return Ok(text);
        }
        let Value::Object(mut object) = parse(&text)? else { return Err(ParseError::NotJson) };
        drop_nulls(&mut object);
        if self.is_error() {
            object.shift_remove("result");
        }
        if let Some(id) = lost {
            object.insert("id".into(), id.clone());
        }
        object.insert("jsonrpc".into(), "2.0".into());
        Ok(Value::Object(object).to_string())
    }

    fn is_tidy(&self) -> bool {
        let members = [&self.params, &self.result, &self.error];
        let has_null = self.method == MemberKind::Null
            || (self.id == MemberKind::Null && matches!(self.method, MemberKind::Plain(_)))
            || self.params == MemberKind::Null
            || self.error == MemberKind::Null
            || members.iter().any(|part| matches!(part, MemberKind::Object { null_meta: true, .. }));
        !has_null
            && self.says_its_version()
            && (self.error == MemberKind::Absent || self.result == MemberKind::Absent)
    }
}

/// Whether two ids are equal as text, whether strings or numbers.
pub fn is_same(one: &Value, other: &Value) -> bool {
    let text = |id: &Value| id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    one == other || text(one) == text(other) || one.as_f64().is_some_and(|one| Some(one) == other.as_f64())
}

impl<'de> Deserialize<'de> for MemberKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(APart)
    }
}

struct APart;

impl<'de> Visitor<'de> for APart {
    type Value = MemberKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member of a message")
    }

    fn visit_unit<E>(self) -> Result<MemberKind, E> {
        Ok(MemberKind::Null)
    }

    fn visit_str<E>(self, text: &str) -> Result<MemberKind, E> {
        Ok(MemberKind::Plain(text.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<MemberKind, E> {
        Ok(MemberKind::Plain(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<MemberKind, E> {
        Ok(MemberKind::Plain(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<MemberKind, E> {
        Ok(MemberKind::Plain(number.into()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<MemberKind, E> {
        Ok(MemberKind::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<MemberKind, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(MemberKind::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MemberKind, A::Error> {
        let (mut null_meta, mut code, mut message) = (false, false, false);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "_meta" => null_meta = map.next_value::<MemberKind>()? == MemberKind::Null,
                "code" => {
                    let part: MemberKind = map.next_value()?;
                    code = matches!(part, MemberKind::Plain(code) if code.is_i64() || code.is_u64());
                }
                "message" => {
                    let part: MemberKind = map.next_value()?;
                    message = matches!(part, MemberKind::Plain(Value::String(_)));
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(MemberKind::Object { null_meta, is_error: code && message })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The result for a text that arrives for request 1.
    fn arrives(text: &str) -> Option<(bool, String)> {
        let head = Head::read(text).filter(Head::is_message)?;
        let id = json!(1);
        let is_answer = head.answers(&id);
        Some((is_answer, head.tidied(text.to_owned(), is_answer.then_some(&id)).unwrap()))
    }

    #[test]
    fn what_arrives_goes_on_as_strict_clients_read_it_or_not_at_all() {
        let (answer, error) = (
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}"#,
        );
        for (text, expected) in [
            (
                r#"{"jsonrpc": "2.0", "id": 1, "result": {}}"#,
                Some((true, r#"{"jsonrpc": "2.0", "id": 1, "result": {}}"#)),
            ),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":null}"#, Some((true, answer))),
            (r#"{"jsonrpc":"2.0","id":1,"result":{"_meta":null}}"#, Some((true, answer))),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"method":null}"#, Some((true, answer))),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":null,"error":{"code":1,"message":"m"}}"#,
                Some((true, error)),
            ),
            (r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}"#, Some((true, error))),
            (r#"{"id":1,"result":{}}"#, Some((true, r#"{"id":1,"result":{},"jsonrpc":"2.0"}"#))),
            (r#"{"jsonrpc":"2.0","id":null,"result":{}}"#, Some((true, answer))),
            (r#"{"jsonrpc":"2.0","id":"1","result":{}}"#, Some((true, answer))),
            (r#"{"jsonrpc":"2.0","id":1.0,"result":{}}"#, Some((true, answer))),
            (r#"{"jsonrpc":"2.0","result":{}}"#, Some((true, r#"{"jsonrpc":"2.0","result":{},"id":1}"#))),
            (
                r#"{"jsonrpc":"2.0","id":null,"method":"n"}"#,
                Some((false, r#"{"jsonrpc":"2.0","method":"n"}"#)),
            ),
            (
                r#"{"jsonrpc":"2.0","method":"n","params":null}"#,
                Some((false, r#"{"jsonrpc":"2.0","method":"n"}"#)),
            ),
            (
                r#"{"jsonrpc":"2.0","id":2,"result":{}}"#,
                Some((false, r#"{"jsonrpc":"2.0","id":2,"result":{}}"#)),
            ),
            (r#"{"jsonrpc":"2.0","id":1,"error":"insufficient_scope"}"#, None),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"message":"m"}}"#, None),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":"1","message":"m"}}"#, None),
            (r#"{"error":"insufficient_scope"}"#, None),
            (r#"{"error":null}"#, None),
            (r#"{"jsonrpc":"2.0","id":1}"#, None),
            (r#"{"method":7}"#, None),
            ("{}", None),
            ("7", None),
            ("<html>", None),
        ] {
            let expected = expected.map(|(is_answer, text)| (is_answer, text.to_owned()));
            assert_eq!(arrives(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_goes_on_is_one_json_rpc_message(text in "[\\[\\]{}\",:0-9a-z]{0,60}|\\{\"(id|error|result|params)\":(null|1|\\{\\})\\}") {
            if let Some(head) = Head::read(&text).filter(Head::is_message) {
                let tidied = head.tidied(text, None).unwrap();
                prop_assert!(Head::read(&tidied).is_some_and(|head| head.is_message() && head.is_tidy()), "{tidied}");
            }
        }
    }
}
