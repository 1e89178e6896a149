//! The signing key and the randomness of one run of the development identity provider. What is signed, and what a
//! claim means, is up to the caller.

use std::io;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use aws_lc_rs::{digest, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

/// An ES256 key pair that exists only in memory.
pub(crate) struct DemoSigningKey {
    signer: EncodingKey,
    verifier: DecodingKey,
    kid: String,
    x: String,
    y: String,
}

impl DemoSigningKey {
    /// A new random key, named by its thumbprint (RFC 7638).
    pub(crate) fn generate() -> io::Result<Self> {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).map_err(io::Error::other)?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).map_err(io::Error::other)?;
        let (x, y) = coordinates(pair.public_key().as_ref())
            .ok_or_else(|| io::Error::other("the generated P-256 key is not an uncompressed point"))?;
        Ok(Self {
            signer: EncodingKey::from_ec_der(pkcs8.as_ref()),
            verifier: DecodingKey::from_ec_components(&x, &y).map_err(io::Error::other)?,
            kid: thumbprint(&x, &y),
            x,
            y,
        })
    }

    /// A signed access token (RFC 9068 section 2.1 for the type in the header).
    pub(crate) fn sign(&self, claims: &Value) -> jsonwebtoken::errors::Result<String> {
        self.sign_as("at+jwt", claims)
    }

    /// A signed ID token.
    pub(crate) fn sign_id_token(&self, claims: &Value) -> jsonwebtoken::errors::Result<String> {
        self.sign_as("JWT", claims)
    }

    fn sign_as(&self, kind: &str, claims: &Value) -> jsonwebtoken::errors::Result<String> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(kind.to_owned());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.signer)
    }

    /// The claims of a token that this key signed; times and names in it are not checked.
    pub(crate) fn open(&self, token: &str) -> Option<Value> {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        jsonwebtoken::decode(token, &self.verifier, &validation).ok().map(|data| data.claims)
    }

    /// The public half as a JWK set (RFC 7517 section 5).
    pub(crate) fn jwks(&self) -> Value {
        json!({"keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
            "kid": self.kid, "x": self.x, "y": self.y,
        }]})
    }
}

/// 256 random bits as text: codes, refresh tokens, ticket and token identifiers.
pub(crate) fn random() -> Result<String, Unspecified> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The S256 transformation (RFC 7636 section 4.2).
pub(crate) fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

fn coordinates(point: &[u8]) -> Option<(String, String)> {
    let (&4, xy) = point.split_first()? else { return None };
    let (x, y) = xy.split_at_checked(32)?;
    (y.len() == 32).then(|| (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y)))
}

fn thumbprint(x: &str, y: &str) -> String {
    s256(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s256_is_the_vector_of_rfc_7636_appendix_b() {
        let challenge = s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_key_opens_what_it_signed_and_nothing_else() {
        let (ours, theirs) = (DemoSigningKey::generate().unwrap(), DemoSigningKey::generate().unwrap());
        let token = ours.sign(&json!({"sub": "a"})).unwrap();
        assert_eq!(ours.open(&token), Some(json!({"sub": "a"})));
        assert_eq!(theirs.open(&token), None);
    }
}
