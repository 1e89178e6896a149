//! Edits TOML: tables, dotted keys and inline tables, wherever an entry or a part of it is. Not here: what to edit
//! (see `plan`).
//!
//! The text is spliced at the positions that the parser reports. The parser's own document, edited and written again,
//! would lose line endings, the order of dotted keys and a missing final line ending, and would attach comments to
//! other tables.

use std::ops::Range;

use serde::de::IntoDeserializer;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use toml_edit::ser::{self, ValueSerializer};
use toml_edit::{Document, InlineTable, Item, Key, Table, TableLike, TomlError, Value as Toml};

use super::plan::Edit;
use super::{MergeError, lines};
use crate::render::layout::Layout;

/// A header, or a key with its value: a statement, which begins on its own line, or an entry in braces.
struct TomlStatement {
    path: Vec<String>,
    is_header: bool,
    range: Range<usize>,
}

/// What the text means. A date, which JSON does not have, is an object with its text; a float that is not a number is
/// null.
pub(super) fn read(text: &str) -> Result<Value, MergeError> {
    meaning(parse(text)?.as_item()).ok_or(MergeError::Foreign)
}

/// The text with `edits` made, one after the other.
pub(super) fn edit(text: &str, layout: Layout<'_>, edits: &[Edit<'_>]) -> Result<String, MergeError> {
    edits.iter().try_fold(text.to_owned(), |text, edit| {
        let within = |rest: &[&'_ str]| {
            layout.root.iter().copied().chain(rest.iter().copied()).map(str::to_owned).collect::<Vec<_>>()
        };
        match *edit {
            Edit::Add(name, fields) => add(&text, &within(&[]), name, fields),
            Edit::Set(name, field, value) => set(&text, &within(&[name, field]), value),
            Edit::Drop(name, field) => remove(&text, &within(&[name, field])),
            Edit::Remove(name) => remove(&text, &within(&[name])),
        }
    })
}

fn parse(text: &str) -> Result<Document<&str>, MergeError> {
    Document::parse(text).map_err(|e| MergeError::Parse("TOML", reason(&e, text)))
}

/// The parser's own message quotes the line, which may contain a token.
fn reason(error: &TomlError, text: &str) -> String {
    let at = error.span().map_or(0, |span| span.start);
    let before = lines::between(text, 0, at);
    let line = before.matches('\n').count() + 1;
    let column = lines::between(text, lines::begin(text, at), at).chars().count() + 1;
    let message = error.message().lines().next().unwrap_or_default();
    format!("{message} on line {line} column {column}")
}

/// Adds an entry: as a table after the last of its kind, or into the inline table if all are in one.
fn add(text: &str, root: &[String], name: &str, fields: &Map<String, Value>) -> Result<String, MergeError> {
    let document = parse(text)?;
    let path = [root, &[name.to_owned()]].concat();
    if braces(&document, &path).is_some() {
        return insert(text, &path, fields);
    }
    let statements = statements(&document);
    let last = statements.iter().rposition(|statement| statement.path.starts_with(root));
    let at = last.map_or(text.len(), |last| section(text, &statements, last).end);
    let newline = lines::line_end(text);
    let mut piece = format!("[{}]{newline}", dotted(&path));
    for (field, value) in fields {
        piece += &assignment(std::slice::from_ref(field), value)?;
        piece += newline;
    }
    if at > 0 && !lines::is_blank(text, lines::begin(text, at - 1)) {
        piece.insert_str(0, newline);
    }
    if at < text.len() && !lines::is_blank(text, at) {
        piece += newline;
    }
    Ok(lines::insert(text, at, &piece))
}

/// Sets what is at `path`, whose parent is an existing table.
fn set(text: &str, path: &[String], value: &Value) -> Result<String, MergeError> {
    let document = parse(text)?;
    let found = find(document.as_item(), path);
    match (found, value) {
        (Some(Item::Value(old)), _) if !old.as_inline_table().is_some_and(InlineTable::is_dotted) => {
            let range = old.span().ok_or(MergeError::Foreign)?;
            Ok(lines::replace(text, range, toml(value)?.to_string().trim()))
        }
        (Some(Item::Table(table)), Value::Object(values)) if !values.is_empty() => {
            let to = |key: &str| path.iter().cloned().chain([key.to_owned()]).collect::<Vec<_>>();
            let gone = table.iter().map(|(key, _)| key).filter(|key| !values.contains_key(*key));
            let text = values.iter().try_fold(text.to_owned(), |text, (key, value)| {
                let same = table.get(key).and_then(meaning).as_ref() == Some(value);
                if same { Ok(text) } else { set(&text, &to(key), value) }
            })?;
            gone.map(to).try_fold(text, |text, path| remove(&text, &path))
        }
        (Some(_), _) => insert(&remove(text, path)?, path, value),
        (None, _) => insert(text, path, value),
    }
}

