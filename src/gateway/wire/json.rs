//! Parses JSON from left to right with one meaning or none, and builds no values. Not here: what keys mean (see
//! `envelope` and `filter`).
//!
//! serde_json is not used, because it keeps the last of two equal keys where others keep the first, gives no
//! positions to cut at, and cannot restrict how keys may differ.

use std::borrow::Cow;

use hashbrown::HashSet;

use self::plain::plain;

mod plain;

/// Why bytes are not one JSON-RPC message with one meaning. None of these repeats what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not UTF-8 (UTF-16 ends here too).
    #[error("not UTF-8")]
    NotUtf8,
    /// A byte order mark, which some parsers take as white space and others as an error (RFC 8259 section 8.1).
    #[error("begins with a byte order mark")]
    Bom,
    /// Not JSON (RFC 8259).
    #[error("not JSON")]
    Syntax,
    /// An array: a JSON-RPC batch, which MCP removed in 2025-06-18.
    #[error("batches are not accepted")]
    Batch,
    /// JSON, but neither object nor array.
    #[error("not a JSON object")]
    NotAnObject,
    /// Something after the object.
    #[error("something follows the JSON object")]
    TrailingData,
    /// Nested too deeply.
    #[error("nested deeper than {LEVELS} levels")]
    TooDeep,
    /// A duplicate key, possibly in another case: parsers differ in which one counts.
    #[error("a key appears twice, possibly in another case")]
    DuplicateKey,
    /// A key that case-insensitive parsers take for this one.
    #[error("a key differs from \"{0}\" only by its case")]
    CaseTwin(&'static str),
    /// `jsonrpc` is absent or not `"2.0"`.
    #[error("\"jsonrpc\" must be \"2.0\"")]
    Version,
    /// JSON, but not valid JSON-RPC or MCP.
    #[error("{0}")]
    Shape(&'static str),
}

/// How many levels a value is allowed: the arguments of a call, or any other part of a message.
pub const LEVELS: u8 = 128;

/// The same for a whole message: the arguments of a call are in its `params`.
pub(super) const DEPTH: u8 = LEVELS + 2;

/// A string, unchanged from the text, with quotes and escapes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'b> {
    quoted: &'b str,
    escaped: bool,
}

/// A position in a JSON text.
#[derive(Clone, Debug)]
pub(super) struct JsonReader<'b> {
    text: &'b str,
    at: usize,
    /// How many more arrays and objects may be opened.
    depth: u8,
}

/// The keys of one object: which known ones occurred, and that no two are alike.
#[derive(Debug)]
pub(super) struct KnownKeys {
    known: &'static [&'static str],
    met: u32,
    /// Case-insensitive hashes of the others. Equal hashes count as equal keys: that can only reject, never let pass.
    few: [u64; 8],
    count: usize,
    many: HashSet<u64>,
}

type Result<T> = std::result::Result<T, Malformed>;

impl Malformed {
    /// The JSON-RPC error code: -32700 if it is not JSON, -32600 if it is JSON but not a request.
    pub fn code(self) -> i32 {
        match self {
            Self::NotUtf8 | Self::Bom | Self::Syntax | Self::TrailingData => -32700,
            _ => -32600,
        }
    }
}

impl<'b> Text<'b> {
    /// The string that is this whole JSON value; `None` if it is not a string.
    pub(super) fn of(value: &'b str) -> Option<Self> {
        value.starts_with('"').then(|| Self { quoted: value, escaped: value.contains('\\') })
    }

    /// Its decoded text. Fails for lone surrogates, which have no UTF-8 and which each parser replaces in its own
    /// way.
    pub(super) fn decode(self) -> Result<Cow<'b, str>> {
        if self.escaped {
            return serde_json::from_str(self.quoted).map(Cow::Owned).map_err(|_| Malformed::Syntax);
        }
        let inner = self.quoted.get(1..self.quoted.len().saturating_sub(1));
        inner.map(Cow::Borrowed).ok_or(Malformed::Syntax)
    }
}

impl<'b> JsonReader<'b> {
    /// The start of a message. Fails unless it is an object.
    pub(super) fn message(bytes: &'b [u8], depth: u8) -> Result<Self> {
        if bytes.starts_with(b"\xEF\xBB\xBF") {
            return Err(Malformed::Bom);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed::NotUtf8)?;
        let mut reader = Self { text, at: 0, depth };
        match reader.peek() {
            Some(b'{') => Ok(reader),
            Some(b'[') => Err(Malformed::Batch),
            _ => reader.skip().and_then(|()| reader.end()).and(Err(Malformed::NotAnObject)),
        }
    }

