//! `.env` files. dotenvy reads them, one statement at a time, so that a statement it refuses is passed over and the others
//! still count; it is given each value in the one spelling in which `$`, `\` and `#` stay what they are, because other
//! programs read these files too and take them literally. No error of dotenvy's leaves this module: they quote the file.
//! It leaves precedence to `settings`.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::sys::regular_file;

/// One variable of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DotenvVariable {
    pub(super) number: usize,
    pub(super) key: String,
    pub(super) value: Secret,
}

/// A file's variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) lines: Vec<DotenvVariable>,
    /// The numbers of the lines that are not `KEY=VALUE`.
    pub(super) passed_over: Vec<usize>,
    /// Whether some of its bytes are not UTF-8.
    pub(super) is_damaged: bool,
}

/// Reads a file; the last of two lines for one key wins, as python-dotenv has it. Where a byte is not UTF-8, the value that
/// holds it is passed over, and the rest of the file is read.
pub(super) fn parse(bytes: Vec<u8>) -> Parsed {
    let (text, is_damaged) = match regular_file::text(bytes) {
        Ok(text) => (text, false),
        Err(bytes) => (String::from_utf8_lossy(&bytes).into_owned(), true),
    };
    let mut parsed = Parsed { is_damaged, ..Parsed::default() };
    let text = Zeroizing::new(text);
    for statement in statements(&text) {
        let is_whole = |value: &Secret| !is_damaged || !value.expose().contains(char::REPLACEMENT_CHARACTER);
        match statement.variable {
            Some((key, value)) if is_whole(&value) => {
                parsed.lines.push(DotenvVariable { number: statement.number, key, value });
            }
            _ => parsed.passed_over.push(statement.number),
        }
    }
    parsed
}

/// A file's text with each variable set: in its place if it has one, else at the end, or at the beginning of a file that ends
/// within quotes. Every other byte stays.
pub fn set<'a>(text: &str, variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let newline = line_end(text);
    variables.into_iter().fold(text.to_owned(), |mut text, (name, value)| {
        let line = format!("{name}={}", quoted(value));
        let is_its =
            |statement: &DotenvStatement| statement.variable.as_ref().is_some_and(|(key, _)| key == name);
        match statements(&text).filter(is_its).last() {
            Some(statement) => text.replace_range(statement.range, &line),
            None => {
                let before = text.len();
                let is_open = !text.is_empty() && !text.ends_with(['\n', '\r']) && text != BYTE_ORDER_MARK;
                text.push_str(&format!("{}{line}{newline}", if is_open { newline } else { "" }));
                // A quote that somebody left open would take in what comes after it.
                if !statements(&text).any(|one| one.range.start >= before && is_its(&one)) {
                    text.truncate(before);
                    let first = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
                    text.insert_str(first, &format!("{line}{newline}"));
                }
            }
        }
        text
    })
}

/// Whether a `.env` line can be for a variable of this name.
pub fn is_name(text: &str) -> bool {
    matches!(read(&format!("{text}=")), Some(Some((key, _))) if key == text)
}

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A statement: a line, or several lines if a quoted value continues over them.
struct DotenvStatement {
    /// The number of its first line, from 1.
    number: usize,
    /// Where it is in the text, without the end of its last line.
    range: Range<usize>,
    /// Its name and value; none if it is not `KEY=VALUE`.
    variable: Option<(String, Secret)>,
}

/// Every statement of a text; blank lines and comments are none.
fn statements(text: &str) -> impl Iterator<Item = DotenvStatement> {
    let (mut at, mut number) = (if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 }, 1);
    std::iter::from_fn(move || {
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let (length, found) = statement(rest);
            let (range, first) = (at..at + length, number);
            let (lines, end) = lines(rest, length);
            (at, number) = (at + end, number + lines);
            if let Some(variable) = found {
                return Some(DotenvStatement { number: first, range, variable });
            }
        }
        None
    })
}

