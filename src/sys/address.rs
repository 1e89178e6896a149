//! Which web addresses are valid, and the addresses that this program never connects to, whatever a file, a document
//! or a name server says (SSRF). Not here: resolving and connecting (see `http`, and the gateway's own client).
//!
//! Private networks and loopback are where servers are, so they are allowed. Forbidden are addresses that no server
//! has and that hand a machine's own credentials to any client: link-local ones and the clouds' metadata services. A
//! name is checked when it is read, and again by every address it resolves to ([`is_forbidden`]), because its
//! resolution can change later.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;
use url::{Host, ParseError, Url};

/// Metadata services outside the link-local range: Alibaba's, Oracle's, Azure's.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192), Ipv4Addr::new(168, 63, 129, 16)];
/// Amazon's over IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
/// Prefixes and suffixes of the names by which the clouds' metadata services answer.
const METADATA_NAMES: ([&str; 2], [&str; 2]) = (["metadata.", "instance-data."], [".internal", ".goog"]);

/// The shortest run of letters and digits that is taken for a key.
const SHORTEST_KEY: usize = 12;

/// Why a text is not a web address.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NotWeb {
    /// Not a URL.
    #[error("{words} ({0})", words = self.words())]
    Url(ParseError),
    /// A URL of another kind.
    #[error("{}", self.words())]
    Scheme,
    /// Credentials in an address end up in logs and error messages.
    #[error("{}", self.words())]
    UserInfo,
    /// No server listens on port 0; see [`check_server`].
    #[error("{}", self.words())]
    Port,
    /// A host to which no request is sent; see [`check_server`].
    #[error("{}", self.words())]
    Forbidden,
}

impl NotWeb {
    /// The same as a constant text.
    pub fn words(self) -> &'static str {
        match self {
            Self::Url(_) => "is not a URL",
            Self::Scheme => "is not an http or https URL",
            Self::UserInfo => "has a user name or password in it",
            Self::Port => "has no port",
            Self::Forbidden => {
                "points at a link-local, metadata or multicast address, which no MCP server has"
            }
        }
    }
}

/// An http or https URL without user name and password.
pub fn web_url(text: &str) -> Result<Url, NotWeb> {
    let url = Url::parse(text).map_err(NotWeb::Url)?;
    check_web(&url)?;
    Ok(url)
}

/// An address for a message or a log: no user name, no query, no fragment, and no part of the path that may be a key.
pub fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    // What cannot have them has none.
    let _ = (shown.set_username(""), shown.set_password(None));
    shown.set_path(&shown_path(url.path()));
    shown.into()
}

/// What somebody typed, for a message: without what may be a user name and a password in front of a host. A mistyped
/// address has no parts to go by, so all of it up to the last `@` is left out.
pub fn shown_typed(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((before, rest)) if !before.is_empty() => format!("[redacted]@{rest}"),
        _ => text.into(),
    }
}

/// A path without the parts that may be keys: some services have the key of each user in the address.
pub fn shown_path(path: &str) -> String {
    let part = |part| if may_be_key(part) { "[redacted]" } else { part };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Whether a part of a path has letters and digits in one long run, as keys do and words do not.
fn may_be_key(part: &str) -> bool {
    part.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| {
        let has = |is: fn(&u8) -> bool| run.bytes().any(|byte| is(&byte));
        run.len() >= SHORTEST_KEY && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
    })
}

/// Checks a parsed URL in the same way as [`web_url`].
pub fn check_web(url: &Url) -> Result<(), NotWeb> {
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(NotWeb::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(NotWeb::UserInfo);
    }
    Ok(())
}

/// Checks the address of an MCP server: like any, and that its host is not forbidden and has a port to connect to.
pub fn check_server(url: &Url) -> Result<(), NotWeb> {
    check_web(url)?;
    if url.host().is_some_and(|host| is_forbidden_host(&host)) {
        return Err(NotWeb::Forbidden);
    }
    if url.port() == Some(0) { Err(NotWeb::Port) } else { Ok(()) }
}

