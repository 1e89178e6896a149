//! A text after one encoding is undone: its bytes, each with its position in the text. Not here: how often that is
//! done (see `spelling`).

use std::ops::Range;

/// Fewer Base64 digits in a row are a word.
const WORD: usize = 8;
/// The longest entity is `&#x0010FFFF;`, or a name.
const ENTITY: usize = 12;

/// One reading of a text.
pub(super) struct DecodedText {
    pub(super) bytes: Vec<u8>,
    /// For each byte, its position in the text.
    from: Vec<(usize, usize)>,
    /// Whether Base64 was undone: the neighbours of a position contain parts of it.
    pub(super) is_within_digits: bool,
}

/// What an escape at the start of some bytes stands for, and its length.
type Escape = fn(&[u8]) -> Option<(Vec<u8>, usize)>;

/// Each kind of escape by its first character.
const ESCAPES: [(u8, Escape); 3] = [(b'%', percent), (b'\\', backslash), (b'&', entity)];
/// How often escapes are undone to see whether a closer search is worth it.
const FOLDS: usize = 5;

/// A text with all its escapes, and theirs, undone, in lower case.
pub(super) fn folded(text: &str, counts: fn(u8) -> bool) -> Vec<u8> {
    let plain = |c: &char| crate::text::is_plain(*c) || c.is_ascii_control();
    let mut bytes = if text.is_ascii() {
        text.as_bytes().to_vec()
    } else {
        text.chars().filter(plain).collect::<String>().into_bytes()
    };
    for _ in 0..FOLDS {
        let before = bytes.len();
        for (mark, escape) in ESCAPES {
            bytes = undone(&bytes, mark, escape);
        }
        if bytes.len() == before {
            break;
        }
    }
    bytes.retain(|byte| counts(*byte));
    bytes.make_ascii_lowercase();
    bytes
}

/// The same bytes with the escapes of one kind undone.
fn undone(bytes: &[u8], mark: u8, escape: Escape) -> Vec<u8> {
    let mut done = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == mark) {
        let (before, after) = rest.split_at(at);
        done.extend_from_slice(before);
        let (stands_for, length) = escape(after).unwrap_or_else(|| (vec![mark], 1));
        done.extend(stands_for);
        rest = after.get(length..).unwrap_or_default();
    }
    done.extend_from_slice(rest);
    done
}

impl DecodedText {
    /// The text itself, without insignificant bytes.
    pub(super) fn of(text: &str) -> Self {
        let mut view = Self { bytes: Vec::new(), from: Vec::new(), is_within_digits: false };
        for (at, c) in text.char_indices().filter(|(_, c)| crate::text::is_plain(*c) || c.is_ascii_control())
        {
            view.push(c.encode_utf8(&mut [0; 4]).as_bytes(), (at, at + c.len_utf8()));
        }
        view
    }

    /// Where the text contains these bytes, case-insensitively, with any number of insignificant bytes in between.
    pub(super) fn find(&self, needle: &[u8], counts: fn(u8) -> bool) -> Vec<Range<usize>> {
        let mut left = Self { bytes: Vec::new(), from: Vec::new(), is_within_digits: false };
        for (byte, from) in self.bytes.iter().zip(&self.from).filter(|(byte, _)| counts(**byte)) {
            left.push(&[*byte], *from);
        }
        let at = left
            .bytes
            .windows(needle.len())
            .enumerate()
            .filter(|(_, bytes)| bytes.eq_ignore_ascii_case(needle));
        at.filter_map(|(at, _)| {
            let from = left.from.get(at..at + needle.len())?;
            Some(from.first()?.0..from.last()?.1)
        })
        .collect()
    }

    /// The readings with one encoding less.
    pub(super) fn readings(&self) -> Vec<Self> {
        let plain = ESCAPES.into_iter().filter_map(|(mark, escape)| self.unescaped(mark, escape));
        plain.chain(self.without_base64()).chain(self.without_hex()).collect()
    }

    fn push(&mut self, bytes: &[u8], from: (usize, usize)) {
        self.bytes.extend_from_slice(bytes);
        self.from.extend(std::iter::repeat_n(from, bytes.len()));
    }

