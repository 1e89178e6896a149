//! What all workers share: the files as last read, in one value that is swapped as a whole, and what lives as long as
//! the process. Not here: reading files (see `reload`); serving (see `worker`).

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
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
use super::authn::jwt::TokenError;
use super::catalogue::Catalogue;
use super::connections::Connections;
use super::egress::StoredCredential;
use super::host::Hosts;
use super::observe::audit_buffer::AuditCapacity;
use super::observe::metrics::Metrics;
use super::own_sessions::OwnSessions;
use super::rate::Rate;
use super::redirect::Straight;
use super::relays::Relays;
use super::servers::audience::servers_of;
use super::servers::endpoints::UpstreamEndpoint;
use super::servers::route::{Routes, ServerRoute};
use super::session::SessionKey;
use super::settings::GatewaySettings;
use crate::policy::{Policy, Principal};
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
    pub(super) revoked: Arc<RevocationList>,
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
    /// The same for a caller without a token, the narrowest first: requesting all would be refused, or too much.
    pub(super) first_scopes: Vec<Arc<str>>,
    pub(super) healthy: Arc<AtomicBool>,
    /// When that was last looked at, in seconds since 1970; 0 for never.
    pub(super) checked_at: Arc<AtomicI64>,
    /// Whether it was found to speak no 2026-07-28.
    pub(super) is_older: AtomicBool,
    /// What is known about its redirects.
    pub(super) straight: Straight,
}

/// Revoked tokens, by what identifies them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RevocationList {
    pub(super) token_ids: HashSet<String>,
    pub(super) subjects: HashSet<String>,
    pub(super) clients: HashSet<String>,
}

/// What lives as long as the process.
pub(super) struct SharedState {
    pub(super) settings: GatewaySettings,
    /// The trusted certificates.
    pub(super) trust: Trust,
    state: ArcSwap<LoadedFiles>,
    /// Counts changes of anything that tokens and grants were checked against.
    epoch: Arc<AtomicU64>,
    /// Wakes those who wait for a change of the files.
    changed: watch::Sender<()>,
    pub(super) issuers: Vec<Arc<IssuerState>>,
    pub(super) hosts: Hosts,
    /// Those of the admin listener, if there is one.
    pub(super) admin_hosts: Option<Hosts>,
    pub(super) public_url: String,
    /// The same, parsed.
    public: Option<Url>,
    pub(super) session_key: SessionKey,
    pub(super) per_caller: Option<Rate>,
    pub(super) per_tool: Option<Rate>,
    /// What is known about introspected tokens.
    pub(super) asking: IntrospectionCache,
    /// Whether the audit can be written.
    pub(super) audit: Arc<AuditCapacity>,
    pub(super) metrics: Metrics,
    pub(super) under_way: Arc<AtomicUsize>,
    pub(super) connections: Arc<AtomicUsize>,
    /// The thread that gets stored credentials: no request waits for a file on its own core.
    pub(super) vault: Handle,
    /// Kinds of files whose current content is not known, as the settings name them.
    pub(super) unread: ArcSwap<Vec<&'static str>>,
    /// How many connections are allowed, given the available descriptors.
    pub(super) most_connections: usize,
    /// How many requests, and how many streams, a caller may have in flight.
    pub(super) most_requests: usize,
    pub(super) most_streams: usize,
    pub(super) accounts: Accounts,
    pub(super) crowd: Arc<Connections>,
    /// Workers that wait for room for one more connection.
    pub(super) waiting: Arc<AtomicUsize>,
    /// Whether the gateway has been told to stop: it still serves, and closes connections after each answer.
    pub(super) leaving: AtomicBool,
    pub(super) started: Instant,
    /// The tools there are, for whoever looks for one.
    pub(super) catalogue: Arc<Catalogue>,
    /// Woken to read the files now.
    pub(super) reload: Arc<Notify>,
    /// Those with the gateway's own server.
    pub(super) own_sessions: OwnSessions,
    /// What goes on with other servers for its callers.
    pub(super) relays: Arc<Relays>,
}

/// What one request sees: the files, the time, and the client's address.
pub(super) struct Snapshot {
    pub(super) state: Arc<LoadedFiles>,
    pub(super) epoch: u64,
    /// Seconds since 1970.
    pub(super) now: i64,
    pub(super) began: Instant,
    /// The client's address: the connection's, or the one that a trusted proxy forwards.
    pub(super) peer: IpAddr,
}

/// Parts of [`SharedState`].
pub(super) struct Parts {
    pub(super) settings: GatewaySettings,
    pub(super) trust: Trust,
    pub(super) state: LoadedFiles,
    pub(super) epoch: Arc<AtomicU64>,
    pub(super) issuers: Vec<Arc<IssuerState>>,
    pub(super) hosts: Hosts,
    /// Those of the admin listener, if there is one.
    pub(super) admin_hosts: Option<Hosts>,
    pub(super) public_url: String,
    pub(super) session_key: SessionKey,
    pub(super) vault: Handle,
    pub(super) most_connections: usize,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) reload: Arc<Notify>,
}

/// Why a gateway should not get requests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotReady {
    /// It has been told to stop.
    #[error("stopping")]
    Leaving,
    /// The keys of an issuer are missing.
    #[error("the tokens of an issuer cannot be checked")]
    Issuer,
    /// No audit line can be written.
    #[error("the audit cannot be written")]
    Audit,
    /// Files that cannot be read; what was last read is in force.
    #[error("{} cannot be read", .0.join(", "))]
    Unread(Vec<&'static str>),
}

