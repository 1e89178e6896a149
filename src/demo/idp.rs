//! A small OAuth identity provider for development: loopback only, a new random key each run, everything in memory.
//! Each endpoint has its own file below; this one holds what a caller configures, starts and looks at.

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
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tokio::sync::watch;

use super::keys::DemoSigningKey;
pub use client::{GrantType, IdpClient};
pub use shared::{Expires, Options};
use shared::{IdpIssuer, IdpState};
pub use store::IdpEvent;

/// A running identity provider; it stops when this is dropped.
pub struct Idp {
    shared: Arc<IdpState>,
    stop: watch::Sender<()>,
}

/// An [`Idp`] with a thread and a runtime of its own, for callers that are not asynchronous.
pub struct IdpThread {
    idp: Idp,
    thread: Option<JoinHandle<()>>,
}

impl Idp {
    /// Binds a free port of 127.0.0.1 and serves it on the current tokio runtime.
    pub async fn start(options: Options) -> io::Result<Self> {
        let (idp, listener) = Self::bind(options)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::spawn(serve(listener, idp.shared.clone(), idp.stop.subscribe()));
        Ok(idp)
    }

    /// The same on a thread of its own.
    pub fn in_thread(options: Options) -> io::Result<IdpThread> {
        let (idp, listener) = Self::bind(options)?;
        let (shared, stop) = (idp.shared.clone(), idp.stop.subscribe());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let run = move || runtime.block_on(serve(listener, shared, stop));
        let thread = std::thread::Builder::new().name("demo-idp".to_owned()).spawn(run)?;
        Ok(IdpThread { idp, thread: Some(thread) })
    }

    /// The issuer identifier: `http://127.0.0.1:PORT`, without a slash at its end.
    pub fn issuer(&self) -> &str {
        &self.shared.base
    }

    /// The issuer identifier of a realm, any name of letters, digits, `-` and `_`.
    pub fn realm_issuer(&self, realm: &str) -> String {
        self.shared.realm_issuer(realm)
    }

    /// Where codes, refresh tokens and client credentials are exchanged (RFC 6749 section 3.2).
    pub fn token_endpoint(&self) -> String {
        format!("{}/token", self.shared.base)
    }

    /// Where the browser goes (RFC 6749 section 3.1).
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

    fn bind(options: Options) -> io::Result<(Self, TcpListener)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let shared = IdpState {
            options,
            base: format!("http://{}", listener.local_addr()?),
            key: DemoSigningKey::generate()?,
            ledger: Mutex::default(),
        };
        Ok((Self { shared: Arc::new(shared), stop: watch::Sender::new(()) }, listener))
    }
}

impl Drop for Idp {
    fn drop(&mut self) {
        self.stop.send_replace(());
    }
}

impl Deref for IdpThread {
    type Target = Idp;

    fn deref(&self) -> &Idp {
        &self.idp
    }
}

impl Drop for IdpThread {
    fn drop(&mut self) {
        self.idp.stop.send_replace(());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been reported by the panic hook; a second one while dropping would abort.
            let _ = thread.join();
        }
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

/// Serves until `stop` changes; a connection that is still busy a moment later is cut.
async fn serve(listener: tokio::net::TcpListener, shared: Arc<IdpState>, stop: watch::Receiver<()>) {
    let graceful = axum::serve(listener, router(shared)).with_graceful_shutdown(changed(stop.clone()));
    let deadline = async {
        changed(stop).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    tokio::select! {
        _ = graceful => {}
        () = deadline => {}
    }
}

/// Also returns when the sender is gone, which means the same.
async fn changed(mut stop: watch::Receiver<()>) {
    let _ = stop.changed().await;
}
