//! Outside credentials that the gateway holds itself: fresh from the vault, asked for once however many requests wait.
//! It leaves how they are got and kept to `vault`, and which server has one to whoever runs the gateway.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use hyper::header::{HeaderName, HeaderValue};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::refusal::Refusal;
use super::state::Shared;
use crate::credential::{Credential, How};
use crate::oauth::{Freshness, TokenSet};
use crate::sys::clock;
use crate::vault::{Fresh, Outcome, Vault};

/// One server's credential.
pub struct Stored {
    vault: Arc<Vault>,
    credential: Credential,
    ready: ArcSwapOption<Ready>,
    /// Whose turn it is to ask, and when asking last failed.
    turn: Mutex<Option<Instant>>,
}

/// A credential as a request carries it.
pub(super) struct Ready {
    pub(super) authorization: HeaderValue,
    /// The site it is for, where the service has sites.
    pub(super) more: Vec<(HeaderName, HeaderValue)>,
    token: TokenSet,
    got: Instant,
    /// It comes straight from the authorization server, not from the store: asking again would bring no better one.
    is_new: bool,
}

/// An authorization server is asked no more often than this, whatever the MCP server or the callers do.
const AGAIN: Duration = Duration::from_secs(10);
/// How long requests wait for a credential: longer than the network may take, not as long as a file system may hang.
const LONGEST: Duration = Duration::from_secs(90);

impl Stored {
    /// The credential that `vault` keeps.
    pub fn new(vault: Arc<Vault>, credential: Credential) -> Self {
        Self { vault, credential, ready: ArcSwapOption::empty(), turn: Mutex::default() }
    }

    /// The credential, good for a while.
    ///
    /// # Errors
    /// [`Refusal::NoEgress`].
    pub(super) async fn current(self: &Arc<Self>, shared: &Shared) -> Result<Arc<Ready>, Refusal> {
        match self.ready.load_full() {
            Some(ready) if ready.is_fresh() => Ok(ready),
            _ => self.get(shared, None).await,
        }
    }

    /// Another one than `refused`, which the server would not take.
    ///
    /// # Errors
    /// [`Refusal::NoEgress`].
    pub(super) async fn renewed(
        self: &Arc<Self>,
        shared: &Shared,
        refused: &Arc<Ready>,
    ) -> Result<Arc<Ready>, Refusal> {
        self.get(shared, Some(refused)).await
    }

    /// One asks, the others wait and take what it got.
    async fn get(
        self: &Arc<Self>,
        shared: &Shared,
        refused: Option<&Arc<Ready>>,
    ) -> Result<Arc<Ready>, Refusal> {
        let mut failed = self.turn.lock().await;
        if let Some(ready) = self.ready.load_full().filter(|ready| ready.is_fresh()) {
            let other = |refused: &Arc<Ready>| refused.token.access_token != ready.token.access_token;
            if refused.is_none_or(other) {
                return Ok(ready);
            }
            if ready.is_new && ready.got.elapsed() < AGAIN {
                return Err(Refusal::Egress);
            }
        }
        if failed.is_some_and(|failed| failed.elapsed() < AGAIN) {
            return Err(Refusal::NoEgress);
        }
        let (stored, refused) = (self.clone(), refused.map(|ready| ready.token.access_token.clone()));
        // Files and locks are not for a core that serves requests.
        let asked = shared.vault.spawn(async move {
            match refused {
                Some(refused) => stored.vault.renewed(&stored.credential, &refused).await,
                None => stored.vault.fresh(&stored.credential, false).await,
            }
        });
        let fresh = match timeout(LONGEST, asked).await {
            Ok(Ok(Ok(fresh))) => fresh,
            Ok(Ok(Err(error))) => {
                *failed = Some(Instant::now());
                let text = format!("{}: {error}; run: {}", self.credential.id, self.credential.command);
                shared.journal.warn("egress", &text);
                return Err(Refusal::NoEgress);
            }
            // It goes on, and what it gets is kept; but nobody waits for it again and again.
            Ok(Err(_)) | Err(_) => {
                *failed = Some(Instant::now());
                return Err(Refusal::NoEgress);
            }
        };
        let ready = Arc::new(Ready::new(&self.credential, fresh).ok_or(Refusal::NoEgress)?);
        self.ready.store(Some(ready.clone()));
        Ok(ready)
    }
}

impl Ready {
    fn new(credential: &Credential, fresh: Fresh) -> Option<Self> {
        let is_new = fresh.outcome != Outcome::Reused;
        let token = fresh.stored.token;
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {}", token.access_token.expose())).ok()?;
        authorization.set_sensitive(true);
        let site = match &credential.how {
            How::AuthorizationCode(person) => person.provider.sites.as_ref(),
            How::ClientCredentials(_) => None,
        };
        let more = site.zip(fresh.stored.cloud_id).and_then(|(sites, id)| {
            let name = sites.header.parse::<HeaderName>().ok()?;
            Some((name, HeaderValue::try_from(id).ok()?))
        });
        Some(Self { authorization, more: more.into_iter().collect(), token, got: Instant::now(), is_new })
    }

    /// Good, and not to be replaced yet; one that could not be replaced just now serves a little longer.
    fn is_fresh(&self) -> bool {
        match self.token.freshness(clock::now()) {
            Freshness::Fresh => true,
            Freshness::Due => self.got.elapsed() < AGAIN,
            Freshness::Expired => false,
        }
    }
}
