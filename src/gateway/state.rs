//! What all workers share: the files as last read, in one value that is swapped as a whole, and what lives as long as
//! the process. Not here: reading files (see `reload`); serving (see `worker`).

use std::collections::HashSet;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use hashbrown::HashMap;
use hyper::header::HeaderName;
use rustls::ServerConfig;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use url::Url;

use super::accounts::Accounts;
use super::authn::introspection::IntrospectionCache;
use super::authn::issuers::IssuerState;
use super::authn::revocations::RevocationList;
use super::authn::vended::SigningKeys;
use super::catalogue::Catalogue;
use super::connections::Connections;
use super::egress::StoredCredential;
use super::embeddings::EmbeddingSearch;
use super::host::Hosts;
use super::observe::audit_buffer::AuditCapacity;
use super::observe::metrics::Metrics;
use super::own_sessions::OwnSessions;
use super::rate::Rate;
use super::relays::Relays;
use super::servers::LeftOutServer;
use super::servers::audience::servers_of;
use super::servers::endpoints::UpstreamEndpoint;
use super::servers::origin::path_below;
use super::servers::route::{Routes, ServerRoute};
use super::session::SessionKey;
use super::settings::{GatewaySettings, Vending};
use super::token_ledger::LedgerWriter;
use crate::policy::Policy;
use crate::sys::clock;
use crate::sys::trust::Trust;

/// The files as last read. Never changed, only replaced.
pub(super) struct LoadedFiles {
    pub(super) policy: Arc<Policy>,
    /// A policy that decides nothing: what it would have denied is recorded.
    pub(super) shadow: Option<Arc<Policy>>,
    pub(super) routes: Routes,
    /// By server name.
    pub(super) upstreams: HashMap<String, Arc<Upstream>>,
    /// Servers that cannot be served as their files are.
    pub(super) left_out: Arc<[LeftOutServer]>,
    pub(super) revoked: Arc<RevocationList>,
    /// The keys of the gateway's own tokens.
    pub(super) keys: Option<Arc<SigningKeys>>,
    pub(super) tls: Option<Arc<ServerConfig>>,
}

/// A server with everything that a request to it needs, made once.
pub(super) struct Upstream {
    pub(super) route: Arc<ServerRoute>,
    pub(super) stored: Option<Arc<StoredCredential>>,
    /// Header names that pass in addition to the standard ones, if only those do.
    pub(super) headers: Option<HashSet<HeaderName>>,
    /// The policy's scopes that give a caller access, for its RFC 9728 metadata: those that can be requested are in
    /// it.
    pub(super) scopes: Vec<Arc<str>>,
    /// Those of them that a caller who has no token yet should ask for.
    pub(super) first: FirstScopes,
    pub(super) healthy: Arc<AtomicBool>,
    /// When it was last asked, in seconds since 1970, or 0; and whether it answered then. It takes several failures
    /// until it counts as down.
    pub(super) checked_at: Arc<AtomicI64>,
    pub(super) answered: Arc<AtomicBool>,
    /// Whether it was found to speak no 2026-07-28.
    pub(super) is_older: AtomicBool,
    /// Whether it was reported that its redirects are followed.
    pub(super) redirects: AtomicBool,
}

/// What a caller who has no token yet is told to ask for: enough to list tools and to call one, and no more than that, since
/// an issuer may refuse a client that asks for all. Less would not do: many issuers hold a client that registered itself to the
/// scopes it asked for first, and lists leave out what a caller may not call, so that nobody would ask for more later.
#[derive(Default)]
pub(super) struct FirstScopes {
    /// The scopes that allow tools to be listed, the narrowest first.
    list: Vec<Arc<str>>,
    /// The scopes that allow some tool to be called, the narrowest first.
    call: Vec<Arc<str>>,
}

/// What lives as long as the process.
pub(super) struct SharedState {
    /// What the gateway was started with.
    parts: Parts,
    state: ArcSwap<LoadedFiles>,
    /// Wakes those who wait for a change of the files.
    changed: watch::Sender<()>,
    /// `public_url`, parsed.
    pub(super) public: Option<Url>,
    pub(super) per_caller: Option<Rate>,
    pub(super) per_tool: Option<Rate>,
    /// What is known about introspected tokens.
    pub(super) asking: IntrospectionCache,
    /// Whether the audit can be written.
    pub(super) audit: Arc<AuditCapacity>,
    pub(super) metrics: Metrics,
    pub(super) under_way: Arc<AtomicUsize>,
    pub(super) connections: Arc<AtomicUsize>,
    /// Kinds of files whose current content is not known, as the settings name them.
    pub(super) unread: ArcSwap<Vec<&'static str>>,
    /// How many requests, and how many streams, a caller is allowed in flight.
    pub(super) most_requests: usize,
    pub(super) most_streams: usize,
    pub(super) accounts: Accounts,
    pub(super) crowd: Arc<Connections>,
    /// Workers that wait for room for one more connection.
    pub(super) waiting: Arc<AtomicUsize>,
    /// Whether the gateway has been told to stop: it still serves, and closes connections after each answer.
    pub(super) leaving: AtomicBool,
    pub(super) started: Instant,
    /// Those with the gateway's own server.
    pub(super) own_sessions: OwnSessions,
    /// What goes on with other servers for its callers.
    pub(super) relays: Arc<Relays>,
}