/// Adds a new key to its table: after the table's own keys, however they are written.
fn insert(text: &str, path: &[String], value: &impl Serialize) -> Result<String, MergeError> {
    let document = parse(text)?;
    if let Some((depth, braces)) = braces(&document, path) {
        let entry = assignment(lookup(path, depth), value)?;
        let (range, piece) = match own(braces, &[]).last() {
            Some(last) => (last.range.end..last.range.end, format!(", {entry}")),
            None => (braces.span().unwrap_or_default(), format!("{{ {entry} }}")),
        };
        return Ok(lines::replace(text, range, &piece));
    }
    let statements = statements(&document);
    let Some((_, parent)) = path.split_last() else { return Err(MergeError::Foreign) };
    let newline = lines::line_end(text);
    // Either the table's header is the section's, or its keys are dotted in the section of an outer table.
    let own = |at: usize| {
        let section = header(&statements, at);
        let statement = statements.get(at)?;
        let within =
            if statement.is_header { statement.path == parent } else { statement.path.starts_with(parent) };
        (within && parent.starts_with(section)).then_some((statement, section))
    };
    if let Some((statement, section)) = (0..statements.len()).rev().find_map(own) {
        let line = assignment(lookup(path, section.len()), value)? + newline;
        return Ok(lines::insert(text, lines::next(text, statement.range.end), &line));
    }
    let first = statements.iter().find(|statement| statement.path.starts_with(parent));
    let at = first.map(|first| lines::begin(text, first.range.start)).ok_or(MergeError::Foreign)?;
    let line = assignment(lookup(path, parent.len()), value)?;
    let piece = format!("[{}]{newline}{line}{newline}{newline}", dotted(parent));
    Ok(lines::insert(text, at, &piece))
}

/// Removes what is at `path`: each section and each statement that is a part of it.
fn remove(text: &str, path: &[String]) -> Result<String, MergeError> {
    let mut text = text.to_owned();
    loop {
        let document = parse(&text)?;
        let braces = braces(&document, path);
        let statements = match braces {
            Some((depth, braces)) => own(braces, path.get(..depth).unwrap_or_default()),
            None => statements(&document),
        };
        let Some(at) = statements.iter().position(|statement| statement.path.starts_with(path)) else {
            return Ok(text);
        };
        let range = match (braces, statements.get(at)) {
            (Some((_, braces)), _) => with_comma(&text, braces, &statements, at),
            (None, Some(statement)) if !statement.is_header => {
                lines::begin(&text, statement.range.start)..lines::next(&text, statement.range.end)
            }
            (None, _) => with_blank_lines(&text, section(&text, &statements, at)),
        };
        text = lines::replace(&text, range, "");
    }
}

/// The innermost inline table around what is at `path`, and how many of its keys lead there.
fn braces<'a>(document: &'a Document<&str>, path: &[String]) -> Option<(usize, &'a InlineTable)> {
    (1..path.len()).rev().find_map(|depth| {
        let table = find(document.as_item(), path.get(..depth)?)?.as_inline_table()?;
        // A dotted key's table has no braces of its own.
        (!table.is_dotted()).then_some((depth, table))
    })
}

/// An entry in braces with the comma before it, or with the one after it if it is the first.
fn with_comma(text: &str, braces: &InlineTable, entries: &[TomlStatement], at: usize) -> Range<usize> {
    let within = braces.span().map_or(0..0, |span| span.start + 1..span.end - 1);
    let end = entries.get(at).map_or(0, |entry| entry.range.end);
    match at.checked_sub(1).and_then(|before| entries.get(before)) {
        Some(before) => before.range.end..end,
        None => {
            let comma = lines::between(text, end, within.end).find(',');
            within.start..comma.map_or(within.end, |comma| end + comma + 1)
        }
    }
}