/// How long the first statement of a text is, and what it says; nothing if it is blank or a comment.
fn statement(text: &str) -> (usize, Option<Option<(String, Secret)>>) {
    let line = text.split(['\n', '\r']).next().unwrap_or_default();
    let (head, value) = line.split_once('=').unwrap_or((line, ""));
    // The name first: what does not set a variable must not swallow the lines below it.
    let head = text.get(..head.len() + 1).filter(|head| head.ends_with('='));
    let Some(head) = head.filter(|head| matches!(read(head), Some(Some(_)))) else {
        return (line.len(), read(line).map(|_| None));
    };
    let blank = value.len() - value.trim_start_matches([' ', '\t']).len();
    let value = text.get(head.len() + blank..).unwrap_or_default();
    let (length, value) = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => match end_of_quoted(value, quote) {
            Some((inner, length)) => (length, Some(literally(inner, Some(quote)))),
            None => (0, None),
        },
        _ => (0, Some(literally(without_comment(line.get(head.len() + blank..).unwrap_or_default()), None))),
    };
    let variable = value.and_then(|value| read(&Zeroizing::new(format!("{head}\"{}\"", *value))).flatten());
    (line.len().max(head.len() + blank + length), Some(variable))
}

/// What is within the quotes that a text begins with, and where the line of the closing one ends. Nothing if there is none,
/// or if it is followed by something other than a comment.
fn end_of_quoted(text: &str, quote: char) -> Option<(&str, usize)> {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote {
            let rest = text.get(at + 1..)?.split(['\n', '\r']).next()?;
            let is_end = rest.trim().is_empty() || rest.trim_start().starts_with('#');
            return is_end.then_some((text.get(1..at)?, at + 1 + rest.len()));
        }
    }
    None
}

/// How many lines end within the first `length` bytes and right behind them, and where the next one begins.
fn lines(text: &str, length: usize) -> (usize, usize) {
    let mut lines = 0;
    let mut at = 0;
    while at <= length {
        let rest = text.get(at..).unwrap_or_default();
        let Some(end) = rest.find(['\n', '\r']) else { return (lines + 1, text.len()) };
        let both = rest.get(end..).is_some_and(|end| end.starts_with("\r\n"));
        lines += 1;
        at += end + if both { 2 } else { 1 };
    }
    (lines, at)
}

/// What ends the lines of a text: that of its first line.
fn line_end(text: &str) -> &'static str {
    match text.find(['\n', '\r']).and_then(|at| text.get(at..)) {
        Some(end) if end.starts_with("\r\n") => "\r\n",
        Some(end) if end.starts_with('\r') => "\r",
        _ => "\n",
    }
}

/// One statement as dotenvy reads it: nothing if it is blank or a comment, and nothing within if it is refused.
fn read(statement: &str) -> Option<Option<(String, Secret)>> {
    let statement = Zeroizing::new(format!("{statement}\n"));
    let read = dotenvy::from_read_iter(statement.as_bytes()).next()?.ok();
    Some(read.map(|(name, value)| (name, Secret::new(value))))
}

/// A value spelt so that dotenvy, within double quotes, reads what python-dotenv reads: no `$` is substituted, and only the
/// escapes that python-dotenv knows in this kind of quotes mean something.
fn literally(value: &str, quote: Option<char>) -> Zeroizing<String> {
    let mut spelt = Zeroizing::new(String::with_capacity(value.len() + 8));
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match (quote, chars.peek().copied()) {
                (Some(_), Some(next @ ('\\' | '\''))) | (Some('"'), Some(next @ ('"' | 'n'))) => {
                    spelt.extend([c, next]);
                    chars.next();
                }
                (Some('"'), Some(next @ ('r' | 't'))) => {
                    spelt.push(if next == 'r' { '\r' } else { '\t' });
                    chars.next();
                }
                _ => spelt.push_str(r"\\"),
            },
            '"' | '$' => spelt.extend(['\\', c]),
            '\r' => {
                spelt.push('\n');
                chars.next_if_eq(&'\n');
            }
            c => spelt.push(c),
        }
    }
    spelt
}

