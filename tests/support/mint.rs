//! An issuer of a test's own: keys, the document that publishes them, and tokens with exact signatures, good or bad.
#![cfg(test)]

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mcpauth::gateway::settings::IssuerSettings;
use mcpauth::sys::clock;
use serde_json::{Value, json};

use crate::support::wire::{Asked, Scripted};

/// What tokens must name.
pub(crate) const AUDIENCE: &str = "mcp-gateway";

/// An issuer on loopback that publishes `keys`, or answers with a status alone.
pub(crate) struct Mint {
    pub(crate) server: Scripted,
    pub(crate) keys: Arc<Mutex<Result<Vec<Value>, u16>>>,
}

/// A P-256 key.
pub(crate) struct Key {
    pub(crate) id: &'static str,
    pair: EcdsaKeyPair,
}

impl Mint {
    pub(crate) fn of(keys: &[&Key]) -> Self {
        Self::with(keys, |_| (404, String::new()))
    }

    /// One that answers what is not a question for keys as `other` says.
    pub(crate) fn with(
        keys: &[&Key],
        other: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let keys = Arc::new(Mutex::new(Ok(keys.iter().map(|key| key.public()).collect())));
        let published = keys.clone();
        let server = Scripted::start(move |asked| {
            if !asked.head.contains(" /jwks ") {
                return other(asked);
            }
            match &*published.lock().unwrap() {
                Ok(keys) => (200, json!({ "keys": keys }).to_string()),
                Err(status) => (*status, String::new()),
            }
        });
        Self { server, keys }
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.server.base
    }

    /// The issuer as `gateway.yaml` has it, without leeway.
    pub(crate) fn settings(&self) -> IssuerSettings {
        let jwks = format!("{}/jwks", self.issuer());
        let issuer = json!({"issuer": self.issuer(), "jwks_uri": jwks, "audience": [AUDIENCE], "leeway": 0});
        serde_json::from_value(issuer).unwrap()
    }

    /// The claims of a valid token of `worker`'s, with these instead; a `null` removes one.
    pub(crate) fn claims(&self, instead: Value) -> Value {
        let now = clock::now();
        let claims = json!({
            "iss": self.issuer(), "aud": AUDIENCE, "sub": "alice", "client_id": "worker", "scope": "worker",
            "jti": "token-1", "iat": now, "nbf": now, "exp": now + 300,
        });
        merged(claims, instead)
    }

    /// A valid token.
    pub(crate) fn token(&self, key: &Key) -> String {
        key.sign(json!({}), &self.claims(json!({})))
    }

    /// How often it was asked for its keys.
    pub(crate) fn fetches(&self) -> usize {
        self.server.asked().iter().filter(|asked| asked.head.contains(" /jwks ")).count()
    }
}

impl Key {
    pub(crate) fn new(id: &'static str) -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        Self { id, pair: EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).unwrap() }
    }

    /// The public half as a JWK.
    pub(crate) fn public(&self) -> Value {
        let (x, y) = self.point()[1..].split_at(32);
        let text = |bytes| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.id, "x": text(x), "y": text(y)})
    }

    fn point(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// A token with these header parameters in addition to, or instead of, the usual ones.
    pub(crate) fn sign(&self, header: Value, claims: &Value) -> String {
        self.seal(self.signed(header, claims))
    }

    /// A token of these texts, whatever they are.
    pub(crate) fn sign_text(&self, header: &[u8], payload: &[u8]) -> String {
        self.seal(format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload)))
    }

    fn seal(&self, signed: String) -> String {
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The same, authenticated by HMAC with the public key as its secret, as confused libraries accept it.
    pub(crate) fn confuse(&self, claims: &Value, secret: &[u8]) -> String {
        let signed = self.signed(json!({"alg": "HS256"}), claims);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// The public half in the forms that have served as an HMAC secret.
    pub(crate) fn secrets(&self) -> Vec<(&'static str, Vec<u8>)> {
        /// RFC 5480: a P-256 key's SubjectPublicKeyInfo before its point.
        const SPKI: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
        let digits = SPKI.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        let prefix = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap());
        let der: Vec<u8> = prefix.chain(self.point().iter().copied()).collect();
        let text = STANDARD.encode(&der);
        let (first, second) = text.split_at(64);
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----");
        vec![
            ("the JWK", self.public().to_string().into_bytes()),
            ("the point", self.point().to_vec()),
            ("DER", der),
            ("PEM", pem.clone().into_bytes()),
            ("PEM and a line break", format!("{pem}\n").into_bytes()),
            ("nothing", Vec::new()),
        ]
    }

    fn signed(&self, header: Value, claims: &Value) -> String {
        let header = merged(json!({"alg": "ES256", "typ": "at+jwt", "kid": self.id}), header);
        format!("{}.{}", encoded(&header), encoded(claims))
    }
}

/// JSON as a token's part.
pub(crate) fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn merged(mut object: Value, instead: Value) -> Value {
    for (name, value) in instead.as_object().unwrap() {
        match value {
            Value::Null => drop(object.as_object_mut().unwrap().shift_remove(name)),
            value => object[name] = value.clone(),
        }
    }
    object
}