/// Whether a URL's host is forbidden, as far as that can be told before it is resolved.
pub fn is_forbidden_host(host: &Host<impl AsRef<str>>) -> bool {
    match host {
        Host::Ipv4(ip) => is_forbidden((*ip).into()),
        Host::Ipv6(ip) => is_forbidden((*ip).into()),
        Host::Domain(name) => {
            let name = name.as_ref().trim_end_matches('.');
            let (starts, ends) = METADATA_NAMES;
            starts.iter().any(|start| name.starts_with(start)) && ends.iter().any(|end| name.ends_with(end))
        }
    }
}

/// Whether an address is forbidden. Must be checked for every address that a name resolves to.
pub fn is_forbidden(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_forbidden_v4(ip),
        IpAddr::V6(ip) => {
            ip.is_unspecified()
                || ip.is_multicast()
                || ip.is_unicast_link_local()
                || ip == METADATA_V6
                || carried(ip).is_some_and(is_forbidden_v4)
        }
    }
}

fn is_forbidden_v4(ip: Ipv4Addr) -> bool {
    // All of 0.0.0.0/8: Linux takes 0.0.0.0 for this machine.
    ip.octets().first() == Some(&0)
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || METADATA_V4.contains(&ip)
}

/// The IPv4 address that an IPv6 address stands for: mapped (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056).
fn carried(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        // IPv4-compatible (deprecated); `::1` is loopback and none of these.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_address_has_a_host_and_nobodys_name_in_it() {
        for (text, expected) in [
            ("https://h/mcp?x#y", None),
            ("HTTP://127.0.0.1:80", None),
            ("h", Some(NotWeb::Url(ParseError::RelativeUrlWithoutBase))),
            ("https://", Some(NotWeb::Url(ParseError::EmptyHost))),
            ("ftp://h", Some(NotWeb::Scheme)),
            ("localhost:8080", Some(NotWeb::Scheme)),
            ("urn:h", Some(NotWeb::Scheme)),
            ("https://u@h", Some(NotWeb::UserInfo)),
            ("https://:p@h", Some(NotWeb::UserInfo)),
        ] {
            assert_eq!(web_url(text).err(), expected, "{text}");
        }
    }

    #[test]
    fn a_shown_address_has_no_key() {
        for (path, expected) in [
            ("/mcp", "/mcp"),
            (
                "/realms/us-east-1_AbCd12345/v2.0/streamable-http-2025",
                "/realms/us-east-1_AbCd12345/v2.0/streamable-http-2025",
            ),
            ("/s/4fa1c09be77d4ab0/mcp/", "/s/[redacted]/mcp/"),
            ("/sk_live_51H8aZ0qQ2x9/mcp", "/[redacted]/mcp"),
            ("/9f0c3a52-6b1d-4c7e-8f21-0a1b2c3d4e5f", "/[redacted]"),
        ] {
            let url = Url::parse(&format!("https://u:p@h.test:8443{path}?key=k#k")).unwrap();
            assert_eq!(shown(&url), format!("https://h.test:8443{expected}"));
            assert_eq!(shown_path(path), expected);
        }
    }

    #[test]
    fn addresses_that_no_server_has_are_forbidden_in_every_spelling() {
        let forbidden = [
            "169.254.169.254",
            "169.254.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "::",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "::ffff:0.0.0.0",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
        ];
        let allowed = [
            "127.0.0.1",
            "10.0.0.7",
            "172.17.0.2",
            "192.168.1.1",
            "100.64.0.1",
            "169.253.255.255",
            "8.8.8.8",
            "::1",
            "fd00::1",
            "fec0::1",
            "2001:db8::1",
            "::ffff:127.0.0.1",
            "64:ff9b::10.0.0.1",
        ];
        for ip in forbidden {
            assert!(is_forbidden(ip.parse().unwrap()), "{ip}");
        }
        for ip in allowed {
            assert!(!is_forbidden(ip.parse().unwrap()), "{ip}");
        }
    }
}
