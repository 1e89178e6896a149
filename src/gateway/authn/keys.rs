//! An issuer's public keys (RFC 7517), each bound to the one algorithm it may be used with (RFC 8725 section 3.1).
//! Not here: fetching and caching them (see `issuers`); what is signed (see `jwt`).

use std::fmt;

use aws_lc_rs::signature::{self as aws, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde_json::{Map, Value};

use super::object;
use crate::gateway::settings::Algorithm;
use crate::text::clean;

/// The longest `kid`, in bytes, of a key or of a token.
pub(super) const MAX_KEY_ID: usize = 256;

/// As much of a name as is shown, in characters.
const MAX_SHOWN: usize = 40;

/// The keys of one issuer that may verify something.
#[derive(Clone, Debug, PartialEq)]
pub struct KeySet {
    keys: Vec<Key>,
    allowed: Vec<Algorithm>,
}

/// One public key with one algorithm. A key for several algorithms is in its set once for each.
#[derive(Clone)]
pub struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    public: ParsedPublicKey,
}

/// Why a set has no key for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoKey {
    /// No key has that name: the only case in which fetching the set again may help.
    Unknown,
    /// Several different keys match. None is used: trying them in turn would let one stand in for another.
    Ambiguous,
    /// The algorithm is not accepted, or not for the key with that name.
    Algorithm,
}

/// Why a document is not a key set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Not a JSON object with an array `keys`, or one with a duplicate name.
    #[error("not a JSON Web Key Set (RFC 7517 section 5)")]
    Malformed,
    /// It is empty.
    #[error("the key set has no keys")]
    Empty,
    /// No key in it can verify a signature by an accepted algorithm: what is wrong with each, every cause once.
    #[error("none of the {count} keys of the set can be used: {}", list(causes))]
    Unusable {
        /// How many keys there are.
        count: usize,
        /// What is wrong with them.
        causes: Vec<UnusableKey>,
    },
}

/// Why a key is skipped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableKey {
    /// With a published private key anyone can sign.
    #[error("a private key, with which anyone can sign")]
    Private,
    /// RFC 7517 sections 4.2 and 4.3.
    #[error("a key that is not for signatures, by its use or key_ops")]
    Use,
    /// RFC 7517 section 4.5.
    #[error("a kid that is not a text of at most {MAX_KEY_ID} bytes")]
    KeyId,
    /// Its `alg` is not known here, or not among those that are accepted; cleaned.
    #[error("a key for the algorithm {0}, which is not accepted")]
    Algorithm(String),
    /// Its kind has none of the accepted algorithms, or its kind is unknown; cleaned.
    #[error("a key of the kind {0}, with which no accepted algorithm works")]
    Kind(String),
    /// RFC 7518 section 3.3.
    #[error("an RSA key that is not between 2048 and 8192 bits, or is known to be weak")]
    Weak,
    /// A member is missing or has no valid value.
    #[error("a key with a missing or invalid member")]
    Malformed,
}

/// The key material of a JWK, without its permitted use.
enum Material {
    /// Modulus and exponent, big-endian, without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// An uncompressed point of P-256.
    P256(Vec<u8>),
    /// An uncompressed point of P-384.
    P384(Vec<u8>),
    /// 32 bytes.
    Ed25519(Vec<u8>),
}

impl KeySet {
    /// Reads a key set. Skipped, so that issuers may publish them as well: keys for encryption, symmetric and private
    /// ones, unknown kinds, RSA below 2048 bits, and whatever is malformed or not for one of the `allowed`
    /// algorithms. A member that is `null`, or an empty statement about a key's use, counts as absent.
    ///
    /// # Errors
    /// If it is not a key set, or no key remains: then the last good one stays in use.
    pub fn read(jwks: &[u8], allowed: &[Algorithm]) -> Result<Self, KeysError> {
        let document = object::read(jwks).ok_or(KeysError::Malformed)?;
        let listed = document.get("keys").and_then(Value::as_array).ok_or(KeysError::Malformed)?;
        let (mut keys, mut causes): (Vec<Key>, Vec<UnusableKey>) = (Vec::new(), Vec::new());
        for jwk in listed.iter().filter(|jwk| !jwk.is_null()) {
            match jwk.as_object().ok_or(UnusableKey::Malformed).and_then(|jwk| usable(jwk, allowed)) {
                // The same key published twice is not ambiguous.
                Ok(found) => add(&mut keys, found),
                Err(cause) => add(&mut causes, [cause]),
            }
        }
        match (keys.is_empty(), causes.is_empty()) {
            (false, _) => Ok(Self { keys, allowed: allowed.to_vec() }),
            (true, true) => Err(KeysError::Empty),
            (true, false) => Err(KeysError::Unusable { count: listed.len(), causes }),
        }
    }

