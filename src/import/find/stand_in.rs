//! What stands for a secret and is none: references that a client, a shell or another program resolves, and what
//! documentation writes in a key's place. Not here: secrets (see `value`).

use super::random;
use super::rules::rules;

/// How a reference begins and ends.
const BRACKETS: [(&str, &str); 7] =
    [("${{", "}}"), ("${", "}"), ("$(", ")"), ("{{", "}}"), ("<%", "%>"), ("#{", "}"), ("`", "`")];
/// A placeholder of this length or less counts only as the whole value.
const SHORT_WORD: usize = 5;

/// The text without references; of `${NAME:-default}` the default stays.
pub(super) fn without_references(text: &str) -> String {
    replaced(text, |whole, inner| {
        default_of(whole, inner).map_or_else(String::new, |(_, default)| default.to_owned())
    })
}

/// The text with the defaults of those references, by variable and default, that `is_meant`.
pub(super) fn with_defaults(text: &str, is_meant: impl Fn(&str, &str) -> bool) -> String {
    replaced(text, |whole, inner| {
        let meant = default_of(whole, inner).filter(|(name, default)| is_meant(name, default));
        meant.map_or(whole, |(_, default)| default).to_owned()
    })
}

/// The text with something else for each reference, which is given with its brackets and without.
fn replaced(text: &str, with: impl Fn(&str, &str) -> String) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some((at, (open, close))) = next(rest) {
        kept.push_str(rest.get(..at).unwrap_or_default());
        let inner = rest.get(at + open.len()..).unwrap_or_default();
        let Some(end) = inner.find(close) else {
            kept.push_str(open);
            rest = inner;
            continue;
        };
        let whole = rest.get(at..at + open.len() + end + close.len()).unwrap_or_default();
        kept.push_str(&with(whole, inner.get(..end).unwrap_or_default()));
        rest = inner.get(end + close.len()..).unwrap_or_default();
    }
    kept + rest
}

/// The variable and the default of `NAME:-default`, and of a shell's `NAME-default` and `NAME:=default`.
fn default_of<'i>(whole: &str, inner: &'i str) -> Option<(&'i str, &'i str)> {
    let is_shells = whole.starts_with("${") && !whole.starts_with("${{");
    let bare = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    let split = inner.split_once(":-").or_else(|| inner.split_once(":="));
    let short = || inner.split_once(['-', '=']).filter(|(name, _)| is_shells && bare(name));
    let (name, default) = split.or_else(short)?;
    Some((name.strip_prefix("env:").unwrap_or(name), default))
}

fn next(text: &str) -> Option<(usize, (&'static str, &'static str))> {
    let found = BRACKETS.into_iter().filter_map(|marks| Some((text.find(marks.0)?, marks)));
    // Of two at one place the longer one.
    found.min_by_key(|(at, (open, _))| (*at, usize::MAX - open.len()))
}

/// Whether a whole value stands for a secret.
pub(super) fn is_stand_in(value: &str) -> bool {
    is_reference(value) || is_drawn(value) || is_said(value)
}

/// A variable's or a secret manager's name.
fn is_reference(value: &str) -> bool {
    let is_name = |text: &str, lower: bool| {
        let fit = |c: char| {
            c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || lower && c.is_ascii_lowercase()
        };
        !text.is_empty() && text.chars().all(fit) && !text.starts_with(|c: char| c.is_ascii_digit())
    };
    let within = |open: &str, close: &str| value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    let dotted = |text: &str| is_name(&text.replace(['.', ':', '-', ' '], "_"), true);
    value
        .strip_prefix('$')
        .is_some_and(|name| is_name(name, false) || name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        || within("%", "%").is_some_and(|name| is_name(name, true))
        || within("{", "}").is_some_and(dotted)
        || within("<", ">").is_some()
        || within("[", "]").is_some_and(dotted)
        || within("__", "__").is_some_and(dotted)
        || ["process.env.", "$(", "${", "`"].iter().any(|start| value.starts_with(start))
        || rules().references.iter().any(|known| value.starts_with(known.as_str()))
}

/// `xxxx`, `****`, `...`: few different characters, or many of those in a row.
fn is_drawn(value: &str) -> bool {
    let drawn = value
        .chars()
        .filter(|c| matches!(c, 'x' | 'X' | '*' | '.' | '\u{2026}' | '\u{2022}' | '#' | '?' | '_' | '-'))
        .count();
    let is_run = ["xxxx", "XXXX", "****", "....", "0000000", "######"].iter().any(|run| value.contains(run));
    drawn * 2 > value.chars().count() && is_run
        || random::distinct(value) <= 3 && value.len() > 7
        || random::distinct(value) <= 2
        || value.ends_with("...")
        || random::is_sequence(value)
}

/// `your-api-key-here`, and the keys that a cloud's own documentation shows.
fn is_said(value: &str) -> bool {
    if value.contains("EXAMPLE") {
        return true;
    }
    // As in `put-your-token-here`.
    let is_there = ["-here", "_here"].iter().any(|end| value.to_lowercase().ends_with(end));
    if is_there && !random::is_random(value, 16) {
        return true;
    }
    let lower = value.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    rules().placeholders.iter().any(|known| {
        let long = known.starts_with("your") || known.len() > SHORT_WORD;
        lower == *known
            || long
                && (words.contains(&known.as_str())
                    || words.first().is_some_and(|first| first.starts_with("your")))
    }) && !random::is_random(value, 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_go_and_defaults_stay() {
        for (text, expected) in [
            ("${A}", ""),
            ("Bearer ${input:key}", "Bearer "),
            ("a${{ secrets.X }}b", "ab"),
            ("${A:-s3cret}", "s3cret"),
            ("${A-s3cret}", "s3cret"),
            ("${A:=s3cret}", "s3cret"),
            ("${env:A:-s3cret}", "s3cret"),
            ("${input:my-key}", ""),
            ("${A:?no key}", ""),
            ("${A:+s3cret}", ""),
            ("$(op read op://x)", ""),
            ("a{{x}}", "a"),
            ("${open", "${open"),
            ("pa$word", "pa$word"),
        ] {
            assert_eq!(without_references(text), expected);
        }
    }

    #[test]
    fn what_stands_for_a_secret_is_seen() {
        for text in [
            "YOUR_API_KEY",
            "your-token-here",
            "<your-key>",
            "$GITLAB_TOKEN",
            "%TOKEN%",
            "{env:X}",
            "[TOKEN]",
            "env:X",
            "op://vault/item/field",
            "xxxxxxxx",
            "sk-...",
            "****",
            "changeme",
            "REPLACE_ME",
            "AKIAIOSFODNN7EXAMPLE",
            "yourapikey",
            "__TOKEN__",
            "none",
            "insert-key",
            "0123456789abcdef",
            "process.env.KEY",
            "00000000-0000-0000-0000-000000000000",
        ] {
            assert!(is_stand_in(text), "{text}");
        }
        for text in [
            "hunter2",
            "pa$sword1",
            "kJ8xQ2mV7bN4cZ1pL9sD",
            "correct horse",
            "Tr0ub4dor&3",
            "s3cr3t!",
            "letmein",
        ] {
            assert!(!is_stand_in(text), "{text}");
        }
    }
}
