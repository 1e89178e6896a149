//! Client assertions for `private_key_jwt` (RFC 7523 sections 2.2 and 3): one signed JWT a request.
//! It leaves reading the key's file to `config` and the request to `flow`.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use crate::oauth::Epoch;
use crate::secret::Secret;

/// How long an assertion is good for, in seconds: enough for a slow network, too short to be worth stealing.
const LIFETIME: Epoch = 60;

/// A private key that signs assertions. Prints as its algorithm and key id alone.
#[derive(Clone)]
pub struct SigningKey {
    key: EncodingKey,
    algorithm: Algorithm,
    key_id: Option<String>,
    audience: Option<String>,
}

/// RFC 7523 section 3, the claims an authorization server must see.
#[derive(Serialize)]
struct AssertionClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: Epoch,
    exp: Epoch,
    jti: String,
}

impl SigningKey {
    /// Reads a PEM private key; the algorithm is the one its kind implies: ES256 (P-256), EdDSA (Ed25519) or RS256.
    ///
    /// # Errors
    /// `None` if the text is no such key; it is not repeated in any message.
    pub fn from_pem(pem: &Secret, key_id: Option<String>) -> Option<Self> {
        let bytes = pem.expose().as_bytes();
        let (algorithm, key) = EncodingKey::from_ec_pem(bytes)
            .map(|key| (Algorithm::ES256, key))
            .or_else(|_| EncodingKey::from_ed_pem(bytes).map(|key| (Algorithm::EdDSA, key)))
            .or_else(|_| EncodingKey::from_rsa_pem(bytes).map(|key| (Algorithm::RS256, key)))
            .ok()?;
        let signer = Self { key, algorithm, key_id, audience: None };
        // A P-384 key parses as an EC key and fails only when it signs: find out now, not in the middle of a flow.
        signer.assertion("probe", "probe", 0).map(|_| signer)
    }

    /// With assertions for this audience: the issuer's identifier (RFC 7523bis section 3, point 3), which no other server
    /// takes for its own, or what a server demands instead. The first one that is named stays.
    #[must_use]
    pub fn addressed_to(self, audience: &str) -> Self {
        Self { audience: self.audience.or_else(|| Some(audience.into())), ..self }
    }

    /// A fresh assertion, for `endpoint` where nobody named an audience. Never send one twice: servers remember `jti` and
    /// refuse the second (RFC 7523 section 3, point 7).
    pub fn assertion(&self, client_id: &str, endpoint: &str, now: Epoch) -> Option<Secret> {
        let audience = self.audience.as_deref().unwrap_or(endpoint);
        let header = Header { kid: self.key_id.clone(), ..Header::new(self.algorithm) };
        let jti = oauth2::CsrfToken::new_random().into_secret();
        let claims = AssertionClaims {
            iss: client_id,
            sub: client_id,
            aud: audience,
            iat: now,
            exp: now + LIFETIME,
            jti,
        };
        jsonwebtoken::encode(&header, &claims, &self.key).ok().map(Secret::new)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({:?}, {:?})", self.algorithm, self.key_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;

    fn pem() -> String {
        let rng = aws_lc_rs::rand::SystemRandom::new();
        let der = aws_lc_rs::signature::EcdsaKeyPair::generate_pkcs8(
            &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            &rng,
        )
        .unwrap();
        let body = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
        format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
    }

    #[test]
    fn every_assertion_is_new_and_names_issuer_subject_and_audience() {
        let key = SigningKey::from_pem(&Secret::new(pem()), Some("k1".into())).unwrap();
        let one = key.assertion("client", "https://idp.test/token", 1_000).unwrap();
        let two = key.assertion("client", "https://idp.test/token", 1_000).unwrap();
        assert_ne!(one, two);
        let part = |i: usize| {
            let text = one.expose().split('.').nth(i).unwrap();
            let raw = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
            serde_json::from_slice::<serde_json::Value>(&raw).unwrap()
        };
        assert_eq!((part(0)["alg"].as_str(), part(0)["kid"].as_str()), (Some("ES256"), Some("k1")));
        let claims = part(1);
        assert_eq!((&claims["iss"], &claims["sub"]), (&claims["sub"], &"client".into()));
        assert_eq!(
            (claims["aud"].as_str(), claims["exp"].as_i64()),
            (Some("https://idp.test/token"), Some(1_060))
        );
    }

    #[test]
    fn what_is_no_key_is_refused_and_a_key_never_prints() {
        assert!(SigningKey::from_pem(&Secret::new("not a key"), None).is_none());
        let key = SigningKey::from_pem(&Secret::new(pem()), None).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey(ES256, None)");
    }
}
