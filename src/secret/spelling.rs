//! The spellings in which a text may repeat a secret: escaped for addresses, forms, JSON or HTML, inside Base64 or hexadecimal
//! digits, broken into lines, and one of these within another. It leaves what takes a secret's place to
//! [`Secret`](super::Secret), and undoing one of them to `view`.

mod view;

use std::collections::VecDeque;
use std::ops::Range;

use self::view::DecodedText;

/// A needle of fewer bytes is found in ordinary words: only the secret as it is counts.
const LEAST: usize = 4;
/// How many encodings one within another are undone.
const DEPTH: usize = 5;
/// How many readings of a piece of text are looked through: each takes as long as the text itself.
const READINGS: usize = 64;
/// What is no longer is looked through in every reading, in bytes.
const SHORT: usize = 4 << 10;
/// Encodings of letters have at least so many of their characters in a row.
const RUN: usize = 12;
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
        for part in promising(piece, &needles) {
            let ranges = in_part(piece.get(part.clone()).unwrap_or_default(), &needles);
            let at = start + part.start;
            found.extend(ranges.into_iter().map(|range| at + range.start..at + range.end));
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

/// Where in a piece a closer look is worth its time. In a long one that is all of it if the secret is there once all escapes
/// are undone, and else what may be Base64 or hexadecimal digits.
fn promising(piece: &str, needles: &[Vec<u8>]) -> Vec<Range<usize>> {
    // A blank may be in the midst of an escape, or after what only looks like its beginning.
    let tight: String = piece.split_ascii_whitespace().collect();
    let has = |needle: &Vec<u8>| {
        let wanted = view::folded(&String::from_utf8_lossy(needle), counts);
        let is_in =
            |text: &str| view::folded(text, counts).windows(wanted.len()).any(|bytes| bytes == wanted);
        wanted.len() < LEAST || is_in(piece) || is_in(&tight)
    };
    if piece.len() <= SHORT || needles.iter().any(has) {
        return std::iter::once(0..piece.len()).collect();
    }
    let is_digit = |c: char| c.is_ascii_alphanumeric() || "+/-_=%\\:, \r\n".contains(c);
    let is_blank = |c: char| " ,\r\n".contains(c);
    let mut runs = Vec::new();
    let mut start = 0;
    for part in piece.split_inclusive(|c| !is_digit(c)) {
        let longest = part.split(is_blank).map(str::len).max().unwrap_or_default();
        let in_pairs =
            part.len() >= 2 * RUN && part.chars().filter(char::is_ascii_hexdigit).count() * 2 > part.len();
        if longest >= RUN || in_pairs {
            runs.push(start..start + part.len());
        }
        start += part.len();
    }
    runs
}

/// Looks through every reading of a part, the plain ones first.
fn in_part(piece: &str, needles: &[Vec<u8>]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut seen: Vec<Vec<u8>> = Vec::new();
    let mut left = VecDeque::from([(DecodedText::of(piece), 0)]);
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
