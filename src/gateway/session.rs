//! Binds a legacy session to its caller without a store (MCP 2025-11-25, "Security Best Practices", session hijacking): what
//! the client holds is the server's own identifier beside a keyed hash of it and of whose it is.
//! It leaves to `forward` which headers and addresses carry one.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::authn::Caller;

/// The key that binds sessions. Gateways behind one address share it.
pub(super) struct SessionKey(hmac::Key);

/// What is bound: the two never pass for each other.
#[derive(Clone, Copy)]
pub(super) enum Bound {
    /// `Mcp-Session-Id`.
    Session,
    /// The address that an HTTP+SSE server announces for messages (2024-11-05).
    Endpoint,
}

/// Longer ones are nobody's: they would only cost time.
const LONGEST: usize = 4096;

impl SessionKey {
    /// From the bytes of the operator's key file.
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// A new key: sessions then end with the process.
    pub(super) fn random() -> Option<Self> {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).ok()?;
        Some(Self::new(&bytes))
    }

    /// What the client is given instead of `id`.
    pub(super) fn wrap(&self, what: Bound, id: &str, caller: &Caller, server: &str) -> String {
        let mut text = URL_SAFE_NO_PAD.encode(id);
        let tag = hmac::sign(&self.0, &message(what, id, caller, server));
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(tag.as_ref(), &mut text);
        text
    }

    /// The server's own identifier, if `text` was given to this caller for this server.
    pub(super) fn open(&self, what: Bound, text: &str, caller: &Caller, server: &str) -> Option<String> {
        let (id, tag) = text.split_once('.').filter(|_| text.len() <= LONGEST)?;
        let id = String::from_utf8(URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.0, &message(what, &id, caller, server), &tag).ok()?;
        Some(id)
    }
}

/// Every part with its length before it, so that no two callers share a message.
fn message(what: Bound, id: &str, caller: &Caller, server: &str) -> Vec<u8> {
    let principal = &caller.principal;
    let kind = match what {
        Bound::Session => "session",
        Bound::Endpoint => "endpoint",
    };
    let parts = [kind, &principal.issuer, &principal.subject, server, id];
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}