    /// With the escapes of one kind undone, if there are any.
    fn unescaped(&self, mark: u8, escape: Escape) -> Option<Self> {
        if !self.bytes.contains(&mark) {
            return None;
        }
        let mut view = Self { bytes: Vec::new(), from: Vec::new(), is_within_digits: self.is_within_digits };
        let (mut at, mut changed) = (0, false);
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let found = if rest.first() == Some(&mark) { escape(rest) } else { None };
            changed |= found.is_some();
            let (bytes, length) = found.unwrap_or_else(|| (rest.iter().take(1).copied().collect(), 1));
            view.push(&bytes, self.place(at, at + length)?);
            at += length;
        }
        changed.then_some(view)
    }

    /// With all runs of Base64 digits decoded, from each of the positions where that may begin.
    fn without_base64(&self) -> Vec<Self> {
        let longest =
            self.bytes.split(|byte| sextet(*byte).is_none()).map(<[u8]>::len).max().unwrap_or_default();
        if longest < WORD {
            return Vec::new();
        }
        (0..4).map(|skip| self.regrouped(sextet, 6, skip, u8::is_ascii_whitespace)).collect()
    }

    fn without_hex(&self) -> Vec<Self> {
        let between = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b':' | b'-' | b',');
        let digits = self.bytes.split(|byte| nibble(*byte).is_none() && !between(byte));
        if digits.map(<[u8]>::len).max().unwrap_or_default() < 8 {
            return Vec::new();
        }
        (0..2).map(|skip| self.regrouped(nibble, 4, skip, between)).collect()
    }

    /// Runs of digits of `bits` each as bytes. A run continues over `between`, and is decoded without its first
    /// `skip` digits.
    fn regrouped(
        &self,
        digit: fn(u8) -> Option<u8>,
        bits: u32,
        skip: usize,
        between: impl Fn(&u8) -> bool,
    ) -> Self {
        let is_within_digits = self.is_within_digits || bits == 6;
        let mut view = Self { bytes: Vec::new(), from: Vec::new(), is_within_digits };
        let (mut digits, mut held, mut have, mut last) = (0, 0_u32, 0, 0);
        for (at, byte) in self.bytes.iter().enumerate() {
            let Some(value) = digit(*byte) else {
                if !between(byte) {
                    (digits, have) = (0, 0);
                    view.push(b"~", self.place(at, at + 1).unwrap_or_default());
                }
                continue;
            };
            digits += 1;
            if digits <= skip {
                continue;
            }
            held = (held << bits | u32::from(value)) & 0xffff;
            have += bits;
            if have >= 8 {
                have -= 8;
                let byte = u8::try_from((held >> have) & 0xff).unwrap_or_default();
                view.push(&[byte], self.place(last, at + 1).unwrap_or_default());
            }
            last = at;
        }
        view
    }

    /// Where in the text these bytes are from.
    fn place(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        let from = self.from.get(start..end)?;
        Some((from.first()?.0, from.last()?.1))
    }
}

/// RFC 4648 sections 4 and 5.
fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

fn nibble(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// `%C3` (RFC 3986 section 2.1), and `%u00E9` as old scripts have it.
fn percent(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    match bytes.get(1)? {
        b'u' | b'U' => units(bytes, b"%u"),
        _ => Some((vec![u8::try_from(number(bytes.get(1..3)?, 16)?).ok()?], 3)),
    }
}

/// `\u00e9`, `\/`, `\"` (RFC 8259 section 7); `\u{e9}`, `\xe9` and `\351` of other languages.
fn backslash(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let octal = |bytes: &[u8]| u8::try_from(number(bytes, 8)?).ok();
    match bytes.get(1)? {
        b'u' if bytes.get(2) == Some(&b'{') => {
            let digits =
                bytes.get(3..)?.split(|byte| *byte == b'}').next().filter(|digits| digits.len() <= 8)?;
            let c = char::from_u32(number(digits, 16)?)?;
            Some((c.to_string().into_bytes(), digits.len() + 4))
        }
        b'u' => units(bytes, b"\\u"),
        b'x' => Some((vec![u8::try_from(number(bytes.get(2..4)?, 16)?).ok()?], 4)),
        b'0'..=b'3' => Some((vec![octal(bytes.get(1..4)?)?], 4)),
        b'n' | b'r' | b't' | b'f' | b'b' => Some((vec![b' '], 2)),
        other if other.is_ascii_punctuation() => Some((vec![*other], 2)),
        _ => None,
    }
}

/// One or two UTF-16 units in four digits each, after `lead`.
fn units(bytes: &[u8], lead: &[u8]) -> Option<(Vec<u8>, usize)> {
    let unit = |at: usize| {
        let (start, digits) = bytes.get(at..at + 6)?.split_at_checked(2)?;
        let same = start.eq_ignore_ascii_case(lead);
        same.then(|| u16::try_from(number(digits, 16)?).ok()).flatten()
    };
    let first = unit(0)?;
    let (pair, length) = match unit(6).filter(|_| (0xd800..0xdc00).contains(&first)) {
        Some(second) => (vec![first, second], 12),
        None => (vec![first], 6),
    };
    Some((String::from_utf16(&pair).ok()?.into_bytes(), length))
}

/// `&#43;`, `&#x2B;`, `&amp;` (HTML section 13.1.4).
fn entity(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    const NAMED: [(&[u8], u8); 10] = [
        (b"&amp;", b'&'),
        (b"&lt;", b'<'),
        (b"&gt;", b'>'),
        (b"&quot;", b'"'),
        (b"&apos;", b'\''),
        (b"&plus;", b'+'),
        (b"&sol;", b'/'),
        (b"&equals;", b'='),
        (b"&bsol;", b'\\'),
        (b"&nbsp;", b' '),
    ];
    if let Some((name, byte)) = NAMED.iter().find(|(name, _)| bytes.starts_with(name)) {
        return Some((vec![*byte], name.len()));
    }
    let digits = bytes.strip_prefix(b"&#")?;
    let (radix, digits) = match digits.first()? {
        b'x' | b'X' => (16, digits.get(1..)?),
        _ => (10, digits),
    };
    let length = digits.iter().take(ENTITY).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let c = char::from_u32(number(digits.get(..length)?, radix)?)?;
    let end = usize::from(digits.get(length) == Some(&b';'));
    let lead = bytes.len() - digits.len();
    Some((c.to_string().into_bytes(), lead + length + end))
}

/// A number of digits alone.
fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok().filter(|text| !text.is_empty())?;
    let all = text.chars().all(|c| c.is_digit(radix));
    all.then(|| u32::from_str_radix(text, radix).ok()).flatten()
}