/// An unquoted value ends at a `#` after a blank, and only there.
fn without_comment(line: &str) -> &str {
    let mut blank = false;
    for (at, c) in line.char_indices() {
        if c == '#' && blank {
            return line.get(..at).unwrap_or_default().trim();
        }
        blank = c.is_whitespace();
    }
    line.trim()
}

/// Plain where that is safe for every `.env` reader, else in double quotes.
fn quoted(value: &str) -> String {
    if !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/@,+=".contains(c)) {
        return value.into();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<(String, String)> {
        parse(text.into()).lines.into_iter().map(|line| (line.key, line.value.expose().into())).collect()
    }

    #[test]
    fn every_line_means_what_python_dotenv_makes_of_it() {
        let cases = [
            ("A=abc$def", "abc$def"),
            ("A=v #c", "v"),
            ("A=v\t# c", "v"),
            ("A=v#c", "v#c"),
            ("export A=v", "v"),
            ("  export\tA = v  ", "v"),
            ("A=\"abc$def\"", "abc$def"),
            ("A=x\\y", "x\\y"),
            ("A=$(cmd)", "$(cmd)"),
            ("A=`cmd`", "`cmd`"),
            ("A=${HOME}", "${HOME}"),
            ("A=\"x\\y\"", "x\\y"),
            ("A=\"a\\nb\\\"c\"", "a\nb\"c"),
            ("A='a\\nb'", "a\\nb"),
            ("A='it\\'s'", "it's"),
            ("A=it's", "it's"),
            ("A=\"a # b\" # comment", "a # b"),
            ("A=", ""),
            ("A=\"\"", ""),
            ("A= # c", "# c"),
            ("A=a b", "a b"),
            ("A=s+p/c=ial:%&", "s+p/c=ial:%&"),
            ("A=ü✓", "ü✓"),
            ("\u{feff}A=v\r\n", "v"),
            ("A=\"-----BEGIN-----\nxyz\n-----END-----\"", "-----BEGIN-----\nxyz\n-----END-----"),
            ("# c\n\n  \nA=1\nA=2", "2"),
            ("A=1\rA=2\rA=3", "3"),
            ("# it's a \"comment\r\nA='v'\r", "v"),
            ("A=\"1\r\n2\r3\"", "1\n2\n3"),
            ("A=\"v\"# c", "v"),
            ("A='v' ", "v"),
            ("A=\"#\"", "#"),
            ("A='a\\\\b'", "a\\b"),
            ("A=\"a\\tb\\\\n\\$c\"", "a\tb\\n\\$c"),
            ("A=a\"b'c", "a\"b'c"),
            ("A=a;export B", "a;export B"),
        ];
        for (line, expected) in cases {
            let last = read(line).pop().unwrap();
            assert_eq!(last, ("A".to_owned(), expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn a_line_that_means_nothing_is_passed_over_and_the_others_count() {
        let cases = [
            ("OK=1\nSECRET_KEY hunter2\nB=2", &[2][..], &["OK", "B"][..]),
            ("A-B=hunter2\nB=2", &[1], &["B"]),
            ("hunter2\nB=2\nexport C\n", &[1, 3], &["B"]),
            ("A=\"hunter2\nB=2", &[1], &["B"]),
            ("A='x'hunter2\nB=2", &[1], &["B"]),
            ("B=\"1\n2\"\nC='\nD=4", &[3], &["B", "D"]),
            ("1A=hunter2\n=\nB=2", &[1, 2], &["B"]),
            ("set -a\nHOST_PASS\nsource x.sh\n. \"$HOME/x\"\nB=2\nset +a\n", &[1, 2, 3, 4, 6], &["B"]),
            ("MOTD='it's fine'\nC='d'\nB=\"2\"", &[1], &["C", "B"]),
            ("A=\"hunter2\nB=\"2\"\nC='it\nD='3'\n", &[1, 3], &["B", "D"]),
            ("if [ \"$A\" = \"b\" ]; then\nB=2\nfi\nf() {\n}\n", &[1, 3, 4, 5], &["B"]),
            ("echo A=\"hunter2\nB=2\nlocal C=\"\nD=3", &[1, 3], &["B", "D"]),
            ("A: hunter2\nA += hunter2\ndeclare -x A=hunter2\nB=2", &[1, 2, 3], &["B"]),
            ("\u{feff}it's\r\nB=2\r\n", &[1], &["B"]),
            ("hunter2\rB=2\r", &[1], &["B"]),
        ];
        for (text, lines, names) in cases {
            let parsed = parse(text.into());
            assert_eq!(parsed.passed_over, lines, "{text}");
            assert!(parsed.lines.iter().map(|line| line.key.as_str()).eq(names.iter().copied()), "{text}");
        }
    }

    #[test]
    fn a_byte_that_is_no_text_takes_its_own_line_away_and_no_other() {
        let parsed = parse(b"# M\xfcller\nA=1\nB=\xfcber\nC=3\xff\n\xff\nD=4\n".to_vec());
        assert_eq!(parsed.passed_over, [3, 4, 5]);
        assert!(parsed.is_damaged && parsed.lines.iter().map(|line| line.key.as_str()).eq(["A", "D"]));
        let utf16: Vec<u8> = "\u{feff}A=\u{e4}\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let parsed = parse(utf16);
        assert_eq!((parsed.lines[0].value.expose(), parsed.is_damaged), ("\u{e4}", false));
    }

    #[test]
    fn a_variable_is_set_in_its_place_and_every_other_byte_stays() {
        let values = [("B", "new"), ("D", "a b\"$")];
        for end in ["\n", "\r\n", "\r"] {
            for mark in ["", "\u{feff}"] {
                let lines = |text: &str| format!("{mark}{}", text.replace('\n', end));
                let before = lines("# mine \nA=1  \nexport B = old # c\nit's\n\nC=3");
                let after = lines("# mine \nA=1  \nB=new\nit's\n\nC=3\nD=\"a b\\\"$\"\n");
                assert_eq!(set(&before, values), after);
                assert_eq!(set(&after, values), after, "a second time changes nothing");
            }
        }
        assert_eq!(set("", values[..1].iter().copied()), "B=new\n");
        assert_eq!(set("\u{feff}", values[..1].iter().copied()), "\u{feff}B=new\n");
        let several = "B=\"1\n2\" # c\nB='3\n4'\nBB=5\n";
        assert_eq!(set(several, values[..1].iter().copied()), "B=\"1\n2\" # c\nB=new\nBB=5\n");
    }

    #[test]
    fn a_name_is_what_dotenvy_takes_for_one() {
        for (text, expected) in [
            ("A", true),
            ("_a.B1", true),
            ("1A", false),
            ("", false),
            ("A-B", false),
            ("A B", false),
            ("#A", false),
            ("export A", false),
        ] {
            assert_eq!(is_name(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_set_is_read_and_the_rest_stays(before in "[ -~\n\r\"'\\\\=#]{0,80}", value in "[ -~\n\u{e4}]{0,30}") {
            let after = set(&before, [("Z_9", value.as_str())]);
            let of = |text: &str, is_it: bool| -> Vec<_> {
                parse(text.into()).lines.into_iter().filter(|line| (line.key == "Z_9") == is_it).map(|line| (line.key, line.value.expose().into())).collect()
            };
            prop_assert_eq!(of(&after, true).pop().map(|(_, value)| value), Some(value));
            prop_assert_eq!(of(&after, false), of(&before, false));
        }

        #[test]
        fn any_value_survives_double_quotes(value in "[ -~\n\u{e4}\u{2713}]{0,60}") {
            let text = format!("A=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
            prop_assert_eq!(read(&text), [("A".to_owned(), value)]);
        }

        #[test]
        fn any_unquoted_secret_survives(value in "[!-~]{1,60}") {
            prop_assume!(!value.starts_with(['"', '\'']));
            prop_assert_eq!(read(&format!("A={value}")), [("A".to_owned(), value)]);
        }

        #[test]
        fn no_text_panics(text in "[ -~\n\"'\\\\=#]{0,200}") {
            let _ = read(&text);
        }
    }
}
