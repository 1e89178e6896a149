//! Secrets in a command line: after a flag or within it, as `NAME=VALUE`, as a header, in an address, or in the text of a
//! shell command. Not here: what replaces them (see `plan`).

use std::ops::Range;

use super::address::{self, Found};
use super::rules::{NameClass, rules};
use super::value;

/// The flags that a user with a password follows.
const USERS: [&str; 6] = ["-u", "--user", "--auth", "--basic-auth", "--http-auth", "--proxy-user"];
/// The flags that a header follows.
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
    let mut before: Vec<&str> = Vec::new();
    for (word, text) in words.iter().enumerate() {
        let found = in_word(&before, text).into_iter();
        before.push(text);
        all.extend(found.map(|Found { range, name, why }| SecretArgument { word, range, name, why }));
    }
    all
}

/// The secrets in a word; `words` are those before it.
fn in_word(words: &[&str], text: &str) -> Vec<Found> {
    let before = words.last().copied().unwrap_or_default();
    let flag =
        before.strip_prefix('-').filter(|flag| !flag.contains('=')).map(|flag| flag.trim_start_matches('-'));
    let flag = flag.filter(|_| !text.starts_with('-')).unwrap_or_default();
    // A shell's text may look like pairs, up to where its program begins.
    let connected = || if opens_line(before) { None } else { connection(text) };
    if let Some(found) = header(before, text).or_else(connected).or_else(|| password(words, text)) {
        return found;
    }
    if let Some((range, shape)) = rules().key_in(text)
        && !text.contains("://")
        && value::secret(flag, text).is_some()
    {
        let name = name_before(flag, text, range.start);
        return vec![Found { range, name, why: shape.into() }];
    }
    let is_json = |text: &str| text.trim_start().trim_start_matches('\'').starts_with(['{', '[']);
    if let Some((name, rest)) = value::pair(text.trim_start_matches('-'))
        && (!rest.contains(char::is_whitespace) || is_json(rest) || is_whole(before, name))
        && !flag.ends_with("cookie")
    {
        return judged_at(text.len() - rest.len(), name, rest);
    }
    // A pass phrase may have blanks.
    if rules().class(flag) == NameClass::Strong {
        return judged(flag, text);
    }
    if text.contains(char::is_whitespace) && value::scheme(text).is_none() && !is_json(text) {
        return in_line(text);
    }
    judged(flag, text)
}

/// Whether a value with blanks is one value, and not the beginning of a shell's text.
fn is_whole(before: &str, name: &str) -> bool {
    !opens_line(before) && rules().class(name) == NameClass::Strong
}

/// Whether a shell's text follows this flag.
fn opens_line(flag: &str) -> bool {
    flag.strip_prefix(['-', '/']).is_some_and(|flag| {
        flag.ends_with(['c', 'C', 'S']) && !flag.starts_with('-') || flag.eq_ignore_ascii_case("command")
    })
}

/// The secrets of a connection string (`Server=a;Password=b`), if the word is one.
fn connection(text: &str) -> Option<Vec<Found>> {
    let (mut at, mut pairs, mut found) = (0, 0, Vec::new());
    for part in text.split_inclusive(';') {
        let whole = part.trim_end_matches(';');
        if !whole.trim().is_empty() {
            let (name, value) = value::pair(whole.trim_start_matches(['-', ' ']))?;
            found.extend(judged_at(at + whole.len() - value.len(), name, value));
            pairs += 1;
        }
        at += part.len();
    }
    (pairs > 1 && !found.is_empty()).then_some(found)
}

/// A password where its program takes it: `mysql -pPASSWORD`, `-u USER:PASSWORD`.
fn password(words: &[&str], text: &str) -> Option<Vec<Found>> {
    let before = words.last().copied().unwrap_or_default();
    if USERS.contains(&before)
        && let Some((user, password)) = text.split_once(':')
        && is_password(user, password)
    {
        return Some(judged_at(user.len() + 1, "password", password));
    }
    let program = |word: &str| word.rsplit(['/', '\\']).next().unwrap_or_default().to_lowercase();
    let (known, is_it) = words.iter().find_map(|word| {
        let program = program(word);
        let known = rules().programs.iter().find(|known| program.contains(&known.name))?;
        Some((known, program == known.name))
    })?;
    // A port, or two.
    let is_port =
        text.chars().all(|c| c.is_ascii_digit() || c == ':') && (text.len() <= 5 || text.contains(':'));
    if known.apart && before == known.flag && !is_port {
        return Some(judged_at(0, "password", text));
    }
    let rest = text.strip_prefix(known.flag.as_str()).filter(|rest| !rest.is_empty())?;
    // A port, or another program's flag.
    let is_one = rest.chars().any(char::is_alphabetic) && (is_it || !rest.chars().all(char::is_alphabetic));
    is_one.then(|| judged_at(known.flag.len(), "password", rest))
}

/// The secrets in one value.
fn judged(name: &str, text: &str) -> Vec<Found> {
    if address::is_address(text) {
        return address::secrets(text, &value::secret);
    }
    let why = value::secret(name, text);
    // A shell's quotes are none of it.
    let from = text.len() - text.trim_start_matches(['"', '\'']).len();
    let to = text.trim_end_matches(['"', '\'']).len().max(from);
    why.map(|why| Found { range: from..to, name: name.into(), why }).into_iter().collect()
}