    /// The offset of the next byte to be read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The first byte of what comes next, after white space.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> Option<u8> {
        match self.byte() {
            Some(b' ' | b'\t' | b'\n' | b'\r') => self.peek_after_space(),
            byte => byte,
        }
    }

    #[inline(never)]
    fn peek_after_space(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    /// Parses an object; `member` gets each key and must parse its value.
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Self, Text<'b>) -> Result<()>) -> Result<()> {
        self.nested(b'{', b'}', |reader| {
            let key = reader.key()?;
            member(reader, key)
        })
    }

    /// Parses an array; `element` must parse each of its values.
    pub(super) fn array(&mut self, element: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.nested(b'[', b']', element)
    }

    /// Parses a value and returns it unchanged.
    pub(super) fn value(&mut self) -> Result<&'b str> {
        self.peek();
        let start = self.at;
        self.skip()?;
        self.since(start)
    }

    /// Skips a value. A loop, because most of a message is skipped.
    pub(super) fn skip(&mut self) -> Result<()> {
        let outside = self.depth;
        // One bit per level within the value, the innermost lowest: whether it is an object.
        let mut objects: u128 = 0;
        'value: loop {
            match self.peek() {
                Some(b'"') => drop(self.skip_string().ok_or(Malformed::Syntax)?),
                Some(open @ (b'{' | b'[')) => {
                    self.at += 1;
                    self.depth = self.depth.checked_sub(1).ok_or(Malformed::TooDeep)?;
                    if outside - self.depth > LEVELS {
                        return Err(Malformed::TooDeep);
                    }
                    objects = objects << 1 | u128::from(open == b'{');
                    if self.peek() != Some(close(objects)) {
                        self.key_of(objects)?;
                        continue;
                    }
                }
                Some(b't') => self.word("true")?,
                Some(b'f') => self.word("false")?,
                Some(b'n') => self.word("null")?,
                _ => self.number()?,
            }
            while self.depth < outside {
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.key_of(objects)?;
                        continue 'value;
                    }
                    Some(byte) if byte == close(objects) => {
                        self.at += 1;
                        self.depth += 1;
                        objects >>= 1;
                    }
                    _ => return Err(Malformed::Syntax),
                }
            }
            return Ok(());
        }
    }

    /// Fails if anything but white space remains.
    pub(super) fn end(&mut self) -> Result<()> {
        self.peek().map_or(Ok(()), |_| Err(Malformed::TrailingData))
    }

    fn nested(&mut self, open: u8, close: u8, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.peek();
        self.expect(open)?;
        self.depth = self.depth.checked_sub(1).ok_or(Malformed::TooDeep)?;
        if self.peek() == Some(close) {
            self.at += 1;
        } else {
            loop {
                item(self)?;
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(byte) if byte == close => break self.at += 1,
                    _ => return Err(Malformed::Syntax),
                }
            }
        }
        self.depth += 1;
        Ok(())
    }

    fn key(&mut self) -> Result<Text<'b>> {
        self.peek();
        let key = self.string()?;
        self.peek();
        self.expect(b':')?;
        Ok(key)
    }

    /// Reads the key of a value that is skipped, if the innermost level is an object.
    #[inline(always)]
    fn key_of(&mut self, objects: u128) -> Result<()> {
        if objects & 1 == 0 {
            return Ok(());
        }
        self.peek();
        self.skip_string().ok_or(Malformed::Syntax)?;
        self.peek();
        self.expect(b':')
    }

    fn string(&mut self) -> Result<Text<'b>> {
        let start = self.at;
        let escaped = self.skip_string().ok_or(Malformed::Syntax)?;
        Ok(Text { quoted: self.since(start)?, escaped })
    }

    /// Skips a string: whether it has escapes, or `None` if it is not a string.
    #[inline(always)]
    fn skip_string(&mut self) -> Option<bool> {
        let rest = self.text.as_bytes().get(self.at..)?.strip_prefix(b"\"")?;
        let plain = plain(rest);
        self.at += 1 + plain;
        if rest.get(plain) == Some(&b'"') {
            self.at += 1;
            return Some(false);
        }
        self.skip_escaped().then_some(true)
    }

    /// Reads the rest of a string from an escape on; whether it has an end.
    #[inline(never)]
    fn skip_escaped(&mut self) -> bool {
        loop {
            match self.byte() {
                Some(b'"') => break self.at += 1,
                Some(b'\\') if self.escape().is_ok() => {}
                _ => return false,
            }
            self.at += plain(self.text.as_bytes().get(self.at..).unwrap_or_default());
        }
        true
    }

    fn escape(&mut self) -> Result<()> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += match rest {
            [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [_, b'u', a, b, c, d, ..] if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return Err(Malformed::Syntax),
        };
        Ok(())
    }

    fn number(&mut self) -> Result<()> {
        self.accept(b"-");
        if !self.accept(b"0") {
            self.digits()?;
        }
        if self.accept(b".") {
            self.digits()?;
        }
        if self.accept(b"eE") {
            self.accept(b"+-");
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Malformed::Syntax) }
    }

    fn word(&mut self, word: &str) -> Result<()> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(Malformed::Syntax);
        }
        self.at += word.len();
        Ok(())
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.byte() != Some(byte) {
            return Err(Malformed::Syntax);
        }
        self.at += 1;
        Ok(())
    }

    fn accept(&mut self, any_of: &[u8]) -> bool {
        let found = self.byte().is_some_and(|byte| any_of.contains(&byte));
        self.at += usize::from(found);
        found
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn since(&self, start: usize) -> Result<&'b str> {
        self.text.get(start..self.at).ok_or(Malformed::Syntax)
    }
}

