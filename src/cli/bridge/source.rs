//! A server's headers for the bridge: from `servers`, asked for once however many requests want them.
//! It leaves renewal to the vault, which shares it with every other process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as Now, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Mutex;
use url::Url;

use crate::bridge::{Access, Given, NoAccess, Pending, listen::Lookup};
use crate::cli::servers::{Servers, Which};
use crate::error::Error;
use crate::render::Entry;

/// How long headers are handed out without a look at the store: a burst of requests costs one look.
const LOOK: Duration = Duration::from_secs(1);
/// A server that refuses even new tokens is not a reason to get one for each request.
const AGAIN: Duration = Duration::from_secs(10);

/// One server's headers.
pub(super) struct Source {
    servers: Arc<Servers>,
    which: Which,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    entry: Entry,
    given: Arc<Given>,
    looked: Instant,
    renewed: Option<Instant>,
}

/// Every server's, made when first asked for.
pub(super) struct Sources {
    servers: Arc<Servers>,
    made: Now<BTreeMap<String, Arc<Source>>>,
}

impl Source {
    pub(super) fn new(servers: Arc<Servers>, which: Which) -> Self {
        Self { servers, which, kept: Mutex::default() }
    }

    async fn current(&self) -> Result<Arc<Given>, NoAccess> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.looked.elapsed() < LOOK) {
            return Ok(kept.given.clone());
        }
        let entry = self.servers.fresh(&self.which).await.map_err(|error| self.no(&error))?;
        let renewed = kept.as_ref().and_then(|kept| kept.renewed);
        self.keep(&mut kept, entry, renewed)
    }

    async fn other(&self, refused: u64) -> Result<Arc<Given>, NoAccess> {
        let mut kept = self.kept.lock().await;
        let Some(known) = kept.as_ref() else {
            let entry = self.servers.fresh(&self.which).await.map_err(|error| self.no(&error))?;
            return self.keep(&mut kept, entry, None);
        };
        // Another request was refused as well, and has seen to it.
        if known.given.serial != refused || known.renewed.is_some_and(|at| at.elapsed() < AGAIN) {
            return Ok(known.given.clone());
        }
        let entry = self.servers.renewed(&self.which, &known.entry).await.map_err(|error| self.no(&error))?;
        self.keep(&mut kept, entry, Some(Instant::now()))
    }

    fn keep(
        &self,
        kept: &mut Option<Kept>,
        entry: Entry,
        renewed: Option<Instant>,
    ) -> Result<Arc<Given>, NoAccess> {
        let serial = match kept.as_ref() {
            Some(known) if same(&known.entry, &entry) => known.given.serial,
            Some(known) => known.given.serial + 1,
            None => 0,
        };
        let given = Arc::new(given(&entry, serial).ok_or_else(|| NoAccess {
            message: format!("the headers of {} cannot be sent", self.which),
            hint: "look at them with: mcpauth config show".into(),
        })?);
        *kept = Some(Kept { entry, given: given.clone(), looked: Instant::now(), renewed });
        Ok(given)
    }

    fn no(&self, error: &Error) -> NoAccess {
        let hint = error.hint(&self.servers.command_for(&self.which));
        NoAccess { message: format!("no credentials for {}: {error}", self.which), hint }
    }
}

impl Access for Source {
    fn fresh(&self) -> Pending<'_> {
        Box::pin(self.current())
    }

    fn renewed(&self, refused: u64) -> Pending<'_> {
        Box::pin(self.other(refused))
    }
}

impl Sources {
    pub(super) fn new(servers: Arc<Servers>) -> Self {
        Self { servers, made: Now::default() }
    }
}

impl Lookup for Sources {
    fn access(&self, name: &str) -> Option<Arc<dyn Access>> {
        let names = self.servers.names().ok()?;
        let name = names.into_iter().find(|known| known.eq_ignore_ascii_case(name))?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(Source::new(self.servers.clone(), Which::Name(name.clone())));
        Some(made.entry(name.clone()).or_insert_with(make).clone())
    }
}

fn same(a: &Entry, b: &Entry) -> bool {
    a.url == b.url && a.headers == b.headers
}

fn given(entry: &Entry, serial: u64) -> Option<Given> {
    let mut headers = HeaderMap::new();
    for (name, value) in &entry.headers {
        let mut value = HeaderValue::from_str(value.expose()).ok()?;
        value.set_sensitive(true);
        headers.insert(name.parse::<HeaderName>().ok()?, value);
    }
    Some(Given { url: Url::parse(&entry.url).ok()?, headers, serial })
}
