//! Whose a token is that is not verified here: an opaque one is nobody's by its looks, and what looks like a JWT says. It leaves
//! asking to `introspection`.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, general_purpose};
use serde_json::{Map, Value};

use super::jwt::MAX_TOKEN;
use super::object;

/// The longest opaque token that an issuer is asked about, in bytes: real ones are handles.
const LONGEST: usize = 4096;

/// Whose a token is.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::gateway) enum TokenOwner {
    /// No issuer's that is asked: too long, no token's characters, or a JWT that names none.
    Nobodys,
    /// A JWT that names its issuer: it alone may be asked.
    Named(String),
    /// It does not say: an opaque token, or an encrypted one.
    Unsaid,
}

/// Reads no more of a token than that.
pub(in crate::gateway) fn whose(token: &str) -> TokenOwner {
    if token.len() > MAX_TOKEN || !is_b64token(token) {
        return TokenOwner::Nobodys;
    }
    let parts: Vec<&str> = token.splitn(6, '.').collect();
    match (header(parts.first().copied().unwrap_or_default()), &*parts) {
        (None, _) if token.len() <= LONGEST => TokenOwner::Unsaid,
        // JSON, but no header: a handle may hold anything.
        (Some(header), [_]) if token.len() <= LONGEST && !header.contains_key("alg") => TokenOwner::Unsaid,
        (Some(_), [_, payload, _]) => issuer(payload).map_or(TokenOwner::Nobodys, TokenOwner::Named),
        // A JWE (RFC 7516 section 7.1) shows its header alone.
        (Some(header), [_, _, _, _, _]) if header.contains_key("enc") => TokenOwner::Unsaid,
        _ => TokenOwner::Nobodys,
    }
}

/// RFC 6750 section 2.1.
fn is_b64token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(is_one)
}

/// The object that a part would be to a lenient reader: whatever anybody could take for a JWT's header is one here.
fn header(part: &str) -> Option<Map<String, Value>> {
    const LENIENT: GeneralPurposeConfig = general_purpose::NO_PAD
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let url_safe = part.replace('+', "-").replace('/', "_");
    let bytes = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT).decode(url_safe).ok()?;
    serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes)).ok()
}

/// `iss` of a payload, which real issuers write strictly.
fn issuer(payload: &str) -> Option<String> {
    let claims = object::read(&URL_SAFE_NO_PAD.decode(payload).ok()?)?;
    claims.get("iss").and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn jwt(header: &str, payload: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn what_looks_like_a_jwt_is_its_issuers_or_nobodys() {
        let named = TokenOwner::Named("https://i".into());
        for (header, payload, whose) in [
            (r#"{"alg":"HS256"}"#, r#"{"iss":"https://i"}"#, &named),
            (r#"{"alg":"none"}"#, r#"{"iss":"https://i"}"#, &named),
            (r#"{"alg":"HS256","alg":"RS256"}"#, r#"{"iss":"https://i"}"#, &named),
            (r#"{"alg":"HS256"}"#, r#"{"iss":"https://i","iss":"https://i"}"#, &TokenOwner::Nobodys),
            (r#"{"alg":"HS256"}"#, r#"{"iss":["https://i"]}"#, &TokenOwner::Nobodys),
            (r#"{"alg":"HS256"}"#, r#"{"sub":"a"}"#, &TokenOwner::Nobodys),
            (r#"{"alg":"HS256"}"#, "not JSON", &TokenOwner::Nobodys),
            ("{}", "", &TokenOwner::Nobodys),
            ("\u{feff}{\"alg\":\"none\"}", "{}", &TokenOwner::Nobodys),
        ] {
            assert_eq!(&super::whose(&jwt(header, payload)), whose, "{header} {payload}");
        }
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        for text in [header.clone(), format!("{header}."), format!("{header}.x"), format!("{header}.a.b.c.d")]
        {
            assert_eq!(whose(&text), TokenOwner::Nobodys, "{text}");
        }
        let jwe = URL_SAFE_NO_PAD.encode(r#"{"alg":"dir","enc":"A256GCM"}"#);
        assert_eq!(whose(&format!("{jwe}..iv.text.tag")), TokenOwner::Unsaid);
        assert_eq!(whose(&format!("{jwe}..iv.text.tag.more")), TokenOwner::Nobodys);
    }

    #[test]
    fn an_opaque_token_has_a_tokens_characters_and_no_absurd_length() {
        for text in ["a", "opaque-0", "good/+=", "ya29.a0Af_x~-/+==", "2YotnFZFEjr1zCsicMWpAA"] {
            assert_eq!(whose(text), TokenOwner::Unsaid, "{text}");
        }
        let long = "x".repeat(LONGEST + 1);
        for text in ["", "=", "a=b", "a\"b", "a b", "a;b", "a%20", "a,b", "<a>", "a\\", "{}", "é", &long] {
            assert_eq!(whose(text), TokenOwner::Nobodys, "{text:.20}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_somebodys_or_nobodys(text in "[A-Za-z0-9._=+/-]{0,80}") {
            let _ = whose(&text);
        }
    }
}
