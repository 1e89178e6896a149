//! Brings a client's own file up to date: sets our entries, and leaves all other values, comments and order as they are.
//! It is pure; it leaves reading, writing, backups and the memory of what is ours to `render`.
//!
//! Only the object that gets a new key is laid out anew, between its entries: one on a single line is spread over several,
//! and blank lines beside its braces go. A removed entry takes the comments on its own line with it.

use std::collections::BTreeSet;
use std::fmt;

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstObjectProp, CstRootNode};
use serde_json::{Map, Value};
use thiserror::Error;
use url::Url;

use super::targets::Target;
use crate::secret::REDACTED;

/// A file brought up to date.
pub struct Merged {
    /// The whole file; it holds tokens.
    pub text: String,
    /// The names of the entries in it that are ours.
    pub owned: BTreeSet<String>,
    /// What happened to each entry: the rendered ones in their order, then the removed ones.
    pub changes: Vec<Change>,
}

/// What happened to one entry. Prints without any header's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The entry's name.
    pub name: String,
    /// The URL we have for it; empty when it is removed.
    pub url: String,
    /// The names of the headers we have for it.
    pub headers: Vec<String>,
    /// What happened.
    pub kind: ChangeKind,
}

/// What can happen to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// These fields of it have new values.
    Updated(Vec<String>),
    /// It was ours and is rendered no longer.
    Removed,
    /// Somebody else's entry has the name, and keeps it.
    Conflict {
        /// Where theirs leads; empty when it leads nowhere (a command, say).
        their_url: String,
    },
    /// It is as it was.
    Unchanged,
}

/// Why a file was left alone.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MergeError {
    /// Neither JSON nor JSON with comments and trailing commas.
    #[error("is not JSON: {0}")]
    Parse(String),
    /// Something stands where our entries belong.
    #[error("has something other than an object at {0}")]
    NotAnObject(String),
    /// Readers differ on which of two to take, so neither may be changed.
    #[error("has the key {0:?} twice")]
    Twice(String),
    /// The merge would have changed something that is not ours; a defect of ours, caught before writing.
    #[error("could not be changed without touching what is not ours")]
    Foreign,
}

impl fmt::Debug for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merged")
            .field("owned", &self.owned)
            .field("changes", &self.changes)
            .finish_non_exhaustive()
    }
}

impl Change {
    /// Whether the entry is somebody else's and was left alone.
    pub fn is_conflict(&self) -> bool {
        matches!(self.kind, ChangeKind::Conflict { .. })
    }

    /// Whether this change alters the file.
    pub fn alters(&self) -> bool {
        !matches!(self.kind, ChangeKind::Unchanged | ChangeKind::Conflict { .. })
    }

    fn of(name: &str, entry: &Value, target: &Target, kind: ChangeKind) -> Self {
        let headers = entry.get("headers").and_then(Value::as_object);
        Self {
            name: name.into(),
            url: entry.get(target.url).and_then(Value::as_str).unwrap_or_default().into(),
            headers: headers.map(|headers| headers.keys().cloned().collect()).unwrap_or_default(),
            kind,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, url) = (self.name.escape_debug(), shown(&self.url));
        let with_headers = match &self.kind {
            ChangeKind::Added => {
                write!(f, "+ {name}  {url}")?;
                true
            }
            ChangeKind::Updated(fields) => {
                write!(f, "~ {name}  {url}  ({})", fields.join(", ").escape_debug())?;
                fields.iter().any(|field| field == "headers")
            }
            ChangeKind::Removed => {
                write!(f, "- {name}")?;
                false
            }
            ChangeKind::Conflict { their_url } => {
                write!(f, "! {name}  left alone: not ours, it leads to {}", shown(their_url))?;
                false
            }
            ChangeKind::Unchanged => {
                write!(f, "= {name}  {url}")?;
                false
            }
        };
        for header in self.headers.iter().filter(|_| with_headers) {
            write!(f, "\n    {}: {REDACTED}", header.escape_debug())?;
        }
        Ok(())
    }
}

