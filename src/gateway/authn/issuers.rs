//! The issuers whose tokens are accepted, with their keys: fetched in the background, again for an unknown key at a
//! limited rate, and kept while the issuer does not answer. Not here: the requirements for keys and tokens (see
//! `keys` and `rules`).

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use url::Url;

use super::keys::KeySet;
use super::object;
use super::rules::IssuerRules;
use crate::gateway::settings::TokenProfile;
use crate::metadata;
use crate::oauth::{ClientAuth, OAuthClient, WireRequest, write_introspection};
use crate::secret::Secret;
use crate::sys::clock;
use crate::sys::http::Http;

/// One issuer.
pub(crate) struct IssuerState {
    pub(crate) rules: IssuerRules,
    client_secret: Option<Secret>,
    keys: ArcSwapOption<Fetched>,
    /// The scopes in its metadata, once it has been read.
    scopes: ArcSwapOption<HashSet<String>>,
    /// Whether they have been looked for.
    looked: AtomicBool,
    /// One fetch at a time; the value is about the last one.
    turn: Mutex<FetchState>,
    /// Whether the keys that it publishes are of no use.
    has_bad_keys: AtomicBool,
    http: Http,
    /// When a token that looks like an ID token was last reported, in seconds since 1970.
    id_token_said: AtomicI64,
    /// Increased when the keys change: everything derived from older ones is invalid.
    epoch: Arc<AtomicU64>,
}

/// Why an issuer could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct IssuerUnavailable(String);

/// Why a token cannot be checked with its issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IssuerFault {
    /// No usable answer.
    Silent,
    /// Keys of which none can be used.
    Keys,
}

struct Fetched {
    set: Arc<KeySet>,
    raw: Vec<u8>,
    at: Instant,
}

#[derive(Default)]
struct FetchState {
    jwks_uri: Option<Url>,
    introspection: Option<Url>,
    last_for_unknown: Option<Instant>,
}

/// How long keys are used before they are fetched again, and how soon after a failure.
const EVERY: Duration = Duration::from_secs(300);
const RETRY_INTERVAL: Duration = Duration::from_secs(15);
/// How long keys are used while the issuer does not answer.
const OLDEST: Duration = Duration::from_secs(24 * 3600);
/// Unknown keys cause at most one fetch in this time, however many tokens name them.
const UNKNOWN: Duration = Duration::from_secs(2);
/// How long a request may wait for an issuer.
const ISSUER_WAIT: Duration = Duration::from_secs(5);

impl IssuerState {
    pub(crate) fn new(
        rules: IssuerRules,
        client_secret: Option<Secret>,
        http: Http,
        epoch: Arc<AtomicU64>,
    ) -> Self {
        Self {
            rules,
            client_secret,
            keys: ArcSwapOption::empty(),
            scopes: ArcSwapOption::empty(),
            looked: AtomicBool::new(false),
            turn: Mutex::default(),
            has_bad_keys: AtomicBool::new(false),
            http,
            id_token_said: AtomicI64::new(0),
            epoch,
        }
    }

    /// The issuer identifier.
    pub(crate) fn name(&self) -> &str {
        &self.rules.settings.issuer
    }

    /// Whether its tokens are introspected rather than verified.
    pub(crate) fn introspects(&self) -> bool {
        self.rules.settings.introspection.is_some()
    }

    /// Whether they are the gateway's own, whose keys it has itself.
    pub(crate) fn is_own(&self) -> bool {
        self.rules.settings.kind == TokenProfile::Vended
    }

    /// The gateway's own keys, from now on.
    pub(crate) fn hold(&self, set: Arc<KeySet>) {
        self.keys.store(Some(Arc::new(Fetched { set, raw: Vec::new(), at: Instant::now() })));
    }

    /// Why there are no keys.
    pub(crate) fn fault(&self) -> IssuerFault {
        if self.has_bad_keys.load(Ordering::Relaxed) { IssuerFault::Keys } else { IssuerFault::Silent }
    }

    /// Whether tokens can be checked now, and which scopes clients can request.
    pub(crate) fn is_ready(&self) -> bool {
        let told = self.rules.settings.scopes.is_some() || self.looked.load(Ordering::Relaxed);
        told && (self.introspects() || self.keys().is_some())
    }

