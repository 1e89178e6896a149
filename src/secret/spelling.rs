//! The spellings in which a text may repeat a secret: escaped for addresses, forms, JSON or HTML, inside Base64 or hexadecimal
//! digits, broken into lines, and one of these within another. It leaves what takes a secret's place to
//! [`Secret`](super::Secret), and undoing one of them to `view`.

mod view;

use std::collections::VecDeque;
use std::ops::Range;

use self::view::View;

/// A needle of fewer bytes is found in ordinary words: only the secret as it is counts.
const LEAST: usize = 4;
/// How many encodings one within another are undone.
const DEPTH: usize = 5;
/// How many readings of a piece of text are looked through: each takes as long as the text itself.
const READINGS: usize = 64;
/// A text is looked through piece by piece, which bounds what it costs in memory, in bytes.
const PIECE: usize = 64 << 10;
/// How much of a piece is looked through with the next one again, in bytes for each one of the secret: an escape within an
/// escape within Base64 is this much longer.
const GROWTH: usize = 32;

/// Where `text` has `secret`, in whatever spelling; in order, and apart from each other.
pub(super) fn find(text: &str, secret: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> =
        text.match_indices(secret).map(|(at, same)| at..at + same.len()).collect();
    let needles = needles(secret);
    let overlap = (secret.len() * GROWTH).min(PIECE / 2);
    let mut start = 0;
    while !needles.is_empty() && start < text.len() {
        let end = text.ceil_char_boundary(start + PIECE);
        let piece = text.get(start..end).unwrap_or_default();
        for range in in_piece(piece, &needles) {
            found.push(start + range.start..start + range.end);
        }
        start = if end == text.len() { end } else { text.floor_char_boundary(end - overlap) };
    }
    merged(found)
}

/// What is looked for: the secret's bytes as they are, and in Latin-1.
fn needles(secret: &str) -> Vec<Vec<u8>> {
    let latin: Option<Vec<u8>> = secret.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    let all = [Some(secret.as_bytes().to_vec()), latin].into_iter().flatten();
    let mut all: Vec<Vec<u8>> =
        all.map(|bytes| bytes.into_iter().filter(|byte| counts(*byte)).collect()).collect();
    all.dedup();
    all.retain(|needle| needle.len() >= LEAST);
    all
}

/// Whether a byte tells anything: blanks and line breaks come and go on the way, and `+` is a blank to forms.
fn counts(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f && byte != b'+'
}

/// Looks through every reading of a piece, the plain ones first.
fn in_piece(piece: &str, needles: &[Vec<u8>]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut seen: Vec<Vec<u8>> = Vec::new();
    let mut left = VecDeque::from([(View::of(piece), 0)]);
    while let Some((view, depth)) = left.pop_front() {
        let ranges = needles.iter().flat_map(|needle| view.find(needle, counts));
        found.extend(ranges.map(|range| if view.is_within_digits { around(piece, range) } else { range }));
        if depth == DEPTH {
            continue;
        }
        for next in view.readings() {
            if seen.len() < READINGS && !seen.contains(&next.bytes) {
                seen.push(next.bytes.clone());
                left.push_back((next, depth + 1));
            }
        }
    }
    found
}

/// All of the Base64 that a piece belongs to: its ends hold parts of the secret, too.
fn around(text: &str, range: Range<usize>) -> Range<usize> {
    let is_digit = |c: char| c.is_ascii_alphanumeric() || "+/-_=%".contains(c);
    let (before, after) = (text.get(..range.start), text.get(range.end..));
    let start = before.unwrap_or_default().trim_end_matches(is_digit).len();
    let after = after.unwrap_or_default();
    start..text.len() - after.trim_start_matches(is_digit).len()
}

fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut().filter(|last| range.start < last.end) {
            Some(last) => last.end = last.end.max(range.end),
            None => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests;
