//! A server's headers for the bridge: from `servers`, requested once however many requests need them. Not here:
//! renewal (see the vault, which shares it with every other process).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as Now, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::oneshot;
use url::Url;

use super::{Advice, CredentialOrigin, LoginTarget, ServerRef, Servers, place};
use crate::bridge::listen::ServerLookup;
use crate::error::Error;
use crate::render::ServerEntry;
use crate::session::{BoxFuture, CredentialSource, CredentialUnavailable, PersonLogin, UpstreamAuth};
use crate::text::clean;
use crate::tokens::{Got, SingleFlight, Supply};

/// How long headers are used without checking the store, and how long a failure is remembered: a burst of requests
/// costs one check.
const REUSE_PERIOD: Duration = Duration::from_secs(1);

/// One server's headers.
pub(crate) struct HeaderSource {
    now: ArcSwap<CurrentHeaders>,
    logins: Option<Arc<dyn Logins>>,
    own: Weak<Self>,
}

/// What the user typed about one server; it replaces what is stored.
#[derive(Clone, Default)]
pub(crate) struct TypedAccess {
    pub(crate) headers: HeaderMap,
    /// The address with the secrets that belong in it. Only requests may have it.
    pub(crate) address: Option<Url>,
}

/// What is known of one server since the last login.
struct CurrentHeaders {
    servers: Arc<Servers>,
    which: ServerRef,
    typed: TypedAccess,
    given: SingleFlight<UpstreamAuth, CredentialUnavailable>,
}

/// Logs a person in to servers. Implemented where logins are: this module never starts one.
pub(crate) trait Logins: Send + Sync + 'static {
    /// How long the person has to begin one.
    fn within(&self) -> Duration;
    /// Logs in to one, again if its present token `is_refused`, and returns the servers as they are then. The address of
    /// the issuer's page goes to `page`. An error says what failed and what to do.
    fn log_in(
        self: Arc<Self>,
        target: LoginTarget,
        is_refused: bool,
        page: oneshot::Sender<Url>,
    ) -> BoxFuture<'static, Result<Servers, String>>;
}

/// The login to one server.
struct ServerLogin {
    source: Arc<HeaderSource>,
    logins: Arc<dyn Logins>,
    is_refused: bool,
}

/// Every server's, created on first use.
pub(crate) struct HeaderSources {
    servers: Arc<Servers>,
    logins: Option<Arc<dyn Logins>>,
    made: Now<BTreeMap<String, Arc<HeaderSource>>>,
}

impl HeaderSource {
    /// Without `logins` no person can log in.
    pub(crate) fn new(
        servers: Arc<Servers>,
        which: ServerRef,
        logins: Option<Arc<dyn Logins>>,
        typed: TypedAccess,
    ) -> Arc<Self> {
        let given = SingleFlight::default();
        let now = ArcSwap::from_pointee(CurrentHeaders { servers, which, typed, given });
        Arc::new_cyclic(|own| Self { now, logins, own: own.clone() })
    }
}

impl CurrentHeaders {
    fn unsendable(&self) -> CredentialUnavailable {
        CredentialUnavailable {
            message: format!("the headers of {} cannot be sent", self.which),
            hint: "look at them with: mcpauth config show".into(),
            needs_person: false,
        }
    }

    fn no(&self, error: &Error) -> CredentialUnavailable {
        let hint = error.hint(&self.servers.command_for(&self.which));
        let message = format!("no credentials for {}: {error}", self.which);
        CredentialUnavailable { message, hint, needs_person: error.needs_person() }
    }

    /// Whether a login would replace a token that the server refuses: it is the server's own, or there is none yet.
    fn is_own(&self) -> bool {
        let is_elsewhere = self.servers.source_for(&self.which) == CredentialOrigin::Elsewhere;
        self.servers.is_logged_in(&self.which) || is_elsewhere
    }
}

impl PersonLogin for ServerLogin {
    fn server(&self) -> (String, String) {
        let now = self.source.now.load();
        let name = clean(&now.which.to_string(), 100);
        match &now.which {
            ServerRef::ByName(_) => (name.clone(), name),
            ServerRef::ByUrl(url) => (name, clean(&place(url), 300)),
        }
    }

    fn within(&self) -> Duration {
        self.logins.within()
    }

