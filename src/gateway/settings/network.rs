//! An address, or a network of addresses, as settings name proxies. Not here: forwarded addresses (see
//! `gateway::proxies`).

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Addresses with the same prefix (RFC 4632 section 3.1, RFC 4291 section 2.3); a single one with a full prefix.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether the address is one of them; an IPv4 address in IPv6 form (`::ffff:192.0.2.1`) counts as IPv4.
    pub fn has(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = u128::from(own.to_bits() ^ other.to_bits());
                differ.checked_shr(32 - u32::from(self.bits)).unwrap_or_default() == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.checked_shr(128 - u32::from(self.bits)).unwrap_or_default() == 0
            }
            _ => false,
        }
    }

    /// Whether every address of its family is one of them.
    pub fn is_everything(&self) -> bool {
        self.bits == 0
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || {
            let shown = text.escape_debug();
            format!(
                "\"{shown}\" is not an address or network; write it as in 10.0.0.0/8, 192.0.2.1 or fd00::/8"
            )
        };
        let (address, bits) = text.split_once('/').map_or((&*text, None), |(at, bits)| (at, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| wrong())?;
        if bits > most {
            return Err(wrong());
        }
        Ok(match address.to_canonical() {
            canonical if canonical.is_ipv4() == address.is_ipv4() => Self { address, bits },
            // All its bits but the last 32 are the prefix's.
            canonical if bits >= 96 => Self { address: canonical, bits: bits - 96 },
            _ => Self { address, bits },
        })
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_its_addresses_and_no_others() {
        for (network, inside, outside) in [
            (
                "10.0.0.0/8",
                &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"][..],
                &["11.0.0.0", "::a00:1"][..],
            ),
            ("192.0.2.7", &["192.0.2.7"], &["192.0.2.6", "192.0.2.8"]),
            ("192.0.2.7/31", &["192.0.2.6", "192.0.2.7"], &["192.0.2.8"]),
            ("::1", &["::1"], &["::2", "127.0.0.1"]),
            ("fd00::/8", &["fd12:3456::1"], &["fe80::1"]),
            ("::ffff:10.0.0.0/104", &["10.9.9.9"], &["11.0.0.0"]),
            ("0.0.0.0/0", &["1.2.3.4"], &["::1"]),
            ("::/0", &["::1", "2001:db8::1"], &["1.2.3.4"]),
        ] {
            let read = Network::try_from(network.to_owned()).unwrap();
            for (addresses, expected) in [(inside, true), (outside, false)] {
                for address in addresses {
                    assert_eq!(read.has(address.parse().unwrap()), expected, "{network} {address}");
                }
            }
        }
        for wrong in
            ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/-1", "host", "10.0.0.1:80", "*"]
        {
            assert!(
                Network::try_from(wrong.to_owned()).unwrap_err().contains("not an address or network"),
                "{wrong}"
            );
        }
    }
}
