//! Binds a legacy session to its caller without a store (MCP 2025-11-25, "Security Best Practices", session
//! hijacking): the client gets the server's own identifier, encrypted and bound to the caller and the server. Not
//! here: which headers and addresses carry one (see `forward` and `watch`); people's sessions (see `face`).

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::policy::Principal;
use crate::problem::Problem;
use crate::sys::private_file;

/// The key that seals sessions. Gateways behind one address share it. A request costs one short decryption.
pub(super) struct SessionKey {
    key: SealingKey,
    /// The one for the cookies of people's pages.
    pub(super) face: SealingKey,
    /// The longest sealed text that is issued, and so the longest that is accepted.
    pub(super) longest: usize,
}

/// A key for one purpose, derived once from the operator's (RFC 5869).
///
/// AES-GCM-SIV (RFC 8452): if two gateways ever draw the same nonce, that reveals whether two texts are equal, and
/// nothing else.
pub(super) struct SealingKey(LessSafeKey);

/// What is sealed: the two are never interchangeable.
#[derive(Clone, Copy)]
pub(super) enum SealPurpose {
    /// `Mcp-Session-Id`.
    Session,
    /// The address that an HTTP+SSE server announces for messages (2024-11-05).
    Endpoint,
}

/// The default maximum length.
const LONGEST: usize = 16 << 10;
/// The purposes in the key derivation.
const IDENTIFIERS: &[&[u8]] = &[b"mcpauth session identifiers, AES-256-GCM-SIV"];
const COOKIES: &[&[u8]] = &[b"face-session-v1"];

/// The length of the derived key, for HKDF.
struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        AES_256_GCM_SIV.key_len()
    }
}

/// How many different bytes a key has; random characters, even of hexadecimal digits, have more.
const LEAST_DIFFERENT: usize = 8;
/// The minimum size of an operator's key, in bytes.
const MIN_KEY_BYTES: usize = 32;

impl SessionKey {
    /// From the operator's key file: at least 32 bytes, random ones or characters. Line ends after text, and a byte
    /// order mark before it, do not count. For people's sessions it must not be one that stands in example files.
    ///
    /// # Errors
    /// What is wrong with the file, and how to create one.
    pub(super) fn read(path: &Path, is_for_people: bool) -> Result<Self, Problem> {
        let shown = path.display();
        let problem = |what: String| {
            let remedy = format!("make one: (umask 077; head -c {MIN_KEY_BYTES} /dev/urandom > {shown})");
            Problem::error("session_key", what, remedy)
        };
        let bytes = private_file::read_given(path)
            .map_err(|error| Problem::error("session_key", error.to_string(), error.hint()))?;
        let bytes = bytes.ok_or_else(|| problem(format!("{shown}: No such file or directory")))?;
        let bytes = zeroize::Zeroizing::new(bytes);
        let key = match str::from_utf8(&bytes) {
            Ok(text) => text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']).as_bytes(),
            Err(_) => &bytes,
        };
        if key.len() < MIN_KEY_BYTES {
            let size = key.len();
            let what = format!(
                "{shown} has {size} bytes (line ends do not count); a key has at least {MIN_KEY_BYTES}"
            );
            return Err(problem(what));
        }
        if is_for_people && is_placeholder(key) {
            return Err(problem(format!("{shown} is a placeholder, which anybody can guess")));
        }
        Self::new(key).ok_or_else(|| problem("there is no cipher for sessions".into()))
    }

    /// From the bytes of the operator's key file; `None` only if the library lacks the cipher.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let secret = Salt::new(HKDF_SHA256, &[]).extract(bytes);
        let (key, face) = (SealingKey::derive(&secret, IDENTIFIERS)?, SealingKey::derive(&secret, COOKIES)?);
        Some(Self { key, face, longest: LONGEST })
    }

    /// The same for requests whose headers have at most this many bytes: half of it is for a session, the rest for
    /// tokens.
    pub(super) fn within(self, head: usize) -> Self {
        Self { longest: self.longest.min(head / 2), ..self }
    }

    /// A new random key: sessions then end with the process.
    pub(super) fn random() -> Option<Self> {
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        SystemRandom::new().fill(bytes.as_mut()).ok()?;
        Self::new(bytes.as_ref())
    }

    /// What the client gets instead of `id`, different each time: a nonce and the sealed identifier. `None` if that
    /// would be too long to be accepted again.
    pub(super) fn seal(
        &self,
        what: SealPurpose,
        id: &str,
        caller: &Principal,
        server: &str,
    ) -> Option<String> {
        let text = self.key.seal(&bound(what, caller, server), id.as_bytes())?;
        (text.len() <= self.longest).then_some(text)
    }

    /// The server's own identifier, if `text` was issued to this caller for this server.
    pub(super) fn unseal(
        &self,
        what: SealPurpose,
        text: &str,
        caller: &Principal,
        server: &str,
    ) -> Option<String> {
        let text = Some(text).filter(|text| text.len() <= self.longest)?;
        String::from_utf8(self.key.unseal(&bound(what, caller, server), text)?).ok()
    }
}

impl SealingKey {
    fn derive(secret: &Prk, purpose: &[&[u8]]) -> Option<Self> {
        let mut key = zeroize::Zeroizing::new([0; 32]);
        secret.expand(purpose, Length).and_then(|derived| derived.fill(key.as_mut())).ok()?;
        Some(Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, key.as_ref()).ok()?)))
    }

    /// A nonce and the sealed text, different each time, as base64url and a dot; it opens only with the same `bound`.
    pub(super) fn seal(&self, bound: &[u8], text: &[u8]) -> Option<String> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut sealed = text.to_vec();
        let mut text = URL_SAFE_NO_PAD.encode(nonce);
        text.push('.');
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_append_tag(nonce, Aad::from(bound), &mut sealed).ok()?;
        URL_SAFE_NO_PAD.encode_string(sealed, &mut text);
        Some(text)
    }

    /// What was sealed, if this key did it with the same `bound`.
    pub(super) fn unseal(&self, bound: &[u8], text: &str) -> Option<Vec<u8>> {
        let (nonce, sealed) = text.split_once('.')?;
        let nonce = Nonce::try_assume_unique_for_key(&URL_SAFE_NO_PAD.decode(nonce).ok()?).ok()?;
        let mut sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        Some(self.0.open_in_place(nonce, Aad::from(bound), &mut sealed).ok()?.to_vec())
    }
}

/// Whether a key was typed by a person: it contains a word that is very unlikely in random characters, or few different
/// bytes.
fn is_placeholder(key: &[u8]) -> bool {
    const WORDS: [&[u8]; 14] = [
        b"secret",
        b"change",
        b"example",
        b"placeholder",
        b"password",
        b"your-",
        b"your_",
        b"replace",
        b"default",
        b"dummy",
        b"insert",
        b"sample",
        b"1234567",
        b"abcdefg",
    ];
    let has = |word: &&[u8]| key.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    let different: std::collections::BTreeSet<&u8> = key.iter().collect();
    WORDS.iter().any(has) || different.len() < LEAST_DIFFERENT
}

/// The owner: every part preceded by its length, so that no two callers are equal.
fn bound(what: SealPurpose, caller: &Principal, server: &str) -> Vec<u8> {
    let kind = match what {
        SealPurpose::Session => "session",
        SealPurpose::Endpoint => "endpoint",
    };
    let parts = [kind, &caller.issuer, &caller.subject, server];
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}
