//! Edits TOML: tables, dotted keys and inline tables, wherever an entry or a part of it stands.
//! It leaves what is to be edited to `plan`.
//!
//! The text is spliced where the parser says that a statement lies, for written anew from the parser's tree it would lose
//! its line ends, the order of its dotted keys and the lack of a last line end. Only an inline table with a part that
//! changes is written anew, from the tree.

use std::ops::Range;

use serde::de::IntoDeserializer;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use toml_edit::ser::{self, ValueSerializer};
use toml_edit::{Document, InlineTable, Item, Key, Table, TomlError, Value as Toml};

use super::plan::Edit;
use super::{MergeError, lines};
use crate::render::targets::Target;

/// A header, or a key with its value: a statement, which begins on a line of its own.
struct Statement {
    path: Vec<String>,
    is_header: bool,
    range: Range<usize>,
}

/// What the text means. A date, which JSON does not know, is an object with its text; a float that is no number is null.
pub(super) fn read(text: &str) -> Result<Value, MergeError> {
    meaning(parse(text)?.as_item()).ok_or(MergeError::Foreign)
}

/// The text with `edits` made, one after the other.
pub(super) fn edit(text: &str, target: &Target, edits: &[Edit<'_>]) -> Result<String, MergeError> {
    edits.iter().try_fold(text.to_owned(), |text, edit| {
        let within = |rest: &[&'_ str]| {
            target.root.iter().copied().chain(rest.iter().copied()).map(str::to_owned).collect::<Vec<_>>()
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

/// The parser's own words quote the line, which may hold a token.
fn reason(error: &TomlError, text: &str) -> String {
    let at = error.span().map_or(0, |span| span.start);
    let before = lines::between(text, 0, at);
    let line = before.matches('\n').count() + 1;
    let column = lines::between(text, lines::begin(text, at), at).chars().count() + 1;
    let message = error.message().lines().next().unwrap_or_default();
    format!("{message} on line {line} column {column}")
}

/// Adds an entry: as a table after the last of its kind, or where all are in an inline table, in there.
fn add(text: &str, root: &[String], name: &str, fields: &Map<String, Value>) -> Result<String, MergeError> {
    let document = parse(text)?;
    if let Some((path, table)) = inline(&document, root) {
        let rest = lookup(root, path.len()).iter().cloned().chain([name.to_owned()]).collect::<Vec<_>>();
        return rewrite(text, table, &rest, Some(toml(fields)?));
    }
    let statements = statements(&document);
    let last = statements.iter().rposition(|statement| statement.path.starts_with(root));
    let at = last.map_or(text.len(), |last| section(text, &statements, last).end);
    let newline = lines::line_end(text);
    let mut piece = format!("[{}]{newline}", dotted(root.iter().map(String::as_str).chain([name])));
    for (field, value) in fields {
        piece += &assignment(&[field], value)?;
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

/// Sets what is at `path`, whose parent is a table that is there.
fn set(text: &str, path: &[String], value: &Value) -> Result<String, MergeError> {
    let document = parse(text)?;
    let found = find(document.as_item(), path);
    if let Some(Item::Value(old)) = found
        && let Some(range) = old.span()
    {
        return Ok(lines::replace(text, range, toml(value)?.to_string().trim()));
    }
    if let Some((outer, table)) = inline(&document, path).filter(|(outer, _)| outer.len() < path.len()) {
        return rewrite(text, table, lookup(path, outer.len()), Some(toml(value)?));
    }
    match (found, value) {
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

/// Puts a key that is not there into its table: behind the table's own keys, however they are written.
fn insert(text: &str, path: &[String], value: &Value) -> Result<String, MergeError> {
    let document = parse(text)?;
    let statements = statements(&document);
    let Some((last, parent)) = path.split_last() else { return Err(MergeError::Foreign) };
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
        let key: Vec<&str> = lookup(path, section.len()).iter().map(String::as_str).collect();
        let line = assignment(&key, value)? + newline;
        return Ok(lines::insert(text, lines::next(text, statement.range.end), &line));
    }
    let first = statements.iter().find(|statement| statement.path.starts_with(parent));
    let at = first.map(|first| lines::begin(text, first.range.start)).ok_or(MergeError::Foreign)?;
    let table = dotted(parent.iter().map(String::as_str));
    let piece = format!("[{table}]{newline}{}{newline}{newline}", assignment(&[last], value)?);
    Ok(lines::insert(text, at, &piece))
}

/// Removes what is at `path`: each section and each statement that is a part of it.
fn remove(text: &str, path: &[String]) -> Result<String, MergeError> {
    let mut text = text.to_owned();
    loop {
        let document = parse(&text)?;
        if let Some((outer, table)) = inline(&document, path).filter(|(outer, _)| outer.len() < path.len()) {
            return rewrite(&text, table, lookup(path, outer.len()), None);
        }
        let statements = statements(&document);
        let Some(at) = statements.iter().position(|statement| statement.path.starts_with(path)) else {
            return Ok(text);
        };
        let range = match statements.get(at) {
            Some(statement) if !statement.is_header => {
                lines::begin(&text, statement.range.start)..lines::next(&text, statement.range.end)
            }
            _ => with_blank_lines(&text, section(&text, &statements, at)),
        };
        text = lines::replace(&text, range, "");
    }
}

/// The outermost inline table that `path` leads into or to, and the path to it.
fn inline<'a>(document: &'a Document<&str>, path: &'a [String]) -> Option<(&'a [String], &'a InlineTable)> {
    (1..=path.len()).find_map(|depth| {
        let outer = path.get(..depth)?;
        Some((outer, find(document.as_item(), outer)?.as_inline_table()?))
    })
}

/// The text with an inline table written anew, with `value` at `path` in it, or with nothing there.
fn rewrite(
    text: &str,
    table: &InlineTable,
    path: &[String],
    value: Option<Toml>,
) -> Result<String, MergeError> {
    let range = table.span().ok_or(MergeError::Foreign)?;
    // Parsed on its own, since the tree of a whole document has no texts of its own.
    let source = lines::between(text, range.start, range.end);
    let parsed = source.parse::<Toml>().map_err(|_| MergeError::Foreign)?;
    let Toml::InlineTable(mut table) = parsed else { return Err(MergeError::Foreign) };
    let Some((key, outer)) = path.split_last() else { return Err(MergeError::Foreign) };
    let at = outer.iter().try_fold(&mut table, |at, key| at.get_mut(key)?.as_inline_table_mut());
    let at = at.ok_or(MergeError::Foreign)?;
    match value {
        None => drop(at.remove(key)),
        Some(value) => {
            tighten(at);
            at.insert(key, value);
        }
    }
    let written = table.to_string().replace("\r\n", "\n").replace('\n', lines::line_end(text));
    Ok(lines::replace(text, range, written.trim()))
}

/// What stood before the closing brace would stand before the comma.
fn tighten(table: &mut InlineTable) {
    if let Some((_, last)) = table.iter_mut().last() {
        let suffix = last.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default();
        if suffix.trim().is_empty() {
            last.decor_mut().set_suffix("");
        }
    }
}

fn find<'a>(item: &'a Item, path: &[String]) -> Option<&'a Item> {
    path.iter().try_fold(item, |at, key| at.get(key.as_str()))
}

/// What is left of a path behind its first keys.
fn lookup(path: &[String], depth: usize) -> &[String] {
    path.get(depth..).unwrap_or_default()
}

/// Every statement, in the order of the text.
fn statements(document: &Document<&str>) -> Vec<Statement> {
    let mut found = Vec::new();
    collect(document.as_table(), &mut Vec::new(), &mut found);
    found.sort_by_key(|statement| statement.range.start);
    found
}

fn collect(table: &Table, path: &mut Vec<String>, found: &mut Vec<Statement>) {
    for (name, item) in table {
        path.push(name.to_owned());
        match item {
            Item::Value(value) => {
                let key = table.key(name).and_then(Key::span);
                if let (Some(key), Some(value)) = (key, value.span()) {
                    let range = key.start..value.end;
                    found.push(Statement { path: path.clone(), is_header: false, range });
                }
            }
            Item::Table(table) => collect_table(table, path, found),
            Item::ArrayOfTables(tables) => tables.iter().for_each(|table| collect_table(table, path, found)),
            Item::None => {}
        }
        path.pop();
    }
}

fn collect_table(table: &Table, path: &mut Vec<String>, found: &mut Vec<Statement>) {
    if let Some(range) = table.span().filter(|_| !table.is_dotted() && !table.is_implicit()) {
        found.push(Statement { path: path.clone(), is_header: true, range });
    }
    collect(table, path, found);
}

/// The path of the section in which the statement stands.
fn header(statements: &[Statement], at: usize) -> &[String] {
    let mut above = statements.iter().take(at + 1).rev();
    above.find(|statement| statement.is_header).map_or(&[], |header| &header.path)
}

/// The section in which a statement stands: from that statement on, with the comments that end it. Comments right above
/// the next header are that one's.
fn section(text: &str, statements: &[Statement], at: usize) -> Range<usize> {
    let start = statements.get(at).map_or(0, |statement| statement.range.start);
    let rest = statements.iter().skip(at + 1).take_while(|statement| !statement.is_header);
    let last = rest.last().or(statements.get(at)).map_or(0, |statement| statement.range.end);
    let end = lines::next(text, last);
    let commented = lines::after_comments(text, end, 0);
    let ends_there = commented == text.len() || lines::is_blank(text, commented);
    lines::begin(text, start)..if ends_there { commented } else { end }
}

/// With the blank lines above, or with those below where nothing stands above.
fn with_blank_lines(text: &str, mut range: Range<usize>) -> Range<usize> {
    while range.start > 0 && lines::is_blank(text, lines::begin(text, range.start - 1)) {
        range.start = lines::begin(text, range.start - 1);
    }
    while range.start == 0 && lines::is_blank(text, range.end) {
        range.end = lines::next(text, range.end);
    }
    range
}

fn dotted<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    keys.map(|key| Key::new(key).display_repr().into_owned()).collect::<Vec<_>>().join(".")
}

fn assignment(key: &[&str], value: &Value) -> Result<String, MergeError> {
    Ok(format!("{} = {}", dotted(key.iter().copied()), toml(value)?))
}

fn toml(value: &impl Serialize) -> Result<Toml, MergeError> {
    value.serialize(ValueSerializer::new()).map_err(|error| match error {
        ser::Error::UnsupportedType(_) => MergeError::Unsupported("no way to write a null"),
        _ => MergeError::Foreign,
    })
}

fn meaning(item: &Item) -> Option<Value> {
    let value = item.clone().into_value().ok()?;
    Value::deserialize(value.into_deserializer()).ok()
}

#[cfg(test)]
mod tests;
