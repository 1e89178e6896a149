//! The rules of a merge, the same for every format: what is ours, what is added, set, dropped and removed. Not here:
//! how a file is written (see `json`, `toml` and `yaml`); here a file is its meaning.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::claims::EntryClaim;
use super::{Change, ChangeKind, EntryClaims, MergeError, NewEntry};
use crate::render::EntryParts;
use crate::render::layout::Layout;
use crate::render::targets::{ClientSpec, Format, Shape};

/// The fields that any rendering of ours, in any auth mode or for any client, may have written next to
/// [`ClientSpec::url`]. In an entry of ours, one that is no longer rendered is a leftover (an old token, a command
/// that is now a URL) and is removed; every other field is the user's.
const WRITTEN: [&str; 18] = [
    "type",
    "transport",
    "url",
    "serverUrl",
    "httpUrl",
    "uri",
    "headers",
    "http_headers",
    "env_http_headers",
    "headersHelper",
    "http_headers_helper",
    "command",
    "args",
    "env",
    "cmd",
    "envs",
    "requestOptions",
    "environment",
];

/// One thing to do to a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edit<'a> {
    /// A new entry, with its fields; the first one may have to create the parent for all.
    Add(&'a str, &'a Map<String, Value>),
    /// A field of an existing entry, new or not.
    Set(&'a str, &'a str, &'a Value),
    /// A field to remove.
    Drop(&'a str, &'a str),
    /// An entry to remove.
    Remove(&'a str),
}

/// The edits, and their results.
pub(super) struct Plan<'a> {
    pub(super) edits: Vec<Edit<'a>>,
    pub(super) changes: Vec<Change>,
    pub(super) owned: BTreeSet<String>,
}

type Entries<'a> = Vec<(&'a str, &'a Value)>;

/// Compares the file with what was rendered.
///
/// # Errors
/// Something is in the way of our entries, or it is unclear which one applies.
pub(super) fn plan<'a>(
    was: &'a Value,
    target: &ClientSpec,
    rendered: &'a Value,
    claims: &'a EntryClaims,
) -> Result<Plan<'a>, MergeError> {
    let layout = target.layout();
    let (there, ours) = (entries(was, layout)?, entries(rendered, layout)?);
    let mut plan = Plan { edits: Vec::new(), changes: Vec::new(), owned: BTreeSet::new() };
    for &(name, entry) in &ours {
        let fields = entry.as_object().ok_or_else(|| MergeError::NotAnObject(name.into()))?;
        let kind = match find(&there, name)? {
            Some(there) => {
                let claim = claims.claim(name, there, is_at_same(target, there, entry));
                update(&mut plan.edits, target, (name, there), entry, claim)
            }
            None => {
                plan.edits.push(Edit::Add(name, fields));
                ChangeKind::Added
            }
        };
        if !matches!(kind, ChangeKind::Conflict { .. } | ChangeKind::SaysMore { .. }) {
            plan.owned.insert(name.into());
        }
        plan.changes.push(Change::new(name, entry, target, kind));
    }
    for &(name, entry) in &there {
        let is_ours = ours.iter().any(|(own, _)| *own == name);
        let Some(twin) = claims.twin(name, entry).filter(|_| !is_ours) else { continue };
        let kind = if claims.adopted.contains(name) {
            plan.edits.push(Edit::Remove(name));
            ChangeKind::Removed
        } else {
            ChangeKind::Twin { of: twin.into() }
        };
        plan.changes.push(Change::new(name, &Value::Null, target, kind));
    }
    // Last, so that a file with only our entries is never empty in between, which would lose its line endings.
    for name in claims.owned.iter().filter(|name| !ours.iter().any(|(other, _)| other == &name.as_str())) {
        if find(&there, name)?.is_some() {
            plan.edits.push(Edit::Remove(name));
            plan.changes.push(Change::new(name, &Value::Null, target, ChangeKind::Removed));
        }
    }
    Ok(plan)
}

