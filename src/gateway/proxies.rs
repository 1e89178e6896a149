//! The client's address behind proxies: the one that a trusted proxy forwards, else the connection's own. Not here:
//! what it is used for (see `request_log` and `authn`).

use std::net::{IpAddr, SocketAddr};

use hyper::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};

use super::settings::Network;

/// Each proxy appends the address of its client.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address a request comes from. Forwarded addresses are trusted as far as the proxies are trusted: from the
/// end, up to the first address that is not a trusted proxy's. Anyone could have written what is before it. A proxy writes
/// one of the two headers or both, and passes on the one it does not know: where they differ, it is unknown which one the
/// proxy wrote, and neither counts.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.has(address));
    if trusted.is_empty() || !is_trusted(peer) {
        return peer;
    }
    let last = |hops: &mut dyn Iterator<Item = Option<IpAddr>>| {
        let mut client = peer;
        // Entries before an unreadable one cannot be trusted.
        while let Some(Some(address)) = hops.next() {
            client = address;
            if !is_trusted(address) {
                break;
            }
        }
        client
    };
    let text = |value: &'_ HeaderValue| value.to_str().unwrap_or("?").to_owned();
    let usual = headers.contains_key(X_FORWARDED_FOR).then(|| {
        let values = headers.get_all(X_FORWARDED_FOR).iter().rev().map(text);
        let hops = values.flat_map(|value| value.rsplit(',').map(address).collect::<Vec<_>>());
        last(&mut hops.into_iter())
    });
    let standard = headers.contains_key(FORWARDED).then(|| {
        let hops = headers.get_all(FORWARDED).iter().rev().flat_map(|value| forwarded(&text(value)));
        last(&mut hops.into_iter())
    });
    match (usual, standard) {
        (Some(usual), Some(standard)) if usual.to_canonical() != standard.to_canonical() => peer,
        (usual, standard) => usual.or(standard).unwrap_or(peer),
    }
}

/// The addresses of a `Forwarded` field (RFC 7239 section 4), the last first: none for an element that hides or does not say
/// it, and one such in the place of a field that is malformed.
fn forwarded(value: &str) -> Vec<Option<IpAddr>> {
    let hop = |element: &Vec<(String, String)>| {
        let mut named = element.iter().filter(|(name, _)| name.eq_ignore_ascii_case("for"));
        named.next().filter(|_| named.next().is_none()).and_then(|(_, node)| address(node))
    };
    elements(value).map_or_else(|| vec![None], |elements| elements.iter().rev().map(hop).collect())
}

/// The pairs of each element, their values without quotes.
fn elements(value: &str) -> Option<Vec<Vec<(String, String)>>> {
    let mut found = vec![Vec::new()];
    let mut rest = value.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (node, after) = pair_value(after)?;
        found.last_mut()?.push((name.trim().to_owned(), node));
        let after = after.trim_start();
        rest = match after.chars().next() {
            None => break,
            Some(';') => after.strip_prefix(';')?.trim_start(),
            Some(',') => {
                found.push(Vec::new());
                after.strip_prefix(',')?.trim_start()
            }
            Some(_) => return None,
        };
    }
    Some(found)
}

/// A token or a quoted string, and what follows it.
fn pair_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',', ' ', '\t', '"']).unwrap_or(text.len());
        let (token, rest) = text.split_at_checked(end)?;
        return Some((token.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(characters.next()?),
            other => value.push(other),
        }
    }
}

