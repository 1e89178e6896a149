//! Durations, sizes and addresses as people type them, in flags, in the environment and in files: `30`, `30s`, `1h
//! 30m`, `4MiB`, `localhost:80`.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::{Deserializer, Error, Visitor};

/// The format of a duration.
const TIME: &str = "a time in whole seconds, as in 30, 30s, 5m or 1h";
/// The format of a short duration.
const SHORT_TIME: &str = "a time, as in 300ms, 2s or 0.5";
/// The format of a size.
const SIZE: &str = "a size in bytes, as in 65536, 64KiB, 4MB or 1GiB";

/// A duration in whole seconds; a number without a unit is in seconds.
///
/// # Errors
/// What is expected.
pub fn seconds(text: &str) -> Result<u64, String> {
    let text = text.trim().to_ascii_lowercase();
    let time = text.parse().map(Duration::from_secs).ok().or_else(|| humantime::parse_duration(&text).ok());
    let whole = time.filter(|time| time.subsec_nanos() == 0).map(|time| time.as_secs());
    whole.ok_or_else(|| format!("expected {TIME}"))
}

/// A duration in milliseconds; a number without a unit is in seconds, and may have a fraction.
///
/// # Errors
/// What is expected.
pub fn milliseconds(text: &str) -> Result<u64, String> {
    let text = text.trim().to_ascii_lowercase();
    let number = || text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let time = number().or_else(|| humantime::parse_duration(&text).ok());
    let whole = time.and_then(|time| u64::try_from(time.as_millis()).ok());
    whole.ok_or_else(|| format!("expected {SHORT_TIME}"))
}

/// The same as [`seconds()`], within a range.
///
/// # Errors
/// What is expected.
pub fn seconds_within(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let shown = |seconds: &u64| humantime::format_duration(Duration::from_secs(*seconds)).to_string();
    let expected = || format!("expected {TIME}, from {} to {}", shown(range.start()), shown(range.end()));
    seconds(text).ok().filter(|seconds| range.contains(seconds)).ok_or_else(expected)
}

/// A size in bytes. `KB`, `MB` and `GB` are powers of 1,000, `KiB`, `MiB` and `GiB` of 1,024.
///
/// # Errors
/// What is expected.
pub fn bytes(text: &str) -> Result<u64, String> {
    let size = text.trim().parse::<bytesize::ByteSize>();
    // A size that does not fit becomes the largest one.
    let size = size.ok().map(|size| size.as_u64()).filter(|size| *size < u64::MAX);
    size.ok_or_else(|| format!("expected {SIZE}"))
}

/// An address to listen on. `localhost` is loopback, whatever the system's resolver says.
///
/// # Errors
/// What is expected.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    let local = || {
        let (host, port) =
            text.rsplit_once(':').filter(|(host, _)| host.eq_ignore_ascii_case("localhost"))?;
        let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
        Some(SocketAddr::from((
            Ipv4Addr::LOCALHOST,
            port.parse().ok().filter(|_| is_number && !host.is_empty())?,
        )))
    };
    let address = text.parse().ok().or_else(local);
    address.ok_or_else(|| {
        "expected an address with its port, as in 127.0.0.1:8080, localhost:8080 or [::1]:8080".into()
    })
}

/// An address to listen on that no other machine reaches.
///
/// # Errors
/// What is expected.
pub fn loopback(text: &str) -> Result<SocketAddr, String> {
    let at = address(text).ok().filter(|at| at.ip().is_loopback());
    at.ok_or_else(|| "expected an address on loopback, as in 127.0.0.1:8191 or localhost:8191".into())
}

/// For `deserialize_with`: see [`seconds()`].
///
/// # Errors
/// The format's error, and what is expected.
pub fn in_seconds<'de, T: TryFrom<u64>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    number(from, seconds)
}

/// For `deserialize_with`: see [`milliseconds`].
///
/// # Errors
/// The format's error, and what is expected.
pub fn a_duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    number(from, milliseconds).map(Duration::from_millis)
}

/// For `deserialize_with`: see [`bytes`].
///
/// # Errors
/// The format's error, and what is expected.
pub fn in_bytes<'de, T: TryFrom<u64>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    number(from, bytes)
}

