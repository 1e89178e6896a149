//! Looks at a server's answer, as it comes, for what may have to be kept from a caller: a list in a result, or the notice
//! that a resource changed. It builds and copies nothing, and leaves what is done about it to `filter` and `sse`.
//!
//! Most answers hold nothing of the kind, so the first look ([`may_tell`]) is a search for a quoted word, in whatever the
//! answer is written. The second ([`ListScan`]) knows where in a JSON-RPC message the word stands: a tool may well answer with
//! a member called `tools` of its own.

use memchr::{memchr, memchr_iter, memchr2};

use super::json::fold;
use crate::mcp::methods::{Listed, RESOURCE_UPDATED};

/// A look at one answer or event that is on its way.
#[derive(Debug, Default)]
pub struct ListScan {
    form: Form,
    depth: usize,
    /// How deep the message lies: 1 for those in an array.
    base: usize,
    /// Within a string, and after a backslash in it.
    string: bool,
    escape: bool,
    /// The string that is read, where it matters; if this is no JSON, what came since the last quote.
    token: Vec<u8>,
    /// What the last string was, until something else than a colon follows.
    key: ScanKey,
    /// Whether the member that is read is `result`.
    in_result: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    #[default]
    Unknown,
    Json,
    /// Nobody can say how a client reads this, so that every quoted word counts.
    Other,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ScanKey {
    #[default]
    None,
    Result,
    Telling,
}

/// As much of a string as is kept. The longest word, written in escapes and as UTF-32, is shorter.
const KEPT: usize = 1024;

/// Whether a telling word stands between two quotes anywhere, in any case and with any escapes. UTF-16 and UTF-32 count as
/// well: some readers find out for themselves.
pub fn may_tell(bytes: &[u8]) -> bool {
    let mut last: Option<usize> = None;
    memchr_iter(b'"', bytes).any(|at| {
        let between = last.replace(at + 1).and_then(|start| bytes.get(start..at));
        between.is_some_and(is_telling)
    })
}

fn is_telling(token: &[u8]) -> bool {
    // Decided by their first letter, most words cost nothing.
    let may =
        matches!(token.first(), Some(b't' | b'p' | b'r' | b'n' | b'T' | b'P' | b'R' | b'N' | b'\\' | 0));
    may && (is_list(token) || spells(token, RESOURCE_UPDATED))
}

fn is_list(token: &[u8]) -> bool {
    Listed::ALL.into_iter().any(|listed| spells(token, listed.member()))
}

/// Whether some reader takes the inside of a JSON string for this word: without regard to case, and up to a U+0000.
fn spells(mut token: &[u8], word: &str) -> bool {
    for expected in word.chars() {
        match letter(token) {
            Some((found, rest)) if fold(found) == fold(expected) => token = rest,
            _ => return false,
        }
    }
    matches!(letter(token), None | Some(('\0', _)))
}

/// The first character, escapes resolved. Raw zero bytes are passed over: they are halves of wider characters.
fn letter(token: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = narrow(token)?;
    if first != b'\\' {
        return Some(if first.is_ascii() { (char::from(first), rest) } else { wide(first, rest) });
    }
    Some(escaped(rest).unwrap_or((char::REPLACEMENT_CHARACTER, rest)))
}

/// The character after a backslash; nothing if it is cut off or none.
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

/// A character outside ASCII. No telling word has one that is written in more than two bytes.
fn wide(first: u8, rest: &[u8]) -> (char, &[u8]) {
    let pair = [first, rest.first().copied().unwrap_or_default()];
    let found = std::str::from_utf8(&pair).ok().and_then(|pair| pair.chars().next());
    (found.unwrap_or(char::REPLACEMENT_CHARACTER), rest.get(1..).unwrap_or_default())
}

impl ListScan {
    /// A look at what is no JSON, or begins in its midst.
    pub fn at_anything() -> Self {
        Self { form: Form::Other, ..Self::default() }
    }

    /// Whether these next bytes tell what may have to be kept from the caller. Once they do, nothing more is looked at.
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

    /// Whether all that came is JSON, and whole.
    pub fn is_whole(&self) -> bool {
        self.form == Form::Json && self.depth == 0 && !self.string
    }

    /// Takes the next byte outside of strings. True after the colon of a telling key, and where JSON ceases to be any:
    /// whoever reads on all the same reads something else than we do.
    fn structure(&mut self, byte: u8) -> bool {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => return false,
            b'{' | b'[' => {
                if self.form == Form::Unknown {
                    (self.form, self.base) = (Form::Json, usize::from(byte == b'['));
                } else if self.depth == 0 {
                    // Another text after the first: who reads it may count from there.
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
            // The letters of `true`, `false`, `null`, of exponents, and of the `NaN` and `Infinity` that Python writes.
            _ if b"eEtrufalsnNIiy".contains(&byte) => {}
            _ => return true,
        }
        self.key = ScanKey::None;
        false
    }

    /// Reads on within a string; nothing if it does not end here.
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

    /// Whether the string that has ended tells something by itself; what it would be as a key is noted.
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
