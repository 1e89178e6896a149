//! Outside credentials that the gateway holds itself: as a request carries them, and asked for on a thread of their own.
//! It leaves keeping and getting them to a [`Keeper`], and which server has one to whoever runs the gateway.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tracing::warn;

use super::refusal::Refusal;
use crate::oauth::{Freshness, TokenSet};
use crate::secret::Secret;
use crate::sys::clock;
use crate::tokens::{AGAIN, Got, SingleFlight, Supply, TokenSource};

/// Keeps one server's credential, and gets it anew.
pub trait Keeper: Send + Sync + 'static {
    /// A token that is good for a while: any, or another one than `refused`.
    fn get<'a>(&'a self, refused: Option<&'a Secret>) -> Getting<'a>;
}

/// A credential under way; of a failure, what is said of it.
pub type Getting<'a> = Pin<Box<dyn Future<Output = Result<Kept, String>> + Send + 'a>>;

/// A credential as its [`Keeper`] has it.
pub struct Kept {
    /// What the server takes.
    pub token: TokenSet,
    /// The header that names the site it is for, where the service has sites, and its value.
    pub site: Option<(String, String)>,
    /// It comes straight from the authorization server, not from the store.
    pub is_new: bool,
}

/// One server's credential.
pub struct Stored {
    keeper: Box<dyn Keeper>,
    ready: SingleFlight<Ready, NoEgress>,
}

/// A credential as a request carries it.
pub(super) struct Ready {
    authorization: HeaderValue,
    /// The site it is for, where the service has sites.
    site: Option<(HeaderName, HeaderValue)>,
    token: TokenSet,
}

/// There is no credential to be had.
#[derive(Clone)]
pub(super) struct NoEgress;

/// A server's credential for one request, with the thread that getting it takes.
pub(super) struct Asking<'a> {
    pub(super) stored: &'a Arc<Stored>,
    /// Where it is got: files and locks are not for a core that serves requests.
    pub(super) vault: &'a Handle,
    /// The identifier of the request, for the log.
    pub(super) request: &'a str,
}

/// How long requests wait for a credential: longer than the network may take, not as long as a file system may hang.
const LONGEST: Duration = Duration::from_secs(90);

impl Stored {
    /// The credential that `keeper` has.
    pub fn new(keeper: Box<dyn Keeper>) -> Self {
        Self { keeper, ready: SingleFlight::default() }
    }
}

impl TokenSource for Asking<'_> {
    type Token = Ready;
    type No = NoEgress;

    async fn current(&self) -> Result<Arc<Ready>, NoEgress> {
        self.stored.ready.current(self).await
    }

    async fn replace(&self, refused: &Ready) -> Result<Option<Arc<Ready>>, NoEgress> {
        self.stored.ready.replace(self, refused).await
    }
}

impl Supply for Asking<'_> {
    type Token = Ready;
    type No = NoEgress;

    /// An authorization server that said no is not asked for each request either.
    const PAUSE: Duration = AGAIN;

    /// Not to be replaced yet; one that could not be replaced just now serves a little longer.
    fn is_good(&self, ready: &Ready, age: Duration) -> bool {
        match ready.token.freshness(clock::now()) {
            Freshness::Fresh => true,
            Freshness::Due => age < AGAIN,
            Freshness::Expired => false,
        }
    }

    fn is_same(&self, a: &Ready, b: &Ready) -> bool {
        a.token.access_token == b.token.access_token
    }

    async fn get(&self, refused: Option<&Ready>) -> Result<Got<Ready>, NoEgress> {
        let (stored, refused) = (self.stored.clone(), refused.map(|ready| ready.token.access_token.clone()));
        let asked = self.vault.spawn(async move { stored.keeper.get(refused.as_ref()).await });
        match timeout(LONGEST, asked).await {
            Ok(Ok(Ok(Kept { token, site, is_new }))) => {
                Ok(Got { token: Ready::new(token, site).ok_or(NoEgress)?, is_new })
            }
            Ok(Ok(Err(why))) => {
                warn!(event = "egress", request = self.request, "{why}");
                Err(NoEgress)
            }
            // It goes on, and what it gets is kept; but nobody waits for it again and again.
            Ok(Err(_)) | Err(_) => Err(NoEgress),
        }
    }
}

impl Ready {
    fn new(token: TokenSet, site: Option<(String, String)>) -> Option<Self> {
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {}", token.access_token.expose())).ok()?;
        authorization.set_sensitive(true);
        let site = site.and_then(|(name, id)| Some((name.parse().ok()?, HeaderValue::try_from(id).ok()?)));
        Some(Self { authorization, site, token })
    }

    /// Puts it in, instead of whatever the caller sent.
    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        headers.insert(AUTHORIZATION, self.authorization.clone());
        if let Some((name, value)) = &self.site {
            headers.insert(name.clone(), value.clone());
        }
    }
}

impl From<NoEgress> for Refusal {
    fn from(NoEgress: NoEgress) -> Self {
        Self::NoEgress
    }
}
