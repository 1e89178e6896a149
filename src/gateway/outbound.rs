//! Which addresses the gateway connects to, and which it never does, whatever a server's file says (SSRF).
//! It leaves resolving and connecting to the client.
//!
//! Private networks and loopback are where MCP servers are, so they are allowed. What is refused are addresses that no
//! server has and that answer to whoever asks with a machine's own credentials: link-local ones and the clouds' metadata
//! services. A name is judged when its file is read, and again by every address it resolves to ([`is_forbidden`]), because
//! a name can be pointed elsewhere later.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hyper::header::HeaderValue;
use url::{Host, Url};

/// Metadata services outside the link-local range: Alibaba's, Oracle's, Azure's.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192), Ipv4Addr::new(168, 63, 129, 16)];
/// Amazon's over IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
/// Names by which the clouds' metadata services answer begin with one of these and end in one of those.
const METADATA_NAMES: ([&str; 2], [&str; 2]) = (["metadata.", "instance-data."], [".internal", ".goog"]);

/// Where a server is: equal origins can share connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Whether it is spoken to over TLS.
    pub tls: bool,
    /// Its name or address; an address never needs brackets here.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// The `Host` header: the port only where it is not the scheme's.
    pub header: HeaderValue,
}

impl Origin {
    /// Where a URL points.
    ///
    /// # Errors
    /// In a few words, without the URL itself: it may hold a key.
    pub fn of(url: &Url) -> Result<Self, &'static str> {
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err("is not an http or https URL"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("has a user name or password in it");
        }
        let host = url.host().ok_or("has no host")?.to_owned();
        if is_forbidden_host(&host) {
            return Err("points at a link-local, metadata or multicast address, which no MCP server has");
        }
        let port = url.port_or_known_default().filter(|port| *port != 0).ok_or("has no port")?;
        let header = url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
        let header = HeaderValue::try_from(header).map_err(|_| "has a strange host")?;
        Ok(Self { tls, host, port, header })
    }
}

fn is_forbidden_host(host: &Host) -> bool {
    match host {
        Host::Ipv4(ip) => is_forbidden((*ip).into()),
        Host::Ipv6(ip) => is_forbidden((*ip).into()),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            let (starts, ends) = METADATA_NAMES;
            starts.iter().any(|start| name.starts_with(start)) && ends.iter().any(|end| name.ends_with(end))
        }
    }
}

/// Whether an address is one the gateway never connects to. To be asked of every address a name resolves to.
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
            let origin = Origin::of(&Url::parse(url).unwrap());
            let shown = origin.as_ref().map(|o| {
                let scheme = if o.tls { "https" } else { "http" };
                format!("{scheme} {} {}, {}", o.host, o.port, o.header.to_str().unwrap())
            });
            assert_eq!(shown.as_deref().map_err(|e| **e), expected, "{url}");
        }
    }
}