/// The edits that make the named entries `new`: what differs in each.
///
/// # Errors
/// An entry to remove is missing, or one is not a map.
pub(super) fn replace<'a>(
    was: &'a Value,
    layout: Layout<'_>,
    new: &'a [NewEntry],
) -> Result<Vec<Edit<'a>>, MergeError> {
    let there = entries(was, layout)?;
    let mut edits = Vec::new();
    for NewEntry { name, fields } in new {
        let has = match (find(&there, name)?, fields) {
            (None, Some(fields)) => {
                edits.push(Edit::Add(name, fields));
                continue;
            }
            (has, _) => has.and_then(Value::as_object),
        };
        let has = has.ok_or_else(|| MergeError::NotAnObject(name.clone()))?;
        let Some(fields) = fields else {
            edits.push(Edit::Remove(name));
            continue;
        };
        for (field, value) in fields.iter().filter(|(field, value)| has.get(*field) != Some(*value)) {
            edits.push(Edit::Set(name, field, value));
        }
        for field in has.keys().filter(|field| !fields.contains_key(*field)) {
            edits.push(Edit::Drop(name, field));
        }
    }
    Ok(edits)
}

/// An entry's fields.
pub(super) fn entry_in(
    whole: &Value,
    layout: Layout<'_>,
    name: &str,
) -> Result<Option<Map<String, Value>>, MergeError> {
    let there = entries(whole, layout)?;
    Ok(find(&there, name)?.and_then(Value::as_object).cloned())
}

/// `was` with the fields of `rendered`, and without those of ours that are not among them, except for variables.
pub(super) fn overlaid(
    target: &ClientSpec,
    mut was: Map<String, Value>,
    rendered: &Map<String, Value>,
    url_stays: bool,
) -> Map<String, Value> {
    let stays = |field: &str| {
        let is_variables = matches!(field, "env" | "envs" | "environment");
        let is_headers = matches!(field, "headers" | "http_headers" | "requestOptions");
        rendered.contains_key(field) || is_variables || url_stays && is_headers || !is_ours(field, target)
    };
    was.retain(|field, _| stays(field));
    for (field, value) in rendered {
        if !(target.kept.contains(&field.as_str()) && was.contains_key(field)) {
            was.insert(field.clone(), value.clone());
        }
    }
    was
}

/// Whether an entry has the address of ours.
fn is_at_same(target: &ClientSpec, there: &Value, ours: &Value) -> bool {
    let theirs = there.get(target.url).and_then(Value::as_str);
    theirs.is_some() && theirs == ours.get(target.url).and_then(Value::as_str)
}

/// Updates an existing entry if it is ours or may be; from then on it is ours.
fn update<'a>(
    edits: &mut Vec<Edit<'a>>,
    target: &ClientSpec,
    (name, there): (&'a str, &'a Value),
    entry: &'a Value,
    claim: EntryClaim,
) -> ChangeKind {
    let (Some(has), Some(wants), EntryClaim::Granted) = (there.as_object(), entry.as_object(), &claim) else {
        if let EntryClaim::SaysMore(what) = claim {
            let is_kept = !there.as_object().is_some_and(|entry| EntryParts(entry).is_completed());
            return ChangeKind::SaysMore { what, client: is_kept.then_some(target.client) };
        }
        let their_url = there.get(target.url).and_then(Value::as_str).unwrap_or_default().into();
        return ChangeKind::Conflict { their_url };
    };
    let mut updated = Vec::new();
    for (field, value) in wants.iter().filter(|(field, _)| !target.kept.contains(&field.as_str())) {
        if has.get(field) != Some(value) {
            edits.push(Edit::Set(name, field, value));
            updated.push(field.clone());
        }
    }
    for field in has.keys().filter(|field| !wants.contains_key(*field) && is_ours(field, target)) {
        edits.push(Edit::Drop(name, field));
        updated.push(field.clone());
    }
    if updated.is_empty() { ChangeKind::Unchanged } else { ChangeKind::Updated(updated) }
}

fn is_ours(field: &str, target: &ClientSpec) -> bool {
    (field == target.url || WRITTEN.contains(&field)) && !target.kept.contains(&field)
}

