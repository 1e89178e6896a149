//! Which tools fit a question best, of those that its asker may see: nothing else has a part in it, neither as a result nor
//! in how rare a word is, how long a description usually is or how a misspelt word is read. So a tool that is hidden from
//! somebody changes nothing for them.
//!
//! The score is BM25F (Robertson, Zaragoza, "The Probabilistic Relevance Framework", section 3.6), over the best tool's, and the
//! share of the question's words that are there, each word counted by how rare it is. Where a model says how near a tool's
//! meaning is to the question's, that and the share of the words are the score.

use super::index::{FIELDS, Index, Posting, SearchField, Spelling};
use super::typo;
use super::words::SearchWord;

/// A tool that fits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Its place among the documents.
    pub place: usize,
    /// From 0 to 1.
    pub score: f32,
    /// The share of the question's words that it has, from 0 to 1.
    pub coverage: f32,
}

/// What the words of a question say of one tool.
#[derive(Clone, Copy, Default)]
struct WordMatch {
    /// BM25F.
    weight: f32,
    coverage: f32,
}

/// All tools that fit.
pub struct Ranking<'i> {
    /// The best first; of those that fit equally the earlier one.
    pub hits: Vec<Hit>,
    asked: Vec<QueryWord<'i>>,
}

/// What a field counts, in the order of [`SearchField`].
const WEIGHTS: [f32; FIELDS] = [2.5, 1.5, 0.7, 0.3, 0.7, 0.7, 1.5];
/// How much a field's length counts.
const LENGTHS: [f32; FIELDS] = [0.6; FIELDS];
/// How soon further occurrences of a word count no more.
const SATURATION: f32 = 1.2;
/// What BM25F counts in addition to coverage.
const BESIDE_COVERAGE: f32 = 0.5;
/// What coverage counts in addition to nearness in meaning.
const BESIDE_MEANING: f32 = 0.1;
/// What a word counts for coverage that stands in the fine print alone: there it often is about something else.
const FINE_PRINT: f32 = 0.5;
/// Longer questions are cut to this many words.
const MOST_WORDS: usize = 64;

/// A word of the query and the tools that contain it.
struct QueryWord<'i> {
    shown: String,
    postings: Vec<&'i Posting>,
    rarity: f32,
}

/// What the tools that may be seen are like.
struct VisibleTools {
    count: f32,
    /// The mean length of each field.
    lengths: [f32; FIELDS],
}

