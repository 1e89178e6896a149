//! The data of `shapes.yaml`: keys of known services, and which names hold secrets. Not here: the verdict on a value (see
//! `value`).

use std::ops::Range;
use std::sync::LazyLock;

use serde::Deserialize;

use super::random;

static RULES: LazyLock<KeyRules> =
    LazyLock::new(|| parse(include_str!("../shapes.yaml")).unwrap_or_default());

/// Everything in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyRules {
    shapes: Vec<KeyShape>,
    strong: Vec<String>,
    weak: Vec<String>,
    ends: Vec<String>,
    never: Vec<String>,
    plain: Vec<String>,
    pub(super) placeholders: Vec<String>,
    pub(super) words: Vec<String>,
    pub(super) references: Vec<String>,
    /// The programs that take a password by a short flag.
    pub(super) programs: Vec<PasswordFlag>,
    /// How public values begin.
    open: Vec<String>,
    /// The hosts of documents, and the ends of such hosts.
    documents: Vec<String>,
}

/// The shape of one service's keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyShape {
    name: String,
    prefix: String,
    of: Letters,
    min: usize,
    length: Option<usize>,
    #[serde(default)]
    loose: bool,
    then: Option<String>,
    then_of: Option<Letters>,
    #[serde(default)]
    then_min: usize,
}

/// The flag by which a program takes a password.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordFlag {
    pub(super) name: String,
    pub(super) flag: String,
    /// Whether the password may be the next word.
    #[serde(default)]
    pub(super) apart: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Letters {
    Alnum,
    Word,
    Hex,
    Base64,
    Upper,
    Digits,
    Path,
    Any,
}

/// How much a name says about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameClass {
    /// It is a secret unless it plainly is something else.
    Strong,
    /// It is a secret if it looks random.
    Weak,
    /// Nothing: it is a secret if it looks very random.
    Neutral,
    /// It is none, however random it looks.
    Plain,
}

pub(super) fn rules() -> &'static KeyRules {
    &RULES
}

fn parse(text: &str) -> Result<KeyRules, serde_saphyr::Error> {
    serde_saphyr::from_str(text)
}

impl Letters {
    fn has(self, c: char) -> bool {
        match self {
            Self::Alnum => c.is_ascii_alphanumeric(),
            Self::Word => c.is_ascii_alphanumeric() || matches!(c, '-' | '_'),
            Self::Hex => c.is_ascii_hexdigit(),
            Self::Base64 => c.is_ascii_alphanumeric() || "+/=_-".contains(c),
            Self::Upper => c.is_ascii_uppercase() || c.is_ascii_digit(),
            Self::Digits => c.is_ascii_digit(),
            Self::Path => c.is_ascii_alphanumeric() || "-_/=.~%".contains(c),
            Self::Any => true,
        }
    }

    /// How many bytes of `text`, at most `most`, are of these characters.
    fn run(self, text: &str, most: usize) -> usize {
        text.find(|c| !self.has(c)).unwrap_or(text.len()).min(most)
    }
}

impl KeyShape {
    /// The length of the key that `text` begins with, if it does.
    fn length_at(&self, text: &str) -> Option<usize> {
        let rest = text.strip_prefix(self.prefix.as_str())?;
        let run = self.of.run(rest, self.length.unwrap_or(usize::MAX));
        let (tail, after) = (rest.get(..run)?, rest.get(run..)?);
        if run < self.min || !self.is_real(tail) {
            return None;
        }
        let length = self.prefix.len() + run;
        match (&self.then, self.then_of) {
            (Some(then), Some(letters)) => {
                let run = letters.run(after.strip_prefix(then.as_str())?, usize::MAX);
                (run >= self.then_min).then_some(length + then.len() + run)
            }
            // A longer word only begins like one.
            _ if after.chars().next().is_some_and(|next| self.length.is_some() && self.of.has(next)) => None,
            _ => Some(length),
        }
    }

    /// Documentation writes `ghp_xxxx`.
    fn is_real(&self, tail: &str) -> bool {
        let is_any = matches!(self.of, Letters::Any | Letters::Path);
        is_any || random::distinct(tail) > 4 && (!self.loose || random::is_random(tail, 14))
    }
}