/// What a gateway is started with, besides its files.
pub(super) struct Parts {
    pub(super) settings: GatewaySettings,
    /// The trusted certificates.
    pub(super) trust: Trust,
    /// Counts changes of anything that tokens and grants were checked against.
    pub(super) epoch: Arc<AtomicU64>,
    pub(super) issuers: Vec<Arc<IssuerState>>,
    pub(super) hosts: Hosts,
    /// Those of the admin listener, if there is one.
    pub(super) admin_hosts: Option<Hosts>,
    pub(super) public_url: String,
    pub(super) session_key: SessionKey,
    /// The thread that gets stored credentials: no request waits for a file on its own core.
    pub(super) vault: Handle,
    /// Who writes the ledger of vended tokens.
    pub(super) ledger: Option<LedgerWriter>,
    /// How many connections are allowed, given the available descriptors.
    pub(super) most_connections: usize,
    /// The known tools, for `search_tools`.
    pub(super) catalogue: Arc<Catalogue>,
    /// The model that compares meanings, if there is one.
    pub(super) embeddings: Option<EmbeddingSearch>,
    /// Woken to read the files now.
    pub(super) reload: Arc<Notify>,
}

/// The files as one core found them under this epoch. Each request holds them: the cores share no count of its holders.
pub(super) struct CurrentFiles {
    epoch: u64,
    state: Arc<LoadedFiles>,
}

/// The last that one core found.
#[derive(Default)]
pub(super) struct LatestFiles(Mutex<Option<Arc<CurrentFiles>>>);

/// What one request sees: the files, the time, and the client's address.
pub(super) struct Snapshot {
    pub(super) state: Arc<CurrentFiles>,
    pub(super) epoch: u64,
    /// Seconds since 1970.
    pub(super) now: i64,
    pub(super) began: Instant,
    /// The client's address: the connection's, or the one that a trusted proxy forwards.
    pub(super) peer: IpAddr,
}

impl SharedState {
    pub(super) fn new(parts: Parts, state: LoadedFiles) -> Self {
        let limits = &parts.settings.limits;
        let audit = Arc::new(AuditCapacity::new(parts.settings.audit_failure));
        hold(&parts.issuers, &state);
        let quarter = (limits.max_in_flight.min(parts.most_connections) / 4).max(1);
        Self {
            state: ArcSwap::from_pointee(state),
            changed: watch::Sender::new(()),
            public: Url::parse(&parts.public_url).ok(),
            per_caller: Rate::per_minute(limits.requests_per_minute_per_caller),
            per_tool: Rate::per_minute(limits.calls_per_minute_per_tool),
            asking: IntrospectionCache::new(limits),
            metrics: Metrics::with(&audit),
            audit,
            under_way: Arc::default(),
            connections: Arc::default(),
            unread: ArcSwap::default(),
            most_requests: limits.max_in_flight_per_caller.unwrap_or(quarter),
            most_streams: limits.max_streams_per_caller.unwrap_or(quarter),
            accounts: Accounts::default(),
            crowd: Arc::default(),
            waiting: Arc::default(),
            leaving: AtomicBool::new(false),
            started: Instant::now(),
            own_sessions: OwnSessions::default(),
            relays: Arc::default(),
            parts,
        }
    }

    /// A snapshot of now.
    pub(super) fn moment(&self, peer: IpAddr) -> Snapshot {
        self.moment_of(peer, &LatestFiles::default())
    }

    /// The same, with the files that a core has found already as long as nothing changes.
    pub(super) fn moment_of(&self, peer: IpAddr, latest: &LatestFiles) -> Snapshot {
        let epoch = self.epoch();
        let mut latest = latest.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = match latest.take() {
            Some(found) if found.epoch == epoch => found,
            // The epoch was read before the state: a caller judged by old files under a new epoch would be remembered past
            // the change.
            _ => Arc::new(CurrentFiles { epoch, state: self.state.load_full() }),
        };
        *latest = Some(state.clone());
        Snapshot { epoch, state, now: clock::now(), began: Instant::now(), peer }
    }