/// Merges what was rendered into the user's file; `owned` are the names that were ours in it so far.
///
/// # Errors
/// As [`MergeError`] says; the file is then to be left as it is.
pub fn merge(
    existing: Option<&str>,
    target: &Target,
    rendered: &Value,
    owned: &BTreeSet<String>,
) -> Result<Merged, MergeError> {
    let before = existing.unwrap_or_default();
    // Some editors put a byte order mark first, and then expect it.
    let (mark, body) = before.strip_prefix('\u{feff}').map_or(("", before), |body| ("\u{feff}", body));
    let root = parse(body)?;
    let was = root.to_serde_value();
    let none = Map::new();
    let ours = target.servers(rendered).unwrap_or(&none);
    let mut servers = find_servers(&root, target)?;
    let mut merged = Merged { text: before.into(), owned: BTreeSet::new(), changes: Vec::new() };

    let mut removed = Vec::new();
    for name in owned.iter().filter(|name| !ours.contains_key(*name)) {
        if let Some(prop) = servers.as_ref().map(|servers| find(servers, name)).transpose()?.flatten() {
            prop.remove();
            removed.push(Change::of(name, &Value::Null, target, ChangeKind::Removed));
        }
    }
    for (name, entry) in ours {
        let there = servers.as_ref().map(|servers| find(servers, name)).transpose()?.flatten();
        let kind = match there {
            Some(prop) => update(&prop, target, entry, owned.contains(name))?,
            None => {
                let servers = servers.get_or_insert_with(|| create_servers(&root, target));
                servers.append(name, input(entry));
                ChangeKind::Added
            }
        };
        if !matches!(kind, ChangeKind::Conflict { .. }) {
            merged.owned.insert(name.clone());
        }
        merged.changes.push(Change::of(name, entry, target, kind));
    }
    merged.changes.append(&mut removed);
    if merged.changes.iter().any(Change::alters) {
        let text = root.to_string();
        let altered = merged.changes.iter().filter(|change| change.alters());
        let altered: Vec<&str> = altered.map(|change| change.name.as_str()).collect();
        let now = parse(&text).map_err(|_| MergeError::Foreign)?.to_serde_value();
        if foreign(was, target, &altered) != foreign(now, target, &altered) {
            return Err(MergeError::Foreign);
        }
        merged.text = format!("{mark}{text}");
    }
    Ok(merged)
}

/// JSON as the clients' editors read it: with comments and trailing commas, and no more than that.
fn parse(text: &str) -> Result<CstRootNode, MergeError> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let root = CstRootNode::parse(text, &options).map_err(|e| MergeError::Parse(e.to_string()))?;
    if root.to_string() == text { Ok(root) } else { Err(MergeError::Foreign) }
}

/// The object with the entries, if the file has got that far.
fn find_servers(root: &CstRootNode, target: &Target) -> Result<Option<CstObject>, MergeError> {
    let Some(value) = root.value() else { return Ok(None) };
    let mut at = value.as_object().ok_or_else(|| MergeError::NotAnObject("its top".into()))?;
    let mut path: Vec<&str> = Vec::new();
    for key in target.root {
        path.push(key);
        let Some(prop) = find(&at, key)? else { return Ok(None) };
        at = prop.object_value().ok_or_else(|| MergeError::NotAnObject(path.join(".")))?;
    }
    Ok(Some(at))
}

/// Only after [`find_servers`] found nothing in the way.
fn create_servers(root: &CstRootNode, target: &Target) -> CstObject {
    target.root.iter().fold(root.object_value_or_set(), |at, key| at.object_value_or_set(key))
}

fn find(object: &CstObject, name: &str) -> Result<Option<CstObjectProp>, MergeError> {
    let mut found =
        object.properties().into_iter().filter(|prop| prop.decoded_name().as_deref() == Some(name));
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(MergeError::Twice(name.into())),
        (found, None) => Ok(found),
    }
}

/// Sets our fields in an entry that is there, if it is ours or leads where ours does.
fn update(
    prop: &CstObjectProp,
    target: &Target,
    entry: &Value,
    owned: bool,
) -> Result<ChangeKind, MergeError> {
    let Some(there) = prop.object_value() else {
        return Ok(ChangeKind::Conflict { their_url: String::new() });
    };
    let their_url = find(&there, target.url)?.and_then(|url| url.to_serde_value());
    if !owned && their_url.as_ref() != entry.get(target.url) {
        let their_url = their_url.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        return Ok(ChangeKind::Conflict { their_url });
    }
    let mut updated = Vec::new();
    for (field, value) in entry.as_object().into_iter().flatten() {
        if target.kept.contains(&field.as_str()) {
            continue;
        }
        match find(&there, field)? {
            Some(same) if same.to_serde_value().as_ref() == Some(value) => continue,
            Some(other) => other.set_value(input(value)),
            None => drop(there.append(field, input(value))),
        }
        updated.push(field.clone());
    }
    Ok(if updated.is_empty() { ChangeKind::Unchanged } else { ChangeKind::Updated(updated) })
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(value) => CstInputValue::Number(value.to_string()),
        Value::String(value) => CstInputValue::String(value.clone()),
        Value::Array(values) => CstInputValue::Array(values.iter().map(input).collect()),
        Value::Object(values) => {
            CstInputValue::Object(values.iter().map(|(key, value)| (key.clone(), input(value))).collect())
        }
    }
}

