//! Edits YAML by the lines of our entries, whose positions the parser reports; every other line stays. Not here: what
//! to edit (see `plan`); positions (see `tree`); the form of our values (see `write`).
//!
//! Only block style in one top-level block is edited. Non-empty flow style, and an anchor, a tag or an alias where we
//! would have to change something, are rejected.

mod tree;
mod write;

use serde_json::{Map, Value};
use serde_saphyr::{MessageFormatter, UserMessageFormatter};

use self::tree::{Node, NodeKind, after_colon};
use self::write::YamlValue;
use super::plan::Edit;
use super::{MergeError, lines};
use crate::render::layout::Layout;
use crate::render::targets::Shape;

const BRACES: MergeError = MergeError::Unsupported("servers in braces or brackets");
const MARKS: MergeError =
    MergeError::Unsupported("an anchor, an alias, a tag or a merge key among its servers");
const NESTED: MergeError = MergeError::Unsupported("servers that are not on lines of their own");

/// What the text means.
pub(super) fn read(text: &str) -> Result<Value, MergeError> {
    let options = serde_saphyr::options! { strict_booleans: true };
    let value: Value = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        // With the snippet, the reason would quote a line that may contain a token.
        let error = error.without_snippet();
        let place = error.location().map(|at| format!(" on line {} column {}", at.line(), at.column()));
        let reason = UserMessageFormatter.format_message(error);
        MergeError::Parse("YAML", format!("{reason}{}", place.unwrap_or_default()))
    })?;
    Ok(if value.is_null() { Value::Object(Map::new()) } else { value })
}

/// The text with `edits` made, one after the other.
pub(super) fn edit(text: &str, layout: Layout<'_>, edits: &[Edit<'_>]) -> Result<String, MergeError> {
    let [key] = layout.root else { return Err(NESTED) };
    edits.iter().try_fold(text.to_owned(), |text, edit| {
        let root = tree::parse(&text)?;
        let file = YamlFile { text: &text, key, shape: layout.shape, newline: lines::line_end(&text) };
        let block = file.block(root.as_ref())?;
        match (*edit, block) {
            (Edit::Add(name, fields), block) => file.add(root.as_ref(), block, name, fields),
            (Edit::Remove(name), Some(block)) => file.remove(block, name),
            (Edit::Set(name, field, value), Some((_, block))) => {
                file.set(file.entry(block, name)?, field, value)
            }
            (Edit::Drop(name, field), Some((_, block))) => file.drop(file.entry(block, name)?, field),
            (_, None) => Err(MergeError::Foreign),
        }
    })
}

/// A text, and the positions of our entries in it.
struct YamlFile<'a> {
    text: &'a str,
    key: &'a str,
    shape: Shape,
    newline: &'a str,
}

type YamlPair<'a> = (&'a Node, &'a Node);

