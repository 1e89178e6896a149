//! Secrets in an address: a password before its host, a parameter, a part of its path. Positions are in the text itself,
//! which may be cut from a command line.

use std::ops::Range;

use percent_encoding::percent_decode_str;

use super::random;
use super::rules::rules;
use super::stand_in::{is_stand_in, without_references};

/// A part of a path is only a secret if so many of its characters in a row look random.
const SEGMENT: usize = 20;

const IN_ADDRESS: &str = "a password in an address";

/// Why a value is a secret: for people, and without any of it.
pub(super) type Why = String;
/// The verdict on a value by its name.
pub(super) type Judge<'a> = &'a dyn Fn(&str, &str) -> Option<Why>;

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) range: Range<usize>,
    pub(super) name: String,
    pub(super) why: Why,
}

/// The secrets in a text with an address; `judge` decides on its parameters.
pub(super) fn secrets(text: &str, judge: Judge<'_>) -> Vec<Found> {
    if let Some((user, range)) = source_name(text) {
        return password(text, user, range).into_iter().collect();
    }
    let Some(start) = text.find("://").map(|at| at + 3) else { return Vec::new() };
    // JDBC drivers take parameters after semicolons too.
    let more = if text.starts_with("jdbc:") { &[';'][..] } else { &[] };
    let marks = |usual: &[char]| [usual, more].concat();
    let end = |from: usize, marks: &[char]| {
        text.get(from..).and_then(|rest| rest.find(marks)).map_or(text.len(), |at| from + at)
    };
    let authority = end(start, &marks(&['/', '?', '#', ' ', '"', '\'']));
    let path = end(authority, &marks(&['?', '#', ' ']));
    let query = end(path, &['#', ' ']);
    let mut found = userinfo(text, start..authority);
    // A known shape may reach over several parts: a webhook's address is one.
    let shaped = rules().key_in(text.get(start..).unwrap_or_default()).filter(|_| found.is_empty());
    if let Some((range, shape)) = shaped {
        let range = range.start + start..range.end + start;
        found.push(Found { range, name: "address".into(), why: shape.into() });
        return found;
    }
    if !rules().has_documents(text.get(start..authority).unwrap_or_default()) {
        found.extend(segments(text, authority..path));
    }
    let between = marks(&['?', '#', '&']);
    found.extend(parameters(text, path..query, &between, judge));
    found.extend(parameters(text, query..text.len(), &between, judge));
    found
}

/// Whether a text is an address, or has one in it.
pub(super) fn is_address(text: &str) -> bool {
    text.contains("://") || source_name(text).is_some()
}

