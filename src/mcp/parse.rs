//! JSON that is read into values: a few bytes of text become a hundred in memory, so a text that has very many parts is
//! not. It leaves what a text means to its callers.

use serde_json::Value;
use thiserror::Error;

/// The most elements and members that are read into values: some 200 MiB of them.
pub const PARTS: usize = 1 << 20;

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unread {
    /// It is no JSON.
    #[error("not JSON")]
    NotJson,
    /// It has more than [`PARTS`].
    #[error("more elements and members than are read at once ({PARTS})")]
    TooManyParts,
}

/// Reads a text.
///
/// # Errors
/// As [`Unread`] says.
pub fn parse(text: &str) -> Result<Value, Unread> {
    // Each part takes at least two bytes.
    if text.len() > 2 * PARTS && parts(text) > PARTS {
        return Err(Unread::TooManyParts);
    }
    serde_json::from_str(text).map_err(|_| Unread::NotJson)
}

/// How many elements and members a text has, counted by what stands before each.
fn parts(text: &str) -> usize {
    let (mut count, mut in_string, mut escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_outside_strings() {
        for (text, expected) in [("1", 0), ("[1,2]", 2), (r#"{"a,[{":["\",[",{}]}"#, 4), (r#""a\\",{"#, 2)] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn a_long_string_is_read_and_very_many_parts_are_not() {
        let long = format!("[\"{}\"]", ",[".repeat(2 * PARTS));
        assert!(parse(&long).is_ok());
        let many = format!("[{}0]", "0,".repeat(PARTS + 1));
        assert_eq!(parse(&many), Err(Unread::TooManyParts));
        assert_eq!(parse("{"), Err(Unread::NotJson));
    }
}
