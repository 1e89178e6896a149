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
mod tests;
