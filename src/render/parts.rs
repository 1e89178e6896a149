//! An entry of any client's file in its parts, in whichever spelling: address, headers, program, variables. Not here: which
//! entries there are (see `layout`); writing one (see `template`).

use serde_json::{Map, Value};

/// The fields with an address.
pub(super) const ADDRESS: [&str; 4] = ["url", "serverUrl", "httpUrl", "uri"];
/// The fields with headers and their values.
const HEADERS: [&str; 2] = ["headers", "http_headers"];
/// The fields with variables and their values.
const VARIABLES: [&str; 3] = ["env", "envs", "environment"];
/// The fields with a program.
const PROGRAM: [&str; 2] = ["command", "cmd"];

/// One entry.
#[derive(Clone, Copy, Debug)]
pub struct EntryParts<'a>(pub &'a Map<String, Value>);

impl<'a> EntryParts<'a> {
    /// The server's address; empty if it is a program.
    pub fn url(&self) -> &'a str {
        let text = |field: &&str| self.0.get(*field).and_then(Value::as_str);
        ADDRESS.iter().find_map(text).unwrap_or_default()
    }

    /// Headers with their values.
    pub fn headers(&self) -> Vec<(&'a str, &'a str)> {
        let nested = self.0.get("requestOptions").and_then(|options| options.get("headers"));
        let maps = HEADERS.iter().filter_map(|field| self.0.get(*field)).chain(nested);
        maps.flat_map(texts).collect()
    }

    /// Variables with their values.
    pub fn variables(&self) -> Vec<(&'a str, &'a str)> {
        let own = VARIABLES.iter().filter_map(|field| self.0.get(*field));
        own.chain(self.nested().and_then(|nested| nested.get("env"))).flat_map(texts).collect()
    }

    /// The program with its arguments; empty if there is none.
    pub fn words(&self) -> Vec<String> {
        let program = PROGRAM.iter().find_map(|field| self.0.get(*field));
        let args = || self.0.get("args").map(list).unwrap_or_default();
        match program {
            Some(Value::String(program)) => std::iter::once(program.clone()).chain(args()).collect(),
            Some(words @ Value::Array(_)) => list(words).into_iter().chain(args()).collect(),
            Some(nested @ Value::Object(_)) => {
                let program = nested.get("path").and_then(Value::as_str).map(str::to_owned);
                program.into_iter().chain(nested.get("args").map(list).unwrap_or_default()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether a program gives its client the headers, or the client's environment does.
    fn is_helped(&self) -> bool {
        ["headersHelper", "http_headers_helper", "env_http_headers"]
            .iter()
            .any(|field| self.0.contains_key(*field))
    }

    /// Whether the client completes its headers: what they say here is not what is sent.
    pub fn is_completed(&self) -> bool {
        let is_reference = |value: &str| ["${", "{env:", "{file:"].iter().any(|mark| value.contains(mark));
        self.is_helped() || self.headers().iter().any(|(_, value)| is_reference(value))
    }

    /// Its other texts, with the path that leads to each.
    pub fn others(&self) -> Vec<(String, &'a str)> {
        let known: [&[&str]; 5] = [&ADDRESS, &HEADERS, &VARIABLES, &PROGRAM, &["args", "requestOptions"]];
        let mut found = Vec::new();
        for (field, value) in self.0.iter().filter(|(field, _)| !known.concat().contains(&field.as_str())) {
            collect(field, value, &mut found);
        }
        found
    }

    /// The same entry with other variables: `keep` says which stay.
    pub fn with_variables(&self, keep: impl Fn(&str) -> bool) -> Map<String, Value> {
        self.without(&VARIABLES, keep)
    }

    /// The same entry with other headers: `keep` says which stay.
    pub fn with_headers(&self, keep: impl Fn(&str) -> bool) -> Map<String, Value> {
        self.without(&HEADERS, keep)
    }

    fn without(&self, fields: &[&str], keep: impl Fn(&str) -> bool) -> Map<String, Value> {
        let mut entry = self.0.clone();
        for field in fields {
            let Some(Value::Object(map)) = entry.get_mut(*field) else { continue };
            let before = map.len();
            map.retain(|name, _| keep(name));
            if map.is_empty() && before > 0 {
                entry.shift_remove(*field);
            }
        }
        entry
    }

    fn nested(&self) -> Option<&'a Map<String, Value>> {
        self.0.get("command").and_then(Value::as_object)
    }
}

fn texts(map: &Value) -> Vec<(&str, &str)> {
    let map = map.as_object().into_iter().flatten();
    map.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect()
}

fn list(words: &Value) -> Vec<String> {
    let text = |word: &Value| match word {
        Value::String(word) => Some(word.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    words.as_array().into_iter().flatten().filter_map(text).collect()
}

fn collect<'a>(path: &str, value: &'a Value, found: &mut Vec<(String, &'a str)>) {
    match value {
        Value::String(text) => found.push((path.into(), text)),
        Value::Array(values) => values.iter().for_each(|value| collect(path, value, found)),
        Value::Object(values) => {
            values.iter().for_each(|(name, value)| collect(&format!("{path}.{name}"), value, found));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_parts_are_found_in_every_clients_spelling() {
        let words = ["npx", "-y", "x"].map(str::to_owned).to_vec();
        for entry in [
            json!({"command": "npx", "args": ["-y", "x"], "env": {"A": "1"}}),
            json!({"command": ["npx", "-y", "x"], "environment": {"A": "1"}}),
            json!({"cmd": "npx", "args": ["-y", "x"], "envs": {"A": "1"}}),
            json!({"command": {"path": "npx", "args": ["-y", "x"], "env": {"A": "1"}}}),
        ] {
            let parts = EntryParts(entry.as_object().unwrap());
            assert_eq!((parts.words(), parts.variables()), (words.clone(), vec![("A", "1")]), "{entry}");
        }
        for entry in [
            json!({"url": "https://a.test", "headers": {"H": "1"}}),
            json!({"serverUrl": "https://a.test", "http_headers": {"H": "1"}}),
            json!({"httpUrl": "https://a.test", "requestOptions": {"headers": {"H": "1"}}}),
        ] {
            let parts = EntryParts(entry.as_object().unwrap());
            assert_eq!((parts.url(), parts.headers()), ("https://a.test", vec![("H", "1")]), "{entry}");
        }
        let entry = json!({"url": "u", "oauth": {"clientSecret": "s"}, "headers": {"A": "1", "B": "2"}});
        let parts = EntryParts(entry.as_object().unwrap());
        assert_eq!(parts.others(), [("oauth.clientSecret".to_owned(), "s")]);
        assert_eq!(Value::Object(parts.with_headers(|name| name == "A"))["headers"], json!({"A": "1"}));
        assert!(!parts.with_headers(|_| false).contains_key("headers"));
    }
}