    /// The keys, unless there are none or they are too old.
    pub(crate) fn keys(&self) -> Option<Arc<KeySet>> {
        let fetched = self.keys.load();
        let fetched = fetched.as_ref().filter(|fetched| self.is_own() || fetched.at.elapsed() < OLDEST)?;
        Some(fetched.set.clone())
    }

    /// Whether a client can request this scope: the settings or the issuer's metadata list it. Cognito's metadata
    /// lists no custom scopes; their names consist of a resource and a name, with a slash between them.
    pub(crate) fn grants(&self, scope: &str) -> bool {
        if let Some(named) = &self.rules.settings.scopes {
            return named.iter().any(|name| name == scope);
        }
        let made = self.rules.settings.kind == TokenProfile::Cognito && scope.contains('/');
        made || self.scopes.load().as_ref().is_some_and(|scopes| scopes.contains(scope))
    }

    /// Fetches keys and scopes while the gateway runs; `tell` receives changes and failures of the keys.
    pub(crate) async fn keep(&self, tell: impl Fn(Result<usize, &IssuerUnavailable>)) {
        loop {
            let (good, ()) = tokio::join!(self.fetch_keys(&tell), self.learn());
            tokio::time::sleep(if good { EVERY } else { RETRY_INTERVAL }).await;
        }
    }

    /// Whether the keys are up to date.
    async fn fetch_keys(&self, tell: impl Fn(Result<usize, &IssuerUnavailable>)) -> bool {
        if self.introspects() {
            return true;
        }
        let result = self.fetch(&mut *self.turn.lock().await).await;
        match &result {
            Ok(Some(keys)) => tell(Ok(*keys)),
            Ok(None) => {}
            Err(error) => tell(Err(error)),
        }
        result.is_ok()
    }

    /// Reads the scopes in its metadata. An issuer need not have metadata; then the known scopes stay.
    async fn learn(&self) {
        if self.rules.settings.scopes.is_none() {
            let found =
                tokio::time::timeout(ISSUER_WAIT, metadata::find_issuer(&self.http, self.name())).await;
            if let Ok(Ok(found)) = found {
                self.scopes.store(Some(Arc::new(found.scopes_supported.into_iter().flatten().collect())));
            }
        }
        self.looked.store(true, Ordering::Relaxed);
    }

    /// The report about a rejected token that has this ID token claim; `None` if one was made within the last minute.
    pub(crate) fn refused_id_token(&self, member: &str, now: i64) -> Option<String> {
        const MINUTE: i64 = 60;
        let last = self.id_token_said.load(Ordering::Relaxed);
        if now < last + MINUTE {
            return None;
        }
        self.id_token_said.store(now, Ordering::Relaxed);
        let name = self.name();
        Some(format!(
            "{name}: a token was refused because it has {member}, as ID tokens do; if this issuer's access tokens have it too \
             (Dex's do), set accept_id_tokens: true for it in the gateway's settings"
        ))
    }

    /// Fetches the keys because no key of `known` verifies a token: it names another one, or a new key has an old
    /// name. Callers that come during a fetch wait for its result; after it, none is made for a while.
    pub(crate) async fn refetch_for_unknown_kid(&self, known: Option<Arc<KeySet>>) -> Option<Arc<KeySet>> {
        if self.is_own() {
            return self.keys();
        }
        let asked = tokio::time::timeout(ISSUER_WAIT, async {
            let mut turn = self.turn.lock().await;
            let now = self.keys();
            let news = match (&now, &known) {
                (Some(now), Some(known)) => !Arc::ptr_eq(now, known),
                (now, _) => now.is_some(),
            };
            let lately = turn.last_for_unknown.is_some_and(|last| last.elapsed() < UNKNOWN);
            if news || lately {
                return;
            }
            turn.last_for_unknown = Some(Instant::now());
            // A failure leaves the keys unchanged; the background task reports it.
            let fetched = self.fetch(&mut turn).await;
            // The same keys as before: the metadata may name another location by now while the old one still answers.
            if matches!(fetched, Ok(None)) && self.rules.settings.jwks_uri.is_none() {
                turn.jwks_uri = None;
                let _ = self.fetch(&mut turn).await;
            }
        });
        let _ = asked.await;
        self.keys()
    }

    /// How many keys there are, if they have changed.
    async fn fetch(&self, turn: &mut FetchState) -> Result<Option<usize>, IssuerUnavailable> {
        let result = self.fetch_from(turn).await;
        if result.is_err() {
            // They may have moved.
            turn.jwks_uri = None;
        }
        result
    }

