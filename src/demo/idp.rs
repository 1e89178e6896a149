//! A small OAuth identity provider for development: loopback only, a new random key each run, everything in memory.
//! Each endpoint has its own file below; this one holds what a caller configures, starts and looks at.

mod authorize;
mod client;
mod device;
mod discovery;
mod ledger;
mod refusal;
mod resource;
#[cfg(test)]
mod tests;
mod token;

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::{get, post};
use tokio::sync::watch;

use super::keys::SigningKey;
pub use client::{Client, Grant};
use ledger::Ledger;

/// How one run behaves.
pub struct Options {
    /// The clients that exist (RFC 6749 section 2); there is no dynamic registration.
    pub clients: Vec<Client>,
    /// Skip the consent page: every valid authorization request is allowed at once.
    pub auto_approve: bool,
    /// How long access tokens live.
    pub access_token_lifetime: Duration,
    /// How `expires_in` is written (RFC 6749 section 5.1).
    pub expires_in: Expires,
    /// Issue refresh tokens even where `offline_access` was not asked for.
    pub always_refresh: bool,
    /// The `aud` of tokens where the client asks for none.
    pub audience: Option<String>,
    /// Who logs in, unless the consent page is told another name.
    pub user: String,
    /// The least time between two polls of the device grant (RFC 8628 section 3.2).
    pub device_interval: Duration,
    /// How long device codes live.
    pub device_code_lifetime: Duration,
    /// Seconds since 1970, so that a test can let time pass.
    pub clock: fn() -> u64,
}

/// The forms in which real servers send `expires_in`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expires {
    /// `"expires_in": 300`, as the RFC has it.
    Number,
    /// `"expires_in": "300"`.
    Text,
    /// Not at all.
    Omitted,
}

/// What happened, in order. Holds refresh tokens of this run on purpose: it is for assertions, not for logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// An authorization code was issued.
    Authorized {
        /// To whom.
        client_id: String,
    },
    /// The person said no.
    Denied {
        /// To whom.
        client_id: String,
    },
    /// A device got its codes.
    Device {
        /// Which client.
        client_id: String,
    },
    /// The token endpoint was asked.
    Token {
        /// The `grant_type` as sent; empty if there was none.
        grant: String,
        /// The client it claimed to be; empty if that could not be read.
        client_id: String,
        /// The refresh token it presented.
        refresh_token: Option<String>,
        /// Whether it got a token.
        ok: bool,
        /// `client_secret_basic`, `client_secret_post` or `none` (RFC 7591 section 2); empty if unreadable.
        auth: &'static str,
    },
    /// A token was revoked (RFC 7009).
    Revoked {
        /// By whom.
        client_id: String,
        /// Which.
        token: String,
    },
}

/// A running identity provider; it stops when this is dropped.
pub struct Idp {
    shared: Arc<Shared>,
    stop: watch::Sender<()>,
}

/// An [`Idp`] with a thread and a runtime of its own, for callers that are not asynchronous.
pub struct IdpThread {
    idp: Idp,
    thread: Option<JoinHandle<()>>,
}

/// What all endpoints share.
struct Shared {
    options: Options,
    base: String,
    key: SigningKey,
    ledger: Mutex<Ledger>,
}

/// The issuer whose endpoint was addressed: the server itself or one of its realms.
struct Issuer(String);

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
            device_interval: Duration::from_secs(5),
            device_code_lifetime: Duration::from_secs(600),
            clock: system_clock,
        }
    }
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
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.ledger().seen().to_vec()
    }

    fn bind(options: Options) -> io::Result<(Self, TcpListener)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let shared = Shared {
            options,
            base: format!("http://{}", listener.local_addr()?),
            key: SigningKey::generate()?,
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

impl Shared {
    fn now(&self) -> u64 {
        (self.options.clock)()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client(&self, id: &str) -> Option<&Client> {
        self.options.clients.iter().find(|client| client.id == id)
    }

    fn realm_issuer(&self, realm: &str) -> String {
        format!("{}/realms/{realm}", self.base)
    }
}

impl FromRequestParts<Arc<Shared>> for Issuer {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, StatusCode> {
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

fn router(shared: Arc<Shared>) -> Router {
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
async fn serve(listener: tokio::net::TcpListener, shared: Arc<Shared>, stop: watch::Receiver<()>) {
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

#[expect(clippy::disallowed_methods, reason = "the demo's clock is an option; this is its default")]
fn system_clock() -> u64 {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