    /// The key that a token names by `kid`, matched exactly; without a `kid`, the only one with its algorithm.
    ///
    /// # Errors
    /// See [`NoKey`]. Of two different keys with one `kid` and one algorithm neither is used.
    pub fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<&Key, NoKey> {
        let named = |key: &&Key| id.is_none() || key.id.as_deref() == id;
        let mut fitting = self.keys.iter().filter(named).filter(|key| key.algorithm == algorithm);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(NoKey::Ambiguous),
            (None, _) if !self.allowed.contains(&algorithm) => Err(NoKey::Algorithm),
            (None, _) if id.is_some() && self.keys.iter().any(|key| named(&key)) => Err(NoKey::Algorithm),
            (None, _) => Err(NoKey::Unknown),
        }
    }

    /// How many keys there are, each counted once for every algorithm it serves.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Never true for a set that was read.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl Key {
    /// The only algorithm that this key verifies.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature` over exactly these bytes was made with this key.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, self.algorithm, self.public.as_ref())
            == (&other.id, other.algorithm, other.public.as_ref())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?}, {:?})", self.algorithm, self.id)
    }
}

/// The algorithm that `alg` names (RFC 7518 section 3.1, RFC 8037, RFC 9864), in a key or a token; case matters.
/// `none` and the symmetric ones have no variant here.
pub(super) fn algorithm(name: &str) -> Option<Algorithm> {
    match name {
        "Ed25519" => Some(Algorithm::EdDSA),
        name => Algorithm::deserialize(StrDeserializer::<ValueError>::new(name)).ok(),
    }
}

fn list(causes: &[UnusableKey]) -> String {
    causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Adds what is not there yet.
fn add<T: PartialEq>(all: &mut Vec<T>, more: impl IntoIterator<Item = T>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}

/// The keys of a JWK: one for each allowed algorithm that it names or, if it names none, can be used with.
fn usable(jwk: &Map<String, Value>, allowed: &[Algorithm]) -> Result<Vec<Key>, UnusableKey> {
    if member(jwk, "d").is_some() {
        return Err(UnusableKey::Private);
    }
    if !for_signatures(jwk) {
        return Err(UnusableKey::Use);
    }
    let text = |id: &Value| id.as_str().filter(|id| id.len() <= MAX_KEY_ID).map(str::to_owned);
    let id = member(jwk, "kid").map(|id| text(id).ok_or(UnusableKey::KeyId)).transpose()?;
    let unknown = |name: &Value| UnusableKey::Algorithm(clean(&name.to_string(), MAX_SHOWN));
    let pinned = member(jwk, "alg").filter(|name| *name != "");
    let pinned = match pinned {
        None => None,
        Some(name) => match name.as_str().and_then(algorithm).filter(|named| allowed.contains(named)) {
            Some(known) => Some(known),
            None => return Err(unknown(name)),
        },
    };
    let material = Material::read(jwk)?;
    let algorithms = allowed.iter().filter(|algorithm| pinned.is_none_or(|pinned| pinned == **algorithm));
    let key = |&algorithm| Some(Key { id: id.clone(), algorithm, public: material.public(algorithm)? });
    let keys: Vec<Key> = algorithms.filter_map(key).collect();
    if keys.is_empty() { Err(kind(jwk)) } else { Ok(keys) }
}

/// A key of this kind is of no use.
fn kind(jwk: &Map<String, Value>) -> UnusableKey {
    let names: Vec<&str> = ["kty", "crv"].iter().filter_map(|name| jwk.get(*name)?.as_str()).collect();
    UnusableKey::Kind(clean(&names.join(" "), MAX_SHOWN))
}

/// RFC 7517 sections 4.2 and 4.3. Keycloak also publishes an encryption key.
fn for_signatures(jwk: &Map<String, Value>) -> bool {
    let verify =
        |ops: &Value| ops.as_array().is_some_and(|ops| ops.is_empty() || ops.iter().any(|op| op == "verify"));
    let sign = |purpose: &Value| purpose == "sig" || purpose == "";
    member(jwk, "use").is_none_or(sign) && member(jwk, "key_ops").is_none_or(verify)
}

/// A member that is present; `null` is not.
fn member<'a>(jwk: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    jwk.get(name).filter(|value| !value.is_null())
}

