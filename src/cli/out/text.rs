//! The text that is printed: our colours, only printable characters, and lines that fit a terminal. Not here: where it goes
//! (see `out`).

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use dialoguer::console::measure_text_width;

use crate::text::visible;

/// The assumed minimum width of a terminal, in columns.
pub(in crate::cli) const WIDTH: usize = 80;

/// Stands for the escape of one of our colours until a text is written: no text from outside can contain this word.
static ESCAPE: LazyLock<String> = LazyLock::new(|| {
    let random = RandomState::new().hash_one(());
    let letter = |byte: u8| char::from_u32(0xe000 + u32::from(byte)).unwrap_or_default();
    random.to_ne_bytes().map(letter).into_iter().collect()
});

pub(super) fn paint(on: bool, code: &str, text: &str) -> String {
    let escape = ESCAPE.as_str();
    if on { format!("{escape}[{code}m{text}{escape}[0m") } else { text.into() }
}

/// A text as it is written: our own colours, and otherwise only printable characters.
pub(super) fn fit(text: &str) -> String {
    visible(text).replace(ESCAPE.as_str(), "\u{1b}")
}

/// The text in lines that fit, all but the first indented by `indent` columns. A word longer than a line stays whole:
/// it is a path or an address, to be copied.
pub(in crate::cli) fn wrapped(text: &str, indent: usize, width: usize) -> String {
    let mut lines = String::new();
    let mut column = indent;
    for word in text.split(' ') {
        let length = measure_text_width(&fit(word));
        if column > indent && column + 1 + length > width {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > indent {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines
}

/// A note whose every line fits: what is too long goes on below its beginning, after an arrow below its text.
pub(super) fn folded(text: &str, width: usize) -> String {
    let fold = |line: &str| {
        let rest = line.trim_start_matches(' ');
        let arrow = if rest.starts_with("-> ") { 3 } else { 0 };
        let indent = line.len() - rest.len();
        let (lead, words) = line.split_at_checked(indent + arrow).unwrap_or(("", line));
        format!("{lead}{}", wrapped(words, lead.len(), width))
    };
    text.split('\n').map(fold).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_folded_between_words_and_below_its_beginning() {
        let text = "the set has no site\n  -> name it: mcpauth egress --site a\nhttps://a.test/a-long-address-to-be-copied";
        assert_eq!(
            folded(text, 21),
            "the set has no site\n  -> name it: mcpauth\n     egress --site a\nhttps://a.test/a-long-address-to-be-copied"
        );
        assert_eq!(folded("", 20), "");
        assert_eq!(folded("  a  b", 20), "  a  b", "columns stay");
    }

    #[test]
    fn a_colour_takes_no_room_and_a_wide_character_two_columns() {
        let text = format!("{} two three", paint(true, "31", "one"));
        assert_eq!(wrapped(&text, 0, 13), text);
        assert_eq!(wrapped("漢字 two", 0, 7), "漢字\ntwo");
    }
}