fn find<'a>(item: &'a Item, path: &[String]) -> Option<&'a Item> {
    path.iter().try_fold(item, |at, key| at.get(key.as_str()))
}

/// What remains of a path after its first keys.
fn lookup(path: &[String], depth: usize) -> &[String] {
    path.get(depth..).unwrap_or_default()
}

/// Every statement, in the order of the text.
fn statements(document: &Document<&str>) -> Vec<TomlStatement> {
    let mut found = Vec::new();
    collect(document.as_table(), &mut Vec::new(), &mut found);
    found.sort_by_key(|statement| statement.range.start);
    found
}

fn collect(table: &Table, path: &mut Vec<String>, found: &mut Vec<TomlStatement>) {
    if !table.is_dotted() {
        let header = table.span().filter(|_| !path.is_empty() && !table.is_implicit());
        found.extend(header.map(|range| TomlStatement { path: path.clone(), is_header: true, range }));
        found.extend(own(table, path));
    }
    for (name, item) in table {
        path.push(name.to_owned());
        match item {
            Item::Table(table) => collect(table, path, found),
            Item::ArrayOfTables(tables) => tables.iter().for_each(|table| collect(table, path, found)),
            Item::Value(_) | Item::None => {}
        }
        path.pop();
    }
}

/// The keys of a table that are in its section or its braces, in the order of the text.
fn own(table: &dyn TableLike, path: &[String]) -> Vec<TomlStatement> {
    let statement = |(keys, value): (Vec<&Key>, &Toml)| {
        let range = keys.last()?.span()?.start..value.span()?.end;
        let path = path.iter().cloned().chain(keys.iter().map(|key| key.get().to_owned())).collect();
        Some(TomlStatement { path, is_header: false, range })
    };
    let mut own: Vec<_> = table.get_values().into_iter().filter_map(statement).collect();
    own.sort_by_key(|statement| statement.range.start);
    own
}

/// The path of the statement's section.
fn header(statements: &[TomlStatement], at: usize) -> &[String] {
    let mut above = statements.iter().take(at + 1).rev();
    above.find(|statement| statement.is_header).map_or(&[], |header| &header.path)
}

/// The section of a statement: from that statement on, including the comments at its end. Comments right above the
/// next header belong to that one.
fn section(text: &str, statements: &[TomlStatement], at: usize) -> Range<usize> {
    let start = statements.get(at).map_or(0, |statement| statement.range.start);
    let rest = statements.iter().skip(at + 1).take_while(|statement| !statement.is_header);
    let last = rest.last().or(statements.get(at)).map_or(0, |statement| statement.range.end);
    let end = lines::next(text, last);
    let commented = lines::after_comments(text, end, 0);
    let ends_there = commented == text.len() || lines::is_blank(text, commented);
    lines::begin(text, start)..if ends_there { commented } else { end }
}

/// With the blank lines above, or with those below if nothing is above.
fn with_blank_lines(text: &str, mut range: Range<usize>) -> Range<usize> {
    while range.start > 0 && lines::is_blank(text, lines::begin(text, range.start - 1)) {
        range.start = lines::begin(text, range.start - 1);
    }
    while range.start == 0 && lines::is_blank(text, range.end) {
        range.end = lines::next(text, range.end);
    }
    range
}

fn dotted(keys: &[String]) -> String {
    keys.iter().map(|key| Key::new(key).display_repr().into_owned()).collect::<Vec<_>>().join(".")
}

fn assignment(key: &[String], value: &impl Serialize) -> Result<String, MergeError> {
    Ok(format!("{} = {}", dotted(key), toml(value)?))
}

fn toml(value: &impl Serialize) -> Result<Toml, MergeError> {
    value.serialize(ValueSerializer::new()).map_err(|error| match error {
        ser::Error::UnsupportedType(_) => MergeError::Unsupported("nulls cannot be written"),
        _ => MergeError::Foreign,
    })
}

fn meaning(item: &Item) -> Option<Value> {
    let value = item.clone().into_value().ok()?;
    Value::deserialize(value.into_deserializer()).ok()
}

#[cfg(test)]
mod tests;
