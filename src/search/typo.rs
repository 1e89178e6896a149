//! Which word somebody meant who wrote one that is nowhere. It leaves what counts as being there to its caller.

use strsim::osa_distance;

/// The fewest letters of a word that is taken for a misspelt one, and of one in which two letters may be wrong.
const SHORTEST: usize = 5;
const LONG: usize = 7;

/// The word that is nearest, of those that are there, with the same first letter and as few wrong letters as can be; of
/// several the most frequent. `there` says of a term how many have it.
pub(super) fn meant<'w>(
    word: &str,
    written: &'w [(Box<str>, usize)],
    there: impl Fn(usize) -> usize,
) -> Option<(&'w str, usize)> {
    let length = word.chars().count();
    if length < SHORTEST {
        return None;
    }
    let first = word.chars().next()?;
    let most = if length < LONG { 1 } else { 2 };
    let begin = written.partition_point(|(other, _)| other.chars().next() < Some(first));
    let alike = written.get(begin..)?.iter().take_while(|(other, _)| other.starts_with(first));
    let near = alike.filter_map(|(other, term)| {
        let wrong = Some(other).filter(|other| other.chars().count().abs_diff(length) <= most);
        let wrong = wrong.map(|other| osa_distance(word, other)).filter(|wrong| *wrong <= most)?;
        let frequent = there(*term);
        (frequent > 0).then_some((wrong, std::cmp::Reverse(frequent), &**other, *term))
    });
    near.min().map(|(_, _, other, term)| (other, term))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_is_the_nearest_that_is_there() {
        let words = ["alabaster", "attach", "calendar", "calendars", "create", "hidden", "issue"];
        let written: Vec<(Box<str>, usize)> =
            words.iter().enumerate().map(|(at, word)| ((*word).into(), at)).collect();
        let there = |term: usize| match words[term] {
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
            assert_eq!(meant(word, &written, there).map(|(word, _)| word), expected, "{word}");
        }
    }
}
