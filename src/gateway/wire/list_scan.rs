//! Scans a server's answer, as it arrives, for what the caller might not be allowed to see: a list in a result, or the
//! notification of a changed resource. It builds and copies nothing. Not here: what is done about it (see `filter`
//! and `sse`).
//!
//! Most answers contain nothing of the kind, so the first check ([`may_tell`]) searches for a quoted word in any
//! encoding. The second ([`ListScan`]) knows where in a JSON-RPC message the word is: a tool may well answer with its
//! own member called `tools`.

use memchr::{memchr, memchr2};

use super::json::fold;
use crate::mcp::methods::{Listed, RESOURCE_UPDATED};

/// The scan of one answer or event as it arrives.
#[derive(Debug, Default)]
pub struct ListScan {
    form: Form,
    depth: usize,
    /// The depth of the message: 1 for those in an array.
    base: usize,
    /// Within a string, and after a backslash in it.
    string: bool,
    escape: bool,
    /// The current string, if it matters; if this is not JSON, the bytes since the last quote.
    token: Vec<u8>,
    /// What the last string was, until something other than a colon follows.
    key: ScanKey,
    /// Whether the current member is `result`.
    in_result: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    #[default]
    Unknown,
    Json,
    /// It is unknown how a client reads this, so every quoted word counts.
    Other,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ScanKey {
    #[default]
    None,
    Result,
    Telling,
}

/// How much of a string is kept. The longest word, escaped and in UTF-32, is shorter.
const KEPT: usize = 1024;

/// Whether a listed word occurs between two quotes anywhere, in any case and with any escapes. UTF-16 and UTF-32
/// count as well: some parsers detect them.
pub fn may_tell(bytes: &[u8]) -> bool {
    let mut last: Option<usize> = None;
    Quotes { bytes, at: 0, found: 0 }.any(|at| {
        let between = last.replace(at + 1).and_then(|start| bytes.get(start..at));
        between.is_some_and(is_telling)
    })
}

/// The positions of quotes. Most are close to each other, and then finding one costs less than a call of `memchr`.
struct Quotes<'b> {
    bytes: &'b [u8],
    /// Where the next eight bytes are.
    at: usize,
    /// The quotes in the last eight that have not been given: the highest bit of each one's byte.
    found: u64,
}

impl Iterator for Quotes<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            let rest = self.bytes.get(self.at..)?;
            if let Some(eight) = rest.first_chunk() {
                self.found = quotes(*eight);
                if self.found == 0 {
                    let (_, after) = rest.split_at_checked(8)?;
                    self.at += 8 + memchr(b'"', after)?;
                    continue;
                }
            } else {
                let mut eight = [0; 8];
                eight.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                self.found = quotes(eight);
                if self.found == 0 {
                    return None;
                }
            }
            self.at += 8;
        }
        let place = self.found.trailing_zeros() as usize / 8;
        self.found &= self.found - 1;
        Some(self.at - 8 + place)
    }
}

/// The highest bit of each byte that is a quote.
fn quotes(eight: [u8; 8]) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const LOWER: u64 = ONES * 0x7f;
    let word = u64::from_le_bytes(eight) ^ (ONES * u64::from(b'"'));
    !(((word & LOWER) + LOWER) | word | LOWER)
}

fn is_telling(token: &[u8]) -> bool {
    // Decided by their first two letters, most words cost nothing.
    let [first, second, ..] = token else { return false };
    let may = |first, second| match first {
        b't' | b'n' => matches!(second, b'o' | b'\\' | 0 | 128..),
        b'p' => matches!(second, b'r' | b'\\' | 0 | 128..),
        b'r' => matches!(second, b'e' | b'\\' | 0 | 128..),
        _ => matches!(first, b'\\' | 0),
    };
    may(first.to_ascii_lowercase(), second.to_ascii_lowercase())
        && (is_list(token) || spells(token, RESOURCE_UPDATED))
}

fn is_list(token: &[u8]) -> bool {
    Listed::ALL.into_iter().any(|listed| spells(token, listed.member()))
}

/// Whether some parser takes the inside of a JSON string for this word: case-insensitively, and up to a U+0000.
fn spells(token: &[u8], word: &str) -> bool {
    // Nearly every string is told apart by its first plain letters.
    let is_same = |(found, expected): &(&u8, u8)| found.eq_ignore_ascii_case(expected);
    let same = token.iter().zip(word.bytes()).take_while(is_same).count();
    match token.get(same) {
        None => same == word.len(),
        Some(b'\\' | 0 | 128..) => {
            let rest = (token.get(same..), word.get(same..));
            matches!(rest, (Some(token), Some(word)) if means(token, word))
        }
        Some(_) => false,
    }
}

fn means(mut token: &[u8], word: &str) -> bool {
    for expected in word.chars() {
        match letter(token) {
            Some((found, rest)) if fold(found) == fold(expected) => token = rest,
            _ => return false,
        }
    }
    matches!(letter(token), None | Some(('\0', _)))
}

/// The first character, escapes resolved. Zero bytes are skipped: they are halves of wider characters.
fn letter(token: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = narrow(token)?;
    if first != b'\\' {
        return Some(if first.is_ascii() { (char::from(first), rest) } else { wide(first, rest) });
    }
    Some(escaped(rest).unwrap_or((char::REPLACEMENT_CHARACTER, rest)))
}

