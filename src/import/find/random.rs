//! Whether a text looks random: made by a program to be secret, and not a word, a name, a version or an address. Not here:
//! what its name says (see `rules`).

/// How often letters and digits must change places in a random run.
const CHANGES: usize = 3;
/// How many different characters it has at least.
const DISTINCT: usize = 8;

/// Whether a text has a run of letters and digits of at least `least` characters that looks random.
pub(super) fn is_random(text: &str, least: usize) -> bool {
    if is_uuid(text) || is_path(text) {
        return false;
    }
    let mut at = 0;
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| {
        let before = text.get(..at).unwrap_or_default();
        at += run.len() + 1;
        run.len() >= least && is_random_run(run) && !is_named_hash(before)
    })
}

fn is_random_run(run: &str) -> bool {
    distinct(run) >= DISTINCT && changes(run) >= CHANGES && !is_sequence(run)
}

/// As in `sha256:…`, and a commit as in `owner/name#…`.
fn is_named_hash(before: &str) -> bool {
    let word = before.trim_end_matches([':', '-', '=']).rsplit(|c: char| !c.is_ascii_alphanumeric()).next();
    before.ends_with(['#', '@', '+'])
        || word.is_some_and(|word| word.starts_with("sha") && before.ends_with([':', '-', '=']))
}

/// How often a letter follows a digit, or the other way round.
fn changes(run: &str) -> usize {
    let kinds: Vec<bool> = run.chars().map(|c| c.is_ascii_digit()).collect();
    kinds.windows(2).filter(|pair| pair.first() != pair.last()).count()
}

/// Whether most characters are the next one after their neighbour, as in `0123456789abcdef`.
pub(super) fn is_sequence(text: &str) -> bool {
    let bytes = text.as_bytes();
    let next = |pair: &&[u8]| match pair {
        [a, b] => {
            b.wrapping_sub(*a) == 1
                || (*a, *b) == (b'9', b'0')
                || (*a, *b) == (b'9', b'a')
                || (*a, *b) == (b'0', b'a')
        }
        _ => false,
    };
    bytes.len() >= 12 && bytes.windows(2).filter(next).count() * 10 >= (bytes.len() - 1) * 7
}

/// How many different characters a text has.
pub(super) fn distinct(text: &str) -> usize {
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    letters.len()
}

/// RFC 9562 section 4.
pub(super) fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.chars().all(|c| c.is_ascii_hexdigit()))
}

/// A file's name with its folder, on any system.
pub(super) fn is_path(text: &str) -> bool {
    let drive = text.get(1..3).is_some_and(|rest| rest == ":\\" || rest == ":/");
    let start = ["/", "~/", "./", "../", "\\\\", "file:"].iter().any(|start| text.starts_with(start));
    let more =
        text.get(1..).is_some_and(|rest| rest.contains(['/', '.', '\\']) && !rest.contains(['+', '=']));
    drive || start && (more || text.starts_with('~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_made_looks_random_and_what_people_write_does_not() {
        for text in ["9f86d081884c7d659a2feaa0c55ad015", "kJ8xQ2mV7bN4cZ1pL9sD", "x3Fh-aB7kQ2mV7bN4cZ1pL9s"] {
            assert!(is_random(text, 16), "{text}");
        }
        for text in [
            "claude-sonnet-4-20250514",
            "@modelcontextprotocol/server-everything@2026.8.31",
            "550e8400-e29b-41d4-a716-446655440000",
            "/home/u/.cache/9f86d081884c7d659a2feaa0c55ad015/x",
            "getServerUrlHashForMcpRemote2024",
            "image@sha256:9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015",
            "owner/name#9f86d081884c7d659a2feaa0c55ad015ad015aaa",
            "sha512-9f86d081884c7d659a2feaa0c55ad015ad015aaa",
            "0123456789abcdef0123456789abcdef",
            "2026-11-27T08:00:00.123456Z",
            "us-central1-aiplatform.example.com",
        ] {
            assert!(!is_random(text, 16), "{text}");
        }
    }
}