    async fn fetch_from(&self, turn: &mut FetchState) -> Result<Option<usize>, IssuerUnavailable> {
        let url = match (&self.rules.settings.jwks_uri, &turn.jwks_uri) {
            (Some(configured), _) => Url::parse(configured).map_err(|e| self.unavailable(e))?,
            (None, Some(found)) => found.clone(),
            (None, None) => {
                let found = metadata::find_jwks_uri(&self.http, self.name()).await;
                found.map_err(|e| self.unavailable(e))?
            }
        };
        // The operator may configure any address; a document may not name any.
        let told_by = self.rules.settings.jwks_uri.is_none().then(|| self.name());
        let raw = metadata::fetch_keys(&self.http, &url, told_by).await.map_err(|e| self.unavailable(e))?;
        let old = self.keys.load_full();
        turn.jwks_uri = Some(url);
        if let Some(old) = old.as_ref().filter(|old| old.raw == raw) {
            let same = Fetched { set: old.set.clone(), raw, at: Instant::now() };
            self.keys.store(Some(Arc::new(same)));
            return Ok(None);
        }
        let read = KeySet::read(&raw, &self.rules.settings.algorithms);
        self.has_bad_keys.store(read.is_err(), Ordering::Relaxed);
        let set = read.map_err(|e| self.unavailable(e))?;
        let count = set.len();
        self.keys.store(Some(Arc::new(Fetched { set: Arc::new(set), raw, at: Instant::now() })));
        self.epoch.fetch_add(1, Ordering::Release);
        Ok(Some(count))
    }

    /// Introspects a token (RFC 7662 section 2.1); returns the reply's members. A page says nothing about a token.
    pub(crate) async fn introspect(&self, token: &str) -> Result<Map<String, Value>, IssuerUnavailable> {
        let (Some(introspection), Some(secret)) = (&self.rules.settings.introspection, &self.client_secret)
        else {
            return Err(self.unavailable("introspection is not configured"));
        };
        let url = match &introspection.endpoint {
            Some(configured) => Url::parse(configured).map_err(|e| self.unavailable(e))?,
            None => self.introspection_endpoint().await?,
        };
        let auth = ClientAuth::SecretBasic(secret.clone());
        let client = OAuthClient { id: introspection.client_id.clone(), auth };
        let written = write_introspection(&client, token, url.as_str(), clock::now());
        let unsigned = || self.unavailable("the private key cannot sign");
        let WireRequest { headers, body, .. } = written.ok_or_else(unsigned)?;
        let sent = tokio::time::timeout(ISSUER_WAIT, self.http.post(&url, headers, body.expose().to_owned()));
        let reply = sent.await.map_err(|e| self.unavailable(e))?.map_err(|e| self.unavailable(e))?;
        let no_reply =
            || self.unavailable("its answer is not an introspection response (RFC 7662 section 2.2)");
        match reply.status {
            200 => object::read(&reply.body).ok_or_else(no_reply),
            status => Err(self.unavailable(format!("it answered {status}"))),
        }
    }

    async fn introspection_endpoint(&self) -> Result<Url, IssuerUnavailable> {
        let mut turn = self.turn.lock().await;
        if let Some(known) = &turn.introspection {
            return Ok(known.clone());
        }
        let about = metadata::find_issuer(&self.http, self.name()).await.map_err(|e| self.unavailable(e))?;
        let found = about.introspection_endpoint;
        let found = found.ok_or_else(|| self.unavailable("its metadata names no introspection_endpoint"))?;
        // A document must not make the gateway send tokens and its own secret to its own machine.
        metadata::stay_outside(self.name(), &found).map_err(|e| self.unavailable(e))?;
        turn.introspection = Some(found.clone());
        Ok(found)
    }

    fn unavailable(&self, why: impl ToString) -> IssuerUnavailable {
        IssuerUnavailable(format!("{}: {}", self.name(), why.to_string()))
    }

    /// Until when an introspection result is cached: `cache` seconds, and never past the token's expiry.
    pub(crate) fn cache_until(&self, expires_at: Option<i64>, now: i64) -> i64 {
        let cache = self.rules.settings.introspection.as_ref().map_or(0, |asked| i64::from(asked.cache));
        expires_at.unwrap_or(i64::MAX).min(now + cache)
    }
}
