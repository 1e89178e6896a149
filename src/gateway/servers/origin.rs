//! The servers' origins, from their URLs. Not here: addresses that are never connected to (see `sys::address`).

use hyper::header::HeaderValue;
use url::{Host, Url};

use crate::sys::address::{NotWeb, check_server};
use crate::sys::http::is_loopback;

/// A server's origin: equal origins can share connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UpstreamOrigin {
    /// Whether it uses TLS.
    pub tls: bool,
    /// Its name or address; an address never needs brackets here.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// The `Host` header: with the port only if it is not the scheme's default.
    pub header: HeaderValue,
}

impl UpstreamOrigin {
    /// The origin of a URL.
    ///
    /// # Errors
    /// A short reason, without the URL itself: it may contain a key.
    pub fn from_url(url: &Url) -> Result<Self, &'static str> {
        check_server(url).map_err(NotWeb::words)?;
        let tls = url.scheme() == "https";
        let host = url.host().ok_or("has no host")?.to_owned();
        let port = url.port_or_known_default().ok_or("has no port")?;
        let header = url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
        let header = HeaderValue::try_from(header).map_err(|_| "has an invalid host")?;
        Ok(Self { tls, host, port, header })
    }
}

/// Whether two addresses are on one server: scheme, host and port are equal. The names of this machine count as one
/// (RFC 6761 section 6.3), and a server that listens on all its addresses is at the requested one.
pub fn is_same(one: &Url, other: &Url) -> bool {
    let port = |url: &Url| url.port_or_known_default();
    let alike = one.host() == other.host() || is_here(one) && is_here(other);
    one.scheme() == other.scheme() && port(one) == port(other) && alike
}

/// A path without the segments of a prefix, as `/b` of `/a/b`; `None` if it does not begin with them, or there are none.
pub fn path_below<'p>(prefix: &str, path: &'p str) -> Option<&'p str> {
    let prefix = Some(prefix.trim_end_matches('/')).filter(|prefix| !prefix.is_empty())?;
    match path.strip_prefix(prefix)? {
        "" => Some("/"),
        below => below.starts_with('/').then_some(below),
    }
}

fn is_here(url: &Url) -> bool {
    let unspecified = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_unspecified(),
        Some(Host::Ipv6(ip)) => ip.is_unspecified(),
        _ => false,
    };
    unspecified || is_loopback(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_to_connect_or_is_refused() {
        const FORBIDDEN: &str =
            "points at a link-local, metadata or multicast address, which no MCP server has";
        let cases = [
            ("http://currenttime-server:8000/", Ok("http currenttime-server 8000, currenttime-server:8000")),
            ("https://gw.example.com", Ok("https gw.example.com 443, gw.example.com")),
            ("http://h:80/mcp", Ok("http h 80, h")),
            ("http://[::1]:9/", Ok("http [::1] 9, [::1]:9")),
            ("http://127.1:9/", Ok("http 127.0.0.1 9, 127.0.0.1:9")),
            ("ftp://h/", Err("is not an http or https URL")),
            ("file:///etc/passwd", Err("is not an http or https URL")),
            ("http://u:p@h/", Err("has a user name or password in it")),
            ("http://u@h/", Err("has a user name or password in it")),
            ("http://h:0/", Err("has no port")),
            ("http://169.254.169.254/latest", Err(FORBIDDEN)),
            ("http://0xA9FEA9FE/", Err(FORBIDDEN)),
            ("http://2852039166/", Err(FORBIDDEN)),
            ("http://0/", Err(FORBIDDEN)),
            ("http://[::ffff:169.254.169.254]/", Err(FORBIDDEN)),
            ("http://METADATA.cloud.internal./", Err(FORBIDDEN)),
            ("http://metadata.goog/", Err(FORBIDDEN)),
            ("http://instance-data.ec2.internal/", Err(FORBIDDEN)),
            ("http://metadata:8000/", Ok("http metadata 8000, metadata:8000")),
            ("http://metadata.example.com/", Ok("http metadata.example.com 80, metadata.example.com")),
        ];
        for (url, expected) in cases {
            let origin = UpstreamOrigin::from_url(&Url::parse(url).unwrap());
            let shown = origin.as_ref().map(|o| {
                let scheme = if o.tls { "https" } else { "http" };
                format!("{scheme} {} {}, {}", o.host, o.port, o.header.to_str().unwrap())
            });
            assert_eq!(shown.as_deref().map_err(|e| **e), expected, "{url}");
        }
    }
}
