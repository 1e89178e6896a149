//! Text from others, made safe to show: without anything that is special to a terminal, hidden, or changes the
//! direction of its surroundings.

use std::fmt::Write;
use std::path::Path;

/// A text made safe for one line: each character that is not printable becomes a space, and there are at most `limit`
/// characters.
pub fn clean(text: &str, limit: usize) -> String {
    text.chars().map(|c| if is_plain(c) { c } else { ' ' }).take(limit).collect::<String>().trim().into()
}

/// A path in a printed command: see [`word`].
pub fn path_word(path: &Path) -> String {
    word(&path.display().to_string())
}

/// Whether shells take a text as one word as it is.
pub fn is_word(text: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() && is_plain(c);
    !text.is_empty() && text.chars().all(|c| is_letter(c) || "-._/:@%+,=".contains(c))
}

/// A word of a printed command, quoted as one word for a POSIX shell.
pub fn word(text: &str) -> String {
    if is_word(text) {
        return text.into();
    }
    let shown: String = text.chars().map(|c| if is_plain(c) { c } else { ' ' }).collect();
    format!("'{}'", shown.replace('\'', r"'\''"))
}

/// Whether a character is printable: it is not a control character (C0, DEL, C1), ends no line (U+2028, U+2029), sets
/// no direction, and is not invisible.
pub fn is_plain(c: char) -> bool {
    // Most are; the table below is long.
    matches!(c, ' '..='~') || !(c.is_control() || is_formatting(c))
}

/// Whether a text contains only such characters.
pub fn is_all_plain(text: &str) -> bool {
    text.chars().all(is_plain)
}

/// Text of several lines: line breaks and tabs stay, every other unprintable character becomes visible.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\t' => shown.push(c),
            // Another system's line break.
            '\r' if chars.peek() == Some(&'\n') => {}
            c if is_plain(c) => shown.push(c),
            c => shown.extend(c.escape_unicode()),
        }
    }
    shown
}

/// JSON with the same meaning in which every character is printable: JSON itself only escapes the first 32. All of
/// the others occur in strings, where an escape can replace each.
pub fn visible_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || is_plain(c) {
            shown.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String does not fail.
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
    shown
}

/// Invisible characters that have an effect: Unicode's format characters (Cf) except for the few visible ones, its
/// line and paragraph separators, and letters without a shape.
fn is_formatting(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A text as HTML shows it, between tags and in quoted attributes.
pub fn escape_html(text: &str) -> String {
    let named = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];
    named.iter().fold(text.to_owned(), |text, (c, name)| text.replace(*c, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn markup_in_a_value_becomes_text() {
        assert_eq!(escape_html(r#"<a b="c">'&'"#), "&lt;a b=&quot;c&quot;&gt;&#39;&amp;&#39;");
    }

    /// One of each class that must never be written unescaped.
    const STRANGE: [char; 20] = [
        '\0',
        '\u{7}',
        '\u{8}',
        '\r',
        '\u{1b}',
        '\u{7f}',
        '\u{80}',
        '\u{85}',
        '\u{9b}',
        '\u{ad}',
        '\u{61c}',
        '\u{200b}',
        '\u{200e}',
        '\u{2028}',
        '\u{2029}',
        '\u{202e}',
        '\u{2066}',
        '\u{2069}',
        '\u{feff}',
        '\u{e0041}',
    ];

    #[test]
    fn what_does_not_simply_show_is_not_shown() {
        for c in STRANGE {
            let text = format!("a{c}b");
            assert!(!is_plain(c) && !is_all_plain(&text), "{:x}", u32::from(c));
            assert_eq!(clean(&text, 10), "a b", "{:x}", u32::from(c));
            assert_eq!(visible(&text), format!("a{}b", c.escape_unicode()));
            let json = visible_json(&serde_json::to_string(&text).unwrap());
            assert!(is_all_plain(&json), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
        for c in ['a', ' ', 'é', '漢', 'ع', '🦀', '\u{fe0f}', '\u{301}'] {
            assert!(is_plain(c), "{:x}", u32::from(c));
        }
        assert_eq!(visible("a\tb\r\nc\rd"), "a\tb\nc\\u{d}d");
    }

    proptest! {
        #[test]
        fn whatever_is_said(text in "(\\PC|[\\x00-\\x1f\\x7f-\\u{9f}]|\u{202e}|\u{feff}|\u{2028}){0,30}") {
            prop_assert!(is_all_plain(&clean(&text, 100)));
            prop_assert!(visible(&text).chars().all(|c| matches!(c, '\n' | '\t') || is_plain(c)));
        }
    }
}