/// An address, with or without brackets and port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    Some(bare.parse().ok().or_else(with_port)?.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted() -> Vec<Network> {
        ["127.0.0.1", "10.0.0.0/8", "fd00::/8"].map(|text| Network::try_from(text.to_owned()).unwrap()).into()
    }

    fn headers(values: &[(HeaderName, &str)]) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_bytes(text.as_bytes()).unwrap();
        values.iter().map(|(name, text)| (name.clone(), value(text))).fold(
            HeaderMap::new(),
            |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            },
        )
    }

    #[test]
    fn the_standards_header_is_read_like_the_usual_one() {
        let peer: IpAddr = "127.0.0.1".parse().unwrap();
        for (values, expected) in [
            (&["for=192.0.2.7"][..], "192.0.2.7"),
            (&["For=192.0.2.7;proto=https;by=10.0.0.1;host=gw.test"], "192.0.2.7"),
            (&["proto=https; for=192.0.2.7"], "192.0.2.7"),
            (&[r#"for="192.0.2.7:4711""#], "192.0.2.7"),
            (&["for=192.0.2.7:4711"], "192.0.2.7"),
            (&[r#"FOR="[2001:db8::1]:4711""#], "2001:db8::1"),
            (&[r#"for="[2001:db8::1]""#], "2001:db8::1"),
            (&[r#"for="[2001:\db8::1]""#], "2001:db8::1"),
            (&[r#"for="::ffff:192.0.2.7""#], "192.0.2.7"),
            (&["for=198.51.100.1, for=192.0.2.7"], "192.0.2.7"),
            (&["for=198.51.100.1,for=192.0.2.7 ,for=10.1.1.1"], "192.0.2.7"),
            (&["for=198.51.100.1", r#"for=192.0.2.7, for="[fd00::1]""#], "192.0.2.7"),
            (&["for=10.2.2.2, for=10.1.1.1"], "10.2.2.2"),
            (&[r#"for=192.0.2.7;x="a, for=198.51.100.1""#], "192.0.2.7"),
            (&["for=192.0.2.7, for=unknown"], "127.0.0.1"),
            (&["for=192.0.2.7, for=_hidden, for=10.1.1.1"], "10.1.1.1"),
            (&["for=192.0.2.7, proto=https"], "127.0.0.1"),
            (&["for=192.0.2.7;for=198.51.100.1"], "127.0.0.1"),
            (&[""], "127.0.0.1"),
            (&["192.0.2.7"], "127.0.0.1"),
            // What a client leaves open swallows what its proxy adds; then no address can be trusted.
            (&[r#"for="198.51.100.1, for=192.0.2.7"#], "127.0.0.1"),
            (&[r#"for=198.51.100.1;x=", for="192.0.2.7:1""#], "127.0.0.1"),
            (&["for=192.0.2.7\u{e9}"], "127.0.0.1"),
        ] {
            let values: Vec<_> = values.iter().map(|value| (FORWARDED, *value)).collect();
            let found = client(peer, &headers(&values), &trusted());
            assert_eq!(found.to_canonical(), expected.parse::<IpAddr>().unwrap(), "{values:?}");
            assert_eq!(client(peer, &headers(&values), &[]), peer);
            let stranger = "192.0.2.9".parse().unwrap();
            assert_eq!(client(stranger, &headers(&values), &trusted()), stranger);
        }
    }

    #[test]
    fn two_headers_that_differ_are_nobodys_word() {
        let peer: IpAddr = "127.0.0.1".parse().unwrap();
        for (usual, standard, expected) in [
            ("192.0.2.7", "for=192.0.2.7", "192.0.2.7"),
            ("2001:db8::1", r#"for="[2001:db8::1]:1";proto=https"#, "2001:db8::1"),
            ("198.51.100.1, 192.0.2.7", "for=192.0.2.7", "192.0.2.7"),
            ("192.0.2.7", "for=198.51.100.1", "127.0.0.1"),
            ("192.0.2.7", "for=unknown", "127.0.0.1"),
        ] {
            let headers = headers(&[(X_FORWARDED_FOR, usual), (FORWARDED, standard)]);
            assert_eq!(
                client(peer, &headers, &trusted()),
                expected.parse::<IpAddr>().unwrap(),
                "{usual} {standard}"
            );
        }
    }

    #[test]
    fn forwarded_addresses_are_believed_as_far_as_their_proxies_are() {
        let trusted = trusted();
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
            let named: Vec<_> = values.iter().map(|value| (X_FORWARDED_FOR, *value)).collect();
            let headers = headers(&named);
            let found = client(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found.to_canonical(), expected.parse::<IpAddr>().unwrap(), "{peer} {values:?}");
            assert_eq!(client(peer.parse().unwrap(), &headers, &[]), peer.parse::<IpAddr>().unwrap());
        }
    }
}
