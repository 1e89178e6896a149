//! What a session needs from its user: a server's address and headers, and a receiver for messages outside any
//! request.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::sync::oneshot;
use url::Url;

use crate::tokens::{Bearers, TokenSource};

/// A server's address and the headers it wants, at one moment.
#[derive(Clone, Debug)]
pub struct UpstreamAuth {
    /// The server's address.
    pub url: Url,
    /// Its headers; values are marked sensitive.
    pub headers: HeaderMap,
    /// Where else those headers may be sent: to addresses below this one that the server announces.
    pub within: Url,
    /// The tokens in those headers.
    pub bearers: Bearers,
}

/// Why there are no headers, and the advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialUnavailable {
    /// The cause, without secrets.
    pub message: String,
    /// The advice.
    pub hint: String,
    /// Whether a login by a person would bring them.
    pub needs_person: bool,
}

/// A future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A login that a person can do in a browser, for one server.
pub trait PersonLogin: Send + Sync + 'static {
    /// The server's name and address, as the person is told them.
    fn server(&self) -> (String, String);
    /// How long the person has to begin it.
    fn within(&self) -> Duration;
    /// Logs in: sends the address of the issuer's page to `page`, then waits for the person. Afterwards the source of the
    /// credentials has them. An error says what failed and what to do, without secrets.
    fn log_in(self: Arc<Self>, page: oneshot::Sender<Url>) -> BoxFuture<'static, Result<(), String>>;
}

/// Supplies a server's headers: a [`TokenSource`] of any kind. Asked for every request; concurrent requests share one
/// renewal.
pub trait CredentialSource: Send + Sync + 'static {
    /// Headers whose tokens are valid for a while.
    fn fresh(&self) -> BoxFuture<'_, Result<Arc<UpstreamAuth>, CredentialUnavailable>>;
    /// Other headers than these, which the server rejected; `None` if there are no others for now.
    fn renew_refused<'a>(
        &'a self,
        refused: &'a UpstreamAuth,
    ) -> BoxFuture<'a, Result<Option<Arc<UpstreamAuth>>, CredentialUnavailable>>;
    /// Whether other headers may be taken where these were answered with a 401 that has such headers.
    fn may_renew(&self, _: &HeaderMap) -> bool {
        true
    }
    /// The advice after an error answer with this status and these headers.
    fn advice(&self, status: u16, headers: &HeaderMap) -> String;
    /// The login that brings credentials where there are none, or where the server refused them; `None` if none would.
    fn login(&self, _is_refused: bool) -> Option<Arc<dyn PersonLogin>> {
        None
    }
}

impl TokenSource for dyn CredentialSource + '_ {
    type Token = UpstreamAuth;
    type No = CredentialUnavailable;

    async fn current(&self) -> Result<Arc<UpstreamAuth>, CredentialUnavailable> {
        self.fresh().await
    }

    async fn replace(
        &self,
        refused: &UpstreamAuth,
    ) -> Result<Option<Arc<UpstreamAuth>>, CredentialUnavailable> {
        self.renew_refused(refused).await
    }
}

/// Receives what belongs to no request.
pub trait NotificationSink: Send + Sync + 'static {
    /// Takes a message; `false` if nobody listens any longer.
    fn hear(&self, text: String) -> BoxFuture<'_, bool>;
    /// Takes a remark about what was recovered.
    fn note(&self, _text: &str) {}
}