/// The same, where the value begins at `at`.
fn judged_at(at: usize, name: &str, text: &str) -> Vec<Found> {
    judged(name, text).into_iter().map(|found| moved(found, at)).collect()
}

/// A header as `curl` takes it; its value is the secret, with its scheme.
fn header(before: &str, text: &str) -> Option<Vec<Found>> {
    let (name, rest) = text.strip_prefix("-H").unwrap_or(text).split_once(':')?;
    let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let named = HEADER_FLAGS.contains(&before) || rest.starts_with(' ');
    if name.is_empty() || !name.chars().all(fit) || !named {
        return None;
    }
    let value = rest.trim_start();
    Some(judged_at(text.len() - value.len(), name, value))
}

/// A shell's text cut after each blank that is not within quotes; after every blank if a quote stays open.
fn pieces(text: &str) -> Vec<&str> {
    let mut open = None;
    let within = |c: char| {
        match open {
            None if matches!(c, '\'' | '"') => open = Some(c),
            Some(quote) if quote == c => open = None,
            _ => {}
        }
        open.is_none() && c.is_whitespace()
    };
    let whole: Vec<&str> = text.split_inclusive(within).collect();
    if open.is_none() { whole } else { text.split_inclusive(char::is_whitespace).collect() }
}

/// The words of a shell's text.
fn in_line(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let (mut at, mut words): (usize, Vec<&str>) = (0, Vec::new());
    for piece in pieces(text) {
        let word = piece.trim_end();
        let bare = word.trim_end_matches(';').trim_matches(['"', '\'']);
        let from = at + word.find(bare).unwrap_or_default();
        if !bare.is_empty() {
            let before = words.last().copied().unwrap_or_default();
            let line = format!("{before} {bare}");
            let is_credential = value::scheme(&line).is_some()
                && ["bearer", "basic"].contains(&before.to_lowercase().as_str());
            let own = if is_credential { judged("authorization", bare) } else { in_word(&words, bare) };
            found.extend(own.into_iter().map(|found| moved(found, from)));
            words.push(bare);
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
                Some(("Bearer qwmzeurtpxkvbnas", "Authorization")),
            ),
            (vec!["mysql".into(), "-uroot".into(), "-phunter2".into()], Some(("hunter2", "password"))),
            (
                vec!["mysql-mcp".into(), "-u".into(), "root".into(), "-phunter2".into()],
                Some(("hunter2", "password")),
            ),
            (vec!["-c".into(), "mysqldump -uroot -phunter2 db | cat".into()], Some(("hunter2", "password"))),
            (
                vec!["sshpass".into(), "-p".into(), "hunter2".into(), "ssh".into()],
                Some(("hunter2", "password")),
            ),
            (vec!["DRIVER={PostgreSQL};SERVER=h;UID=sa;PWD=hunter2".into()], Some(("hunter2", "PWD"))),
            (vec!["--dsn=Driver={ODBC Driver 18};Server=h;PWD=hunter2;".into()], Some(("hunter2", "PWD"))),
            (vec!["app:hunter2@tcp(db:3306)/app".into()], Some(("hunter2", "app-password"))),
            (
                vec!["--config={\"api_key\": \"hunter2x\"}".into()],
                Some(("{\"api_key\": \"hunter2x\"}", "config")),
            ),
            (
                vec!["--cookie".into(), "session=hunter2hunter2".into()],
                Some(("session=hunter2hunter2", "cookie")),
            ),
            (vec!["-HX-Api-Key: hunter2x".into()], Some(("hunter2x", "X-Api-Key"))),
            (
                vec!["-Command".into(), "$env:API_KEY='hunter2'; npx server".into()],
                Some(("hunter2", "API_KEY")),
            ),
            (
                vec!["env".into(), "PASSPHRASE=correct horse staple".into(), "npx".into()],
                Some(("correct horse staple", "PASSPHRASE")),
            ),
            (
                vec!["-c".into(), "PASSPHRASE='correct horse' npx x".into()],
                Some(("correct horse", "PASSPHRASE")),
            ),
            (
                vec!["-c".into(), "npx x --password \"correct horse\"".into()],
                Some(("correct horse", "password")),
            ),
            (vec!["-c".into(), "npx x -t it's --password hunter2".into()], Some(("hunter2", "password"))),
            (vec!["-c".into(), "PASSWORD=hunter2 npx x".into()], Some(("hunter2", "PASSWORD"))),
            (
                vec!["-c".into(), "export A=1; API_KEY=hunter2 npx server".into()],
                Some(("hunter2", "API_KEY")),
            ),
            (
                vec!["-c".into(), "export A=1; B=2 npx x --password hunter2".into()],
                Some(("hunter2", "password")),
            ),
            (
                vec!["--cookie".into(), "session=hunter2hunter2; theme=dark".into()],
                Some(("session=hunter2hunter2; theme=dark", "cookie")),
            ),
            (vec!["sshpass".into(), "-e".into(), "ssh".into(), "-p".into(), "8022".into()], None),
            (vec!["docker".into(), "--name".into(), "mysql".into(), "-p3306:3306".into()], None),
            (vec!["mysql-mcp".into(), "-pretty".into()], None),
            (vec!["-phunter2".into()], None),
            (vec!["--cookie".into(), "theme=dark".into()], None),
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