impl KeyRules {
    /// Where a text contains a known service's key, and that service's words for it.
    pub(super) fn key_in(&'static self, text: &str) -> Option<(Range<usize>, &'static str)> {
        // Within a longer word it is something else.
        let starts = text.char_indices().filter(|(at, _)| {
            let before = text.get(..*at).and_then(|before| before.chars().next_back());
            before.is_none_or(|before| !before.is_ascii_alphanumeric() && before != '_' && before != '-')
        });
        for (at, _) in starts {
            let rest = text.get(at..).unwrap_or_default();
            for shape in &self.shapes {
                if let Some(length) = shape.length_at(rest) {
                    return Some((at..at + length, shape.name.as_str()));
                }
            }
        }
        None
    }

    /// Whether a value is made to be public.
    pub(super) fn is_open(&self, value: &str) -> bool {
        self.open.iter().any(|start| value.starts_with(start.as_str()))
    }

    /// Whether addresses at a host name documents.
    pub(super) fn has_documents(&self, host: &str) -> bool {
        let is_below = |known: &String| {
            host.strip_suffix(known.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.documents.iter().any(is_below)
    }

    /// What a name says about its value.
    pub(super) fn class(&self, name: &str) -> NameClass {
        let words = words(name);
        let has = |list: &[String], word: &str| list.iter().any(|known| known == word);
        if words.iter().any(|word| has(&self.never, word)) {
            return NameClass::Plain;
        }
        if let Some(last) = words.last().filter(|last| has(&self.ends, last)) {
            return if has(&self.plain, last) { NameClass::Plain } else { NameClass::Neutral };
        }
        let line = format!(" {} ", words.join(" "));
        let says = |known: &String| line.contains(&format!(" {known} "));
        // As in PGPASSWORD.
        let glued = |word: &String| {
            ["token", "secret", "password", "passwd", "apikey", "passphrase"]
                .iter()
                .any(|end| word.ends_with(end))
        };
        if self.strong.iter().any(says) || words.iter().any(glued) {
            return NameClass::Strong;
        }
        match words.last() {
            Some(last) if has(&self.weak, last) => NameClass::Weak,
            Some(last) if has(&self.plain, last) => NameClass::Plain,
            _ => NameClass::Neutral,
        }
    }
}

/// A name's words in lower case, without numbers at its end: `openAiApiKey2` is open, ai, api, key.
pub(super) fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, c) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let next = letters.get(at + 1);
        let rises = c.is_uppercase()
            && (before.is_some_and(|before| before.is_lowercase())
                || before.is_some_and(|before| before.is_uppercase())
                    && next.is_some_and(|next| next.is_lowercase()));
        if !c.is_alphanumeric() || rises {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(last) = words.last_mut()
        {
            last.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    if let Some(last) = words.last_mut() {
        let letters = last.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        last.truncate(if letters == 0 { last.len() } else { letters });
    }
    while words.len() > 1 && words.last().is_some_and(|last| last.chars().all(|c| c.is_ascii_digit())) {
        words.pop();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read() {
        let rules = parse(include_str!("../shapes.yaml")).unwrap();
        assert!(rules.shapes.len() > 90 && rules.strong.len() > 30);
        for shape in &rules.shapes {
            assert_eq!(shape.then.is_some(), shape.then_of.is_some(), "{}", shape.name);
            assert!(shape.min > 0 || matches!(shape.of, Letters::Any), "{}", shape.name);
        }
    }

    #[test]
    fn a_name_is_cut_into_words() {
        for (name, expected) in [
            ("GITLAB_TOKEN", "gitlab token"),
            ("openAiApiKey2", "open ai api key"),
            ("X-API-Key", "x api key"),
            ("APIKey", "api key"),
            ("--api-key", "api key"),
            ("2", "2"),
        ] {
            assert_eq!(words(name).join(" "), expected);
        }
    }

    #[test]
    fn a_name_says_what_its_value_is() {
        use NameClass::{Neutral, Plain, Strong, Weak};
        for (name, expected) in [
            ("GITLAB_PERSONAL_ACCESS_TOKEN", Strong),
            ("PGPASSWORD", Strong),
            ("apiKey", Strong),
            ("API_KEY_PROD", Strong),
            ("X-Auth-Token", Strong),
            ("GITLAB_TOKEN_FILE", Neutral),
            ("TOKEN_URL", Neutral),
            ("API_KEY_HEADER", Neutral),
            ("MAX_TOKENS", Plain),
            ("CLIENT_ID", Plain),
            ("KEY", Weak),
            ("sig", Weak),
            ("HOME", Neutral),
        ] {
            assert_eq!(rules().class(name), expected, "{name}");
        }
    }
}