/// The entries in a whole configuration, in order. List elements without a name are not ours.
fn entries<'a>(whole: &'a Value, layout: Layout<'_>) -> Result<Entries<'a>, MergeError> {
    if !whole.is_object() {
        return Err(MergeError::NotAnObject("its top".into()));
    }
    let mut at = whole;
    let mut path: Vec<&str> = Vec::new();
    for key in layout.root {
        path.push(key);
        let Some(next) = at.get(key).filter(|next| !is_void(next, layout)) else { return Ok(Vec::new()) };
        if path.len() < layout.root.len() && !next.is_object() {
            return Err(MergeError::NotAnObject(path.join(".")));
        }
        at = next;
    }
    match layout.shape {
        Shape::Map => {
            let map = at.as_object().ok_or_else(|| MergeError::NotAnObject(path.join(".")))?;
            Ok(map.iter().map(|(name, entry)| (name.as_str(), entry)).collect())
        }
        Shape::List => {
            let list = at.as_array().ok_or_else(|| MergeError::NotAList(path.join(".")))?;
            Ok(list.iter().filter_map(|entry| Some((name_of(entry)?, entry))).collect())
        }
    }
}

/// A key with null or no value, or with another kind of emptiness, may get entries: languages without a difference
/// between lists and maps write an empty map as `[]`.
fn is_void(value: &Value, layout: Layout<'_>) -> bool {
    match (value, layout.format) {
        (Value::Null, _) => true,
        (Value::Object(map), Format::Yaml) => map.is_empty(),
        (Value::Array(list), Format::Yaml | Format::Json) => list.is_empty(),
        (Value::String(text), Format::Json) => text.is_empty(),
        _ => false,
    }
}

fn name_of(entry: &Value) -> Option<&str> {
    entry.get("name").and_then(Value::as_str)
}

fn find<'a>(entries: &Entries<'a>, name: &str) -> Result<Option<&'a Value>, MergeError> {
    let mut found = entries.iter().filter(|(other, _)| *other == name);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(MergeError::Twice(name.into())),
        (found, None) => Ok(found.map(|(_, entry)| *entry)),
    }
}

/// What the file must mean after `edits`, including what must not change.
pub(super) fn expected(was: &Value, layout: Layout<'_>, edits: &[Edit<'_>]) -> Value {
    let mut whole = settled(was.clone(), layout);
    let place = layout.root.iter().try_fold(&mut whole, |at, key| at.get_mut(*key));
    match place {
        Some(Value::Object(map)) => edits.iter().for_each(|edit| apply(map, *edit)),
        Some(Value::Array(list)) => edits.iter().for_each(|edit| apply_to_list(list, *edit)),
        _ => {}
    }
    whole
}

/// With the parent of our entries created: a missing one and an empty one are equal.
pub(super) fn settled(mut whole: Value, layout: Layout<'_>) -> Value {
    let mut at = &mut whole;
    for (depth, key) in layout.root.iter().enumerate() {
        let Some(map) = at.as_object_mut() else { return whole };
        let next = map.entry((*key).to_owned()).or_insert(Value::Null);
        let is_last = depth + 1 == layout.root.len();
        let counts = is_last || layout.format == Format::Json;
        if next.is_null() || counts && is_void(next, layout) {
            *next = match layout.shape {
                Shape::List if is_last => Value::Array(Vec::new()),
                _ => Value::Object(Map::new()),
            };
        }
        at = next;
    }
    whole
}

fn apply(map: &mut Map<String, Value>, edit: Edit<'_>) {
    match edit {
        Edit::Add(name, fields) => drop(map.insert(name.into(), Value::Object(fields.clone()))),
        Edit::Remove(name) => drop(map.remove(name)),
        Edit::Set(name, ..) | Edit::Drop(name, _) => {
            if let Some(entry) = map.get_mut(name) {
                change(entry, edit);
            }
        }
    }
}

fn apply_to_list(list: &mut Vec<Value>, edit: Edit<'_>) {
    match edit {
        Edit::Add(_, fields) => list.push(Value::Object(fields.clone())),
        Edit::Remove(name) => list.retain(|entry| name_of(entry) != Some(name)),
        Edit::Set(name, ..) | Edit::Drop(name, _) => {
            if let Some(entry) = list.iter_mut().find(|entry| name_of(entry) == Some(name)) {
                change(entry, edit);
            }
        }
    }
}

fn change(entry: &mut Value, edit: Edit<'_>) {
    let Some(fields) = entry.as_object_mut() else { return };
    match edit {
        Edit::Set(_, field, value) => drop(fields.insert(field.into(), value.clone())),
        Edit::Drop(_, field) => drop(fields.remove(field)),
        Edit::Add(..) | Edit::Remove(_) => {}
    }
}