impl YamlFile<'_> {
    /// The top-level key and its value.
    fn block<'n>(&self, root: Option<&'n Node>) -> Result<Option<YamlPair<'n>>, MergeError> {
        let Some(root) = root.filter(|root| !self.is_empty(root)) else { return Ok(None) };
        let found = find(root.pairs().ok_or(BRACES)?, self.key);
        match found {
            Some((key, value)) if key.is_marked || value.is_marked => Err(MARKS),
            found => Ok(found),
        }
    }

    /// The entry with that name, which must be in block style to be changed.
    fn entry<'n>(&self, block: &'n Node, name: &str) -> Result<&'n [(Node, Node)], MergeError> {
        let entry = match &block.kind {
            NodeKind::Map(pairs) => find(pairs, name).map(|(_, entry)| entry),
            NodeKind::List(items) => items.iter().find(|item| is_named(item, name)),
            _ => return Err(BRACES),
        };
        let entry = entry.ok_or(MARKS)?;
        if entry.is_plain() { entry.pairs().ok_or(BRACES) } else { Err(MARKS) }
    }

    fn add(
        &self,
        root: Option<&Node>,
        block: Option<YamlPair<'_>>,
        name: &str,
        fields: &Map<String, Value>,
    ) -> Result<String, MergeError> {
        let Some((key, value)) = block else { return self.add_block(root, name, fields) };
        if self.is_empty(value) {
            let colon = after_colon(self.text, key).ok_or(NESTED)?;
            let entry = self.lines(&self.new_entry(name, fields, key.column + 2));
            let text = lines::replace(self.text, colon..value.range.end.max(colon), "");
            return Ok(lines::insert(&text, lines::next(&text, colon), &entry));
        }
        let column = match &value.kind {
            NodeKind::Map(_) => value.column,
            NodeKind::List(items) => self.column(self.dash(items.first().ok_or(NESTED)?)?)?,
            _ => return Err(BRACES),
        };
        let end = lines::next(self.text, value.range.end);
        // What is indented as far as the entries is about them, unless everything is indented that far.
        let end = if column > key.column { lines::after_comments(self.text, end, column) } else { end };
        Ok(lines::insert(self.text, end, &self.lines(&self.new_entry(name, fields, column))))
    }

    /// Adds the top-level key with the first entry, after everything else.
    fn add_block(
        &self,
        root: Option<&Node>,
        name: &str,
        fields: &Map<String, Value>,
    ) -> Result<String, MergeError> {
        if self.text.lines().any(|line| line.starts_with("...")) {
            return Err(MergeError::Unsupported("an end-of-document marker"));
        }
        let column = root.filter(|root| root.pairs().is_some()).map_or(0, |root| root.column);
        let mut piece = vec![format!("{}{}:", " ".repeat(column), write::name(self.key))];
        piece.extend(self.new_entry(name, fields, column + 2));
        let nothing = root.filter(|root| self.is_empty(root)).map(|root| root.range.clone());
        let text = lines::replace(self.text, nothing.unwrap_or_default(), "");
        Ok(lines::insert(&text, text.len(), &self.lines(&piece)))
    }

    fn remove(&self, (key, value): YamlPair<'_>, name: &str) -> Result<String, MergeError> {
        let (start, end, column, is_last) = match &value.kind {
            NodeKind::Map(pairs) => {
                let (key, entry) = find(pairs, name).ok_or(MARKS)?;
                let is_last = pairs.len() == 1;
                (key.range.start, entry.range.end.max(key.range.end), self.column(key.range.start)?, is_last)
            }
            NodeKind::List(items) => {
                let item = items.iter().find(|item| is_named(item, name)).ok_or(MARKS)?;
                let dash = self.dash(item)?;
                (dash, item.range.end, self.column(dash)?, items.len() == 1)
            }
            _ => return Err(BRACES),
        };
        let text = self.without_lines(start, end, column);
        if !is_last {
            return Ok(text);
        }
        let colon = after_colon(self.text, key).filter(|colon| *colon < start).ok_or(NESTED)?;
        let none = match self.shape {
            Shape::Map => " {}",
            Shape::List => " []",
        };
        Ok(lines::replace(&text, colon..colon, none))
    }

    fn set(&self, entry: &[(Node, Node)], field: &str, value: &Value) -> Result<String, MergeError> {
        let column = entry.first().ok_or(NESTED)?.0.column;
        let Some((key, old)) = find(entry, field) else {
            let end = entry.last().map_or(0, |(key, value)| value.range.end.max(key.range.end));
            let lines = self.lines(&write::field(&write::name(field), value, column));
            return Ok(lines::insert(self.text, lines::next(self.text, end), &lines));
        };
        let colon = after_colon(self.text, key).ok_or(NESTED)?;
        let line_end = lines::end(self.text, colon);
        // Two pieces, so that a comment on the key's line stays: what follows the colon, and the lines below. A block
        // scalar begins below, but its indicator is on the key's line.
        let on_line = lines::between(self.text, colon, line_end).trim_start();
        let is_below = old.range.start > line_end && (on_line.is_empty() || on_line.starts_with('#'));
        let behind = if is_below { colon } else { old.range.end.min(line_end).max(colon) };
        let below = old.range.end.max(line_end);
        let (inline, block) = match write::behind_colon(value, column) {
            YamlValue::Inline(text) => (format!(" {text}"), String::new()),
            YamlValue::Lines(lines) => {
                (String::new(), lines.iter().map(|line| format!("{}{line}", self.newline)).collect())
            }
        };
        let text = lines::replace(self.text, line_end..below, &block);
        Ok(lines::replace(&text, colon..behind, &inline))
    }

    fn drop(&self, entry: &[(Node, Node)], field: &str) -> Result<String, MergeError> {
        let at = entry.iter().position(|(key, _)| key.text() == Some(field)).ok_or(MARKS)?;
        let (key, value) = entry.get(at).ok_or(MARKS)?;
        let start = key.range.start;
        if let Ok(column) = self.column(start) {
            return Ok(self.without_lines(start, value.range.end.max(key.range.end), column));
        }
        // The first field of an element is on the dash's line, and leaves that to the second.
        let (next, _) = entry.get(at + 1).ok_or(NESTED)?;
        Ok(lines::replace(self.text, start..next.range.start, ""))
    }

    /// The text without the lines from `start` to `end` and the comments in their value, which is at `column`.
    fn without_lines(&self, start: usize, end: usize, column: usize) -> String {
        let start = lines::begin(self.text, start);
        let mut end = lines::after_comments(self.text, lines::next(self.text, end), column + 1);
        // Blank lines above may belong to a block scalar that keeps them, and would be more.
        if start > 0 && lines::is_blank(self.text, lines::begin(self.text, start - 1)) {
            while lines::is_blank(self.text, end) {
                end = lines::next(self.text, end);
            }
        }
        lines::replace(self.text, start..end, "")
    }

    fn new_entry(&self, name: &str, fields: &Map<String, Value>, column: usize) -> Vec<String> {
        match self.shape {
            Shape::Map => write::field(&write::name(name), &Value::Object(fields.clone()), column),
            Shape::List => write::element(fields, column),
        }
    }

    fn lines(&self, lines: &[String]) -> String {
        lines.iter().flat_map(|line| [line.as_str(), self.newline]).collect()
    }

    /// Whether there is nothing, or only empty braces or brackets.
    fn is_empty(&self, node: &Node) -> bool {
        let text = lines::between(self.text, node.range.start, node.range.end);
        let inner = text.strip_prefix(['{', '[']).and_then(|rest| rest.strip_suffix(['}', ']']));
        !node.is_marked
            && match node.kind {
                NodeKind::Scalar(_) => ["", "~", "null", "Null", "NULL"].contains(&text),
                NodeKind::Flow => inner.is_some_and(|inner| inner.chars().all(|c| c == ' ')),
                NodeKind::Map(_) | NodeKind::List(_) => false,
            }
    }

    /// Its indentation, if only spaces precede it.
    fn column(&self, at: usize) -> Result<usize, MergeError> {
        let begin = lines::begin(self.text, at);
        let indent = lines::between(self.text, begin, at);
        if indent.bytes().all(|byte| byte == b' ') { Ok(at - begin) } else { Err(NESTED) }
    }

    /// Where an element's dash is.
    fn dash(&self, item: &Node) -> Result<usize, MergeError> {
        let before = lines::between(self.text, 0, item.range.start).trim_end();
        if before.ends_with('-') { Ok(before.len() - 1) } else { Err(NESTED) }
    }
}

fn find<'n>(pairs: &'n [(Node, Node)], name: &str) -> Option<YamlPair<'n>> {
    pairs.iter().find(|(key, _)| key.text() == Some(name)).map(|(key, value)| (key, value))
}

fn is_named(item: &Node, name: &str) -> bool {
    let found = item.pairs().and_then(|pairs| find(pairs, "name"));
    found.and_then(|(_, value)| value.text()) == Some(name)
}

#[cfg(test)]
mod tests;
