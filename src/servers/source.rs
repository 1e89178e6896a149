//! A server's headers for the bridge: from `servers`, requested once however many requests need them. Not here:
//! renewal (see the vault, which shares it with every other process).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as Now, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::{Advice, ServerRef, Servers};
use crate::bridge::listen::ServerLookup;
use crate::error::Error;
use crate::render::ServerEntry;
use crate::session::{BoxFuture, CredentialSource, CredentialUnavailable, UpstreamAuth};
use crate::tokens::{Got, SingleFlight, Supply};

/// How long headers are used without checking the store, and how long a failure is remembered: a burst of requests
/// costs one check.
const REUSE_PERIOD: Duration = Duration::from_secs(1);

/// One server's headers.
pub(crate) struct HeaderSource {
    servers: Arc<Servers>,
    which: ServerRef,
    given: SingleFlight<UpstreamAuth, CredentialUnavailable>,
}

/// Every server's, created on first use.
pub(crate) struct HeaderSources {
    servers: Arc<Servers>,
    made: Now<BTreeMap<String, Arc<HeaderSource>>>,
}

impl HeaderSource {
    pub(crate) fn new(servers: Arc<Servers>, which: ServerRef) -> Self {
        Self { servers, which, given: SingleFlight::default() }
    }

    fn unsendable(&self) -> CredentialUnavailable {
        CredentialUnavailable {
            message: format!("the headers of {} cannot be sent", self.which),
            hint: "look at them with: mcpauth config show".into(),
        }
    }

    fn no(&self, error: &Error) -> CredentialUnavailable {
        let hint = error.hint(&self.servers.command_for(&self.which));
        CredentialUnavailable { message: format!("no credentials for {}: {error}", self.which), hint }
    }
}

impl Supply for HeaderSource {
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
        let token = given(&self.servers, entry).ok_or_else(|| self.unsendable())?;
        Ok(Got { token, is_new: refused.is_some() })
    }
}

impl CredentialSource for HeaderSource {
    fn fresh(&self) -> BoxFuture<'_, Result<Arc<UpstreamAuth>, CredentialUnavailable>> {
        Box::pin(self.given.current(self))
    }

    fn renew_refused<'a>(
        &'a self,
        refused: &'a UpstreamAuth,
    ) -> BoxFuture<'a, Result<Option<Arc<UpstreamAuth>>, CredentialUnavailable>> {
        Box::pin(self.given.replace(self, refused))
    }

    fn may_renew(&self, headers: &HeaderMap) -> bool {
        Advice::stored(&self.servers, &self.which).may_renew(headers)
    }

    fn advice(&self, status: u16, headers: &HeaderMap) -> String {
        Advice::stored(&self.servers, &self.which).on_status(status, headers)
    }
}

impl HeaderSources {
    pub(crate) fn new(servers: Arc<Servers>) -> Self {
        Self { servers, made: Now::default() }
    }
}

impl ServerLookup for HeaderSources {
    fn access(&self, name: &str) -> Option<Arc<dyn CredentialSource>> {
        let names = self.servers.names().ok()?;
        let name = names.into_iter().find(|known| known.eq_ignore_ascii_case(name))?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(HeaderSource::new(self.servers.clone(), ServerRef::ByName(name.clone())));
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
