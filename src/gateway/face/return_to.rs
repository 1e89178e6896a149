//! Where a person goes after signing in: a path of these pages and nowhere else, however it is spelt.

/// The path, if it is one that stays here in every browser: one slash at the start, no second one or backslash after it
/// as it stands or encoded, and no control character or white space, which browsers drop (WHATWG URL Standard).
pub(super) fn local(path: &str) -> &str {
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\' || !c.is_ascii();
    let first = path.split(['?', '#']).next().unwrap_or_default();
    let lower = first.to_ascii_lowercase();
    let leads_away = first.starts_with("//")
        || lower.contains("%5c")
        || lower.contains("%2f")
        || has_encoded_control(&lower);
    let is_path = path.starts_with('/') && path.len() <= LONGEST;
    if is_path && !leads_away && !path.contains(is_odd) { path } else { "/" }
}

/// The longest path: it is part of a cookie for a while.
const LONGEST: usize = 1000;

/// `%00` to `%1f`, and `%7f`.
fn has_encoded_control(lower: &str) -> bool {
    lower.contains("%7f") || lower.match_indices("%0").chain(lower.match_indices("%1")).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_stays_here_however_it_is_spelt() {
        for fine in ["/", "/servers/currenttime", "/find?q=a%20b%5c//x", "/x/y?z=https://e.test", "/a//b"] {
            assert_eq!(local(fine), fine);
        }
        // Whole sign-ins with further spellings are among the tests of the gateway.
        for away in ["", "x", "/\u{0}x", "/\u{7f}", "/\u{a0}", "/ä", "/%00", ".", "..//x"] {
            assert_eq!(local(away), "/", "{away:?}");
        }
        assert_eq!(local(&format!("/{}", "x".repeat(LONGEST))), "/");
    }
}
