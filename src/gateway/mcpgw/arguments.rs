//! A tool's arguments by its row of the table: the same row describes them to clients and reads them from a call. An unknown one
//! is rejected: some old clients send passwords.

use serde_json::{Map, Value, json};

use crate::text::clean;

/// An argument.
pub(super) struct Argument {
    pub(super) name: &'static str,
    pub(super) kind: ArgumentKind,
    pub(super) about: &'static str,
    pub(super) required: bool,
}

/// The types of arguments.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ArgumentKind {
    Text,
    Texts,
    Bool,
    /// A whole number within these bounds.
    Number(u64, u64),
    Objects,
    Object,
}

/// The arguments of a call, each of its type.
pub(super) struct Arguments<'a>(&'a Map<String, Value>);

impl ArgumentKind {
    fn schema(self) -> Value {
        match self {
            Self::Text => json!({"type": "string"}),
            Self::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Self::Bool => json!({"type": "boolean"}),
            Self::Number(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
            Self::Objects => json!({"type": "array", "items": {"type": "object"}}),
            Self::Object => json!({"type": "object"}),
        }
    }

    fn is(self, value: &Value) -> bool {
        let all = |is: fn(&Value) -> bool| value.as_array().is_some_and(|items| items.iter().all(is));
        match self {
            Self::Text => value.is_string(),
            Self::Texts => all(Value::is_string),
            Self::Bool => value.is_boolean(),
            Self::Number(least, most) => whole(value).is_some_and(|number| (least..=most).contains(&number)),
            Self::Objects => all(Value::is_object),
            Self::Object => value.is_object(),
        }
    }

    fn named(self) -> String {
        match self {
            Self::Text => "a text".into(),
            Self::Texts => "a list of texts".into(),
            Self::Bool => "true or false".into(),
            Self::Number(least, most) => format!("a whole number from {least} to {most}"),
            Self::Objects => "a list of objects".into(),
            Self::Object => "an object".into(),
        }
    }
}

/// The JSON schema of a tool's arguments.
pub(super) fn schema(arguments: &[Argument]) -> Value {
    let mut properties = Map::new();
    for argument in arguments {
        let mut schema = argument.kind.schema();
        if let Some(object) = schema.as_object_mut() {
            object.insert("description".into(), argument.about.into());
        }
        properties.insert(argument.name.into(), schema);
    }
    let required: Vec<&str> =
        arguments.iter().filter(|argument| argument.required).map(|argument| argument.name).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

impl<'a> Arguments<'a> {
    /// Reads the arguments of a call; null counts as absent.
    ///
    /// # Errors
    /// What is wrong, for the caller to read.
    pub(super) fn read(given: &'a Map<String, Value>, arguments: &[Argument]) -> Result<Self, String> {
        for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
            let Some(argument) = arguments.iter().find(|argument| argument.name == name) else {
                let known: Vec<&str> = arguments.iter().map(|argument| argument.name).collect();
                let known = if known.is_empty() { "there are none".into() } else { known.join(", ") };
                return Err(format!("unknown argument {:?}; known: {known}", clean(name, 60)));
            };
            if !argument.kind.is(value) {
                return Err(format!("{name} must be {}", argument.kind.named()));
            }
        }
        let missing = arguments
            .iter()
            .find(|argument| argument.required && given.get(argument.name).is_none_or(Value::is_null));
        match missing {
            Some(argument) => Err(format!("{} is missing: {}", argument.name, argument.about)),
            None => Ok(Self(given)),
        }
    }

    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text; white space alone counts as absent.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    pub(super) fn texts(&self, name: &str) -> Vec<&'a str> {
        self.value(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        whole(self.value(name)?).and_then(|number| usize::try_from(number).ok())
    }

    pub(super) fn bool(&self, name: &str) -> Option<bool> {
        self.value(name)?.as_bool()
    }
}

/// A whole number, however it is written: `5.0` is one as well (JSON Schema, "integer").
fn whole(value: &Value) -> Option<u64> {
    let written = value.as_f64().filter(|number| number.fract() == 0. && (0. ..1e15).contains(number));
    value.as_u64().or(written.map(|number| number as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: [Argument; 3] = [
        Argument { name: "path", kind: ArgumentKind::Text, about: "where", required: true },
        Argument { name: "top", kind: ArgumentKind::Number(1, 50), about: "how many", required: false },
        Argument { name: "tags", kind: ArgumentKind::Texts, about: "which", required: false },
    ];

    #[test]
    fn arguments_are_as_their_row_has_them() {
        let read = |value: Value| {
            let given = value.as_object().unwrap().clone();
            Arguments::read(&given, &ROW).map(|read| {
                (read.text("path").map(str::to_owned), read.number("top"), read.texts("tags").len())
            })
        };
        assert_eq!(
            read(json!({"path": " /a ", "top": 5, "tags": ["x"]})),
            Ok((Some("/a".into()), Some(5), 1))
        );
        assert_eq!(read(json!({"path": "", "top": null})), Ok((None, None, 0)));
        assert_eq!(read(json!({"path": "a", "top": 5.0})), Ok((Some("a".into()), Some(5), 0)));
        for (value, expected) in [
            (json!({}), "path is missing: where"),
            (json!({"path": null}), "path is missing: where"),
            (json!({"path": 5}), "path must be a text"),
            (json!({"path": "a", "top": 0}), "top must be a whole number from 1 to 50"),
            (json!({"path": "a", "top": 51}), "top must be a whole number from 1 to 50"),
            (json!({"path": "a", "top": -1}), "top must be a whole number from 1 to 50"),
            (json!({"path": "a", "top": 1.5}), "top must be a whole number from 1 to 50"),
            (json!({"path": "a", "top": 1e300}), "top must be a whole number from 1 to 50"),
            (json!({"path": "a", "top": true}), "top must be a whole number from 1 to 50"),
            (json!({"path": "a", "top": "5"}), "top must be a whole number from 1 to 50"),
            (json!({"path": "a", "tags": [1]}), "tags must be a list of texts"),
            (json!({"path": "a", "password": "x"}), "unknown argument \"password\"; known: path, top, tags"),
        ] {
            assert_eq!(read(value.clone()).unwrap_err(), expected, "{value}");
        }
        assert_eq!(schema(&ROW)["required"], json!(["path"]));
        assert_eq!(schema(&ROW)["additionalProperties"], false);
    }
}
