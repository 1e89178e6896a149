//! Egress credentials that the gateway stores itself: their form in a request, and the thread that gets them. Not
//! here: storing and getting them (see [`CredentialKeeper`]).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::refusal::Rejection;
use crate::oauth::{Freshness, TokenSet};
use crate::secret::Secret;
use crate::sys::clock;
use crate::tokens::{Got, MIN_RENEWAL_INTERVAL, SingleFlight, Supply, TokenSource};

/// Stores one server's credential, and renews it.
pub trait CredentialKeeper: Send + Sync + 'static {
    /// What the operator can do about a credential that is rejected whenever it is new.
    fn rejected(&self) -> String;

    /// A token with some validity left: any, or another one than `refused`.
    fn get<'a>(&'a self, refused: Option<&'a Secret>) -> PendingCredential<'a>;
}

/// The future of a credential; on failure, its message.
pub type PendingCredential<'a> = Pin<Box<dyn Future<Output = Result<CachedCredential, String>> + Send + 'a>>;

/// A credential from its [`CredentialKeeper`].
pub struct CachedCredential {
    /// The token.
    pub token: TokenSet,
    /// The header that it is sent in, and that header's value with `{}` for the token.
    pub header: (String, String),
    /// The header that names its site, if the service has sites, and its value.
    pub site: Option<(String, String)>,
    /// It comes straight from the authorization server, not from the store.
    pub is_new: bool,
}

/// One server's credential.
pub struct StoredCredential {
    keeper: Box<dyn CredentialKeeper>,
    ready: SingleFlight<OutgoingCredential, EgressUnavailable>,
}

/// A credential in the form that requests use.
pub(super) struct OutgoingCredential {
    name: HeaderName,
    value: HeaderValue,
    /// Its site, if the service has sites.
    site: Option<(HeaderName, HeaderValue)>,
    token: TokenSet,
}

/// There is no credential to be had, and why, for the operator.
#[derive(Clone)]
pub(super) struct EgressUnavailable(Arc<str>);

/// A server's credential for one request, and the thread that gets it.
pub(super) struct CredentialRequest<'a> {
    pub(super) stored: &'a Arc<StoredCredential>,
    /// The thread that gets it: files and locks must not block a core that serves requests.
    pub(super) vault: &'a Handle,
}

/// How long requests wait for a credential: longer than the network may take, but not as long as a file system may
/// hang.
const LONGEST: Duration = Duration::from_secs(90);

impl StoredCredential {
    /// The credential of `keeper`.
    pub fn new(keeper: Box<dyn CredentialKeeper>) -> Self {
        Self { keeper, ready: SingleFlight::default() }
    }

    /// What the operator can do about a server that rejects it whenever it is new.
    pub(super) fn rejected(&self) -> String {
        self.keeper.rejected()
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

    /// An authorization server that refused is not asked again for each request.
    const PAUSE: Duration = MIN_RENEWAL_INTERVAL;

    /// Not due yet; one that could not be renewed just now stays in use a little longer.
    fn is_good(&self, ready: &OutgoingCredential, age: Duration) -> bool {
        match ready.token.freshness(clock::now()) {
            Freshness::Fresh => true,
            Freshness::Due => age < MIN_RENEWAL_INTERVAL,
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
            Ok(Ok(Ok(CachedCredential { token, header, site, is_new }))) => {
                let token = OutgoingCredential::new(token, header, site).ok_or_else(|| {
                    EgressUnavailable("the stored credential cannot be sent in a header".into())
                })?;
                Ok(Got { token, is_new })
            }
            Ok(Ok(Err(why))) => Err(EgressUnavailable(why.into())),
            // It continues, and its result is stored; but no request waits for it again.
            Ok(Err(_)) | Err(_) => Err(EgressUnavailable("its credential did not come in time".into())),
        }
    }
}

impl OutgoingCredential {
    fn new(
        token: TokenSet,
        (name, format): (String, String),
        site: Option<(String, String)>,
    ) -> Option<Self> {
        let name: HeaderName = name.parse().ok()?;
        let mut value = HeaderValue::from_str(token.access_token.within(&format).expose()).ok()?;
        value.set_sensitive(true);
        let site = site.and_then(|(name, id)| Some((name.parse().ok()?, HeaderValue::try_from(id).ok()?)));
        Some(Self { name, value, site, token })
    }

    /// Inserts it, replacing whatever the caller sent.
    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        // A server that takes a key in another header gets no token of the caller's either.
        headers.remove(AUTHORIZATION);
        headers.insert(self.name.clone(), self.value.clone());
        if let Some((name, value)) = &self.site {
            headers.insert(name.clone(), value.clone());
        }
    }
}

impl From<EgressUnavailable> for Rejection {
    fn from(EgressUnavailable(why): EgressUnavailable) -> Self {
        Self::NoEgress(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(header: &str, format: &str, key: &str) -> Option<HeaderMap> {
        let token = TokenSet {
            access_token: Secret::new(key),
            refresh_token: None,
            token_type: "Bearer".into(),
            scopes: Vec::new(),
            issued_at: None,
            expires_at: None,
        };
        let outgoing = OutgoingCredential::new(token, (header.into(), format.into()), None)?;
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer the-callers"));
        outgoing.apply(&mut headers);
        Some(headers)
    }

    #[test]
    fn a_key_goes_where_its_server_wants_it_and_the_callers_token_does_not() {
        let headers = sent("Authorization", "Bearer {}", "k").unwrap();
        assert_eq!((headers.len(), headers[AUTHORIZATION].to_str().unwrap()), (1, "Bearer k"));
        let headers = sent("X-Api-Key", "key={}", "k").unwrap();
        assert_eq!((headers.len(), headers["x-api-key"].to_str().unwrap()), (1, "key=k"));
        assert!(headers["x-api-key"].is_sensitive());
        assert!(sent("no header", "{}", "k").is_none() && sent("X", "{}", "a\nb").is_none());
    }
}
