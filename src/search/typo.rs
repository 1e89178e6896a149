//! Which word somebody meant who wrote one that is nowhere.

use strsim::osa_distance;

use super::index::Spelling;

/// The fewest letters of a word that is taken for a misspelt one, and of one in which two letters may be wrong.
const SHORTEST: usize = 5;
const LONG: usize = 7;

/// The word that is nearest, of those that are there, with the same first letter and as few wrong letters as can be; of
/// several the most frequent. `there` says how many have a spelling's word.
pub(super) fn meant<'w>(
    word: &str,
    spellings: &'w [Spelling],
    there: impl Fn(&Spelling) -> usize,
) -> Option<&'w Spelling> {
    let length = word.chars().count();
    if length < SHORTEST {
        return None;
    }
    let first = word.chars().next()?;
    let most = if length < LONG { 1 } else { 2 };
    let begin = spellings.partition_point(|other| other.text.chars().next() < Some(first));
    let alike = spellings.get(begin..)?.iter().take_while(|other| other.text.starts_with(first));
    let near = alike.filter_map(|other| {
        let wrong = Some(&other.text).filter(|text| text.chars().count().abs_diff(length) <= most);
        let wrong = wrong.map(|text| osa_distance(word, text)).filter(|wrong| *wrong <= most)?;
        let frequent = there(other);
        (frequent > 0).then_some(((wrong, std::cmp::Reverse(frequent), &other.text), other))
    });
    near.min_by_key(|(rank, _)| *rank).map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_is_the_nearest_that_is_there() {
        let words = ["alabaster", "attach", "calendar", "calendars", "create", "hidden", "issue"];
        let spelling =
            |(term, word): (usize, &&str)| Spelling { text: (*word).into(), term, documents: Vec::new() };
        let spellings: Vec<Spelling> = words.iter().enumerate().map(spelling).collect();
        let there = |spelling: &Spelling| match &*spelling.text {
            "hidden" => 0,
            "calendars" => 1,
            _ => 2,
        };
        for (word, expected) in [
            ("alabatser", Some("alabaster")),
            ("clalendar", Some("calendar")),
            ("calandars", Some("calendars")),
            ("creat", Some("create")),
            ("issus", Some("issue")),
            ("isue", None),
            ("hiddem", None),
            ("treate", None),
            ("isxxe", None),
            ("zzzzzz", None),
        ] {
            assert_eq!(meant(word, &spellings, there).map(|meant| &*meant.text), expected, "{word}");
        }
    }
}
