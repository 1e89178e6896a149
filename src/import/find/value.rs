//! The verdict on one value by its name: a secret, and why, or none. Not here: where values are (see `entry`); the parts of an
//! address or of a command line (see `address` and `arguments`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::address::{self, Why};
use super::random;
use super::rules::{NameClass, rules, words};
use super::stand_in::{is_stand_in, without_references};

/// A shorter text is a word.
const MIN_SECRET: usize = 4;
/// A run of this length must be random under a name that says little.
const WEAK_RUN: usize = 10;
/// And of this length under a name that says nothing.
const NEUTRAL_RUN: usize = 16;
/// A cookie's value of this length with letters and digits is not a setting.
const SESSION_RUN: usize = 10;
/// How deep values in JSON texts are looked for.
const DEPTH: usize = 4;
/// The words before a credential in a header (RFC 9110 section 11.4), in lower case.
const SCHEMES: [&str; 8] = ["bearer", "basic", "token", "apikey", "api-key", "key", "bot", "digest"];

/// Why the value of this name is a secret; `None` if it is none.
pub(super) fn secret(name: &str, value: &str) -> Option<Why> {
    within(name, value, DEPTH)
}

fn within(name: &str, value: &str, depth: usize) -> Option<Why> {
    let value = without_references(value.trim());
    let depth = depth.checked_sub(1)?;
    if let Some(json) = json(value.trim().trim_matches('\'')) {
        return in_json(name, &json, depth);
    }
    let value = value.trim().trim_matches(['"', '\'']).trim();
    if value.chars().count() < MIN_SECRET || is_stand_in(value) {
        return None;
    }
    if let Some((_, shape)) = rules().key_in(value) {
        return Some(shape.into());
    }
    if rules().is_open(value) {
        return None;
    }
    if let Some((scheme, credential)) = scheme(value) {
        let is_said = !rules().words.contains(&credential.to_lowercase()) && credential.len() >= MIN_SECRET;
        return (is_said && !is_stand_in(credential)).then(|| format!("a {scheme} credential"));
    }
    if address::is_address(value) {
        return address::secrets(value, &secret).into_iter().next().map(|found| found.why);
    }
    let (pairs, is_cookie) = (pairs(value), words(name).pop().is_some_and(|last| last.starts_with("cookie")));
    if let Some(why) = pairs.iter().find_map(|(name, value)| within(name, value, depth)) {
        return Some(why);
    }
    if is_cookie && !pairs.is_empty() {
        return pairs.iter().any(|(_, value)| is_session(value)).then(|| "a session in a cookie".into());
    }
    by_name(name, value)
}

/// Whether a cookie's value is more than a setting.
fn is_session(value: &str) -> bool {
    let mut runs = value.split(|c: char| !c.is_ascii_alphanumeric());
    runs.any(|run| {
        let digits = run.chars().filter(char::is_ascii_digit).count();
        run.len() >= SESSION_RUN && digits > 0 && digits < run.len()
    })
}

/// What JSON says, also in base64, as files of accounts are put into variables.
fn json(text: &str) -> Option<Value> {
    let decoded = || STANDARD.decode(text).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let json: Value = serde_json::from_str(text).ok().or_else(decoded)?;
    matches!(json, Value::Object(_) | Value::Array(_) | Value::String(_)).then_some(json)
}

/// The scheme and the credential of a header's value, if it has both.
pub(in crate::import) fn scheme(value: &str) -> Option<(&str, &str)> {
    let (scheme, credential) = value.split_once(' ')?;
    let credential = credential.trim();
    let is_one = !credential.is_empty() && !credential.contains(' ');
    (is_one && SCHEMES.contains(&scheme.to_lowercase().as_str())).then_some((scheme, credential))
}

fn in_json(name: &str, json: &Value, depth: usize) -> Option<Why> {
    match json {
        Value::String(text) => within(name, text, depth),
        Value::Array(values) => values.iter().find_map(|value| in_json(name, value, depth.checked_sub(1)?)),
        Value::Object(values) => {
            values.iter().find_map(|(name, value)| in_json(name, value, depth.checked_sub(1)?))
        }
        _ => None,
    }
}

/// The pairs of a connection string (`Server=a;Password=b`), a cookie or a form, if it is one.
fn pairs(value: &str) -> Vec<(&str, &str)> {
    for between in [";", "&", ",", " "] {
        let parts: Vec<&str> = value.split(between).map(str::trim).filter(|part| !part.is_empty()).collect();
        let pairs: Option<Vec<(&str, &str)>> = parts.iter().map(|part| pair(part)).collect();
        if let Some(pairs) = pairs.filter(|pairs| pairs.len() > 1) {
            return pairs;
        }
    }
    pair(value).into_iter().collect()
}

/// `NAME=VALUE` with a name that programs use.
pub(super) fn pair(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.strip_prefix("$env:").unwrap_or(text).split_once('=')?;
    let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    let is_name = name.chars().next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    // Base64 ends so.
    (is_name && name.chars().all(fit) && !value.is_empty() && !value.starts_with('='))
        .then_some((name.trim(), value))
}

fn by_name(name: &str, value: &str) -> Option<Why> {
    let class = rules().class(name);
    let last = words(name).pop().unwrap_or_default();
    let is_secret = match class {
        NameClass::Strong => is_fit(&last, value),
        NameClass::Weak => {
            random::is_random(value, WEAK_RUN)
                || ["key", "auth"].contains(&last.as_str()) && random::is_uuid(value)
        }
        NameClass::Neutral => random::is_random(value, NEUTRAL_RUN),
        NameClass::Plain => false,
    };
    let why = match class {
        NameClass::Strong => "its name says so",
        _ => "it looks random",
    };
    is_secret.then(|| why.into())
}

/// Whether the value of a name that says secret may be one: it is not a number, a file, a variable's name, or one of the
/// words for how it is got.
fn is_fit(last: &str, value: &str) -> bool {
    let is_number = value.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '_' | ','));
    let by_people = ["password", "passwd", "pwd", "pin", "passphrase", "passcode"].contains(&last)
        || last.ends_with("password");
    let is_variable = value.contains('_')
        && value.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        && !random::is_random(value, MIN_SECRET);
    if by_people {
        return !random::is_path(value) && !is_variable;
    }
    let is_word = rules().words.contains(&value.to_lowercase());
    let is_short_number = is_number && value.len() < 8;
    // Base64 may begin with a slash, but has no dots.
    let is_path =
        random::is_path(value) && (value.contains('.') || !random::is_random(&value.replace('/', ""), 20));
    !is_word && !is_short_number && !is_variable && !is_path
}
