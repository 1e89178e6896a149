//! Text as words that can be compared: names split, endings cut off, words without meaning left out. Not here: what a
//! word is worth (see `index`).

use std::borrow::Cow;

use rust_stemmers::{Algorithm, Stemmer};

/// Reads text, in one language: tools describe themselves in English.
pub(super) struct WordReader {
    stemmer: Stemmer,
}

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SearchWord {
    /// In lower case.
    pub(super) written: String,
    /// Without its ending: words with one stem are one word.
    pub(super) stem: String,
    /// Whether it is a name as a whole whose parts are words of their own (`DataDog` next to `data` and `dog`).
    pub(super) is_whole: bool,
}

/// Words that say nothing of what a tool does. Verbs and prepositions that do are not among them (`get`, `to`).
const EMPTY: [&str; 78] = [
    "a", "about", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been", "both", "but", "by",
    "can", "could", "do", "does", "each", "either", "for", "from", "had", "has", "have", "how", "i", "if",
    "in", "into", "is", "it", "its", "let", "may", "me", "must", "my", "need", "of", "on", "only", "or",
    "our", "please", "shall", "should", "so", "some", "such", "than", "that", "the", "their", "them", "then",
    "there", "these", "they", "this", "those", "to", "using", "via", "want", "was", "we", "were", "what",
    "when", "where", "which", "who", "will", "with", "would", "you",
];
/// Nothing longer is a word.
const LONGEST: usize = 64;

impl WordReader {
    pub(super) fn new() -> Self {
        Self { stemmer: Stemmer::create(Algorithm::English) }
    }

    /// The words of a text in their order.
    pub(super) fn words<'t>(&'t self, text: &'t str) -> impl Iterator<Item = SearchWord> + 't {
        runs(text).flat_map(|run| split(run)).filter_map(|(part, is_whole)| self.word(part, is_whole))
    }

    fn word(&self, part: &str, is_whole: bool) -> Option<SearchWord> {
        let written = part.to_lowercase();
        if written.len() > LONGEST || EMPTY.contains(&written.as_str()) {
            return None;
        }
        let stem = match self.stemmer.stem(&written) {
            Cow::Borrowed(stem) => stem.to_owned(),
            Cow::Owned(stem) => stem,
        };
        Some(SearchWord { stem, written, is_whole })
    }
}

/// The runs of letters and digits; an apostrophe ends one with what follows it (`user's`).
fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '\u{2019}'))
        .map(|run| run.split(['\'', '\u{2019}']).next().unwrap_or_default())
        .filter(|run| !run.is_empty())
}

/// The parts of a name, and the name itself where it has several: `getHTTPPage2` is `get`, `HTTP`, `Page`, `2`.
fn split(run: &str) -> Vec<(&str, bool)> {
    let mut ends = Vec::new();
    let mut letters = run.char_indices().peekable();
    let mut before: Option<char> = None;
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|(_, next)| *next);
        if before.is_some_and(|before| is_seam(before, letter, next)) {
            ends.push(at);
        }
        before = Some(letter);
    }
    if ends.is_empty() {
        return vec![(run, false)];
    }
    let (mut parts, mut start) = (Vec::new(), 0);
    for end in ends.into_iter().chain([run.len()]) {
        parts.extend(run.get(start..end).map(|part| (part, false)));
        start = end;
    }
    // A single letter left over, as in `iOS` or `OAuth2`, is a part of the name and no word.
    parts.retain(|(part, _)| part.chars().count() > 1 || part.chars().all(char::is_numeric));
    parts.push((run, true));
    parts
}

/// A name with spaces between its parts.
pub(super) fn spaced(name: &str) -> String {
    let parts = runs(name).flat_map(split).filter(|(_, is_whole)| !is_whole);
    parts.map(|(part, _)| part).collect::<Vec<_>>().join(" ")
}

/// Whether a new part begins at `letter`.
fn is_seam(before: char, letter: char, next: Option<char>) -> bool {
    let rises = before.is_lowercase() && letter.is_uppercase();
    let ends_capitals =
        before.is_uppercase() && letter.is_uppercase() && next.is_some_and(char::is_lowercase);
    rises || ends_capitals || before.is_numeric() != letter.is_numeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Vec<String> {
        WordReader::new().words(text).map(|word| word.written).collect()
    }

    #[test]
    fn names_are_split_at_every_seam() {
        for (text, expected) in [
            ("get_current_time", "get current time"),
            ("API-post-search", "api post search"),
            ("createJiraIssue", "create jira issue createjiraissue"),
            ("HTTPServer", "http server httpserver"),
            ("getHTTPPage2", "get http page 2 gethttppage2"),
            ("DataDog", "data dog datadog"),
            ("datadog", "datadog"),
            ("API_TOKEN", "api token"),
            ("iOS", "os ios"),
            ("s3", "3 s3"),
            ("the user's  mail, please!", "user mail"),
            ("Zürich straße", "zürich straße"),
            ("\u{1f600} -- ''", ""),
            ("", ""),
        ] {
            assert_eq!(written(text).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn words_with_one_stem_are_one_word() {
        let reader = WordReader::new();
        let stems = |text: &str| reader.words(text).map(|word| word.stem).collect::<Vec<_>>();
        for (one, other) in [
            ("issues", "issue"),
            ("creating", "created"),
            ("repositories", "Repository"),
            ("scheduled meetings", "schedule meeting"),
        ] {
            assert_eq!(stems(one), stems(other));
        }
        assert_ne!(stems("list"), stems("lost"));
    }

    #[test]
    fn what_is_too_long_is_no_word() {
        assert_eq!(written(&"x".repeat(65)), [""; 0]);
        assert_eq!(written(&"x".repeat(64)).len(), 1);
    }
}
