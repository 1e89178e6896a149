//! The spellings in which a text may repeat a secret: percent- and form-encoded, escaped for JSON or HTML, and inside
//! Base64 or hexadecimal digits. It leaves what takes a secret's place to [`Secret`](super::Secret).

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Shorter than this, a piece of an encoding is found in ordinary words.
const LEAST: usize = 5;
/// How many backslashes, or layers of `%25`, an escape may have: text is escaped anew each time it is put into another.
const LAYERS: usize = 4;

/// Where `text` has `secret`, in whatever spelling; in order, and apart from each other.
pub(super) fn find(text: &str, secret: &str) -> Vec<Range<usize>> {
    let mut found = spelled(text, secret);
    // RFC 6749 section 2.3.1: what goes into Basic credentials is form-encoded first, and not by everybody.
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut inner = vec![secret.to_owned(), form.replace('+', "%20"), lower_hex(&form), form];
    inner.sort();
    inner.dedup();
    for piece in inner.iter().flat_map(|plain| in_base64(plain)) {
        // Nobody encodes letters, so this spares most texts a closer look.
        let anchor = piece.split(['+', '/']).max_by_key(|run| run.len()).unwrap_or_default();
        if !text.contains(anchor) {
            continue;
        }
        for piece in [piece.replace('+', "-").replace('/', "_"), piece.clone()] {
            found.extend(spelled(text, &piece).into_iter().map(|range| around(text, range)));
        }
    }
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    if hex.len() >= 2 * LEAST {
        for hex in [hex.to_uppercase(), hex] {
            found.extend(text.match_indices(&hex).map(|(at, hex)| at..at + hex.len()));
        }
    }
    merged(found)
}

/// Occurrences of `wanted`, each character of which may be escaped in a way of its own.
fn spelled(text: &str, wanted: &str) -> Vec<Range<usize>> {
    let Some(first) = wanted.chars().next() else { return Vec::new() };
    let mut found = Vec::new();
    let mut from = 0;
    let mut rest = text;
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| *c == first || "%\\&+".contains(*c)) {
        let start = from + at;
        let after = match end(text, start, wanted) {
            Some(end) => {
                found.push(start..end);
                end
            }
            None => start + c.len_utf8(),
        };
        from = after;
        rest = text.get(after..).unwrap_or_default();
    }
    found
}

/// Where `wanted` ends, if `text` has it from `start` on.
fn end(text: &str, start: usize, wanted: &str) -> Option<usize> {
    let mut ends = vec![start];
    for c in wanted.chars() {
        let mut next: Vec<usize> = Vec::new();
        for at in ends {
            let rest = text.get(at..).unwrap_or_default();
            next.extend(lengths(rest, c).into_iter().map(|length| at + length));
        }
        next.sort_unstable();
        next.dedup();
        if next.is_empty() {
            return None;
        }
        ends = next;
    }
    ends.last().copied()
}

/// In how many bytes `text` begins with the character, for each way to write it.
fn lengths(text: &str, c: char) -> Vec<usize> {
    let mut found = Vec::new();
    if text.starts_with(c) {
        found.push(c.len_utf8());
    }
    match text.bytes().next() {
        Some(b'+') if c == ' ' => found.push(1),
        Some(b'%') => found.extend(percent(text, c)),
        Some(b'\\') => found.extend(backslash(text, c)),
        Some(b'&') => found.extend(entity(text, c)),
        _ => {}
    }
    found
}

/// `%C3%A9`, `%c3%a9`, `%25C3%25A9` (RFC 3986 section 2.1).
fn percent(text: &str, c: char) -> Vec<usize> {
    let in_layers = |layers: usize| {
        let lead = format!("%{}", "25".repeat(layers));
        let mut rest = text;
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            rest = rest.strip_prefix(lead.as_str())?;
            if hex(rest, 2)? != u32::from(byte) {
                return None;
            }
            rest = rest.get(2..)?;
        }
        Some(text.len() - rest.len())
    };
    (0..LAYERS).filter_map(in_layers).collect()
}

/// `\u00e9`, `\/`, `\"` (RFC 8259 section 7), and the same inside a string of another JSON text.
fn backslash(text: &str, c: char) -> Vec<usize> {
    let escaped = text.trim_start_matches('\\');
    let slashes = text.len() - escaped.len();
    if slashes > 1 << LAYERS {
        return Vec::new();
    }
    if c == '\\' {
        let doubled = (1..LAYERS).map(|layer| 1 << layer).filter(|length| *length <= slashes);
        return doubled.chain(unicode(text, slashes, c)).collect();
    }
    let short = (c.is_ascii_punctuation() && escaped.starts_with(c)).then_some(slashes + 1);
    short.into_iter().chain(unicode(text, slashes, c)).collect()
}

fn unicode(text: &str, slashes: usize, c: char) -> Option<usize> {
    let lead = text.get(..slashes)?;
    let mut rest = text;
    for unit in c.encode_utf16(&mut [0; 2]) {
        rest = rest.strip_prefix(lead)?.strip_prefix('u')?;
        if hex(rest, 4)? != u32::from(*unit) {
            return None;
        }
        rest = rest.get(4..)?;
    }
    Some(text.len() - rest.len())
}