impl SharedState {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts {
            trust,
            settings,
            state,
            epoch,
            issuers,
            hosts,
            admin_hosts,
            public_url,
            session_key,
            vault,
            most_connections,
            catalogue,
            reload,
        } = parts;
        let audit = Arc::new(AuditCapacity::new(settings.audit_failure));
        let quarter = (settings.limits.max_in_flight.min(most_connections) / 4).max(1);
        Self {
            trust,
            per_caller: Rate::per_minute(settings.limits.requests_per_minute_per_caller),
            per_tool: Rate::per_minute(settings.limits.calls_per_minute_per_tool),
            asking: IntrospectionCache::new(&settings.limits),
            most_requests: settings.limits.max_in_flight_per_caller.unwrap_or(quarter),
            most_streams: settings.limits.max_streams_per_caller.unwrap_or(quarter),
            settings,
            state: ArcSwap::from_pointee(state),
            epoch,
            changed: watch::Sender::new(()),
            issuers,
            hosts,
            admin_hosts,
            public: Url::parse(&public_url).ok(),
            public_url,
            session_key,
            metrics: Metrics::with(&audit),
            audit,
            under_way: Arc::default(),
            connections: Arc::default(),
            vault,
            unread: ArcSwap::default(),
            most_connections,
            accounts: Accounts::default(),
            crowd: Arc::default(),
            waiting: Arc::default(),
            leaving: AtomicBool::new(false),
            started: Instant::now(),
            catalogue,
            reload,
            own_sessions: OwnSessions::default(),
            relays: Arc::default(),
        }
    }

    /// A snapshot of now. The epoch is read before the state: otherwise a caller checked against old files would be
    /// cached under the new epoch.
    pub(super) fn moment(&self, peer: IpAddr) -> Snapshot {
        let epoch = self.epoch();
        Snapshot { epoch, state: self.state.load_full(), now: clock::now(), began: Instant::now(), peer }
    }

    pub(super) fn state(&self) -> Arc<LoadedFiles> {
        self.state.load_full()
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Puts other files in force, for every request that starts from here on.
    pub(super) fn replace(&self, state: LoadedFiles) {
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
    pub(super) fn readiness(&self) -> Result<(), NotReady> {
        if self.is_leaving() {
            return Err(NotReady::Leaving);
        }
        if !self.issuers.iter().all(|issuer| issuer.is_ready()) {
            return Err(NotReady::Issuer);
        }
        if self.audit.refuses() && !self.audit.holds() {
            return Err(NotReady::Audit);
        }
        let unread = self.unread.load();
        if unread.is_empty() { Ok(()) } else { Err(NotReady::Unread(unread.to_vec())) }
    }

    /// Whether a scope can be requested from any issuer.
    pub(super) fn is_granted(&self, scope: &str) -> bool {
        self.issuers.iter().any(|issuer| issuer.grants(scope))
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

impl Upstream {
    /// A server without a policy or a credential, for a health check.
    pub(super) fn alone(route: &Arc<ServerRoute>) -> Self {
        Self {
            route: route.clone(),
            stored: None,
            headers: None,
            scopes: Vec::new(),
            first_scopes: Vec::new(),
            healthy: Arc::default(),
            checked_at: Arc::default(),
            is_older: AtomicBool::default(),
            straight: Straight::default(),
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

impl RevocationList {
    /// One entry per line, `jti: VALUE`, `sub: VALUE` or `client_id: VALUE`; `#` begins a comment.
    ///
    /// # Errors
    /// The number of the first invalid line.
    pub(super) fn read(text: &str) -> Result<Self, usize> {
        let mut revoked = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (kind, value) = line.split_once(':').ok_or(number + 1)?;
            let value = value.trim();
            let set = match kind.trim() {
                "jti" => &mut revoked.token_ids,
                "sub" => &mut revoked.subjects,
                "client_id" => &mut revoked.clients,
                _ => return Err(number + 1),
            };
            if value.is_empty() {
                return Err(number + 1);
            }
            set.insert(value.to_owned());
        }
        Ok(revoked)
    }

    /// What is revoked, if anything: the caller, or only this token.
    pub(super) fn reject(&self, principal: &Principal) -> Option<TokenError> {
        let client = principal.client_id.as_ref();
        if self.subjects.contains(&principal.subject) || client.is_some_and(|id| self.clients.contains(id)) {
            return Some(TokenError::CallerRevoked);
        }
        let token_id = principal.claims.get("jti").and_then(|id| id.as_str());
        token_id.filter(|id| self.token_ids.contains(*id)).map(|_| TokenError::Revoked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revoked_line_names_what_it_is_about() {
        let revoked = RevocationList::read("# gone\njti: a-1\n\n sub : alice \nclient_id:agent:7\n").unwrap();
        let reject = |principal: Principal| revoked.reject(&principal);
        let (alice, agent) = (
            Principal { subject: "alice".into(), ..Principal::default() },
            Principal { client_id: Some("agent:7".into()), ..Principal::default() },
        );
        assert_eq!(
            (reject(alice), reject(agent)),
            (Some(TokenError::CallerRevoked), Some(TokenError::CallerRevoked))
        );
        let mut principal = Principal::default();
        assert_eq!(revoked.reject(&principal), None);
        principal.claims.insert("jti".into(), "a-1".into());
        assert_eq!(revoked.reject(&principal), Some(TokenError::Revoked));
        for (text, line) in [("alice", 1), ("# x\nuser: alice", 2), ("jti:", 1)] {
            assert_eq!(RevocationList::read(text), Err(line), "{text}");
        }
    }
}
