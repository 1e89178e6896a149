//! Secrets in a command line: after a flag or within it, as `NAME=VALUE`, as a header, in an address, or in the text of a
//! shell command. Not here: what replaces them (see `plan`).

use std::ops::Range;

use super::address::{self, Found};
use super::rules::{NameClass, rules};
use super::value;

/// The flags that a header follows.
const USERS: [&str; 5] = ["-u", "--auth", "--basic-auth", "--http-auth", "--proxy-user"];
const HEADER_FLAGS: [&str; 4] = ["-H", "--header", "--headers", "--http-header"];

/// A secret in one of the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretArgument {
    /// Which word.
    pub(crate) word: usize,
    /// Where in it.
    pub(crate) range: Range<usize>,
    /// What it is called there.
    pub(crate) name: String,
    /// Why it is one.
    pub(crate) why: String,
}

/// The secrets in a command's arguments.
pub(super) fn secrets(words: &[String]) -> Vec<SecretArgument> {
    let mut all = Vec::new();
    for (word, text) in words.iter().enumerate() {
        let before = word.checked_sub(1).and_then(|before| words.get(before)).map_or("", String::as_str);
        let found = in_word(before, text).into_iter();
        all.extend(found.map(|Found { range, name, why }| SecretArgument { word, range, name, why }));
    }
    all
}

/// The secrets in a word; `before` is the one before it.
fn in_word(before: &str, text: &str) -> Vec<Found> {
    let flag =
        before.strip_prefix('-').filter(|flag| !flag.contains('=')).map(|flag| flag.trim_start_matches('-'));
    let flag = flag.filter(|_| !text.starts_with('-')).unwrap_or_default();
    if let Some(found) = header(before, text) {
        return found;
    }
    if let Some((range, shape)) = rules().key_in(text)
        && !text.contains("://")
        && value::secret(flag, text).is_some()
    {
        let name = name_before(flag, text, range.start);
        return vec![Found { range, name, why: shape.into() }];
    }
    if let Some((name, rest)) = value::pair(text.trim_start_matches('-'))
        && !rest.contains(char::is_whitespace)
    {
        let at = text.len() - rest.len();
        return judged(name, rest).into_iter().map(|found| moved(found, at)).collect();
    }
    if USERS.contains(&before)
        && let Some((user, password)) = text.split_once(':')
        && is_password(user, password)
    {
        return judged("password", password).into_iter().map(|found| moved(found, user.len() + 1)).collect();
    }
    // A pass phrase may have blanks.
    if rules().class(flag) == NameClass::Strong {
        return judged(flag, text);
    }
    if text.contains(char::is_whitespace)
        && value::scheme(text).is_none()
        && !text.trim_start().starts_with(['{', '['])
    {
        return in_line(text);
    }
    judged(flag, text)
}

/// The secrets in one value.
fn judged(name: &str, text: &str) -> Vec<Found> {
    if text.contains("://") {
        return address::secrets(text, &value::secret);
    }
    let why = value::secret(name, text);
    // A shell's quotes are none of it.
    let from = text.len() - text.trim_start_matches(['"', '\'']).len();
    let to = text.trim_end_matches(['"', '\'']).len().max(from);
    why.map(|why| Found { range: from..to, name: name.into(), why }).into_iter().collect()
}

/// A header as `curl` takes it; its value is the secret, with its scheme.
fn header(before: &str, text: &str) -> Option<Vec<Found>> {
    let (name, rest) = text.split_once(':')?;
    let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let named = HEADER_FLAGS.contains(&before) || rest.starts_with(' ');
    if name.is_empty() || !name.chars().all(fit) || !named {
        return None;
    }
    let value = rest.trim_start();
    let at = text.len() - value.len();
    Some(judged(name, value).into_iter().map(|found| moved(found, at)).collect())
}

/// The words of a shell's text.
fn in_line(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let (mut at, mut before) = (0, "");
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let bare = word.trim_matches(['"', '\'']);
        let from = at + word.find(bare).unwrap_or_default();
        if !bare.is_empty() {
            let line = format!("{before} {bare}");
            let is_credential = value::scheme(&line).is_some()
                && ["bearer", "basic"].contains(&before.to_lowercase().as_str());
            let words = if is_credential { judged("authorization", bare) } else { in_word(before, bare) };
            found.extend(words.into_iter().map(|found| moved(found, from)));
            before = bare;
        }
        at += piece.len();
    }
    found
}

fn moved(found: Found, by: usize) -> Found {
    Found { range: found.range.start + by..found.range.end + by, ..found }
}

/// What a key within a word is called: `--flag=KEY`, `NAME=KEY`, or by the flag before the word.
fn name_before(flag: &str, text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or_default().trim_end_matches(['=', ':', ' ', '"', '\'']);
    let word = before
        .rsplit(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')))
        .next()
        .unwrap_or_default();
    let word = word.trim_start_matches('-');
    if word.is_empty() { flag.into() } else { word.into() }
}

/// Whether this is a user with a password, and not the user and group that a container runs as.
fn is_password(user: &str, password: &str) -> bool {
    let is_name = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || "-_".contains(c));
    let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    !user.is_empty() && !user.contains(['/', ' ']) && !is_number(password) && !is_name(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_spelling_of_a_command_line() {
        let key = "kJ8xQ2mV7bN4cZ1pL9sD";
        let token = format!("ghp_{}", "kJ8xQ2mV7bN4cZ1pL9sDkJ8xQ2mV7bN4cZ1p");
        let cases = vec![
            (vec!["--api-key".into(), key.into()], Some((key, "api-key"))),
            (vec![format!("--api-key={key}")], Some((key, "api-key"))),
            (vec!["-e".into(), format!("API_KEY={key}")], Some((key, "API_KEY"))),
            (vec!["--header".into(), format!("X-Api-Key:{key}")], Some((key, "X-Api-Key"))),
            (vec![token.clone()], Some((&token, ""))),
            (vec!["-c".into(), format!("API_KEY={key} npx server")], Some((key, "API_KEY"))),
            (vec!["-c".into(), format!("npx server --token '{key}'")], Some((key, "token"))),
            (vec!["postgresql://a:hunter2@h/d".into()], Some(("hunter2", "a-password"))),
            (vec!["-u".into(), "admin:hunter2".into()], Some(("hunter2", "password"))),
            (
                vec![
                    "-c".into(),
                    format!("curl -H \"Authorization: Bearer {}\" https://a.test", "qwmzeurtpxkvbnas"),
                ],
                Some(("qwmzeurtpxkvbnas", "authorization")),
            ),
            (vec!["-u".into(), "1000:1000".into()], None),
            (vec!["-u".into(), "node:docker".into()], None),
            (vec!["-y".into(), "@scope/server@1.2.3".into()], None),
            (vec!["--api-key".into(), "${KEY}".into()], None),
            (vec!["--token-file".into(), "/run/token".into()], None),
            (vec!["--api-key".into(), "--verbose".into()], None),
        ];
        for (words, expected) in cases {
            let found = secrets(&words);
            let cut: Vec<(&str, &str)> = found
                .iter()
                .map(|found| (words[found.word].get(found.range.clone()).unwrap(), found.name.as_str()))
                .collect();
            assert_eq!(cut, expected.into_iter().collect::<Vec<_>>(), "{words:?}");
        }
    }
}