impl Index {
    /// The tools that have a word of the question, of those that its asker sees.
    pub fn rank(&self, question: &str, sees: &dyn Fn(usize) -> bool) -> Ranking<'_> {
        let (found, asked) = self.matches(question, sees);
        let best = found.iter().flatten().map(|found| found.weight).fold(f32::MIN_POSITIVE, f32::max);
        let score = |found: WordMatch| {
            (found.coverage + BESIDE_COVERAGE * found.weight / best) / (1. + BESIDE_COVERAGE)
        };
        let found = found.iter().map(|found| found.filter(|found| found.weight > 0.));
        Ranking { hits: sorted(found.map(|found| found.map(|found| (score(found), found)))), asked }
    }

    /// All tools that its asker sees, by how near each is to the question in meaning (a cosine, from -1 to 1) and by the
    /// question's words that it has.
    pub fn rank_by_meaning(
        &self,
        question: &str,
        sees: &dyn Fn(usize) -> bool,
        nearness: &dyn Fn(usize) -> f32,
    ) -> Ranking<'_> {
        let (found, asked) = self.matches(question, sees);
        let score = |place: usize, found: WordMatch| {
            (nearness(place).max(0.) + BESIDE_MEANING * found.coverage) / (1. + BESIDE_MEANING)
        };
        let found = found.iter().enumerate();
        let hits = found.map(|(place, found)| found.map(|found| (score(place, found), found)));
        Ranking { hits: sorted(hits), asked }
    }

    /// What the question's words say of each tool that its asker sees, and those words.
    fn matches(
        &self,
        question: &str,
        sees: &dyn Fn(usize) -> bool,
    ) -> (Vec<Option<WordMatch>>, Vec<QueryWord<'_>>) {
        let visible: Vec<bool> = (0..self.len()).map(sees).collect();
        let seen = self.seen(&visible);
        let asked = self.asked(question, &visible, seen.count);
        let whole: f32 = asked.iter().map(|word| word.rarity).sum::<f32>().max(f32::MIN_POSITIVE);
        let mut found: Vec<Option<WordMatch>> =
            visible.iter().map(|visible| visible.then(WordMatch::default)).collect();
        for word in &asked {
            for posting in &word.postings {
                if let (Some(Some(found)), Some(lengths)) =
                    (found.get_mut(posting.document), self.lengths.get(posting.document))
                {
                    found.weight += word.rarity * saturated(posting, lengths, &seen.lengths);
                    found.coverage += word.rarity * covered_by(posting) / whole;
                }
            }
        }
        (found, asked)
    }

    fn seen(&self, visible: &[bool]) -> VisibleTools {
        let (mut count, mut sums) = (0f32, [0f32; FIELDS]);
        for (lengths, _) in self.lengths.iter().zip(visible).filter(|(_, visible)| **visible) {
            count += 1.;
            sums.iter_mut().zip(lengths).for_each(|(sum, length)| *sum += *length as f32);
        }
        VisibleTools { count, lengths: sums.map(|sum| (sum / count.max(1.)).max(1.)) }
    }

    /// The words of a question, each once, with what it is worth among the tools that may be seen.
    fn asked(&self, question: &str, visible: &[bool], count: f32) -> Vec<QueryWord<'_>> {
        let may = |posting: &&Posting| visible.get(posting.document) == Some(&true);
        let mut asked: Vec<QueryWord<'_>> = Vec::new();
        let mut met: Vec<String> = Vec::new();
        for SearchWord { written, stem, is_whole } in self.reader.words(question).take(MOST_WORDS) {
            if met.contains(&stem) {
                continue;
            }
            let mut shown = written;
            let mut postings: Vec<&Posting> = self.of(&stem).iter().filter(may).collect();
            if postings.is_empty() {
                // A whole name that no tool has does not count as a missing word: its parts are words as well.
                if is_whole {
                    continue;
                }
                // A spelling of hidden tools alone must not lead to the word: it would tell of them.
                let is_seen =
                    |spelling: &Spelling| spelling.documents.iter().any(|at| visible.get(*at) == Some(&true));
                let there = |spelling: &Spelling| match is_seen(spelling) {
                    true => self.of_term(spelling.term).iter().filter(may).count(),
                    false => 0,
                };
                if let Some(meant) = typo::meant(&shown, &self.spellings, there) {
                    postings = self.of_term(meant.term).iter().filter(may).collect();
                    shown = meant.text.to_string();
                }
            }
            met.push(stem);
            let has = postings.len() as f32;
            let rarity = (1. + (count - has + 0.5) / (has + 0.5)).ln();
            asked.push(QueryWord { shown, postings, rarity });
        }
        asked
    }
}

impl Ranking<'_> {
    /// The words of the question that a tool has; one that was misspelt as it was read.
    pub fn matched(&self, place: usize) -> Vec<&str> {
        let has =
            |word: &&QueryWord<'_>| word.postings.binary_search_by_key(&place, |at| at.document).is_ok();
        self.asked.iter().filter(has).map(|word| word.shown.as_str()).collect()
    }
}

/// The best first; of those that fit equally the earlier one.
fn sorted(found: impl Iterator<Item = Option<(f32, WordMatch)>>) -> Vec<Hit> {
    let hit =
        |(place, (score, found)): (usize, (f32, WordMatch))| Hit { place, score, coverage: found.coverage };
    let mut hits: Vec<Hit> =
        found.enumerate().filter_map(|(place, found)| Some((place, found?))).map(hit).collect();
    hits.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.place.cmp(&other.place)));
    hits
}

/// How much of a word a document has, for coverage.
fn covered_by(posting: &Posting) -> f32 {
    let said =
        [SearchField::Name, SearchField::First, SearchField::Server, SearchField::Tags, SearchField::Hints];
    let is_said = said.iter().any(|field| posting.times.get(*field as usize).is_some_and(|times| *times > 0));
    if is_said { 1. } else { FINE_PRINT }
}

fn saturated(posting: &Posting, lengths: &[u32; FIELDS], means: &[f32; FIELDS]) -> f32 {
    let fields = posting.times.iter().zip(lengths).zip(means).zip(WEIGHTS.iter().zip(LENGTHS));
    let times: f32 = fields
        .filter(|(((times, _), _), _)| **times > 0)
        .map(|(((times, length), mean), (weight, counts))| {
            weight * f32::from(*times) / (1. - counts + counts * *length as f32 / mean)
        })
        .sum();
    times * (SATURATION + 1.) / (SATURATION + times)
}
