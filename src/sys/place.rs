//! Which addresses lie below another one, as every server in between would read them. It leaves what that allows to its
//! callers.

use percent_encoding::percent_decode_str;
use url::Url;

/// How often a segment may be encoded over and over.
const LAYERS: usize = 4;

/// The path's segments of `url` below `base`, if it is below it: the same scheme, host and port, and all segments of
/// `base` first. A segment that some server might read as several, or as a way up, makes an address nobody's.
pub fn below<'u>(base: &Url, url: &'u Url) -> Option<Vec<&'u str>> {
    let named = |url: &Url| !url.username().is_empty() || url.password().is_some();
    if base.origin() != url.origin() || !base.origin().is_tuple() || named(base) || named(url) {
        return None;
    }
    let mut above: Vec<&str> = base.path_segments()?.collect();
    if above.last() == Some(&"") {
        above.pop();
    }
    let all: Vec<&str> = url.path_segments()?.collect();
    if !all.iter().chain(&above).all(|segment| is_one(segment)) {
        return None;
    }
    let is_below = all.len() >= above.len() && all.iter().zip(&above).all(|(one, other)| one == other);
    is_below.then(|| all.into_iter().skip(above.len()).collect())
}

/// Whether a segment means one step down to whoever decodes it, however often.
fn is_one(segment: &str) -> bool {
    let mut text = segment.to_owned();
    for _ in 0..LAYERS {
        // Some servers cut parameters off before they look at dots.
        let name = text.split(';').next().unwrap_or_default();
        // Nor do all of them mind a control character, or a dot in more bytes than it needs.
        if matches!(name, "." | "..") || text.contains(['/', '\\']) || text.contains(char::is_control) {
            return false;
        }
        let Ok(decoded) = percent_decode_str(&text).decode_utf8() else { return false };
        let decoded = decoded.into_owned();
        if decoded == text {
            return true;
        }
        text = decoded;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_means_the_same_origin_and_whole_segments() {
        let cases = [
            ("https://gw.test", "https://gw.test/", true),
            ("https://gw.test", "https://gw.test/a/mcp?x=1#y", true),
            ("https://gw.test/", "https://GW.Test:443/a", true),
            ("https://gw.test:443", "https://gw.test/a", true),
            ("https://gw.test/r", "https://gw.test/r", true),
            ("https://gw.test/r/", "https://gw.test/r/a/mcp", true),
            ("https://gw.test/r", "https://gw.test/x/../r/a", true),
            ("https://gw.test/r", "https://gw.test/r//a", true),
            ("https://gw.test", "http://gw.test/a", false),
            ("https://gw.test", "https://gw.test.evil.test/a", false),
            ("https://gw.test", "https://gw.test@evil.test/a", false),
            ("https://gw.test", "https://u@gw.test/a", false),
            ("https://gw.test", "https://u:p@gw.test/a", false),
            ("https://gw.test", "https://gw.test:1234/a", false),
            ("https://gw.test", "https://gw.test./a", false),
            ("https://gw.test", "https://evil.test/https://gw.test/", false),
            ("https://gw.test", "https://evil.test\\@gw.test/", false),
            ("https://gw.test/r", "https://gw.test/R/a", false),
            ("https://gw.test/r", "https://gw.test/r-evil/a", false),
            ("https://gw.test/r", "https://gw.test/", false),
            ("https://gw.test/r", "https://gw.test/r/../evil", false),
            ("https://gw.test/r", "https://gw.test/r/%2e%2e/evil", false),
            ("https://gw.test/r", "https://gw.test/r/.%2E/evil", false),
            ("https://gw.test/r", "https://gw.test/r\\..\\evil", false),
            ("https://gw.test/r", "https://gw.test/r/..%2fevil", false),
            ("https://gw.test/r", "https://gw.test/r/..%5cevil", false),
            ("https://gw.test/r", "https://gw.test/r/%252e%252e/evil", false),
            ("https://gw.test/r", "https://gw.test/r/%25252e%25252e/evil", false),
            ("https://gw.test/r", "https://gw.test/r/..;x/evil", false),
            ("https://gw.test/r", "https://gw.test/r/a%2Fmcp", false),
            ("https://gw.test/r", "https://gw.test/r%2Fa", false),
            ("https://gw.test/r", "https://gw.test/r/%c0%ae%c0%ae/evil", false),
            ("https://gw.test/r", "https://gw.test/r/.%09./evil", false),
            ("https://gw.test/r", "https://gw.test/r/%25c0%25ae./evil", false),
            ("https://gw.test/r", "https://gw.test/r/caf%C3%A9", true),
            ("https://gw.test", "data:text/plain,x", false),
            ("data:x", "data:x", false),
        ];
        for (base, url, expected) in cases {
            let found = Url::parse(url).is_ok_and(|url| below(&Url::parse(base).unwrap(), &url).is_some());
            assert_eq!(found, expected, "{url} below {base}");
        }
        let url = Url::parse("https://gw.test/r/a/mcp").unwrap();
        assert_eq!(below(&Url::parse("https://gw.test/r/").unwrap(), &url), Some(vec!["a", "mcp"]));
    }
}
