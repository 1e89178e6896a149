//! Addresses as people type them, without a scheme. Not here: what a web address may be (see `address`).

use std::net::Ipv6Addr;

use url::Url;

use crate::sys::address::{NotWeb, web_url};
use crate::sys::http::is_loopback;

/// An http or https URL without user name and password, as people type it: a host's name, an IP address or a host with
/// its port is an https URL without its scheme, or on this machine an http one.
pub fn typed_url(text: &str) -> Result<Url, NotWeb> {
    without_scheme(text).map_or_else(|| web_url(text), Ok)
}

/// The address of a text that has no scheme and begins with a host: a name with a dot in it, `localhost`, an IP address,
/// or any name with its port. A word alone has no address.
pub fn without_scheme(text: &str) -> Option<Url> {
    // Only in an address does an IPv6 address need its brackets.
    if let Ok(ip) = text.parse::<Ipv6Addr>() {
        return without_scheme(&format!("[{ip}]"));
    }
    let end = text.find(['/', '?', '#']).unwrap_or(text.len());
    let authority = text.get(..end).filter(|_| !text.contains("://"))?;
    let has_port = authority.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    let is_dotted = authority.trim_matches('.').contains('.');
    let is_host =
        has_port || is_dotted || authority.starts_with('[') || authority.eq_ignore_ascii_case("localhost");
    let fits = authority.chars().all(|c| c.is_alphanumeric() || "-._:[]".contains(c));
    let url = web_url(&format!("https://{text}")).ok().filter(|_| is_host && fits)?;
    // Nobody has a certificate for this machine.
    if is_loopback(&url) { web_url(&format!("http://{text}")).ok() } else { Some(url) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_needs_no_scheme() {
        for (text, expected) in [
            ("tools.example.com", "https://tools.example.com/"),
            ("tools.example.com/mcp?a=b", "https://tools.example.com/mcp?a=b"),
            ("TOOLS.example.com:8443/mcp", "https://tools.example.com:8443/mcp"),
            ("intranet:8080", "https://intranet:8080/"),
            ("10.0.0.7/mcp", "https://10.0.0.7/mcp"),
            ("[2001:db8::1]:8443/mcp", "https://[2001:db8::1]:8443/mcp"),
            ("localhost:8003/mcp", "http://localhost:8003/mcp"),
            ("localhost", "http://localhost/"),
            ("127.0.0.1:8003", "http://127.0.0.1:8003/"),
            ("[::1]:8003/mcp", "http://[::1]:8003/mcp"),
            ("::1", "http://[::1]/"),
            ("2001:db8::1", "https://[2001:db8::1]/"),
        ] {
            assert_eq!(without_scheme(text).map(String::from).as_deref(), Some(expected), "{text}");
            assert_eq!(typed_url(text).map(String::from), Ok(expected.into()), "{text}");
        }
        for text in [
            "",
            "fininfo",
            "fininfo/mcp",
            "a:b",
            "a:",
            ":80",
            ".",
            "..",
            "./a.json",
            "a b.c",
            "u@h.test",
            "u:p@h.test",
            "https://h.test/",
            "ftp://h.test/",
            "a.b\u{1b}",
            "x:99999",
            "mailto:a.b",
        ] {
            assert_eq!(without_scheme(text), None, "{text}");
        }
        assert_eq!(typed_url("https://h.test/mcp").map(String::from), Ok("https://h.test/mcp".into()));
        assert!(typed_url("fininfo").is_err());
    }
}
