//! What tools say of themselves, by the words in it: who has a word, where and how often.
//! Not here: reading text (see `words`); ranking (see `rank`).

use std::collections::HashMap;

use super::words::{SearchWord, WordReader, spaced};

/// A tool as it is searched for. All of it is text of others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Document<'a> {
    /// The tool's name.
    pub name: &'a str,
    /// What people call it.
    pub title: &'a str,
    /// What it does.
    pub description: &'a str,
    /// The names of its parameters.
    pub parameters: &'a [&'a str],
    /// Its server's name, title and description.
    pub server: &'a [&'a str],
    /// Its server's tags.
    pub tags: &'a [&'a str],
    /// What its operator says that people may call it (`search_hints`).
    pub hints: &'a [&'a str],
}

/// The longest text for a model, in characters.
const MODEL_TEXT: usize = 600;

/// Where in a document a word stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SearchField {
    Name,
    /// The first sentence of the description.
    First,
    /// The rest of it.
    Rest,
    Parameters,
    Server,
    Tags,
    Hints,
}

/// How many fields there are.
pub(super) const FIELDS: usize = 7;

/// Tools, by the words in what they say of themselves. It never changes; when the tools do, another one is built.
pub struct Index {
    pub(super) reader: WordReader,
    /// By stem.
    terms: HashMap<Box<str>, usize>,
    /// By the term's number: the documents that have it, ascending.
    postings: Vec<Vec<Posting>>,
    /// Every word as it is written, in alphabetical order.
    pub(super) spellings: Vec<Spelling>,
    /// How many words each document has in each field.
    pub(super) lengths: Vec<[u32; FIELDS]>,
}

/// A word as it is written somewhere.
pub(super) struct Spelling {
    pub(super) text: Box<str>,
    /// The number of its term.
    pub(super) term: usize,
    /// The documents that write it so, ascending.
    pub(super) documents: Vec<usize>,
}

/// A document that has a word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Posting {
    pub(super) document: usize,
    /// How often, in each field.
    pub(super) times: [u16; FIELDS],
}

/// By the word as it is written: its term, and the documents.
type Spellings = HashMap<Box<str>, (usize, Vec<usize>)>;

impl Document<'_> {
    /// A text for a model that reads sentences: whose tool it is, its name and what it does. Details of how it does that would
    /// make tools alike that do different things.
    pub fn text(&self) -> String {
        let server = self.server.first().map(|name| spaced(name)).unwrap_or_default();
        let parts = std::iter::once(first_sentence(self.description).0).chain(self.hints.iter().copied());
        let about: Vec<&str> = parts.flat_map(str::split_whitespace).collect();
        let text = format!("{server}: {}. {}", spaced(self.name), about.join(" "));
        text.chars().take(MODEL_TEXT).collect()
    }
}

impl Default for Index {
    fn default() -> Self {
        Self::build([])
    }
}

