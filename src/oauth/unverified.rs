//! What anyone can read of a token that is a JWT. It leaves verifying it to whoever has its issuer's keys.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// Header and claims of a JWS in its compact form (RFC 7515 section 7.1, RFC 7519 section 3). Nothing in it is proven.
#[derive(Clone, Debug)]
pub struct UnverifiedToken {
    /// RFC 7515 section 4.
    pub header: Map<String, Value>,
    /// RFC 7519 section 4.
    pub claims: Map<String, Value>,
}

impl UnverifiedToken {
    /// Reads leniently: whatever can be shown is worth showing, and believing is another matter. `None` for a token that
    /// only its issuer can read.
    pub fn read(token: &str) -> Option<Self> {
        let (signed, _signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        Some(Self { header: object(header)?, claims: object(claims)? })
    }

    /// Who issued it, by its own words.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss")?.as_str()
    }
}

/// Some issuers pad, which RFC 7515 section 2 forbids.
fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_anyone_can_read_is_read_and_nothing_else() {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let (header, claims) = (part(r#"{"alg":"none"}"#), part(r#"{"iss":"https://idp.test"}"#));
        for token in [format!("{header}.{claims}."), format!("{header}.{claims}==.signature")] {
            let read = UnverifiedToken::read(&token).unwrap();
            assert_eq!(
                (read.header["alg"].as_str(), read.issuer()),
                (Some("none"), Some("https://idp.test"))
            );
        }
        for text in [
            "",
            "opaque",
            "a.b",
            "a.b.c",
            &format!("{header}.{claims}"),
            &format!("{header}.a.b.c.{claims}"),
            &format!("{header}.!.c"),
            &format!("{header}.{}.c", part("[]")),
        ] {
            assert!(UnverifiedToken::read(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[A-Za-z0-9_.-]{0,120}|[ -~]{0,80}") {
            let _ = UnverifiedToken::read(&text);
        }
    }
}