impl KnownKeys {
    /// For an object in which these keys (at most 32) have a meaning.
    pub(super) fn new(known: &'static [&'static str]) -> Self {
        Self { known, met: 0, few: [0; 8], count: 0, many: HashSet::new() }
    }

    /// Which of the known keys this is. Fails for a duplicate key, and for a known one in another case.
    pub(super) fn admit(&mut self, key: Text<'_>) -> Result<Option<&'static str>> {
        let key = key.decode()?;
        if let Some((at, known)) = self.known.iter().enumerate().find(|(_, known)| **known == key) {
            let bit = 1 << at;
            if self.met & bit != 0 {
                return Err(Malformed::DuplicateKey);
            }
            self.met |= bit;
            return Ok(Some(known));
        }
        if let Some(known) = self.known.iter().find(|known| alike(&key, known)) {
            return Err(Malformed::CaseTwin(known));
        }
        if self.is_new(hash(&key)) { Ok(None) } else { Err(Malformed::DuplicateKey) }
    }

    fn is_new(&mut self, hash: u64) -> bool {
        let taken = self.few.get(..self.count).unwrap_or(&self.few);
        if taken.contains(&hash) {
            return false;
        }
        let Some(free) = self.few.get_mut(self.count) else { return self.many.insert(hash) };
        *free = hash;
        self.count += 1;
        true
    }
}

/// How the innermost level ends.
fn close(objects: u128) -> u8 {
    if objects & 1 == 1 { b'}' } else { b']' }
}

/// Whether a case-insensitive parser takes one key for the other.
pub(super) fn alike(key: &str, known: &str) -> bool {
    // Nearly every key is ASCII, where only letters have another case.
    if key.is_ascii() {
        let Some((start, rest)) = key.as_bytes().split_at_checked(known.len()) else { return false };
        return start.eq_ignore_ascii_case(known.as_bytes()) && matches!(rest.first(), None | Some(0));
    }
    folded(key).eq(folded(known))
}

/// Go folds U+017F to s and U+212A to k; Java's `equalsIgnoreCase` U+0131 and U+0130 to i: upper case, then lower,
/// covers all of these. C parsers end a key at its first U+0000.
fn folded(key: &str) -> impl Iterator<Item = char> {
    key.chars().take_while(|c| *c != '\0').map(fold)
}

/// A character without its case.
pub(super) fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut upper = c.to_uppercase();
    let upper = if upper.len() == 1 { upper.next() } else { None };
    upper.unwrap_or(c).to_lowercase().next().unwrap_or(c)
}

/// FNV-1a of the folded key.
fn hash(key: &str) -> u64 {
    folded(key).fold(0xcbf2_9ce4_8422_2325, |hash, c| (hash ^ u64::from(c)).wrapping_mul(0x0100_0000_01b3))
}
