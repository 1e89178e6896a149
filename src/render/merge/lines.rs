//! A text as lines and positions: where a line begins and ends, its indentation, and inserting and removing pieces.
//! Not here: what the lines mean (see `toml` and `yaml`).

use std::ops::Range;

/// The line ending of a text: that of its first line.
pub(super) fn line_end(text: &str) -> &'static str {
    match text.split_once('\n') {
        Some((first, _)) if first.ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// Where the line of `at` begins.
pub(super) fn begin(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Where the line after that of `at` begins.
pub(super) fn next(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|after| after.find('\n')).map_or(text.len(), |newline| at + newline + 1)
}

/// Where the line of `at` ends, before its line ending.
pub(super) fn end(text: &str, at: usize) -> usize {
    let line = text.get(at..next(text, at)).unwrap_or_default();
    at + line.trim_end_matches(['\r', '\n']).len()
}

/// The text from `from` to `to`, empty if there is none.
pub(super) fn between(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to).unwrap_or_default()
}

/// Whether the line that begins at `at` exists and is blank.
pub(super) fn is_blank(text: &str, at: usize) -> bool {
    at < text.len() && between(text, at, next(text, at)).trim().is_empty()
}

/// Where the comments end that begin at `at` and whose `#` is at `column` or further in.
pub(super) fn after_comments(text: &str, at: usize, column: usize) -> usize {
    let mut at = at;
    loop {
        let line = between(text, at, next(text, at));
        let code = line.trim_start_matches([' ', '\t']);
        if !code.starts_with('#') || line.len() - code.len() < column {
            return at;
        }
        at = next(text, at);
    }
}

/// `text` with `piece` inserted at `at`, which is the start of a line or the end of the text, as lines of its own.
pub(super) fn insert(text: &str, at: usize, piece: &str) -> String {
    let newline = line_end(text);
    if at == text.len() && !text.is_empty() && !text.ends_with('\n') {
        let piece = piece.strip_suffix(newline).unwrap_or(piece);
        return format!("{text}{newline}{piece}");
    }
    replace(text, at..at, piece)
}

/// `text` with `piece` in place of `range`.
pub(super) fn replace(text: &str, range: Range<usize>, piece: &str) -> String {
    let (before, after) = (between(text, 0, range.start), between(text, range.end, text.len()));
    format!("{before}{piece}{after}")
}
