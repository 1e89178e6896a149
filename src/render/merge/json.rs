//! Edits JSON, with comments and trailing commas if a file has them. Not here: what to edit (see `plan`).
//!
//! Only the object that gets a new key is reformatted, between its entries: one on a single line is spread over
//! several, and blank lines next to its braces are removed. A removed entry takes the comments on its own line with
//! it.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstObject, CstObjectProp, CstRootNode};
use serde_json::{Map, Value};

use super::MergeError;
use super::plan::Edit;
use crate::registry::members::{STRICT, written, written_object};
use crate::render::layout::Layout;

/// What the text means.
pub(super) fn read(text: &str) -> Result<Value, MergeError> {
    let value = parse(text)?.to_serde_value().filter(|value: &Value| !value.is_null());
    Ok(value.unwrap_or_else(|| Value::Object(Map::new())))
}

/// Parsers differ on which of two equal keys counts, so neither may be changed: on the way to our entries, among
/// their `names`, and within them.
pub(super) fn check_unique<'a>(
    text: &str,
    layout: Layout<'_>,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), MergeError> {
    let root = parse(text)?;
    let Some(mut at) = root.object_value() else { return Ok(()) };
    for key in layout.root {
        let Some(next) = find(&at, key)?.and_then(|prop| prop.object_value()) else { return Ok(()) };
        at = next;
    }
    for name in names {
        let Some(entry) = find(&at, name)?.and_then(|prop| prop.object_value()) else { continue };
        for prop in entry.properties() {
            find(&entry, &prop.decoded_name().unwrap_or_default())?;
        }
    }
    Ok(())
}

/// The text with `edits` made.
pub(super) fn edit(text: &str, layout: Layout<'_>, edits: &[Edit<'_>]) -> Result<String, MergeError> {
    let root = parse(text)?;
    let servers = layout.root.iter().fold(root.object_value_or_set(), |at, key| at.object_value_or_set(key));
    let there = |object: &CstObject, name: &str| find(object, name)?.ok_or(MergeError::Foreign);
    let entry = |name: &str| there(&servers, name)?.object_value().ok_or(MergeError::Foreign);
    for edit in edits {
        match *edit {
            Edit::Add(name, fields) => drop(servers.append(name, written_object(fields))),
            Edit::Remove(name) => there(&servers, name)?.remove(),
            Edit::Drop(name, field) => there(&entry(name)?, field)?.remove(),
            Edit::Set(name, field, value) => {
                let entry = entry(name)?;
                match find(&entry, field)? {
                    Some(prop) => prop.set_value(written(value)),
                    None => drop(entry.append(field, written(value))),
                }
            }
        }
    }
    Ok(root.to_string())
}

/// JSON as the clients' editors read it: with comments and trailing commas, and no more than that.
pub(super) fn parse(text: &str) -> Result<CstRootNode, MergeError> {
    let options = ParseOptions { allow_comments: true, allow_trailing_commas: true, ..STRICT };
    let root = CstRootNode::parse(text, &options).map_err(|e| MergeError::Parse("JSON", e.to_string()))?;
    if root.to_string() == text { Ok(root) } else { Err(MergeError::Foreign) }
}

/// Escapes of unpaired surrogates. JavaScript programs write them when they cut a string in two; our text cannot
/// contain them. During the edit, escapes that do not occur in the file replace them: the same except for their first
/// digit.
#[derive(Clone, Copy)]
pub(super) struct Halves {
    first: char,
}

/// First digits of escapes that may replace surrogates (`\ud800` to `\udfff`), the rarest first. Letters, which have
/// a case to preserve.
const STAND_INS: [char; 5] = ['e', 'f', 'a', 'b', 'c'];

impl Halves {
    /// The replacements for a file's surrogates; `None` if it has none.
    pub(super) fn find(text: &str) -> Result<Option<Self>, MergeError> {
        let units = escapes(text);
        if halves(&units).next().is_none() {
            return Ok(None);
        }
        let is_free = |first: &char| !units.iter().any(|(_, unit)| is_one_of(*unit, *first));
        let first = STAND_INS.into_iter().find(is_free);
        first.map(|first| Some(Self { first })).ok_or(MergeError::Unsupported("unpaired surrogates"))
    }

    /// The file without them.
    pub(super) fn shield(self, text: &str) -> String {
        let places: Vec<usize> = halves(&escapes(text)).collect();
        with_digits(text, &places, self.first)
    }

    /// The edited file with them.
    pub(super) fn restore(self, text: &str) -> String {
        let all = escapes(text);
        let places: Vec<usize> =
            all.iter().filter(|(_, unit)| is_one_of(*unit, self.first)).map(|(at, _)| *at).collect();
        with_digits(text, &places, 'd')
    }
}

/// Whether an escape is that of a surrogate with another first digit.
fn is_one_of(unit: u16, first: char) -> bool {
    first.to_digit(16).is_some_and(|digit| u32::from(unit) >> 11 == digit << 1 | 1)
}

/// The positions of the digits of all escapes, and their values.
fn escapes(text: &str) -> Vec<(usize, u16)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find('\\')).map(|next| at + next) {
        let digits = text.get(start + 1..start + 6).and_then(|escape| escape.strip_prefix('u'));
        if let Some(unit) = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()) {
            found.push((start + 2, unit));
        }
        // What follows a backslash begins no escape, even if it is another one.
        at = start + 1 + text.get(start + 1..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    }
    found
}

/// The positions of the digits of unpaired surrogates.
fn halves(units: &[(usize, u16)]) -> impl Iterator<Item = usize> {
    let mut units = units.iter().copied().peekable();
    std::iter::from_fn(move || {
        while let Some((at, unit)) = units.next() {
            let is_low = |next: &(usize, u16)| next.0 == at + 6 && (0xdc00..=0xdfff).contains(&next.1);
            let is_pair = (0xd800..=0xdbff).contains(&unit) && units.next_if(is_low).is_some();
            if !is_pair && (0xd800..=0xdfff).contains(&unit) {
                return Some(at);
            }
        }
        None
    })
}

fn with_digits(text: &str, places: &[usize], digit: char) -> String {
    let mut places = places.iter().copied().peekable();
    let put = |(at, c): (usize, char)| match places.next_if_eq(&at) {
        Some(_) if c.is_ascii_uppercase() => digit.to_ascii_uppercase(),
        Some(_) => digit,
        None => c,
    };
    text.char_indices().map(put).collect()
}

fn find(object: &CstObject, name: &str) -> Result<Option<CstObjectProp>, MergeError> {
    let mut found =
        object.properties().into_iter().filter(|prop| prop.decoded_name().as_deref() == Some(name));
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(MergeError::Twice(name.into())),
        (found, None) => Ok(found),
    }
}