impl Index {
    /// Of these tools; each is known by its place among them.
    pub fn build<'a>(documents: impl IntoIterator<Item = Document<'a>>) -> Self {
        let mut index = Self {
            reader: WordReader::new(),
            terms: HashMap::new(),
            postings: Vec::new(),
            spellings: Vec::new(),
            lengths: Vec::new(),
        };
        let mut spellings = HashMap::new();
        for (place, document) in documents.into_iter().enumerate() {
            index.add(place, &document, &mut spellings);
        }
        let spelling = |(text, (term, documents))| Spelling { text, term, documents };
        index.spellings = spellings.into_iter().map(spelling).collect();
        index.spellings.sort_unstable_by(|one, other| one.text.cmp(&other.text));
        index
    }

    /// How many tools there are.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// The documents that have a word.
    pub(super) fn of(&self, stem: &str) -> &[Posting] {
        self.terms.get(stem).map_or(&[], |term| self.of_term(*term))
    }

    pub(super) fn of_term(&self, term: usize) -> &[Posting] {
        self.postings.get(term).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, place: usize, document: &Document<'_>, spellings: &mut Spellings) {
        let (first, rest) = first_sentence(document.description);
        let mut lengths = [0; FIELDS];
        let texts = [
            (SearchField::Name, document.name),
            (SearchField::Name, document.title),
            (SearchField::First, first),
            (SearchField::Rest, rest),
        ];
        let lists = [
            (SearchField::Parameters, document.parameters),
            (SearchField::Server, document.server),
            (SearchField::Tags, document.tags),
            (SearchField::Hints, document.hints),
        ];
        let listed =
            lists.into_iter().flat_map(|(field, texts)| texts.iter().map(move |text| (field, *text)));
        for (field, text) in texts.into_iter().chain(listed) {
            let words: Vec<SearchWord> = self.reader.words(text).collect();
            if let Some(length) = lengths.get_mut(field as usize) {
                // A whole name does not count as another word.
                *length += words.iter().filter(|word| !word.is_whole).count() as u32;
            }
            for word in words {
                self.note(place, field, word, spellings);
            }
        }
        self.lengths.push(lengths);
    }

    fn note(&mut self, place: usize, field: SearchField, word: SearchWord, spellings: &mut Spellings) {
        let next = self.postings.len();
        let term = *self.terms.entry(word.stem.into()).or_insert(next);
        if term == next {
            self.postings.push(Vec::new());
        }
        let (_, documents) = spellings.entry(word.written.into()).or_insert((term, Vec::new()));
        if documents.last() != Some(&place) {
            documents.push(place);
        }
        let Some(postings) = self.postings.get_mut(term) else { return };
        if postings.last().is_none_or(|last| last.document != place) {
            postings.push(Posting { document: place, times: [0; FIELDS] });
        }
        let times = postings.last_mut().and_then(|last| last.times.get_mut(field as usize));
        if let Some(times) = times {
            *times = times.saturating_add(1);
        }
    }
}

/// What a description says first is what the tool does; the rest is how.
fn first_sentence(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text
        .char_indices()
        .find(|(at, c)| {
            let ends = |rest: &str| rest.chars().next().is_none_or(char::is_whitespace);
            *c == '\n' || (matches!(c, '.' | '!' | '?' | ':') && text.get(at + 1..).is_none_or(ends))
        })
        .map_or(text.len(), |(at, _)| at);
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_sentence_ends_where_it_ends() {
        for (text, expected) in [
            ("Lists issues. Of a repository.", "Lists issues"),
            ("Lists v1.2 issues", "Lists v1.2 issues"),
            ("Lists issues\nof a repository", "Lists issues"),
            ("\n  Lists issues!", "Lists issues"),
            ("", ""),
        ] {
            assert_eq!(first_sentence(text).0, expected);
        }
    }

    #[test]
    fn a_model_reads_names_as_words() {
        let tool = Document {
            name: "createJiraIssue",
            description: "Creates an issue.\n\n  In a project.",
            server: &["mcp_tracker", "Tracker"],
            hints: &["ticket"],
            ..Document::default()
        };
        assert_eq!(tool.text(), "mcp tracker: create Jira Issue. Creates an issue ticket");
        let long = "é".repeat(1000);
        assert_eq!(Document { description: &long, ..Document::default() }.text().chars().count(), MODEL_TEXT);
    }

    #[test]
    fn a_word_is_known_with_its_place_and_number() {
        let first = Document { name: "list_issues", description: "Lists issues.", ..Document::default() };
        let index = Index::build([first, Document { name: "echo", ..Document::default() }]);
        assert_eq!((index.len(), index.of("issu").len(), index.of("echo").len()), (2, 1, 1));
        let times = index.of("issu").first().unwrap().times;
        assert_eq!((times[SearchField::Name as usize], times[SearchField::First as usize]), (1, 1));
        assert!(index.of("delete").is_empty());
    }
}
