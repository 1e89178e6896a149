//! What all workers share: the files as last read, in one value that is swapped whole, and what lives as long as the process.
//! It leaves reading files to `reload` and serving to `worker`.

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
    /// A policy that decides nothing: what it would have refused is recorded.
    pub(super) shadow: Option<Arc<Policy>>,
    pub(super) routes: Routes,
    /// By server name.
    pub(super) upstreams: HashMap<String, Arc<Upstream>>,
    pub(super) revoked: Arc<RevocationList>,
    pub(super) tls: Option<Arc<ServerConfig>>,
}

/// A server with everything a request to it needs, made once.
pub(super) struct Upstream {
    pub(super) route: Arc<ServerRoute>,
    pub(super) stored: Option<Arc<StoredCredential>>,
    /// Names that pass beside the standard ones, if only those do.
    pub(super) headers: Option<HashSet<HeaderName>>,
    /// The policy's scopes that let a caller in, for its RFC 9728 document: those that can be asked for are in it.
    pub(super) scopes: Vec<Arc<str>>,
    /// Those of them that a caller who has no token yet should ask for.
    pub(super) first: FirstScopes,
    pub(super) healthy: Arc<AtomicBool>,
    /// When that was last looked at, in seconds since 1970; 0 for never.
    pub(super) checked_at: Arc<AtomicI64>,
    /// Whether it was found to speak no 2026-07-28.
    pub(super) is_older: AtomicBool,
    /// Whether it is said that its redirects are followed.
    pub(super) redirects: AtomicBool,
}

/// What a caller who has no token yet is told to ask for: enough to list tools and to call one, and no more than that, since
/// an issuer may refuse whoever asks for all. Less would not do: many issuers hold a client that registered itself to the
/// scopes it asked for first, and lists leave out what a caller may not call, so that nobody would ask for more later.
#[derive(Default)]
pub(super) struct FirstScopes {
    /// The scopes that allow tools to be listed, the narrowest first.
    list: Vec<Arc<str>>,
    /// The scopes that allow some tool to be called, the narrowest first.
    call: Vec<Arc<str>>,
}

/// Tokens that are refused although they verify, by what names them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RevocationList {
    pub(super) token_ids: HashSet<String>,
    pub(super) subjects: HashSet<String>,
    pub(super) clients: HashSet<String>,
}

/// What lives as long as the process.
pub(super) struct SharedState {
    pub(super) settings: GatewaySettings,
    /// Whose certificates are believed.
    pub(super) trust: Trust,
    state: ArcSwap<LoadedFiles>,
    /// Counts changes of anything that tokens and grants were judged by.
    epoch: Arc<AtomicU64>,
    /// Wakes whoever waits when the files change.
    changed: watch::Sender<()>,
    pub(super) issuers: Vec<Arc<IssuerState>>,
    pub(super) hosts: Hosts,
    /// Those of the admin listener, if there is one.
    pub(super) admin_hosts: Option<Hosts>,
    pub(super) public_url: String,
    /// The same, read.
    public: Option<Url>,
    pub(super) session_key: SessionKey,
    pub(super) per_caller: Option<Rate>,
    pub(super) per_tool: Option<Rate>,
    /// What is known of tokens that their issuers were asked about.
    pub(super) asking: IntrospectionCache,
    /// Whether the audit can be written.
    pub(super) audit: Arc<AuditCapacity>,
    pub(super) metrics: Metrics,
    pub(super) under_way: Arc<AtomicUsize>,
    pub(super) connections: Arc<AtomicUsize>,
    /// Where stored credentials are got: no request waits for a file on its own core.
    pub(super) vault: Handle,
    /// Kinds of files of which nobody knows what is in them now, as the settings name them.
    pub(super) unread: ArcSwap<Vec<&'static str>>,
    /// How many connections there may be, with the descriptors there are.
    pub(super) most_connections: usize,
    /// How many requests, and how many streams, a caller may have under way.
    pub(super) most_requests: usize,
    pub(super) most_streams: usize,
    pub(super) accounts: Accounts,
    pub(super) crowd: Arc<Connections>,
    /// Workers that wait for room for one more connection.
    pub(super) waiting: Arc<AtomicUsize>,
    /// Whether the gateway has been told to stop: it still serves, and tells everybody to go elsewhere.
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

/// What one request sees: the files, when it is, and who is at the other end.
pub(super) struct Snapshot {
    pub(super) state: Arc<LoadedFiles>,
    pub(super) epoch: u64,
    /// Seconds since 1970.
    pub(super) now: i64,
    pub(super) began: Instant,
    /// Where it came from: whose connection it came on, or whom a trusted proxy forwards.
    pub(super) peer: IpAddr,
}

/// The parts of [`SharedState`] that have names of their own.
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

/// Why a gateway is not to be sent requests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotReady {
    /// It has been told to stop.
    #[error("stopping")]
    Leaving,
    /// No keys of some issuer.
    #[error("the tokens of an issuer cannot be checked")]
    Issuer,
    /// No line of the audit.
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

    /// The present moment. The epoch is read before the state: a caller judged by old files under a new epoch would be
    /// remembered past the change.
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

    /// Puts other files in force, for every request that begins from here on.
    pub(super) fn replace(&self, state: LoadedFiles) {
        self.catalogue.serve(state.routes.all());
        self.state.store(Arc::new(state));
        self.epoch.fetch_add(1, Ordering::Release);
        self.changed.send_replace(());
    }

    /// Hears of files that are put in force from here on.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Whether requests should be sent here: every issuer's tokens can be checked, their lines can be written, every file is
    /// as it was last read, and nobody is about to leave.
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

    /// Whether a scope can be asked for anywhere.
    pub(super) fn is_granted(&self, scope: &str) -> bool {
        self.issuers.iter().any(|issuer| issuer.grants(scope))
    }

    /// The servers whose resource identifier this is.
    pub(super) fn servers_of(&self, state: &LoadedFiles, audience: &str) -> Vec<String> {
        servers_of(&state.routes, self.public.as_ref(), audience)
    }

    /// Whether clients are told to go elsewhere.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }
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
    /// A server without a policy or a credential, to be asked whether it is there.
    pub(super) fn alone(route: &Arc<ServerRoute>) -> Self {
        Self {
            route: route.clone(),
            stored: None,
            headers: None,
            scopes: Vec::new(),
            first: FirstScopes::default(),
            healthy: Arc::default(),
            checked_at: Arc::default(),
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

    /// How clients and the policy name it.
    pub(super) fn name(&self) -> &str {
        &self.route.server.name
    }
}

impl RevocationList {
    /// One entry a line, `jti: VALUE`, `sub: VALUE` or `client_id: VALUE`; `#` begins a comment.
    ///
    /// # Errors
    /// The number of the first line that is none of it.
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

    /// What of a caller is revoked, if anything: the caller, or this token alone.
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