/// The user in an address without slashes, and where its password is: Go's `user:password@tcp(host)/name`, and
/// `jdbc:oracle:thin:user/password@host`.
fn source_name(text: &str) -> Option<(&str, Range<usize>)> {
    let oracle = text.strip_prefix("jdbc:oracle:").and_then(|rest| rest.split_once(':'));
    if let Some((user, rest)) = oracle.and_then(|(_, rest)| rest.split_once('/')) {
        let start = text.len() - rest.len();
        return rest.find('@').map(|at| (user, start..start + at));
    }
    let is_network = |rest: &str| {
        rest.split_once('(').is_some_and(|(name, _)| {
            name.len() > 1 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
    };
    let (at, _) = text.match_indices('@').find(|(at, _)| text.get(at + 1..).is_some_and(is_network))?;
    let (user, _) = text
        .get(..at)?
        .split_once(':')
        .filter(|(user, rest)| !user.contains(['/', ' ']) && !rest.starts_with("//"))?;
    Some((user, user.len() + 1..at))
}

fn userinfo(text: &str, authority: Range<usize>) -> Vec<Found> {
    let part = text.get(authority.clone()).unwrap_or_default();
    let Some(at) = part.rfind('@') else { return Vec::new() };
    let (user, range) = match part.get(..at).and_then(|info| info.split_once(':')) {
        Some((user, _)) => (user, user.len() + 1..at),
        None => ("", 0..at),
    };
    if range.start > 0 {
        return password(text, user, authority.start + range.start..authority.start + range.end)
            .into_iter()
            .collect();
    }
    let value = without_references(&decoded(part.get(range.clone()).unwrap_or_default()));
    let is_secret = rules().key_in(&value).is_some() || random::is_random(&value, SEGMENT);
    let range = authority.start..authority.start + range.end;
    let found = Found { range, name: "password".into(), why: IN_ADDRESS.into() };
    if is_secret { vec![found] } else { Vec::new() }
}

/// A user's password, unless something stands for it.
fn password(text: &str, user: &str, range: Range<usize>) -> Option<Found> {
    let value = without_references(&decoded(text.get(range.clone())?));
    let is_secret =
        !value.is_empty() && !is_stand_in(&value) && !rules().words.contains(&value.to_lowercase());
    let name = if user.is_empty() { "password".into() } else { format!("{}-password", decoded(user)) };
    is_secret.then(|| Found { range, name, why: IN_ADDRESS.into() })
}

fn segments(text: &str, path: Range<usize>) -> Vec<Found> {
    let mut at = path.start;
    let mut found = Vec::new();
    for segment in text.get(path).unwrap_or_default().split('/') {
        let range = at..at + segment.len();
        at = range.end + 1;
        let value = without_references(&decoded(segment));
        if !is_stand_in(&value) && random::is_random(&value, SEGMENT) {
            found.push(Found {
                range,
                name: "address".into(),
                why: "a part of its path looks random".into(),
            });
        }
    }
    found
}

fn parameters(text: &str, query: Range<usize>, between: &[char], judge: Judge<'_>) -> Vec<Found> {
    let mut at = query.start;
    let mut found = Vec::new();
    for pair in text.get(query).unwrap_or_default().split_inclusive(between) {
        let whole = pair.trim_end_matches(between);
        if let Some((name, value)) = whole.split_once('=')
            && let Some(why) = judge(&decoded(name), &decoded(value))
        {
            let from = at + name.len() + 1;
            found.push(Found { range: from..from + value.len(), name: decoded(name), why });
        }
        at += pair.len();
    }
    found
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        secrets(text, &super::super::value::secret)
            .into_iter()
            .map(|found| text.get(found.range).unwrap())
            .collect()
    }

    #[test]
    fn each_part_of_an_address_is_looked_at() {
        for (text, expected) in [
            ("https://mcp.test/mcp", &[][..]),
            ("https://mcp.test/mcp?api_key=kJ8xQ2mV7bN4cZ1p&x=1", &["kJ8xQ2mV7bN4cZ1p"]),
            ("https://u:s3cr3t%21@mcp.test/mcp", &["s3cr3t%21"]),
            ("postgresql://app:hunter2@db.test:5432/app?sslmode=require", &["hunter2"]),
            ("postgresql://app@db.test/app", &[]),
            ("https://mcp.test/s/kJ8xQ2mV7bN4cZ1pL9sD3fG6/mcp", &["kJ8xQ2mV7bN4cZ1pL9sD3fG6"]),
            ("https://mcp.test/550e8400-e29b-41d4-a716-446655440000/mcp", &[]),
            ("https://mcp.test/mcp?token=${TOKEN}&profile=dev", &[]),
            ("https://mcp.test/mcp?api_key=<key>", &[]),
            ("postgres://user:${PASS}@h/d", &[]),
            ("https://mcp.test/mcp#access_token=kJ8xQ2mV7bN4cZ1p", &["kJ8xQ2mV7bN4cZ1p"]),
            ("app:hunter2@tcp(db.test:3306)/app?parseTime=true", &["hunter2"]),
            ("app:p@ss:w0rd@unix(/run/db.sock)/app", &["p@ss:w0rd"]),
            ("app@tcp(db.test:3306)/app", &[]),
            ("app:${PASS}@tcp(db.test)/app", &[]),
            ("jdbc:sqlserver://h:1433;databaseName=a;user=sa;password=hunter2;encrypt=true", &["hunter2"]),
            ("jdbc:oracle:thin:scott/tiger99@//h:1521/x", &["tiger99"]),
            ("jdbc:sqlserver://h:1433;databaseName=a;integratedSecurity=true", &[]),
            ("https://kJ8xQ2mV7bN4cZ1pL9sD3fG6@mcp.test/1", &["kJ8xQ2mV7bN4cZ1pL9sD3fG6"]),
        ] {
            assert_eq!(cut(text), expected, "{text}");
        }
    }
}
