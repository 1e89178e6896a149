//! Which addresses are below another one, as every server in between would read them, and which of a server's own
//! addresses may get its credentials. Not here: the gateway's addresses of a server (see its `endpoints`), which are
//! computed once from a file and never compared with others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// How often a segment may be encoded repeatedly.
const LAYERS: usize = 4;

/// The path's segments of `url` below `base`, if it is below it: the same scheme, host and port, and all segments of
/// `base` first. A segment that some server might read as several, or as a way up, makes it `None`.
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

/// Resolves an address that a server, asked at `asked`, announces as its own: a relative reference or an address,
/// with the same scheme, host and port, and below `within`. Nothing else may get the server's credentials. The names
/// of this machine count as one, and the one that was used stays: another program may listen on the other.
pub fn announced(asked: &Url, reference: &str, within: &Url) -> Option<Url> {
    let mut url = asked.join(reference).ok()?;
    if is_this_machine(asked) && is_this_machine(&url) {
        url.set_host(asked.host_str()).ok()?;
    }
    below(within, &url)?;
    Some(url)
}

/// Whether a URL is at this machine's own address (RFC 6761 section 6.3), or at all addresses of the machine that
/// names it: a server that listens on all of them may announce that.
fn is_this_machine(url: &Url) -> bool {
    let ip = match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).to_canonical(),
        Some(Host::Domain(name)) => return name.strip_suffix('.').unwrap_or(name) == "localhost",
        None => return false,
    };
    ip.is_unspecified() || [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].contains(&ip)
}

/// Whether a segment means one step down, however often it is decoded.
fn is_one(segment: &str) -> bool {
    let mut text = segment.to_owned();
    for _ in 0..LAYERS {
        // Some servers cut parameters off before they check for dots.
        let name = text.split(';').next().unwrap_or_default();
        // Nor do all of them reject a control character, or an overlong encoding of a dot.
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
    #[test]
    fn a_server_announces_its_own_addresses_alone_by_any_name_of_loopback() {
        let cases = [
            ("http://127.0.0.1:8000/mcp", "http://localhost:8000/m?s=1", Some("http://127.0.0.1:8000/m?s=1")),
            ("http://127.0.0.1:8000/mcp", "http://LOCALHOST:8000/m", Some("http://127.0.0.1:8000/m")),
            ("http://127.0.0.1:8000/mcp", "http://localhost.:8000/m", Some("http://127.0.0.1:8000/m")),
            ("http://127.0.0.1:8000/mcp", "http://[::1]:8000/m", Some("http://127.0.0.1:8000/m")),
            ("http://127.0.0.1:8000/mcp", "//localhost:8000/m", Some("http://127.0.0.1:8000/m")),
            ("http://localhost:8000/mcp", "http://127.0.0.1:8000/m", Some("http://localhost:8000/m")),
            (
                "http://localhost:8000/mcp",
                "http://[::ffff:127.0.0.1]:8000/m",
                Some("http://localhost:8000/m"),
            ),
            ("http://[::1]:8000/mcp", "http://localhost:8000/m", Some("http://[::1]:8000/m")),
            ("http://127.0.0.1/mcp", "http://localhost:80/m", Some("http://127.0.0.1/m")),
            ("http://127.0.0.1:8000/mcp", "/m", Some("http://127.0.0.1:8000/m")),
            ("http://127.0.0.1:8000/a/mcp", "m?s=1", Some("http://127.0.0.1:8000/a/m?s=1")),
            ("https://gw.test/a/sse", " https://gw.test/a/m ", Some("https://gw.test/a/m")),
            ("http://127.0.0.1:8000/mcp", "http://localhost:8001/m", None),
            ("http://127.0.0.1:8000/mcp", "https://localhost:8000/m", None),
            ("http://127.0.0.1:8000/mcp", "http://127.0.0.2:8000/m", None),
            ("http://127.0.0.1:8000/mcp", "http://localhost.evil.test:8000/m", None),
            ("http://127.0.0.1:8000/mcp", "http://evil.localhost:8000/m", None),
            ("http://127.0.0.1:8000/mcp", "http://user@localhost:8000/m", None),
            ("http://127.0.0.1:8000/mcp", "http://0.0.0.0:8000/m", Some("http://127.0.0.1:8000/m")),
            ("http://localhost:8000/mcp", "http://[::]:8000/m", Some("http://localhost:8000/m")),
            ("http://127.0.0.1:8000/mcp", "http://0.0.0.0:8001/m", None),
            ("http://10.0.0.1:8000/mcp", "http://0.0.0.0:8000/m", None),
            ("http://10.0.0.1:8000/mcp", "http://localhost:8000/m", None),
            ("http://localhost:8000/mcp", "http://10.0.0.1:8000/m", None),
            ("https://gw.test/a/sse", "https://evil.test/m", None),
            ("https://gw.test/a/sse", "http://gw.test/m", None),
            ("https://gw.test/a/sse", "http://[", None),
        ];
        for (asked, reference, expected) in cases {
            let asked = Url::parse(asked).unwrap();
            let found = announced(&asked, reference, &asked.join("/").unwrap());
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{reference} at {asked}");
        }
        let asked = Url::parse("http://localhost:8000/registry/a/mcp").unwrap();
        let within = Url::parse("http://localhost:8000/registry").unwrap();
        assert!(announced(&asked, "http://127.0.0.1:8000/registry/a/m", &within).is_some());
        assert!(announced(&asked, "http://127.0.0.1:8000/other", &within).is_none());
        assert!(announced(&asked, "../../other", &within).is_none());
    }
}