    fn log_in(self: Arc<Self>, page: oneshot::Sender<Url>) -> BoxFuture<'static, Result<(), String>> {
        Box::pin(async move {
            let now = self.source.now.load_full();
            let which = now.which.clone();
            let target = now.servers.login_target(&which).ok_or("there is no login for it")?;
            let login = self.logins.clone().log_in(target, self.is_refused, page);
            let servers = Arc::new(login.await?);
            let (typed, given) = (now.typed.clone(), SingleFlight::default());
            self.source.now.store(Arc::new(CurrentHeaders { servers, which, typed, given }));
            Ok(())
        })
    }
}

impl Supply for CurrentHeaders {
    type Token = UpstreamAuth;
    type No = CredentialUnavailable;

    const PAUSE: Duration = REUSE_PERIOD;

    fn is_good(&self, _: &UpstreamAuth, age: Duration) -> bool {
        age < REUSE_PERIOD
    }

    fn is_same(&self, a: &UpstreamAuth, b: &UpstreamAuth) -> bool {
        a.url == b.url && a.headers == b.headers
    }

    async fn get(&self, refused: Option<&UpstreamAuth>) -> Result<Got<UpstreamAuth>, CredentialUnavailable> {
        let found = match refused {
            Some(refused) => self.servers.renew_refused(&self.which, &refused.bearers).await,
            None => self.servers.fresh(&self.which).await,
        };
        let entry = found.map_err(|error| self.no(&error))?;
        let mut token = given(&self.servers, entry).ok_or_else(|| self.unsendable())?;
        token.headers.extend(self.typed.headers.clone());
        if let Some(address) = &self.typed.address {
            token.url.clone_from(address);
        }
        Ok(Got { token, is_new: refused.is_some() })
    }
}

impl CredentialSource for HeaderSource {
    fn fresh(&self) -> BoxFuture<'_, Result<Arc<UpstreamAuth>, CredentialUnavailable>> {
        Box::pin(async {
            let now = self.now.load_full();
            now.given.current(&*now).await
        })
    }

    fn renew_refused<'a>(
        &'a self,
        refused: &'a UpstreamAuth,
    ) -> BoxFuture<'a, Result<Option<Arc<UpstreamAuth>>, CredentialUnavailable>> {
        Box::pin(async move {
            let now = self.now.load_full();
            now.given.replace(&*now, refused).await
        })
    }

    fn may_renew(&self, headers: &HeaderMap) -> bool {
        let now = self.now.load();
        Advice::stored(&now.servers, &now.which).may_renew(headers)
    }

    fn advice(&self, status: u16, headers: &HeaderMap) -> String {
        let now = self.now.load();
        Advice::stored(&now.servers, &now.which).on_status(status, headers)
    }

    fn login(&self, is_refused: bool) -> Option<Arc<dyn PersonLogin>> {
        let (source, logins) = (self.own.upgrade()?, self.logins.clone()?);
        let now = self.now.load();
        let helps = (!is_refused || now.is_own()) && now.servers.login_target(&now.which).is_some();
        helps.then(|| Arc::new(ServerLogin { source, logins, is_refused }) as Arc<dyn PersonLogin>)
    }
}

impl HeaderSources {
    pub(crate) fn new(servers: Arc<Servers>, logins: Option<Arc<dyn Logins>>) -> Self {
        Self { servers, logins, made: Now::default() }
    }
}

impl ServerLookup for HeaderSources {
    fn access(&self, name: &str) -> Option<Arc<dyn CredentialSource>> {
        let names = self.servers.names().ok()?;
        let name = names.into_iter().find(|known| known.eq_ignore_ascii_case(name))?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let which = ServerRef::ByName(name.clone());
            HeaderSource::new(self.servers.clone(), which, self.logins.clone(), TypedAccess::default())
        };
        Some(made.entry(name.clone()).or_insert_with(make).clone())
    }
}

fn given(servers: &Servers, entry: ServerEntry) -> Option<UpstreamAuth> {
    let mut headers = HeaderMap::new();
    for (name, value) in &entry.headers {
        let mut value = HeaderValue::from_str(value.expose()).ok()?;
        value.set_sensitive(true);
        headers.insert(name.parse::<HeaderName>().ok()?, value);
    }
    let url = Url::parse(&entry.url).ok()?;
    Some(UpstreamAuth { within: servers.within(&url), url, headers, bearers: entry.bearers })
}
