//! A token's own claims, for display and comparison. Nothing in them is verified: that is the gateway's work.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::Epoch;

/// A token that anyone can decode: header and claims of a JWS (RFC 7515 section 7.1, RFC 7519 section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unverified {
    /// The header's parameters.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
}

impl Unverified {
    /// Parses leniently: whatever can be shown is worth showing. `None` if it is not a JWS of JSON.
    pub fn read(token: &str) -> Option<Self> {
        let (signed, _signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let object = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
            serde_json::from_slice(&bytes).ok()
        };
        Some(Self { header: object(header)?, claims: object(claims)? })
    }

    /// A claim that is a time, in whole seconds since 1970.
    pub fn time(&self, name: &str) -> Option<Epoch> {
        read_numeric_date(self.claims.get(name)?)
    }

    /// The claimed issuer.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss")?.as_str()
    }
}

/// An access token's own expiry, if it can be decoded and has one (RFC 9068 section 2.2).
pub fn end_of(token: &str) -> Option<Epoch> {
    read_time(Unverified::read(token)?.claims.get("exp")?)
}

/// The expiry of an access token that was issued just now. One that is over says that its issuer's clock is behind ours:
/// then its lifetime counts from now.
pub(super) fn end_of_new(token: &str, now: Epoch) -> Option<Epoch> {
    let claims = Unverified::read(token)?.claims;
    let end = read_time(claims.get("exp")?)?;
    let begin = claims.get("iat").and_then(read_time).filter(|begin| end <= now && *begin < end);
    Some(begin.map_or(end, |begin| now.saturating_add(end - begin)))
}

/// A point in time as servers really write it: in seconds or milliseconds since 1970, as a number or in a string. One
/// beyond the year 9999 is a mistake.
pub fn read_time(value: &Value) -> Option<Epoch> {
    let whole = match value {
        Value::String(text) => read_numeric_date(&serde_json::from_str(text.trim()).ok()?)?,
        value => read_numeric_date(value)?,
    };
    [whole, whole / 1_000].into_iter().find(|time| (1..=253_402_300_799).contains(time))
}

/// RFC 7519 section 2, `NumericDate`, in whole seconds since 1970.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float beyond the range saturates, which is far enough"
)]
pub fn read_numeric_date(value: &Value) -> Option<Epoch> {
    value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as Epoch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_a_jws_of_json_says_something() {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let (header, claims) = (part(r#"{"alg":"none"}"#), part(r#"{"iss":"i","exp":1.9}"#));
        let read = Unverified::read(&format!("{header}.{claims}.sig")).unwrap();
        assert_eq!(read.header["alg"], "none");
        assert_eq!((read.issuer(), read.time("exp"), read.time("nbf")), (Some("i"), Some(1), None));
        assert_eq!(Unverified::read(&format!("{header}=.{claims}==.")), Some(read));
        let list = part("[]");
        for text in [
            "",
            "opaque",
            "a.b",
            "a.!.c",
            &format!("{header}.{list}.c"),
            &format!("{list}.{claims}.c"),
            &format!("{header}.a.{claims}.b.c"),
        ] {
            assert!(Unverified::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_tokens_end_is_read_as_servers_write_it() {
        let end = |exp: &str| {
            let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
            end_of(&format!("{}.{}.sig", part("{}"), part(&format!(r#"{{"exp":{exp}}}"#))))
        };
        let second = Some(1_795_003_600);
        for (exp, expected) in [
            ("1795003600", second),
            ("1795003600.9", second),
            (r#""1795003600""#, second),
            (r#"" 1795003600.0 ""#, second),
            ("1795003600000", second),
            ("1.7950036e9", second),
            ("253402300799", Some(253_402_300_799)),
            ("1e300", None),
            ("0", None),
            ("-5", None),
            ("null", None),
            (r#""soon""#, None),
            (r#""null""#, None),
            ("[1795003600]", None),
            ("true", None),
        ] {
            assert_eq!(end(exp), expected, "{exp}");
        }
    }

    proptest! {
        #[test]
        fn no_token_panics(text in "[ -~]{0,120}") {
            let _ = Unverified::read(&text).map(|read| read.time("exp"));
        }
    }
}
