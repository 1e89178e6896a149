//! The options of a run, its log, and what all endpoints share. Not here: the endpoints (see their files).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::client::IdpClient;
use super::error_response::ErrorResponse;
use super::store::{Approval, IdpStore};
use crate::demo::keys::DemoSigningKey;

/// The options of a run.
pub struct Options {
    /// The clients that exist (RFC 6749 section 2); there is no dynamic registration.
    pub clients: Vec<IdpClient>,
    /// Skip the consent page: every valid authorization request is allowed at once.
    pub auto_approve: bool,
    /// The lifetime of access tokens.
    pub access_token_lifetime: Duration,
    /// How `expires_in` is written (RFC 6749 section 5.1).
    pub expires_in: Expires,
    /// Issue refresh tokens even if `offline_access` was not requested.
    pub always_refresh: bool,
    /// The `aud` of tokens if the client requests none.
    pub audience: Option<String>,
    /// The user who logs in, unless the consent page names another.
    pub user: String,
    /// The groups that ID tokens say the user is in.
    pub groups: Vec<String>,
    /// The least time between two polls of the device grant (RFC 8628 section 3.2).
    pub device_interval: Duration,
    /// The lifetime of device codes.
    pub device_code_lifetime: Duration,
    /// Seconds since 1970; a test can advance them.
    pub clock: fn() -> u64,
}

/// The forms in which real servers send `expires_in`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expires {
    /// `"expires_in": 300`, as the RFC has it.
    Number,
    /// `"expires_in": "300"`.
    Text,
    /// Omitted.
    Omitted,
}

/// What all endpoints share.
pub(super) struct IdpState {
    pub(super) options: Options,
    pub(super) base: String,
    pub(super) key: DemoSigningKey,
    pub(super) ledger: Mutex<IdpStore>,
}

/// The issuer whose endpoint was addressed: the server itself or one of its realms.
pub(super) struct IdpIssuer(pub(super) String);

impl Default for Options {
    fn default() -> Self {
        Self {
            clients: Vec::new(),
            auto_approve: false,
            access_token_lifetime: Duration::from_secs(300),
            expires_in: Expires::Number,
            always_refresh: false,
            audience: None,
            user: "demo-user".to_owned(),
            groups: Vec::new(),
            device_interval: Duration::from_secs(5),
            device_code_lifetime: Duration::from_secs(600),
            clock: system_clock,
        }
    }
}

impl IdpState {
    pub(super) fn now(&self) -> u64 {
        (self.options.clock)()
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, IdpStore> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn client(&self, id: &str) -> Option<&IdpClient> {
        self.options.clients.iter().find(|client| client.id == id)
    }

    /// What a client is allowed for its own user, if it may have the scopes.
    pub(super) fn approval(
        &self,
        issuer: &str,
        client: &IdpClient,
        scope: Option<&str>,
        audience: Option<&str>,
    ) -> Result<Approval, ErrorResponse> {
        Ok(Approval {
            issuer: issuer.to_owned(),
            client_id: client.id.clone(),
            subject: self.options.user.clone(),
            scope: client.scope(scope)?,
            audience: audience.or(self.options.audience.as_deref()).map(str::to_owned),
            nonce: None,
        })
    }

    pub(super) fn realm_issuer(&self, realm: &str) -> String {
        format!("{}/realms/{realm}", self.base)
    }
}

impl FromRequestParts<Arc<IdpState>> for IdpIssuer {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<IdpState>) -> Result<Self, StatusCode> {
        let params =
            RawPathParams::from_request_parts(parts, shared).await.map_err(|_| StatusCode::NOT_FOUND)?;
        match params.iter().find(|(name, _)| *name == "realm") {
            None => Ok(Self(shared.base.clone())),
            Some((_, realm)) if is_realm(realm) => Ok(Self(shared.realm_issuer(realm))),
            Some(_) => Err(StatusCode::NOT_FOUND),
        }
    }
}

/// A realm's name becomes part of an issuer identifier, so it is kept to what needs no escaping.
fn is_realm(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[expect(clippy::disallowed_methods, reason = "the demo's clock is an option; this is its default")]
fn system_clock() -> u64 {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
