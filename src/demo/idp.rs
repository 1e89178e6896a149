//! A small OAuth identity provider for development: loopback only, a new random key on each run, everything in
//! memory. Each endpoint has its own file below; this one has what a caller configures, starts and inspects.

mod authorize;
mod client;
mod device;
mod discovery;
mod error_response;
mod request;
mod resource;
mod shared;
mod store;
#[cfg(test)]
mod tests;
mod token;

use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use super::keys::DemoSigningKey;
use super::server::{self, ServerThread};
pub use client::{GrantType, IdpClient};
pub use shared::{Expires, Options};
use shared::{IdpIssuer, IdpState};
pub use store::IdpEvent;

/// A running identity provider; it stops when this is dropped.
pub struct Idp {
    shared: Arc<IdpState>,
    _thread: ServerThread,
}

impl Idp {
    /// Serves it on a free port of 127.0.0.1, on its own thread.
    pub fn start(options: Options) -> io::Result<Self> {
        let (listener, base) = server::bind()?;
        let (key, ledger) = (DemoSigningKey::generate()?, Mutex::default());
        let shared = Arc::new(IdpState { options, base, key, ledger });
        let thread = ServerThread::start("idp", listener, router(shared.clone()))?;
        Ok(Self { shared, _thread: thread })
    }

    /// The issuer identifier: `http://127.0.0.1:PORT`, without a slash at its end.
    pub fn issuer(&self) -> &str {
        &self.shared.base
    }

    /// The issuer identifier of a realm, whose name has only letters, digits, `-` and `_`.
    pub fn realm_issuer(&self, realm: &str) -> String {
        self.shared.realm_issuer(realm)
    }

    /// Where codes, refresh tokens and client credentials are exchanged (RFC 6749 section 3.2).
    pub fn token_endpoint(&self) -> String {
        format!("{}/token", self.shared.base)
    }

    /// Where the browser is sent (RFC 6749 section 3.1).
    pub fn authorization_endpoint(&self) -> String {
        format!("{}/authorize", self.shared.base)
    }

    /// Where a device asks for its codes (RFC 8628 section 3.1).
    pub fn device_authorization_endpoint(&self) -> String {
        format!("{}/device_authorization", self.shared.base)
    }

    /// Everything that happened so far.
    pub fn seen(&self) -> Vec<IdpEvent> {
        self.shared.ledger().seen().to_vec()
    }
}

fn router(shared: Arc<IdpState>) -> Router {
    let authorize = || get(authorize::ask).post(authorize::answer);
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery::metadata))
        .route("/.well-known/oauth-authorization-server", get(discovery::metadata))
        .route("/.well-known/oauth-authorization-server/realms/{realm}", get(discovery::metadata))
        .route("/realms/{realm}/.well-known/openid-configuration", get(discovery::metadata))
        .route("/jwks", get(discovery::jwks))
        .route("/realms/{realm}/protocol/openid-connect/certs", get(discovery::jwks))
        .route("/authorize", authorize())
        .route("/realms/{realm}/protocol/openid-connect/auth", authorize())
        .route("/token", post(token::form))
        .route("/oauth2/token", post(token::form))
        .route("/oauth/token", post(token::form_or_json))
        .route("/realms/{realm}/protocol/openid-connect/token", post(token::form))
        .route("/device_authorization", post(device::authorize))
        .route("/realms/{realm}/protocol/openid-connect/auth/device", post(device::authorize))
        .route("/device", get(device::page).post(device::answer))
        .route("/revoke", post(resource::revoke))
        .route("/realms/{realm}/protocol/openid-connect/revoke", post(resource::revoke))
        .route("/sites", get(resource::sites))
        .layer(DefaultBodyLimit::max(64 * 1024))
        .with_state(shared)
}
