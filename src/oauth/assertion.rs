//! Client assertions for `private_key_jwt` (RFC 7523 sections 2.2 and 3): one signed JWT per request. Not here:
//! reading the key's file (see `config`); the request (see `flow`).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::oauth::Epoch;
use crate::secret::Secret;

/// How long an assertion is valid, in seconds: enough for a slow network, too short to be worth stealing.
const LIFETIME: Epoch = 60;

/// A private key that signs assertions, or the gateway's own tokens. It prints only as its algorithm and key id.
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
    /// `None` if the text is not such a key; no message repeats it.
    pub fn from_pem(pem: &Secret, key_id: Option<String>) -> Option<Self> {
        let bytes = pem.expose().as_bytes();
        let (algorithm, key) = EncodingKey::from_ec_pem(bytes)
            .map(|key| (Algorithm::ES256, key))
            .or_else(|_| EncodingKey::from_ed_pem(bytes).map(|key| (Algorithm::EdDSA, key)))
            .or_else(|_| EncodingKey::from_rsa_pem(bytes).map(|key| (Algorithm::RS256, key)))
            .ok()?;
        let signer = Self { key, algorithm, key_id, audience: None };
        // A P-384 key parses as an EC key and fails only when it signs: detect that now, not in the middle of a flow.
        signer.assertion("probe", "probe", 0).map(|_| signer)
    }

    /// A new private key for ES256, in PEM (PKCS #8).
    ///
    /// # Errors
    /// `None` if no random numbers are available.
    pub fn generate() -> Option<Secret> {
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).ok()?;
        let body = Zeroizing::new(STANDARD.encode(made.as_ref()));
        let lines: Vec<&str> =
            body.as_bytes().chunks(64).filter_map(|line| str::from_utf8(line).ok()).collect();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
        Some(Secret::new(pem))
    }

    /// Reads a PEM private key for ES256 or EdDSA, named by the thumbprint of its public half (RFC 7638): the same key has
    /// the same name everywhere.
    ///
    /// # Errors
    /// As for [`Self::from_pem`]; RSA keys are none of these.
    pub fn from_elliptic_pem(pem: &Secret) -> Option<Self> {
        let key = Self::from_pem(pem, None).filter(|key| key.algorithm != Algorithm::RS256)?;
        let key_id = key.jwk()?.common.key_id;
        Some(Self { key_id, ..key })
    }

    /// The public half as a JWK (RFC 7517), named by its thumbprint.
    pub fn public(&self) -> Option<Value> {
        serde_json::to_value(self.jwk()?).ok()
    }

    fn jwk(&self) -> Option<Jwk> {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).ok()?;
        jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256).ok()?);
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Some(jwk)
    }

    /// The name by which a key set has it.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// A JWT of this `typ` (RFC 8725 section 3.11).
    pub fn sign<C: Serialize>(&self, typ: &str, claims: &C) -> Option<Secret> {
        let header =
            Header { kid: self.key_id.clone(), typ: Some(typ.into()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.key).ok().map(Secret::new)
    }

    /// With assertions for this audience: the issuer's identifier (RFC 7523bis section 3, point 3), which no other
    /// server takes for its own, or another value that a server requires. The first one set stays.
    #[must_use]
    pub fn addressed_to(self, audience: &str) -> Self {
        Self { audience: self.audience.or_else(|| Some(audience.into())), ..self }
    }

    /// A new assertion, for `endpoint` if no audience is set. Never send one twice: servers remember `jti` and reject
    /// the second (RFC 7523 section 3, point 7).
    pub fn assertion(&self, client_id: &str, endpoint: &str, now: Epoch) -> Option<Secret> {
        let audience = self.audience.as_deref().unwrap_or(endpoint);
        let jti = oauth2::CsrfToken::new_random().into_secret();
        let claims = AssertionClaims {
            iss: client_id,
            sub: client_id,
            aud: audience,
            iat: now,
            exp: now + LIFETIME,
            jti,
        };
        self.sign("JWT", &claims)
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

    fn pem() -> String {
        SigningKey::generate().unwrap().expose().to_owned()
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
    fn a_key_goes_by_its_thumbprint_and_publishes_its_public_half_alone() {
        let pem = SigningKey::generate().unwrap();
        let (one, two) =
            (SigningKey::from_elliptic_pem(&pem).unwrap(), SigningKey::from_elliptic_pem(&pem).unwrap());
        assert_eq!(one.key_id(), two.key_id());
        let public = one.public().unwrap();
        let names: Vec<&String> = public.as_object().unwrap().keys().collect();
        for name in ["kty", "crv", "x", "y", "kid", "use", "alg"] {
            assert!(names.iter().any(|other| *other == name), "{public}");
        }
        assert_eq!((names.len(), public["kid"].as_str()), (7, one.key_id()));
        let other = SigningKey::from_elliptic_pem(&SigningKey::generate().unwrap()).unwrap();
        assert_ne!(one.key_id(), other.key_id());
    }

    #[test]
    fn what_is_no_key_is_refused_and_a_key_never_prints() {
        assert!(SigningKey::from_pem(&Secret::new("not a key"), None).is_none());
        let key = SigningKey::from_pem(&Secret::new(pem()), None).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey(ES256, None)");
    }
}
