//! An MCP server for local clients that is another one far away: what a client says goes there with fresh credentials, and
//! what comes back is the client's. Over stdio ([`stdio`]) for one server, over loopback HTTP ([`listen`]) for all of them.
//! It leaves where the credentials come from to [`Access`], and the wire to `mcp`.
//!
//! ```text
//! stdio       lines in -> one Message each -> upstream.post -> events out -> lines
//! upstream    headers of the moment, session and version; 401: once more with other credentials;
//!             404 of a session: the client's own initialize again, then once more
//! legacy_sse  the same over HTTP+SSE (2024-11-05), for servers that speak nothing else
//! listen      HTTP in -> secret, Host and Origin -> the same request with other headers -> the answer as it comes
//! ```

pub mod listen;
pub mod message;
pub mod stdio;
pub mod upstream;

mod ask;
mod legacy_sse;
mod pipes;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use reqwest::header::HeaderMap;
use url::Url;

use crate::sys::place;
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

impl Given {
    /// Whether the headers may go to an address that the server announced.
    fn allows(&self, url: &Url) -> bool {
        place::below(&self.within, url).is_some()
    }
}

/// Why there are no headers, and what to type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAccess {
    /// The cause; no secret in it.
    pub message: String,
    /// The remedy.
    pub hint: String,
}

/// Headers under way.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, NoAccess>> + Send + 'a>>;

/// Who hands out a server's headers: a [`TokenSource`] of any kind. Asked for every request; requests that ask at once share
/// one renewal.
pub trait Access: Send + Sync + 'static {
    /// Headers whose tokens are good for a while.
    fn fresh(&self) -> Pending<'_, Arc<Given>>;
    /// Other headers than these, which the server would not take; `None` if there are no others for now.
    fn renewed<'a>(&'a self, refused: &'a Given) -> Pending<'a, Option<Arc<Given>>>;
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
