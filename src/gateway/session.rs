//! Binds a legacy session to its caller without a store (MCP 2025-11-25, "Security Best Practices", session hijacking): what
//! the client holds is the server's own identifier, encrypted, and bound to whose it is and at which server.
//! It leaves to `forward` and `watch` which headers and addresses carry one.

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::policy::Principal;
use crate::problem::Problem;
use crate::sys::private_file;

/// The key that seals sessions. Gateways behind one address share it.
///
/// AES-GCM-SIV (RFC 8452): should two gateways ever draw one nonce, that shows whether two identifiers are the same, and
/// nothing else. The key is derived once (RFC 5869); a request costs one short decryption.
pub(super) struct SessionKey {
    key: LessSafeKey,
    /// The longest that is given out, and so the longest that is accepted.
    pub(super) longest: usize,
}

/// What is bound: the two never pass for each other.
#[derive(Clone, Copy)]
pub(super) enum SealPurpose {
    /// `Mcp-Session-Id`.
    Session,
    /// The address that an HTTP+SSE server announces for messages (2024-11-05).
    Endpoint,
}

/// The longest that is given out if nothing else is said.
const LONGEST: usize = 16 << 10;
/// What the operator's key is stretched for.
const PURPOSE: &[&[u8]] = &[b"mcpauth session identifiers, AES-256-GCM-SIV"];

/// The length of the derived key, for HKDF.
struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        AES_256_GCM_SIV.key_len()
    }
}

/// The fewest bytes of an operator's key.
const LEAST: usize = 32;

impl SessionKey {
    /// From the operator's key file: at least 32 bytes, random ones or characters. The line ends after text and a byte order
    /// mark before it do not count.
    ///
    /// # Errors
    /// What is wrong with the file, and how to make one.
    pub(super) fn read(path: &Path) -> Result<Self, Problem> {
        let shown = path.display();
        let problem = |what: String| {
            let remedy = format!("make one: (umask 077; head -c {LEAST} /dev/urandom > {shown})");
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
        if key.len() < LEAST {
            let size = key.len();
            let what =
                format!("{shown} has {size} bytes (line ends do not count); a key has at least {LEAST}");
            return Err(problem(what));
        }
        Self::new(key).ok_or_else(|| problem("there is no cipher for sessions".into()))
    }

    /// From the bytes of the operator's key file; `None` only if the cryptography has no such cipher.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let mut key = zeroize::Zeroizing::new([0; 32]);
        let secret = Salt::new(HKDF_SHA256, &[]).extract(bytes);
        secret.expand(PURPOSE, Length).and_then(|derived| derived.fill(key.as_mut())).ok()?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, key.as_ref()).ok()?);
        Some(Self { key, longest: LONGEST })
    }

    /// The same for requests whose head has at most so many bytes: half of it is for a session, the rest for tokens.
    pub(super) fn within(self, head: usize) -> Self {
        Self { longest: self.longest.min(head / 2), ..self }
    }

    /// A new key: sessions then end with the process.
    pub(super) fn random() -> Option<Self> {
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        SystemRandom::new().fill(bytes.as_mut()).ok()?;
        Self::new(bytes.as_ref())
    }

    /// What the client is given instead of `id`, another one each time: a nonce and the sealed identifier. `None` if that
    /// would be too long to be accepted again.
    pub(super) fn seal(
        &self,
        what: SealPurpose,
        id: &str,
        caller: &Principal,
        server: &str,
    ) -> Option<String> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut sealed = id.as_bytes().to_vec();
        let bound = Aad::from(bound(what, caller, server));
        let mut text = URL_SAFE_NO_PAD.encode(nonce);
        text.push('.');
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(nonce, bound, &mut sealed).ok()?;
        URL_SAFE_NO_PAD.encode_string(sealed, &mut text);
        (text.len() <= self.longest).then_some(text)
    }

    /// The server's own identifier, if `text` was given to this caller for this server.
    pub(super) fn unseal(
        &self,
        what: SealPurpose,
        text: &str,
        caller: &Principal,
        server: &str,
    ) -> Option<String> {
        let (nonce, sealed) = text.split_once('.').filter(|_| text.len() <= self.longest)?;
        let nonce = Nonce::try_assume_unique_for_key(&URL_SAFE_NO_PAD.decode(nonce).ok()?).ok()?;
        let mut sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let bound = Aad::from(bound(what, caller, server));
        let id = self.key.open_in_place(nonce, bound, &mut sealed).ok()?;
        String::from_utf8(id.to_vec()).ok()
    }
}

/// Whose it is: every part with its length before it, so that no two callers share one.
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
