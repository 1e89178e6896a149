//! The byte order mark that some editors and shells put before a text; a parser may ignore it (RFC 8259 section 8.1).
//! Not here: keeping the mark of an edited file (see `render`).

const MARK: &[u8] = b"\xEF\xBB\xBF";
/// The marks of texts in two bytes per character.
const WIDE_MARKS: [&[u8]; 2] = [b"\xFF\xFE", b"\xFE\xFF"];

/// Whether a text has the mark of UTF-16, which no UTF-8 can begin with.
pub fn is_wide(bytes: &[u8]) -> bool {
    WIDE_MARKS.iter().any(|mark| bytes.starts_with(mark))
}

/// The text after the mark, if there is one.
pub fn after_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(MARK).unwrap_or(bytes)
}

/// Removes the mark, if there is one.
pub fn drop_mark(bytes: &mut Vec<u8>) {
    let mark = bytes.len() - after_mark(bytes).len();
    bytes.drain(..mark);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_two_bytes_per_character_is_known_by_its_mark() {
        for (bytes, expected) in [
            (&b"\xFF\xFE{\0"[..], true),
            (b"\xFE\xFF\0{", true),
            (b"\xEF\xBB\xBF{", false),
            (b"{", false),
            (b"", false),
        ] {
            assert_eq!(is_wide(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn one_mark_at_the_start_is_dropped_and_nothing_else() {
        for (text, expected) in [
            ("\u{feff}{}", "{}"),
            ("\u{feff}", ""),
            ("{}\u{feff}", "{}\u{feff}"),
            ("\u{feff}\u{feff}a", "\u{feff}a"),
            ("", ""),
            ("ä", "ä"),
        ] {
            let mut bytes = text.as_bytes().to_vec();
            drop_mark(&mut bytes);
            assert_eq!(bytes, expected.as_bytes(), "{text:?}");
        }
    }
}
