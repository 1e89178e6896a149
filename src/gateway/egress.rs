//! Outside credentials that the gateway holds itself: as a request carries them, and asked for on a thread of their own.
//! It leaves keeping and getting them to a [`CredentialKeeper`], and which server has one to whoever runs the gateway.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tracing::warn;

use super::refusal::Rejection;
use crate::oauth::{Freshness, TokenSet};
use crate::secret::Secret;
use crate::sys::clock;
use crate::tokens::{AGAIN, Got, SingleFlight, Supply, TokenSource};

/// Keeps one server's credential, and gets it anew.
pub trait CredentialKeeper: Send + Sync + 'static {
    /// A token that is good for a while: any, or another one than `refused`.
    fn get<'a>(&'a self, refused: Option<&'a Secret>) -> PendingCredential<'a>;
}

/// A credential under way; of a failure, what is said of it.
pub type PendingCredential<'a> = Pin<Box<dyn Future<Output = Result<CachedCredential, String>> + Send + 'a>>;

/// A credential as its [`CredentialKeeper`] has it.
pub struct CachedCredential {
    /// What the server takes.
    pub token: TokenSet,
    /// The header that names the site it is for, where the service has sites, and its value.
    pub site: Option<(String, String)>,
    /// It comes straight from the authorization server, not from the store.
    pub is_new: bool,
}

/// One server's credential.
pub struct StoredCredential {
    keeper: Box<dyn CredentialKeeper>,
    ready: SingleFlight<OutgoingCredential, EgressUnavailable>,
}

/// A credential as a request carries it.
pub(super) struct OutgoingCredential {
    authorization: HeaderValue,
    /// The site it is for, where the service has sites.
    site: Option<(HeaderName, HeaderValue)>,
    token: TokenSet,
}

/// There is no credential to be had.
#[derive(Clone)]
pub(super) struct EgressUnavailable;

/// A server's credential for one request, with the thread that getting it takes.
pub(super) struct CredentialRequest<'a> {
    pub(super) stored: &'a Arc<StoredCredential>,
    /// Where it is got: files and locks are not for a core that serves requests.
    pub(super) vault: &'a Handle,
    /// The identifier of the request, for the log.
    pub(super) request: &'a str,
}

/// How long requests wait for a credential: longer than the network may take, not as long as a file system may hang.
const LONGEST: Duration = Duration::from_secs(90);

impl StoredCredential {
    /// The credential that `keeper` has.
    pub fn new(keeper: Box<dyn CredentialKeeper>) -> Self {
        Self { keeper, ready: SingleFlight::default() }
    }
}

impl TokenSource for CredentialRequest<'_> {
    type Token = OutgoingCredential;
    type No = EgressUnavailable;

    async fn current(&self) -> Result<Arc<OutgoingCredential>, EgressUnavailable> {
        self.stored.ready.current(self).await
    }

    async fn replace(
        &self,
        refused: &OutgoingCredential,
    ) -> Result<Option<Arc<OutgoingCredential>>, EgressUnavailable> {
        self.stored.ready.replace(self, refused).await
    }
}

impl Supply for CredentialRequest<'_> {
    type Token = OutgoingCredential;
    type No = EgressUnavailable;

    /// An authorization server that said no is not asked for each request either.
    const PAUSE: Duration = AGAIN;

    /// Not to be replaced yet; one that could not be replaced just now serves a little longer.
    fn is_good(&self, ready: &OutgoingCredential, age: Duration) -> bool {
        match ready.token.freshness(clock::now()) {
            Freshness::Fresh => true,
            Freshness::Due => age < AGAIN,
            Freshness::Expired => false,
        }
    }

    fn is_same(&self, a: &OutgoingCredential, b: &OutgoingCredential) -> bool {
        a.token.access_token == b.token.access_token
    }

    async fn get(
        &self,
        refused: Option<&OutgoingCredential>,
    ) -> Result<Got<OutgoingCredential>, EgressUnavailable> {
        let (stored, refused) = (self.stored.clone(), refused.map(|ready| ready.token.access_token.clone()));
        let asked = self.vault.spawn(async move { stored.keeper.get(refused.as_ref()).await });
        match timeout(LONGEST, asked).await {
            Ok(Ok(Ok(CachedCredential { token, site, is_new }))) => {
                Ok(Got { token: OutgoingCredential::new(token, site).ok_or(EgressUnavailable)?, is_new })
            }
            Ok(Ok(Err(why))) => {
                warn!(event = "egress", request = self.request, "{why}");
                Err(EgressUnavailable)
            }
            // It goes on, and what it gets is kept; but nobody waits for it again and again.
            Ok(Err(_)) | Err(_) => Err(EgressUnavailable),
        }
    }
}

impl OutgoingCredential {
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

impl From<EgressUnavailable> for Rejection {
    fn from(EgressUnavailable: EgressUnavailable) -> Self {
        Self::NoEgress
    }
}
