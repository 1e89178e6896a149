//! `.env` files, read with dotenvy behind a wrapper that keeps values literal: `$`, `\` and `#` inside a value survive,
//! nothing is substituted or executed, and no message shows a value. Other programs read these files too, so a line that
//! means nothing here is passed over. It leaves precedence to `settings`.

use zeroize::Zeroizing;

/// One variable of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) key: String,
    pub(super) value: String,
}

/// A file's variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) lines: Vec<Line>,
    /// The numbers of the lines that are not `KEY=VALUE`.
    pub(super) passed_over: Vec<usize>,
}

/// Reads the text of a file; the last of two lines for one key wins, as python-dotenv has it.
pub(super) fn parse(text: &str) -> Parsed {
    let mut scan = Scan { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    let mut parsed = Parsed::default();
    while let Some((number, entry)) = scan.entry() {
        let line = entry.and_then(|(key, value)| {
            let value = literally(&key, &value)?;
            Some(Line { number, key, value })
        });
        match line {
            Some(line) => parsed.lines.push(line),
            None => parsed.passed_over.push(number),
        }
    }
    parsed
}

/// Hands one variable to dotenvy in the one quoting in which it changes nothing: left to itself it would substitute `$`,
/// stop at `\x` and print the value in the error; and in single quotes it takes a backslash for an escape when it looks
/// for the line's end, but not when it reads the value.
fn literally(key: &str, value: &str) -> Option<String> {
    let quoted = value.replace('\\', r"\\").replace('"', "\\\"").replace('$', r"\$");
    let line = Zeroizing::new(format!("{key}=\"{quoted}\"\n"));
    dotenvy::from_read_iter(line.as_bytes()).next()?.ok().map(|(_, value)| value)
}

/// Walks through a file, one entry at a time.
struct Scan<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Scan<'a> {
    /// The next line that is neither blank nor a comment: its number, and its variable if it has one.
    fn entry(&mut self) -> Option<(usize, Option<(String, String)>)> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let number = self.line;
            let line = self.rest.split('\n').next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with('#') {
                self.next_line();
                continue;
            }
            let line = line
                .strip_prefix("export")
                .filter(|rest| rest.starts_with([' ', '\t']))
                .unwrap_or(line)
                .trim_start();
            let key = line.split_once('=').map(|(key, _)| key.trim_end()).filter(|key| is_name(key));
            let Some(key) = key.map(str::to_owned) else {
                self.next_line();
                return Some((number, None));
            };
            return Some((number, self.value().map(|value| (key, value))));
        }
    }

    fn value(&mut self) -> Option<String> {
        let (_, after) = self.rest.split_once('=').unwrap_or_default();
        self.rest = after.trim_start_matches([' ', '\t']);
        match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote),
            _ => Some(without_comment(self.next_line())),
        }
    }

    /// A quoted value; it may go over several lines, as private keys do. Without its end the line alone is passed over.
    fn quoted(&mut self, quote: char) -> Option<String> {
        let (mut value, mut breaks) = (String::new(), 0);
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\n' => {
                    breaks += 1;
                    value.push(c);
                }
                '\\' => match chars.next() {
                    Some((_, escaped)) => {
                        breaks += usize::from(escaped == '\n');
                        value.push_str(&unescape(quote, escaped));
                    }
                    None => break,
                },
                c if c == quote => {
                    let (_, after) = self.rest.split_at_checked(at + 1).unwrap_or_default();
                    self.rest = after;
                    self.line += breaks;
                    let tail = self.next_line().trim();
                    return (tail.is_empty() || tail.starts_with('#')).then_some(value);
                }
                c => value.push(c),
            }
        }
        self.next_line();
        None
    }

    /// Takes the rest of the line.
    fn next_line(&mut self) -> &'a str {
        self.line += 1;
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        line
    }
}

/// Backslashes as python-dotenv reads them: only known escapes mean something, and only in their own kind of quotes.
fn unescape(quote: char, c: char) -> String {
    match (quote, c) {
        (_, '\\' | '\'') | ('"', '"') => c.to_string(),
        ('"', 'n') => "\n".into(),
        ('"', 'r') => "\r".into(),
        ('"', 't') => "\t".into(),
        _ => format!("\\{c}"),
    }
}

/// An unquoted value ends at a `#` after a blank, and only there.
fn without_comment(line: &str) -> String {
    let mut blank = false;
    for (at, c) in line.char_indices() {
        if c == '#' && blank {
            return line.get(..at).unwrap_or_default().trim().into();
        }
        blank = c.is_whitespace();
    }
    line.trim().into()
}

/// Whether a `.env` line can be for a variable of this name.
pub fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<(String, String)> {
        parse(text).lines.into_iter().map(|line| (line.key, line.value)).collect()
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
        ];
        for (text, lines, names) in cases {
            let parsed = parse(text);
            assert_eq!(parsed.passed_over, lines, "{text}");
            assert!(parsed.lines.iter().map(|line| line.key.as_str()).eq(names.iter().copied()), "{text}");
        }
    }

    proptest! {
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