    pub(super) fn state(&self) -> Arc<LoadedFiles> {
        self.state.load_full()
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Puts other files in force, for every request that starts from here on.
    pub(super) fn replace(&self, state: LoadedFiles) {
        hold(&self.issuers, &state);
        self.catalogue.serve(state.routes.all());
        self.state.store(Arc::new(state));
        self.epoch.fetch_add(1, Ordering::Release);
        self.changed.send_replace(());
    }

    /// Notified of files that are put in force from here on.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Whether requests should be sent here: every issuer's tokens can be checked, audit lines can be written, every
    /// file could be read, and the gateway is not about to stop.
    ///
    /// # Errors
    /// Why they should not.
    pub(super) fn readiness(&self) -> Result<(), String> {
        if self.is_leaving() {
            return Err("stopping".into());
        }
        if !self.issuers.iter().all(|issuer| issuer.is_ready()) {
            return Err("the tokens of an issuer cannot be checked".into());
        }
        if self.audit.refuses() && !self.audit.holds() {
            return Err("the audit cannot be written".into());
        }
        match self.unread.load().as_slice() {
            [] => Ok(()),
            // What was last read of them is in force.
            unread => Err(format!("{} cannot be read", unread.join(", "))),
        }
    }

    /// How the gateway vends tokens of its own, if it does.
    pub(super) fn vending(&self) -> Option<&Vending> {
        self.settings.vending.as_ref()
    }

    /// The issuers but the gateway itself, who gives tokens only for theirs.
    pub(super) fn others(&self) -> impl Iterator<Item = &Arc<IssuerState>> {
        self.issuers.iter().filter(|issuer| !issuer.is_own())
    }

    /// Whether a scope can be requested from any issuer.
    pub(super) fn is_granted(&self, scope: &str) -> bool {
        self.issuers.iter().any(|issuer| issuer.grants(scope))
    }

    /// A path below the public address: a proxy may pass on the prefix or remove it. `None` if it has none.
    pub(super) fn without_prefix<'p>(&self, path: &'p str) -> Option<&'p str> {
        path_below(self.prefix(), path)
    }

    /// The path of the public address, without a slash at its end.
    pub(super) fn prefix(&self) -> &str {
        self.public.as_ref().map_or("", |url| url.path().trim_end_matches('/'))
    }

    /// The servers with this resource identifier.
    pub(super) fn servers_of(&self, state: &LoadedFiles, audience: &str) -> Vec<String> {
        servers_of(&state.routes, self.public.as_ref(), audience)
    }

    /// Whether clients are told to go elsewhere.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }
}

impl Deref for SharedState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Deref for CurrentFiles {
    type Target = LoadedFiles;

    fn deref(&self) -> &LoadedFiles {
        &self.state
    }
}

/// Gives the gateway, as one of the issuers, the keys that it has now.
fn hold(issuers: &[Arc<IssuerState>], state: &LoadedFiles) {
    let own = issuers.iter().filter(|issuer| issuer.is_own());
    own.zip(&state.keys).for_each(|(issuer, keys)| issuer.hold(keys.set.clone()));
}

impl FirstScopes {
    pub(super) fn of(policy: &Policy, server: &str) -> Self {
        Self {
            list: policy.scopes_with(server, "tools/list"),
            call: policy.scopes_with(server, "tools/call"),
        }
    }

    /// Of those that can be asked for, the one that does, or the two that do together.
    pub(super) fn told(&self, is_granted: impl Fn(&str) -> bool) -> Option<Arc<str>> {
        let first = |scopes: &[Arc<str>]| scopes.iter().find(|scope| is_granted(scope)).cloned();
        match (first(&self.list), first(&self.call)) {
            (_, Some(call)) if self.list.contains(&call) => Some(call),
            (Some(list), Some(call)) => Some(format!("{list} {call}").into()),
            (list, call) => list.or(call),
        }
    }
}

impl Upstream {
    /// Notes whether it answered just now.
    pub(super) fn note(&self, answered: bool) {
        self.answered.store(answered, Ordering::Relaxed);
        self.checked_at.store(clock::now(), Ordering::Relaxed);
    }

    /// A server without a policy or a credential, for a health check.
    pub(super) fn alone(route: &Arc<ServerRoute>) -> Self {
        Self {
            route: route.clone(),
            stored: None,
            headers: None,
            scopes: Vec::new(),
            first: FirstScopes::default(),
            healthy: Arc::default(),
            checked_at: Arc::default(),
            answered: Arc::default(),
            is_older: AtomicBool::default(),
            redirects: AtomicBool::default(),
        }
    }

    /// Whether the gateway itself answers.
    pub(super) fn is_built_in(&self) -> bool {
        self.route.server.place.is_none()
    }

    /// Where it is spoken to by its name alone; nowhere for the gateway's own.
    pub(super) fn base(&self) -> Option<&UpstreamEndpoint> {
        self.route.server.endpoints().map(|endpoints| &endpoints.base)
    }

    /// Its name for clients and the policy.
    pub(super) fn name(&self) -> &str {
        &self.route.server.name
    }
}