/// The character after a backslash; `None` if it is cut off or invalid.
fn escaped(rest: &[u8]) -> Option<(char, &[u8])> {
    let (letter, mut rest) = narrow(rest)?;
    if letter != b'u' {
        return Some((char::from(letter), rest));
    }
    let mut code = 0;
    for _ in 0..4 {
        let (digit, after) = narrow(rest)?;
        code = code << 4 | char::from(digit).to_digit(16)?;
        rest = after;
    }
    Some((char::from_u32(code)?, rest))
}

fn narrow(token: &[u8]) -> Option<(u8, &[u8])> {
    let start = token.iter().position(|byte| *byte != 0)?;
    let (first, rest) = token.get(start..)?.split_first()?;
    Some((*first, rest))
}

/// A character outside ASCII. No listed word has one that takes more than two bytes.
fn wide(first: u8, rest: &[u8]) -> (char, &[u8]) {
    let pair = [first, rest.first().copied().unwrap_or_default()];
    let found = std::str::from_utf8(&pair).ok().and_then(|pair| pair.chars().next());
    (found.unwrap_or(char::REPLACEMENT_CHARACTER), rest.get(1..).unwrap_or_default())
}

impl ListScan {
    /// A scan of something that is not JSON, or begins in its middle.
    pub fn at_anything() -> Self {
        Self { form: Form::Other, ..Self::default() }
    }

    /// Whether these next bytes contain what the caller might not be allowed to see. Once they do, nothing more is
    /// scanned.
    pub fn tells(&mut self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        loop {
            if self.form == Form::Other {
                return self.tells_in_anything(rest);
            }
            if self.string {
                let Some(after) = self.within(rest) else { return false };
                rest = after;
                if !self.string && self.string_tells() {
                    return true;
                }
                continue;
            }
            let Some((byte, after)) = rest.split_first() else { return false };
            if self.structure(*byte) {
                return true;
            }
            if self.form != Form::Other {
                rest = after;
            }
        }
    }

    /// Whether everything that came is complete JSON.
    pub fn is_whole(&self) -> bool {
        self.form == Form::Json && self.depth == 0 && !self.string
    }

    /// Takes the next byte outside of strings. True after the colon of a listed key, and where the text stops being
    /// JSON: a parser that continues reads something other than we do.
    fn structure(&mut self, byte: u8) -> bool {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => return false,
            b'{' | b'[' => {
                if self.form == Form::Unknown {
                    (self.form, self.base) = (Form::Json, usize::from(byte == b'['));
                } else if self.depth == 0 {
                    // A second text after the first: a parser may start from there.
                    return true;
                }
                self.depth += 1;
            }
            _ if self.form == Form::Unknown => self.form = Form::Other,
            b'}' | b']' => match self.depth.checked_sub(1) {
                Some(depth) => self.depth = depth,
                None => return true,
            },
            b'"' => {
                self.string = true;
                self.token.clear();
            }
            b':' => {
                if self.depth == self.base + 1 {
                    self.in_result = self.key == ScanKey::Result;
                } else if self.key == ScanKey::Telling {
                    return true;
                }
            }
            b',' | b'+' | b'-' | b'.' | b'0'..=b'9' => {}
            // The letters of `true`, `false`, `null`, of exponents, and of the `NaN` and `Infinity` that Python
            // writes.
            _ if b"eEtrufalsnNIiy".contains(&byte) => {}
            _ => return true,
        }
        self.key = ScanKey::None;
        false
    }

    /// Continues within a string; `None` if it does not end here.
    fn within<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let mut rest = bytes;
        if self.escape
            && let Some((first, after)) = rest.split_at_checked(1)
        {
            self.escape = false;
            self.note(first);
            rest = after;
        }
        let Some(at) = memchr2(b'"', b'\\', rest) else {
            self.note(rest);
            return None;
        };
        let (part, after) = rest.split_at_checked(at)?;
        self.note(part);
        let (mark, after) = after.split_at_checked(1)?;
        if mark == b"\\" {
            self.note(mark);
            self.escape = true;
        } else {
            self.string = false;
        }
        Some(after)
    }

    /// Whether the string that ended is itself significant; what it would be as a key is recorded.
    fn string_tells(&mut self) -> bool {
        if self.depth == self.base + 1 {
            let is_result = spells(&self.token, "result");
            self.key = if is_result { ScanKey::Result } else { ScanKey::None };
            return spells(&self.token, RESOURCE_UPDATED);
        }
        let tells = self.matters() && is_list(&self.token);
        self.key = if tells { ScanKey::Telling } else { ScanKey::None };
        false
    }

    fn matters(&self) -> bool {
        self.depth == self.base + 1 || (self.in_result && self.depth == self.base + 2)
    }

    fn note(&mut self, part: &[u8]) {
        if self.form == Form::Other || self.matters() {
            let room = KEPT.saturating_sub(self.token.len()).min(part.len());
            self.token.extend_from_slice(part.get(..room).unwrap_or_default());
        }
    }

    fn tells_in_anything(&mut self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while let Some((part, after)) = memchr(b'"', rest).and_then(|at| rest.split_at_checked(at)) {
            self.note(part);
            if is_telling(&self.token) {
                return true;
            }
            self.token.clear();
            rest = after.get(1..).unwrap_or_default();
        }
        self.note(rest);
        false
    }
}

#[cfg(test)]
mod tests;