/// A file's meaning without the entries we altered.
fn foreign(whole: Option<Value>, target: &Target, altered: &[&str]) -> Value {
    let mut whole = whole.unwrap_or_else(|| Value::Object(Map::new()));
    let mut at = whole.as_object_mut();
    for key in target.root {
        at = at.and_then(|at| at.entry(*key).or_insert_with(|| Value::Object(Map::new())).as_object_mut());
    }
    if let Some(servers) = at {
        servers.retain(|name, _| !altered.contains(&name.as_str()));
    }
    whole
}

/// A URL without what may be secret in it: some servers are addressed with a key in the query.
fn shown(url: &str) -> String {
    if url.is_empty() {
        return "(no URL)".into();
    }
    let Ok(mut parsed) = Url::parse(url) else { return "(not a URL)".into() };
    let secret = parsed.query().is_some()
        || parsed.fragment().is_some()
        || parsed.password().is_some()
        || !parsed.username().is_empty();
    if !secret {
        return url.escape_debug().to_string();
    }
    parsed.set_query(None);
    parsed.set_fragment(None);
    // These fail only for URLs that cannot hold them in the first place.
    let _ = parsed.set_password(None);
    let _ = parsed.set_username("");
    format!("{parsed}?{REDACTED}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const ROO: &Target = &super::super::TARGETS[1];
    const VSCODE: &Target = &super::super::TARGETS[0];

    fn roo(names: &[&str]) -> Value {
        let entry = |name: &str| {
            json!({
                "type": "streamable-http", "url": format!("https://gw.test/{name}/mcp"),
                "headers": {"Authorization": "Bearer hidden"}, "disabled": false, "alwaysAllow": []
            })
        };
        json!({ "mcpServers": names.iter().map(|&name| (name.to_owned(), entry(name))).collect::<Map<_, _>>() })
    }

    fn owned(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn kinds(merged: &Merged) -> String {
        let kinds = merged.changes.iter().map(|change| format!("{}:{:?}", change.name, change.kind));
        kinds.collect::<Vec<_>>().join(" ")
    }

    /// What we append to a file with two spaces of indentation, from the line before it on.
    const APPENDED: &str = r#"
    "files": {
      "type": "streamable-http",
      "url": "https://gw.test/files/mcp",
      "headers": {
        "Authorization": "Bearer hidden"
      },
      "disabled": false,
      "alwaysAllow": []
    }"#;

    #[test]
    fn an_entry_is_appended_and_every_other_byte_stays() {
        let tabs = |text: &str| text.replace("  ", "\t");
        let crlf = |text: &str| text.replace('\n', "\r\n");
        let commented = "// mine\n{\n  /* keep */ \"inputs\": [],\n  \"mcpServers\": {\n    // about it\n    \"a\": { \"command\": \"x\",\t\"args\": [1,  2] } // tail\n  },\n  \"z\": 1.50 // last\n}\n// end\n";
        let with_entry = commented.replace(" } // tail", &format!(" }}, // tail{APPENDED}"));
        let trailing = "{\n  \"mcpServers\": {\n    \"a\": {},\n  },\n}\n";
        let trailing_entry = format!("{{\n  \"mcpServers\": {{\n    \"a\": {{}},{APPENDED},\n  }},\n}}\n")
            .replace("hidden\"\n", "hidden\",\n")
            .replace("\"alwaysAllow\": []\n", "\"alwaysAllow\": [],\n");
        let whole = format!("{{\n  \"mcpServers\": {{{APPENDED}\n  }}\n}}\n");
        let cases: &[(&str, Option<String>, String)] = &[
            ("no file", None, whole.clone()),
            ("empty file", Some(String::new()), whole.clone()),
            ("empty object", Some("{}\n".into()), whole.clone()),
            ("empty servers", Some("{\n  \"mcpServers\": {}\n}\n".into()), whole.clone()),
            ("comments", Some(commented.into()), with_entry.clone()),
            ("crlf", Some(crlf(commented)), crlf(&with_entry)),
            ("tabs", Some(tabs(commented)), tabs(&with_entry)),
            ("trailing commas", Some(trailing.into()), trailing_entry),
            ("byte order mark", Some(format!("\u{feff}{commented}")), format!("\u{feff}{with_entry}")),
            (
                "one line",
                Some("{\"mcpServers\":{\"a\":{\"b\":[1,  2]}},\"z\":  1}\n".into()),
                format!("{{\"mcpServers\":{{\n    \"a\":{{\"b\":[1,  2]}},{APPENDED}\n  }},\"z\":  1}}\n"),
            ),
            (
                "other keys",
                Some("{\n  \"x\": 1\n}".into()),
                format!("{{\n  \"x\": 1,\n  \"mcpServers\": {{{APPENDED}\n  }}\n}}"),
            ),
        ];
        for (case, existing, expected) in cases {
            let merged = merge(existing.as_deref(), ROO, &roo(&["files"]), &owned(&[])).unwrap();
            assert_eq!(&merged.text, expected, "{case}");
            assert_eq!(
                (kinds(&merged), merged.owned.clone()),
                ("files:Added".into(), owned(&["files"])),
                "{case}"
            );
            let again = merge(Some(&merged.text), ROO, &roo(&["files"]), &merged.owned).unwrap();
            assert_eq!((again.text, kinds_of(&again.changes)), (merged.text, "Unchanged".into()), "{case}");
            let gone = merge(Some(expected), ROO, &roo(&[]), &owned(&["files"])).unwrap();
            assert!(gone.owned.is_empty() && !gone.text.contains("hidden"), "{case}");
        }
    }

    fn kinds_of(changes: &[Change]) -> String {
        changes.iter().map(|change| format!("{:?}", change.kind)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_nested_root_is_made_key_by_key() {
        let rendered = json!({"mcp": {"servers": {"files": {"url": "u"}}}});
        let merged = merge(
            Some("{\n    \"mcp\": {\n        \"inputs\": []\n    }\n}\n"),
            VSCODE,
            &rendered,
            &owned(&[]),
        );
        assert_eq!(
            merged.unwrap().text,
            "{\n    \"mcp\": {\n        \"inputs\": [],\n        \"servers\": {\n            \"files\": {\n                \"url\": \"u\"\n            }\n        }\n    }\n}\n"
        );
    }

    #[test]
    fn our_fields_are_set_and_the_users_stay() {
        let file = "{\n  \"mcpServers\": {\n    \"files\": {\n      // slow\n      \"timeout\": 60,\n      \"type\": \"sse\",\n      \"url\": \"https://gw.test/files/mcp\",\n      \"headers\": { \"Authorization\": \"Bearer old\", \"X-Old\": \"1\" }, // tokens\n      \"disabled\": true,\n      \"alwaysAllow\": [\"read\"]\n    }\n  }\n}\n";
        let expected = file.replace("\"sse\"", "\"streamable-http\"").replace(
            "{ \"Authorization\": \"Bearer old\", \"X-Old\": \"1\" }",
            "{\n        \"Authorization\": \"Bearer hidden\"\n      }",
        );
        for known in [owned(&[]), owned(&["files"])] {
            let merged = merge(Some(file), ROO, &roo(&["files"]), &known).unwrap();
            assert_eq!(merged.text, expected);
            assert_eq!(kinds(&merged), r#"files:Updated(["type", "headers"])"#);
            assert_eq!(merged.owned, owned(&["files"]));
        }
        // A kept field the user took out stays out; a moved entry of ours is led back.
        let file = "{\"mcpServers\":{\"files\":{\"type\":\"streamable-http\",\"url\":\"https://old.test\",\"headers\":{\"Authorization\":\"Bearer hidden\"}}}}";
        let merged = merge(Some(file), ROO, &roo(&["files"]), &owned(&["files"])).unwrap();
        assert_eq!(merged.text, file.replace("https://old.test", "https://gw.test/files/mcp"));
    }

    #[test]
    fn an_entry_of_somebody_elses_is_left_alone_and_reported() {
        let cases = [
            (r#"{"url":"https://else.test/mcp"}"#, "https://else.test/mcp"),
            (r#"{"command":"npx"}"#, ""),
            (r#""not an object""#, ""),
        ];
        for (entry, their_url) in cases {
            let file = format!("{{\"mcpServers\":{{\"files\":{entry}}}}}");
            let merged = merge(Some(&file), ROO, &roo(&["files"]), &owned(&[])).unwrap();
            assert_eq!(merged.text, file);
            assert!(merged.owned.is_empty());
            let their_url = their_url.to_owned();
            assert_eq!(
                merged.changes.first().map(|c| c.kind.clone()),
                Some(ChangeKind::Conflict { their_url })
            );
        }
    }

    #[test]
    fn what_is_ours_and_no_longer_rendered_is_removed_from_wherever_it_stands() {
        let ours = "\"old\": {\n      \"url\": \"u\"\n    }";
        let cases = [
            (
                format!(
                    "{{\n  \"mcpServers\": {{\n    // a\n    \"a\": {{}}, // tail\n    {ours}\n  }}\n}}\n"
                ),
                "{\n  \"mcpServers\": {\n    // a\n    \"a\": {} // tail\n  }\n}\n",
            ),
            (
                format!("{{\n  \"mcpServers\": {{\n    {ours},\n    // b\n    \"b\": {{}},\n  }}\n}}\n"),
                "{\n  \"mcpServers\": {\n    // b\n    \"b\": {},\n  }\n}\n",
            ),
            (format!("{{\n  \"mcpServers\": {{\n    {ours}\n  }}\n}}\n"), "{\n  \"mcpServers\": {}\n}\n"),
            ("{\"mcpServers\":{\"a\":1,\"old\":{},\"b\":2}}".into(), "{\"mcpServers\":{\"a\":1,\"b\":2}}"),
        ];
        for (file, expected) in cases {
            let merged = merge(Some(&file), ROO, &roo(&[]), &owned(&["old", "never-there"])).unwrap();
            assert_eq!(merged.text, expected);
            assert_eq!((kinds(&merged), merged.owned), ("old:Removed".into(), owned(&[])));
        }
    }

    #[test]
    fn a_file_we_cannot_be_sure_of_is_an_error() {
        let parse = |reason: &str| MergeError::Parse(reason.into());
        let cases = [
            ("{", parse("Unterminated object on line 1 column 1")),
            ("{'a': 1}", parse("Single-quoted strings are not allowed on line 1 column 2")),
            ("{\"a\": 1 \"b\": 2}", parse("Expected comma on line 1 column 8")),
            ("[]", MergeError::NotAnObject("its top".into())),
            ("{\"mcpServers\": []}", MergeError::NotAnObject("mcpServers".into())),
            ("{\"mcpServers\": {}, \"mcpServers\": {}}", MergeError::Twice("mcpServers".into())),
            ("{\"mcpServers\": {\"files\": {}, \"files\": {}}}", MergeError::Twice("files".into())),
        ];
        for (file, expected) in cases {
            assert_eq!(
                merge(Some(file), ROO, &roo(&["files"]), &owned(&[])).unwrap_err(),
                expected,
                "{file}"
            );
        }
        let nested =
            merge(Some("{\"mcp\": {\"servers\": null}}"), VSCODE, &json!({}), &owned(&[])).unwrap_err();
        assert_eq!(nested.to_string(), "has something other than an object at mcp.servers");
    }

    #[test]
    fn changes_print_names_urls_and_header_names_and_never_a_value() {
        let file = r#"{"mcpServers":{
            "gone": {"url": "u"},
            "same": {"type": "streamable-http", "url": "https://gw.test/same/mcp", "headers": {"Authorization": "Bearer hidden"}},
            "stale": {"type": "sse", "url": "https://gw.test/stale/mcp", "headers": {"Authorization": "Bearer hidden-too"}},
            "typed": {"type": "sse", "url": "https://gw.test/typed/mcp", "headers": {"Authorization": "Bearer hidden"}},
            "theirs": {"url": "https://hidden:hidden@else.test/mcp?key=hidden"}}}"#;
        let names = ["same", "stale", "typed", "theirs", "new"];
        let merged = merge(Some(file), ROO, &roo(&names), &owned(&["gone"])).unwrap();
        let text = merged.changes.iter().map(Change::to_string).collect::<Vec<_>>().join("\n");
        assert_eq!(
            text,
            "= same  https://gw.test/same/mcp
~ stale  https://gw.test/stale/mcp  (type, headers)
    Authorization: [redacted]
~ typed  https://gw.test/typed/mcp  (type)
! theirs  left alone: not ours, it leads to https://else.test/mcp?[redacted]
+ new  https://gw.test/new/mcp
    Authorization: [redacted]
- gone"
        );
        assert!(!format!("{merged:?}").contains("Bearer"));
    }

    fn name() -> impl Strategy<Value = String> {
        prop_oneof!["[a-d]", "[a-c\"\\\\é \u{1}]{1,3}"]
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-c\"\\\\{},:/*é\u{1}-]{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::vec((name(), inner), 0..3)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    /// What may stand between two tokens.
    fn gap() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "",
            "",
            " ",
            "\n",
            "\r\n",
            "\n\n",
            "\t",
            "\n  ",
            " /* c */ ",
            " // c, \"}\n",
            "\n  // d\n  ",
        ])
    }

    /// Writes `value` with the next of `gaps` wherever there may be one, and a trailing comma now and then.
    fn write(value: &Value, gaps: &mut dyn Iterator<Item = &'static str>) -> String {
        let Value::Object(map) = value else { return value.to_string() };
        let mut text = "{".to_owned() + next(gaps);
        for (index, (key, value)) in map.iter().enumerate() {
            text += &(Value::from(key.as_str()).to_string() + next(gaps) + ":" + next(gaps));
            text += &write(value, gaps);
            let (before, after) = (next(gaps), next(gaps));
            let comma = index + 1 < map.len() || after == " ";
            text += &format!("{before}{}{after}", if comma { "," } else { "" });
        }
        text + "}"
    }

    fn next(gaps: &mut dyn Iterator<Item = &'static str>) -> &'static str {
        gaps.next().unwrap_or_default()
    }

    fn comments(text: &str) -> usize {
        text.matches("/* c */").count() + text.matches("// c, ").count() + text.matches("// d").count()
    }

    proptest! {
        #[test]
        fn no_foreign_key_is_lost_and_the_outcome_parses_and_stays(
            top in prop::collection::vec((name(), value()), 0..3),
            servers in prop::option::of(prop::collection::vec((name(), value()), 0..4)),
            gaps in prop::collection::vec(gap(), 1..30),
            rendered in prop::collection::btree_set(name(), 0..3),
            known in prop::collection::btree_set(name(), 0..3),
        ) {
            let mut file: Map<String, Value> = top.into_iter().collect();
            if let Some(servers) = servers {
                file.insert("mcpServers".into(), Value::Object(servers.into_iter().collect()));
            }
            let file = Value::Object(file);
            let text = write(&file, &mut gaps.into_iter().cycle());
            let rendered = roo(&rendered.iter().map(String::as_str).collect::<Vec<_>>());
            let merged = merge(Some(&text), ROO, &rendered, &known);
            let merged = merged.map_err(|e| TestCaseError::fail(format!("{e} in {text:?}")))?;
            let now = parse(&merged.text).unwrap().to_serde_value().unwrap();
            let altered: Vec<&str> =
                merged.changes.iter().filter(|c| c.alters()).map(|c| c.name.as_str()).collect();
            for (key, value) in file.as_object().unwrap() {
                if key != "mcpServers" {
                    prop_assert_eq!(&now[key], value);
                    continue;
                }
                for (name, entry) in value.as_object().unwrap() {
                    if !altered.contains(&name.as_str()) {
                        prop_assert_eq!(&now["mcpServers"][name], entry);
                    }
                }
            }
            if altered.is_empty() {
                prop_assert_eq!(&merged.text, &text);
            }
            if !merged.changes.iter().any(|c| matches!(c.kind, ChangeKind::Removed | ChangeKind::Updated(_))) {
                prop_assert_eq!(comments(&merged.text), comments(&text), "{:?} became {:?}", text, merged.text);
            }
            let again = merge(Some(&merged.text), ROO, &rendered, &merged.owned).unwrap();
            prop_assert_eq!(&again.text, &merged.text);
        }

        #[test]
        fn no_text_panics(text in "[ \n{}\\[\\]:,\"a1/*mcpServers-]{0,60}") {
            let _ = merge(Some(&text), ROO, &roo(&["a"]), &owned(&["b"]));
        }
    }
}
