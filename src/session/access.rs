//! What a session needs of whoever uses it: a server's address and headers, and an ear for what belongs to no request. It
//! leaves where they come from to those who give them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use reqwest::header::HeaderMap;
use url::Url;

use crate::tokens::{Bearers, TokenSource};

/// A server's address and the headers it wants, at one moment.
#[derive(Clone, Debug)]
pub struct Given {
    /// The server's address.
    pub url: Url,
    /// What it wants to see; values are marked sensitive.
    pub headers: HeaderMap,
    /// Where those headers may go besides: to addresses below this one that the server announces.
    pub within: Url,
    /// The tokens in those headers.
    pub bearers: Bearers,
}

/// Why there are no headers, and what to type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAccess {
    /// The cause; no secret in it.
    pub message: String,
    /// The remedy.
    pub hint: String,
}

/// Something under way.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who hands out a server's headers: a [`TokenSource`] of any kind. Asked for every request; requests that ask at once share
/// one renewal.
pub trait Access: Send + Sync + 'static {
    /// Headers whose tokens are good for a while.
    fn fresh(&self) -> Pending<'_, Result<Arc<Given>, NoAccess>>;
    /// Other headers than these, which the server would not take; `None` if there are no others for now.
    fn renewed<'a>(&'a self, refused: &'a Given) -> Pending<'a, Result<Option<Arc<Given>>, NoAccess>>;
    /// Whether other headers may be taken where these were answered with a 401 that has such headers.
    fn may_renew(&self, _: &HeaderMap) -> bool {
        true
    }
    /// What to type after an answer with this status and these headers that is no success.
    fn advice(&self, status: u16, headers: &HeaderMap) -> String;
}

impl TokenSource for dyn Access + '_ {
    type Token = Given;
    type No = NoAccess;

    async fn current(&self) -> Result<Arc<Given>, NoAccess> {
        self.fresh().await
    }

    async fn replace(&self, refused: &Given) -> Result<Option<Arc<Given>>, NoAccess> {
        self.renewed(refused).await
    }
}

/// Who hears what belongs to no request.
pub trait Hears: Send + Sync + 'static {
    /// Takes a message; `false` if nobody listens any more.
    fn hear(&self, text: String) -> Pending<'_, bool>;
    /// Takes a remark on what has been mended.
    fn note(&self, _text: &str) {}
}