impl Material {
    fn read(jwk: &Map<String, Value>) -> Result<Self, UnusableKey> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        // RFC 7518 section 6.2.1.2: a coordinate has the full length of the curve.
        let point = |length: usize| {
            let (x, y) = (bytes("x")?, bytes("y")?);
            (x.len() == length && y.len() == length).then(|| [&[4][..], &x, &y].concat())
        };
        let found = match (text("kty"), text("crv")) {
            (Some("RSA"), _) => {
                let parts = bytes("n").zip(bytes("e")).ok_or(UnusableKey::Malformed)?;
                return Self::rsa(&parts.0, &parts.1).ok_or(UnusableKey::Weak);
            }
            (Some("EC"), Some("P-256")) => point(32).map(Self::P256),
            (Some("EC"), Some("P-384")) => point(48).map(Self::P384),
            (Some("OKP"), Some("Ed25519")) => bytes("x").filter(|x| x.len() == 32).map(Self::Ed25519),
            (Some(_), _) => return Err(kind(jwk)),
            (None, _) => None,
        };
        found.ok_or(UnusableKey::Malformed)
    }

    /// RFC 7518 section 3.3: at least 2048 bits. With an exponent of 1 every message would be its own signature.
    fn rsa(n: &[u8], e: &[u8]) -> Option<Self> {
        let trimmed = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect();
        let (n, e): (Vec<u8>, Vec<u8>) = (trimmed(n), trimmed(e));
        let bits = n.len() * 8 - n.first()?.leading_zeros() as usize;
        let odd = e.last()? % 2 == 1;
        ((2048..=8192).contains(&bits) && odd && e != [1] && !guessable(&n)).then_some(Self::Rsa { n, e })
    }

    /// The key prepared for one algorithm; `None` if it is of another kind, or not a point on its curve.
    fn public(&self, algorithm: Algorithm) -> Option<ParsedPublicKey> {
        match (self, algorithm) {
            (Self::Rsa { n, e }, _) => {
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(rsa(algorithm)?).ok()
            }
            (Self::P256(point), Algorithm::ES256) => {
                ParsedPublicKey::new(&aws::ECDSA_P256_SHA256_FIXED, point).ok()
            }
            (Self::P384(point), Algorithm::ES384) => {
                ParsedPublicKey::new(&aws::ECDSA_P384_SHA384_FIXED, point).ok()
            }
            (Self::Ed25519(x), Algorithm::EdDSA) => ParsedPublicKey::new(&aws::ED25519, x).ok(),
            _ => None,
        }
    }
}

/// Whether a modulus has the fingerprint of the smart cards whose keys can be factored (CVE-2017-15361): modulo each
/// of these primes it is a power of 65537. Of other moduli one in 200 million has it.
fn guessable(n: &[u8]) -> bool {
    const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];
    PRIMES.into_iter().all(|prime| {
        let rest = n.iter().fold(0, |rest, byte| (rest << 8 | u32::from(*byte)) % prime);
        let powers = std::iter::successors(Some(1), |power| Some(power * (65537 % prime) % prime));
        powers.take(prime as usize).any(|power| power == rest)
    })
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &aws::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &aws::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &aws::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &aws::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &aws::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &aws::RSA_PSS_2048_8192_SHA512,
        Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA => return None,
    })
}

#[cfg(test)]
mod tests;
