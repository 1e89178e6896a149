//! The client's address behind proxies: the one that a trusted proxy forwards, else the connection's own. Not here:
//! what it is used for (see `request_log` and `authn`).

use std::net::{IpAddr, SocketAddr};

use hyper::header::{HeaderMap, HeaderName};

use super::settings::Network;

/// Each proxy appends the address of its client.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address a request comes from. Forwarded addresses are trusted as far as the proxies are trusted: from the
/// end, up to the first address that is not a trusted proxy's. Anyone could have written what is before it.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.has(address));
    let mut client = peer;
    if trusted.is_empty() || !is_trusted(peer) {
        return client;
    }
    let values = headers.get_all(X_FORWARDED_FOR).iter().rev();
    for hop in values.flat_map(|value| value.to_str().unwrap_or("?").rsplit(',')) {
        // Entries before an unreadable one cannot be trusted.
        let Some(address) = address(hop.trim()) else { break };
        client = address;
        if !is_trusted(address) {
            break;
        }
    }
    client
}

/// An address, with or without brackets and port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    Some(bare.parse().ok().or_else(with_port)?.to_canonical())
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn forwarded_addresses_are_believed_as_far_as_their_proxies_are() {
        let trusted: Vec<Network> = ["127.0.0.1", "10.0.0.0/8", "fd00::/8"]
            .map(|text| Network::try_from(text.to_owned()).unwrap())
            .into();
        for (peer, values, expected) in [
            ("127.0.0.1", &[][..], "127.0.0.1"),
            ("127.0.0.1", &["192.0.2.7"], "192.0.2.7"),
            ("::ffff:127.0.0.1", &["192.0.2.7"], "192.0.2.7"),
            ("127.0.0.1", &["192.0.2.7:4711"], "192.0.2.7"),
            ("127.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("127.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            ("127.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            ("127.0.0.1", &["::ffff:192.0.2.7"], "192.0.2.7"),
            // What the client itself sent is before what the first proxy added.
            ("127.0.0.1", &["198.51.100.1, 192.0.2.7"], "192.0.2.7"),
            ("127.0.0.1", &["198.51.100.1,192.0.2.7 , 10.1.1.1"], "192.0.2.7"),
            ("127.0.0.1", &["198.51.100.1", "192.0.2.7", "10.1.1.1,fd00::1"], "192.0.2.7"),
            ("127.0.0.1", &["10.2.2.2, 10.1.1.1"], "10.2.2.2"),
            ("127.0.0.1", &["192.0.2.7, unknown"], "127.0.0.1"),
            ("127.0.0.1", &["192.0.2.7, unknown, 10.1.1.1"], "10.1.1.1"),
            ("127.0.0.1", &["192.0.2.7", ""], "127.0.0.1"),
            ("127.0.0.1", &["192.0.2.7\u{e9}"], "127.0.0.1"),
            // This proxy is not trusted.
            ("192.0.2.9", &["192.0.2.7"], "192.0.2.9"),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            let found = client(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found.to_canonical(), expected.parse::<IpAddr>().unwrap(), "{peer} {values:?}");
            assert_eq!(client(peer.parse().unwrap(), &headers, &[]), peer.parse::<IpAddr>().unwrap());
        }
    }
}
