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

/// How long headers are handed out without a look at the store, and how long the lack of them is taken for granted: a
/// burst of requests costs one look.
const LOOK: Duration = Duration::from_secs(1);
/// A server that refuses even new tokens is not a reason to get one for each request.
const AGAIN: Duration = Duration::from_secs(10);

/// One server's headers.
pub(super) struct Source {
    servers: Arc<Servers>,
    which: Which,
    /// One request looks or renews, the others wait and take what it got.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    failed: Option<(Instant, NoAccess)>,
}

struct Kept {
    entry: Entry,
    given: Arc<Given>,
    looked: Instant,
    /// When these very headers were got in place of refused ones.
    renewed: Option<Instant>,
}

/// Every server's, made when first asked for.
pub(super) struct Sources {
    servers: Arc<Servers>,
    made: Now<BTreeMap<String, Arc<Source>>>,
}

impl Source {
    pub(super) fn new(servers: Arc<Servers>, which: Which) -> Self {
        Self { servers, which, state: Mutex::default() }
    }

    async fn current(&self) -> Result<Arc<Given>, NoAccess> {
        let mut state = self.state.lock().await;
        match state.kept.as_ref().filter(|kept| kept.looked.elapsed() < LOOK) {
            Some(kept) => Ok(kept.given.clone()),
            None => self.look(&mut state).await,
        }
    }

    async fn other(&self, refused: u64) -> Result<Arc<Given>, NoAccess> {
        let mut state = self.state.lock().await;
        match &state.kept {
            // Another request was refused as well, and has seen to it.
            Some(kept) if kept.given.serial != refused => Ok(kept.given.clone()),
            Some(kept) if kept.renewed.is_none_or(|at| at.elapsed() >= AGAIN) => {
                let found = self.servers.renewed(&self.which, &kept.entry).await;
                self.keep(&mut state, found, Some(Instant::now()))
            }
            // The token may have ended since the last look.
            _ => self.look(&mut state).await,
        }
    }

    async fn look(&self, state: &mut State) -> Result<Arc<Given>, NoAccess> {
        if let Some((_, no)) = state.failed.as_ref().filter(|(at, _)| at.elapsed() < LOOK) {
            return Err(no.clone());
        }
        let found = self.servers.fresh(&self.which).await;
        self.keep(state, found, None)
    }

    /// Headers that are the same as before stay what they were.
    fn keep(
        &self,
        state: &mut State,
        found: Result<Entry, Error>,
        renewed: Option<Instant>,
    ) -> Result<Arc<Given>, NoAccess> {
        let looked = Instant::now();
        let made = found.map_err(|error| self.no(&error)).and_then(|entry| {
            let before = state.kept.as_ref();
            let same = before.filter(|kept| same(&kept.entry, &entry));
            let renewed = renewed.or(same.and_then(|kept| kept.renewed));
            let serial = before.map_or(0, |kept| kept.given.serial + u64::from(same.is_none()));
            let given = Arc::new(given(&self.servers, &entry, serial).ok_or_else(|| self.unsendable())?);
            Ok(Kept { entry, given, looked, renewed })
        });
        match made {
            Ok(kept) => {
                let given = kept.given.clone();
                *state = State { kept: Some(kept), failed: None };
                Ok(given)
            }
            Err(no) => {
                state.failed = Some((looked, no.clone()));
                Err(no)
            }
        }
    }

    fn unsendable(&self) -> NoAccess {
        NoAccess {
            message: format!("the headers of {} cannot be sent", self.which),
            hint: "look at them with: mcpauth config show".into(),
        }
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

fn given(servers: &Servers, entry: &Entry, serial: u64) -> Option<Given> {
    let mut headers = HeaderMap::new();
    for (name, value) in &entry.headers {
        let mut value = HeaderValue::from_str(value.expose()).ok()?;
        value.set_sensitive(true);
        headers.insert(name.parse::<HeaderName>().ok()?, value);
    }
    let url = Url::parse(&entry.url).ok()?;
    Some(Given { within: servers.within(&url), url, headers, serial })
}