fn number<'de, T: TryFrom<u64>, D: Deserializer<'de>>(from: D, read: Read) -> Result<T, D::Error> {
    // Errors are raised here and not in the visitor, so that the format can add the value's position.
    let number = from.deserialize_any(Number { read })?.map_err(D::Error::custom)?;
    T::try_from(number).map_err(|_| D::Error::custom(format!("{number} is too large")))
}

/// For `deserialize_with`: see [`address`].
///
/// # Errors
/// The format's error, and what is expected.
pub fn an_address<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    let text: String = serde::Deserialize::deserialize(from)?;
    address(&text).map_err(D::Error::custom)
}

/// The same for an optional one.
///
/// # Errors
/// As for [`an_address`].
pub fn maybe_an_address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let text: Option<String> = serde::Deserialize::deserialize(from)?;
    text.map(|text| address(&text).map_err(D::Error::custom)).transpose()
}

type Read = fn(&str) -> Result<u64, String>;

struct Number {
    read: Read,
}

impl Visitor<'_> for Number {
    type Value = Result<u64, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or a text with a number and its unit")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok((self.read)(&number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok((self.read)(&number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok((self.read)(&number.to_string()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok((self.read)(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_type_them() {
        let cases = [
            ("0", 0),
            ("5", 5),
            ("5s", 5),
            (" 5 s ", 5),
            ("5sec", 5),
            ("90 seconds", 90),
            ("2m", 120),
            ("2M", 120),
            ("2min", 120),
            ("1h", 3_600),
            ("1h30m", 5_400),
            ("1h 30m", 5_400),
            ("1d", 86_400),
            ("2000ms", 2),
        ];
        for (text, expected) in cases {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["", "s", "five", "-5", "-5s", "5x", "1500ms", "5,5", "99999999999999999999"] {
            assert_eq!(seconds(text), Err(format!("expected {TIME}")), "{text}");
        }
        assert_eq!(seconds_within("1h", 1..=3_600), Ok(3_600));
        let error = seconds_within("2h", 1..=3_600).unwrap_err();
        assert_eq!(error, "expected a time in whole seconds, as in 30, 30s, 5m or 1h, from 1s to 1h");
    }

    #[test]
    fn short_times_have_fractions_of_a_second() {
        let cases = [
            ("300ms", 300),
            ("2", 2000),
            ("0.5", 500),
            (" 1 S ", 1000),
            ("1s 5ms", 1005),
            ("0", 0),
            ("1us", 0),
        ];
        for (text, expected) in cases {
            assert_eq!(milliseconds(text), Ok(expected), "{text}");
        }
        for text in ["", "-1", "nan", "inf", "1e300", "300 m s", "fast"] {
            assert_eq!(milliseconds(text), Err(format!("expected {SHORT_TIME}")), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_as_people_type_them() {
        let cases = [
            ("4096", 4_096),
            ("4KB", 4_000),
            ("4kb", 4_000),
            ("4k", 4_000),
            ("4KiB", 4_096),
            ("4 MiB", 4 << 20),
            ("4MB", 4_000_000),
            ("4mb", 4_000_000),
            ("1GiB", 1 << 30),
            ("1.5MB", 1_500_000),
        ];
        for (text, expected) in cases {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "MB", "much", "-4", "4XB", "4 MB more"] {
            assert_eq!(bytes(text), Err(format!("expected {SIZE}")), "{text}");
        }
    }

    #[test]
    fn addresses_are_read_as_people_type_them() {
        let cases = [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("localhost:80", "127.0.0.1:80"),
            ("LocalHost:0", "127.0.0.1:0"),
            ("[::1]:80", "[::1]:80"),
            ("0.0.0.0:8080", "0.0.0.0:8080"),
        ];
        for (text, expected) in cases {
            assert_eq!(address(text), Ok(expected.parse().unwrap()), "{text}");
        }
        for text in [
            "",
            "localhost",
            "80",
            ":80",
            "localhost:",
            "localhost:+8",
            "localhost:70000",
            "example.com:80",
            "::1:80x",
        ] {
            assert!(address(text).is_err_and(|error| error.contains("localhost:8080")), "{text}");
        }
    }
}
