//! `.env` files, read with dotenvy behind a wrapper that keeps values literal: `$`, `\` and `#` inside a value survive,
//! nothing is substituted or executed, and no message shows a value. It leaves precedence to `settings`.

use std::path::Path;

use zeroize::Zeroizing;

use crate::config::ConfigError;

/// One variable of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) key: String,
    pub(super) value: String,
}

/// Reads the text of a file; the last of two lines for one key wins, as python-dotenv has it.
pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<Line>, ConfigError> {
    let mut scan = Scan { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    let mut found = Vec::new();
    while let Some(entry) = scan.entry() {
        let (number, key, value) = entry.map_err(|bad| ConfigError::Line {
            file: path.display().to_string(),
            line: bad.line,
            key: bad.key,
            reason: bad.reason,
        })?;
        let value = literally(&key, &value).ok_or_else(|| ConfigError::Line {
            file: path.display().to_string(),
            line: number,
            key: key.clone(),
            reason: "the value cannot be read",
        })?;
        found.push(Line { number, key, value });
    }
    Ok(found)
}

/// Hands one variable to dotenvy in the one quoting in which it changes nothing: left to itself it would substitute `$`,
/// stop at `\x` and print the value in the error; and in single quotes it takes a backslash for an escape when it looks
/// for the line's end, but not when it reads the value.
fn literally(key: &str, value: &str) -> Option<String> {
    let quoted = value.replace('\\', r"\\").replace('"', "\\\"").replace('$', r"\$");
    let line = Zeroizing::new(format!("{key}=\"{quoted}\"\n"));
    dotenvy::from_read_iter(line.as_bytes()).next()?.ok().map(|(_, value)| value)
}

struct Bad {
    line: usize,
    key: String,
    reason: &'static str,
}

/// Walks through a file, one entry at a time.
struct Scan<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Scan<'a> {
    /// The next `KEY=value`, past blank lines and comments.
    fn entry(&mut self) -> Option<Result<(usize, String, String), Bad>> {
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
            let Some((key, _)) = line.split_once('=') else {
                self.next_line();
                return Some(Err(Bad {
                    line: number,
                    key: name_of(line),
                    reason: "there is no = in this line",
                }));
            };
            let key = key.trim_end();
            if !is_name(key) {
                let key = name_of(key);
                self.next_line();
                return Some(Err(Bad { line: number, key, reason: "this is not a variable's name" }));
            }
            let value = self.value();
            return Some(value.map(|value| (number, key.to_owned(), value)).map_err(|reason| Bad {
                line: number,
                key: key.to_owned(),
                reason,
            }));
        }
    }

    fn value(&mut self) -> Result<String, &'static str> {
        let (_, after) = self.rest.split_once('=').unwrap_or_default();
        self.rest = after.trim_start_matches([' ', '\t']);
        match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote),
            _ => Ok(without_comment(self.next_line())),
        }
    }

    /// A quoted value; it may go over several lines, as private keys do.
    fn quoted(&mut self, quote: char) -> Result<String, &'static str> {
        let mut value = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\n' => {
                    self.line += 1;
                    value.push(c);
                }
                '\\' => match chars.next() {
                    Some((_, escaped)) => value.push_str(&unescape(quote, escaped)),
                    None => break,
                },
                c if c == quote => {
                    let (_, after) = self.rest.split_at_checked(at + 1).unwrap_or_default();
                    self.rest = after;
                    let tail = self.next_line().trim();
                    return if tail.is_empty() || tail.starts_with('#') {
                        Ok(value)
                    } else {
                        Err("there is text after the closing quote")
                    };
                }
                c => value.push(c),
            }
        }
        self.rest = "";
        Err("the quote is not closed")
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

/// What may be shown of a bad line: the part that looks like a name, never the value.
fn name_of(text: &str) -> String {
    let name: String = text
        .chars()
        .take_while(|c| c.is_ascii_uppercase() || *c == '_' || c.is_ascii_digit())
        .take(64)
        .collect();
    if name.chars().any(|c| c.is_ascii_digit()) && !name.contains('_') { String::new() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        parse(Path::new(".env"), text)
            .map(|lines| lines.into_iter().map(|line| (line.key, line.value)).collect())
            .map_err(|e| e.to_string())
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
            let last = read(line).unwrap().pop().unwrap();
            assert_eq!(last, ("A".to_owned(), expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn a_bad_line_is_named_and_its_value_never_shown() {
        let cases = [
            ("OK=1\nSECRET_KEY hunter2", ".env:2 SECRET_KEY: there is no = in this line"),
            ("A-B=hunter2", ".env:1 A: this is not a variable's name"),
            ("hunter2", ".env:1: there is no = in this line"),
            ("A=\"hunter2", ".env:1 A: the quote is not closed"),
            ("A='x'hunter2", ".env:1 A: there is text after the closing quote"),
            ("B=\"1\n2\"\nC='", ".env:3 C: the quote is not closed"),
            ("1A=hunter2", ".env:1: this is not a variable's name"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).unwrap_err(), expected);
        }
    }

    proptest! {
        #[test]
        fn any_value_survives_double_quotes(value in "[ -~\n\u{e4}\u{2713}]{0,60}") {
            let text = format!("A=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
            prop_assert_eq!(read(&text).unwrap(), [("A".to_owned(), value)]);
        }

        #[test]
        fn any_unquoted_secret_survives(value in "[!-~]{1,60}") {
            prop_assume!(!value.starts_with(['"', '\'']));
            prop_assert_eq!(read(&format!("A={value}")).unwrap(), [("A".to_owned(), value)]);
        }

        #[test]
        fn no_text_panics(text in "[ -~\n\"'\\\\=#]{0,200}") {
            let _ = read(&text);
        }
    }
}