/// `&#43;`, `&#x2B;`, `&amp;` (HTML section 13.1.4).
fn entity(text: &str, c: char) -> Option<usize> {
    const NAMED: [(char, &str); 8] = [
        ('&', "&amp;"),
        ('<', "&lt;"),
        ('>', "&gt;"),
        ('"', "&quot;"),
        ('\'', "&apos;"),
        ('+', "&plus;"),
        ('/', "&sol;"),
        ('=', "&equals;"),
    ];
    if let Some((_, name)) = NAMED.iter().find(|(named, name)| *named == c && text.starts_with(name)) {
        return Some(name.len());
    }
    let digits = text.strip_prefix("&#")?;
    let (radix, digits) = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => (16, digits),
        None => (10, digits),
    };
    let length = digits.bytes().take_while(|b| char::from(*b).is_digit(radix)).count();
    let number = digits.get(..length).filter(|digits| digits.len() <= 16)?;
    if u32::from_str_radix(number, radix).ok()? != u32::from(c) {
        return None;
    }
    let rest = digits.get(length..)?;
    Some(text.len() - rest.strip_prefix(';').unwrap_or(rest).len())
}

fn hex(text: &str, digits: usize) -> Option<u32> {
    let digits = text.get(..digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

/// The same with small digits in its escapes.
fn lower_hex(form: &str) -> String {
    let mut parts = form.split('%');
    let mut lower = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        lower.push('%');
        lower.push_str(&digits.to_lowercase());
        lower.push_str(rest);
    }
    lower
}

/// What Base64 makes of a text within another, wherever in that it stands: the characters that depend on it alone.
fn in_base64(plain: &str) -> Vec<String> {
    let at = |before: usize| {
        let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(plain.bytes()).collect();
        let encoded = STANDARD_NO_PAD.encode(&bytes);
        let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        encoded.get(first..last).map(str::to_owned)
    };
    (0..3).filter_map(at).filter(|piece| piece.len() >= LEAST).collect()
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
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::super::{REDACTED, Secret};
    use super::*;

    /// Everything that a server may make of a secret on its way into an answer.
    fn spellings(secret: &str) -> Vec<String> {
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let every = |with: &dyn Fn(u8) -> String| secret.bytes().map(with).collect::<String>();
        let json = serde_json::to_string(secret).unwrap();
        let json = json.trim_matches('"').to_owned();
        let units = |with: &dyn Fn(u16) -> String| secret.encode_utf16().map(with).collect::<String>();
        let html = secret
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;");
        let mut all = vec![
            secret.to_owned(),
            form.replace('+', "%20"),
            form.replace('+', "%20").replace('%', "%25"),
            lower_hex(&form),
            every(&|byte| format!("%{byte:02X}")),
            every(&|byte| format!("%{byte:02x}")),
            every(&|byte| format!("%25{byte:02x}")),
            json.replace('/', "\\/"),
            serde_json::to_string(&json).unwrap().trim_matches('"').to_owned(),
            units(&|unit| format!("\\u{unit:04x}")),
            units(&|unit| format!("\\u{unit:04X}")),
            html,
            secret.chars().map(|c| format!("&#{};", u32::from(c))).collect(),
            secret.chars().map(|c| format!("&#x{:04x};", u32::from(c))).collect(),
            every(&|byte| format!("{byte:02x}")),
            every(&|byte| format!("{byte:02X}")),
            json,
            form.clone(),
        ];
        for id in ["", "a", "ab", "abc", "the-client"] {
            for inner in [format!("{id}:{secret}"), format!("{id}:{form}"), format!("{id}{secret} and so on")]
            {
                let bytes = inner.as_bytes();
                all.extend([STANDARD.encode(bytes), URL_SAFE.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)]);
                let basic = STANDARD.encode(bytes);
                all.push(url::form_urlencoded::byte_serialize(basic.as_bytes()).collect());
                all.push(basic.replace('/', "\\/"));
            }
        }
        all
    }

    #[test]
    fn a_secret_is_found_in_every_spelling() {
        for secret in [
            "s3cr3t/+ =&<\"'\\%41é🦀",
            "hunter2-hunter2",
            "p@ss w0rd!",
            "abc+/==def",
            "~tilde~*star*",
            "%25%2f%",
        ] {
            for spelling in spellings(secret) {
                let said = Secret::new(secret).scrub(format!("client {spelling} is unknown"));
                assert_eq!(said, format!("client {REDACTED} is unknown"), "{spelling}");
            }
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        let text = "invalid_client: client authentication failed (%2F \\u0041 &amp; YWJj) + 100% \\ & é";
        for secret in ["hunter2-hunter2", "s3cr3t/+ =", "é🦀é🦀"] {
            assert_eq!(Secret::new(secret).scrub(text.into()), text);
        }
    }

    proptest! {
        #[test]
        fn no_spelling_of_any_secret_gets_through(secret in "[ -~é]{8,40}", at in 0usize..100) {
            let spellings = spellings(&secret);
            let spelling = &spellings[at % spellings.len()];
            let said = Secret::new(secret.as_str()).scrub(format!("<{spelling}>"));
            prop_assert!(said.contains(REDACTED) && said.len() <= REDACTED.len() + 8, "{} {}", spelling, said);
        }

        #[test]
        fn any_text_can_be_looked_through(text in ".{0,80}", secret in ".{0,12}") {
            let _ = Secret::new(secret).scrub(text);
        }
    }
}
