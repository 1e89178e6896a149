//! The wall clock. Everything that depends on the time takes `now` as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::macros::format_description;

/// Seconds since 1970-01-01T00:00:00Z.
#[expect(clippy::disallowed_methods, reason = "this is the door to the clock")]
pub fn now() -> i64 {
    // The gateway reads it with each request, so it is not converted to a date. Before 1970 it is 1970.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs().cast_signed()
}

/// RFC 3339 in UTC, to the second: `2026-11-24T08:30:00Z`.
pub fn rfc3339(at: i64) -> String {
    OffsetDateTime::from_unix_timestamp(at).ok().and_then(|t| t.format(&Rfc3339).ok()).unwrap_or_default()
}

/// `2026-11-24 08:30:00 UTC`, as in the registry's scripts' token files.
pub fn human(at: i64) -> String {
    let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    OffsetDateTime::from_unix_timestamp(at).ok().and_then(|t| t.format(form).ok()).unwrap_or_default()
}

/// Parses the output of [`rfc3339`] and [`human`], and ISO 8601 as Python's `isoformat` writes it (fractions, no
/// zone: UTC).
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    let (date, rest) = text.split_at_checked(10)?;
    let time = rest.strip_prefix(['T', ' '])?;
    let zoned = time.ends_with('Z') || time.contains('+') || time.contains('-');
    let zone = if zoned { "" } else { "Z" };
    OffsetDateTime::parse(&format!("{date}T{time}{zone}"), &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
}

/// Parses the date of an HTTP header in the one form that may be sent (RFC 9110 section 5.6.7).
pub fn http_date(text: &str) -> Option<i64> {
    OffsetDateTime::parse(text.trim(), &Rfc2822).ok().map(OffsetDateTime::unix_timestamp)
}

/// `in 54m`, `in 2h 5m`, `3m ago`.
pub fn relative(at: i64, now: i64) -> String {
    let seconds = at.saturating_sub(now);
    let span = seconds.unsigned_abs();
    let (days, hours, minutes) = (span / 86_400, span / 3_600 % 24, span / 60 % 60);
    if span == 0 {
        return "just now".into();
    }
    let text = match (days, hours, minutes) {
        (0, 0, 0) => format!("{span}s"),
        (0, 0, m) => format!("{m}m"),
        (0, h, 0) => format!("{h}h"),
        (0, h, m) => format!("{h}h {m}m"),
        (d, 0, _) => format!("{d}d"),
        (d, h, _) => format!("{d}d {h}h"),
    };
    if seconds < 0 { format!("{text} ago") } else { format!("in {text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_in_every_form() {
        let at = 1_795_509_000;
        for text in [
            rfc3339(at),
            human(at),
            "2026-11-24T08:30:00".into(),
            "2026-11-24T08:30:00.123456".into(),
            "2026-11-24T08:30:00+00:00".into(),
            "2026-11-24T10:30:00+02:00".into(),
            "2026-11-24T03:30:00-05:00".into(),
        ] {
            assert_eq!(parse(&text), Some(at), "{text}");
        }
        for text in ["", "soon", "2026-11-24", "2026-11-24T25:00:00Z", "äöüäöüäöü"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_http_date_is_read_and_nothing_else() {
        assert_eq!(http_date("Tue, 24 Nov 2026 08:30:00 GMT"), Some(1_795_509_000));
        for text in ["", "now", "2026-11-24T08:30:00Z", "Tue, 24 Nov 2026 25:30:00 GMT"] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_date_panics(text in "\\PC{0,40}") {
            let _ = (http_date(&text), parse(&text));
        }
    }

    #[test]
    fn relative_times_read_like_speech() {
        let cases = [
            (0, "just now"),
            (1, "in 1s"),
            (-1, "1s ago"),
            (59, "in 59s"),
            (3_240, "in 54m"),
            (7_500, "in 2h 5m"),
            (90_000, "in 1d 1h"),
            (-180, "3m ago"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(relative(1_000_000 + seconds, 1_000_000), expected);
        }
    }
}
