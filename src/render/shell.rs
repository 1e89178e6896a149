//! A command line for the shell of a client that runs one. Not here: what is run (see `client_entry`).

use crate::sys::env;

/// The words as one line: for a POSIX shell, on Windows for `cmd`.
pub(crate) fn line(words: &[String]) -> String {
    let quoted = |word: &String| if env::IS_WINDOWS { cmd(word) } else { posix(word) };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// Inside single quotes only the quote itself is special.
fn posix(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A file's name cannot contain a double quote there, and no quoting helps against `%` in a name.
fn cmd(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || r"-_.\/:=@,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_the_shell_would_read_them_otherwise() {
        let cases = [
            ("/usr/bin/mcpauth", "/usr/bin/mcpauth", "/usr/bin/mcpauth"),
            ("", "''", "\"\""),
            ("two words", "'two words'", "\"two words\""),
            ("it's $HOME", r"'it'\''s $HOME'", "\"it's $HOME\""),
            ("a;b`c`\n", "'a;b`c`\n'", "\"a;b`c`\n\""),
            (r"C:\Program Files\m.exe", r"'C:\Program Files\m.exe'", r#""C:\Program Files\m.exe""#),
            ("é", "'é'", "\"é\""),
        ];
        for (word, expected, on_windows) in cases {
            assert_eq!((posix(word).as_str(), cmd(word).as_str()), (expected, on_windows));
        }
    }
}
