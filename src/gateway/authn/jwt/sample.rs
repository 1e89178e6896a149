//! Keys and tokens for tests, signed for real. It leaves what is done with them to the tests.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A signing key.
pub(crate) enum SampleKeyPair {
    Rsa(RsaPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Made once a test process: an RSA key takes its time.
pub(crate) static RSA: LazyLock<SampleKeyPair> =
    LazyLock::new(|| SampleKeyPair::Rsa(RsaPair::generate(KeySize::Rsa2048).unwrap()));
pub(crate) static P256: LazyLock<SampleKeyPair> = LazyLock::new(SampleKeyPair::p256);
pub(crate) static P384: LazyLock<SampleKeyPair> =
    LazyLock::new(|| SampleKeyPair::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap()));
pub(crate) static ED25519: LazyLock<SampleKeyPair> =
    LazyLock::new(|| SampleKeyPair::Ed25519(Ed25519KeyPair::generate().unwrap()));

impl SampleKeyPair {
    /// A fresh P-256 key.
    pub(crate) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    /// The public key as a JWK with only what RFC 7518 asks for.
    pub(crate) fn jwk(&self) -> Value {
        let point = |curve: &str, point: &[u8]| {
            let (x, y) = point[1..].split_at(point.len() / 2);
            json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
        };
        match self {
            // The DER of a 2048-bit RSAPublicKey: 9 bytes, the modulus, then the exponent 65537.
            Self::Rsa(pair) => {
                json!({"kty": "RSA", "n": encode(&pair.public_key().as_ref()[9..265]), "e": "AQAB"})
            }
            Self::P256(pair) => point("P-256", pair.public_key().as_ref()),
            Self::P384(pair) => point("P-384", pair.public_key().as_ref()),
            Self::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref())})
            }
        }
    }

    /// [`SampleKeyPair::jwk`] with further members.
    pub(crate) fn jwk_with(&self, members: Value) -> Value {
        let mut jwk = self.jwk();
        jwk.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        jwk
    }

    /// A token of exactly these texts. `scheme` is how RSA signs, as in `RS256`.
    pub(crate) fn token_as(&self, scheme: &str, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
        let random = SystemRandom::new();
        let signature = match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(rsa(scheme), &random, signed.as_bytes(), &mut signature).unwrap();
                signature
            }
            Self::P256(pair) | Self::P384(pair) => {
                pair.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec()
            }
            Self::Ed25519(pair) => pair.sign(signed.as_bytes()).as_ref().to_vec(),
        };
        format!("{signed}.{}", encode(&signature))
    }

    /// A token with `alg` and the further members of `header`.
    pub(crate) fn token(&self, alg: &str, header: &Value, claims: &Value) -> String {
        let mut all = json!({"alg": alg});
        all.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
        self.token_as(alg, &all.to_string(), &claims.to_string())
    }
}

/// A key set's text.
pub(crate) fn jwks(keys: &[Value]) -> Vec<u8> {
    json!({"keys": keys}).to_string().into_bytes()
}

/// Base64url.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn rsa(scheme: &str) -> &'static dyn RsaEncoding {
    match scheme {
        "RS384" => &RSA_PKCS1_SHA384,
        "RS512" => &RSA_PKCS1_SHA512,
        "PS256" => &RSA_PSS_SHA256,
        "PS384" => &RSA_PSS_SHA384,
        "PS512" => &RSA_PSS_SHA512,
        _ => &RSA_PKCS1_SHA256,
    }
}
