//! The byte order mark that some editors and shells put before a text; a parser may ignore it (RFC 8259 section 8.1).
//! Not here: keeping the mark of an edited file (see `render`).

const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Removes the mark, if there is one.
pub fn drop_mark(bytes: &mut Vec<u8>) {
    if bytes.starts_with(MARK) {
        bytes.drain(..MARK.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
