//! Reads the gateway's files into one state, and again when they change: what cannot be read leaves everything as it was.
//! It leaves what is in the files to `policy`, `servers`, `state` and `tls`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use thiserror::Error;
use tokio::sync::Notify;

use super::tls;
use crate::gateway::egress::Stored;
use crate::gateway::servers;
use crate::gateway::servers::route::{Route, Routes};
use crate::gateway::settings::{Egress, Settings};
use crate::gateway::state::{Revoked, Shared, State, Upstream};
use crate::policy::{Call, Policy, Principal};
use crate::secret::Secret;

/// Gives a server's stored credential, by its name in `upstreams`.
pub type Credentials = Box<dyn Fn(&str) -> Option<Arc<Stored>> + Send + Sync>;
/// Gives a variable that a server's file names in its headers.
pub type Variables = Box<dyn Fn(&str) -> Option<Secret> + Send + Sync>;

/// Where files and what they name are read from.
pub(crate) struct Reader {
    pub(crate) credentials: Credentials,
    pub(crate) variables: Variables,
}

/// Why the files cannot be put in force.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The policy, or the one that only watches.
    #[error("{path}: {reason}")]
    Policy {
        /// The file.
        path: String,
        /// What is wrong in it.
        reason: String,
    },
    /// The servers' files.
    #[error("{0}")]
    Servers(#[from] servers::ServersError),
    /// The certificate.
    #[error("{0}")]
    Tls(#[from] tls::TlsError),
    /// The list of revoked tokens.
    #[error("{path}: {reason}")]
    Revoked {
        /// The file.
        path: String,
        /// What is wrong in it.
        reason: String,
    },
    /// A server that is to get a credential nobody has.
    #[error("the server {server} is to get the stored credential {credential}, which is not configured")]
    Credential {
        /// The server.
        server: String,
        /// The credential's server name.
        credential: String,
    },
}

/// What a new caller asks first.
const LIST: Call<'static> = Call::Message { method: "tools/list", name: None };
/// How long a change may go unseen.
const LOOK: Duration = Duration::from_secs(1);

impl Reader {
    /// The files as they are now. What an earlier state knew of a server's health goes over to the new one.
    ///
    /// # Errors
    /// [`LoadError`], naming the file.
    pub(crate) fn read(&self, settings: &Settings, old: Option<&State>) -> Result<State, LoadError> {
        let policy = policy(&settings.policy)?;
        let shadow = settings.shadow.as_deref().map(self::policy).transpose()?;
        let found = servers::read(&settings.servers, &|name| (self.variables)(name))?;
        let routes = Routes::new(found.servers, settings);
        let mut upstreams = hashbrown::HashMap::new();
        for route in routes.all() {
            let upstream = self.upstream(route, &policy, old)?;
            upstreams.insert(route.server.name.clone(), Arc::new(upstream));
        }
        let revoked = settings.revoked.as_deref().map(revoked).transpose()?.unwrap_or_default();
        let tls = settings.tls.as_ref().map(tls::read).transpose()?;
        Ok(State { policy, shadow, routes, upstreams, revoked, tls })
    }

    fn upstream(
        &self,
        route: &Arc<Route>,
        policy: &Policy,
        old: Option<&State>,
    ) -> Result<Upstream, LoadError> {
        let name = &route.server.name;
        let old = old.and_then(|old| old.upstreams.get(name));
        let same = old.filter(|old| *old.origin == route.server.origin);
        let stored = match route.egress {
            Egress::Stored => {
                let known = old.and_then(|old| old.stored.clone());
                let stored = known.or_else(|| (self.credentials)(&route.credential));
                let missing =
                    || LoadError::Credential { server: name.clone(), credential: route.credential.clone() };
                Some(stored.ok_or_else(missing)?)
            }
            Egress::Passthrough | Egress::None => None,
        };
        Ok(Upstream {
            origin: same.map_or_else(|| Arc::new(route.server.origin.clone()), |old| old.origin.clone()),
            healthy: same.map_or_else(|| Arc::new(AtomicBool::new(true)), |old| old.healthy.clone()),
            headers: route.headers.as_ref().map(|names| names.iter().cloned().collect()),
            scopes: policy.scopes_for(name),
            first_scope: policy.helping_scope(&policy.grants(&Principal::default()), name, &LIST),
            route: route.clone(),
            stored,
        })
    }
}

/// Puts changed files in force for as long as the gateway runs; `now` is for those who do not want to wait.
pub(crate) async fn watch(shared: Arc<Shared>, reader: Reader, now: Arc<Notify>) {
    let mut seen = fingerprint(&shared.settings);
    loop {
        let asked = tokio::time::timeout(LOOK, now.notified()).await.is_ok();
        let found = fingerprint(&shared.settings);
        if found == seen && !asked {
            continue;
        }
        seen = found;
        match reader.read(&shared.settings, Some(&shared.state())) {
            Ok(state) => {
                let text = format!("{} servers, policy and certificates are in force", state.upstreams.len());
                shared.replace(state);
                shared.metrics.reload("ok");
                shared.journal.info("reload", &text);
            }
            Err(error) => {
                shared.metrics.reload("failed");
                shared.journal.warn("reload", &format!("{error}; what was in force stays in force"));
            }
        }
    }
}

fn policy(path: &Path) -> Result<Policy, LoadError> {
    let failed = |reason: String| LoadError::Policy { path: path.display().to_string(), reason };
    let text = fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
    Policy::parse(&text).map_err(|e| failed(e.to_string()))
}

fn revoked(path: &Path) -> Result<Revoked, LoadError> {
    let failed = |reason: String| LoadError::Revoked { path: path.display().to_string(), reason };
    let text = fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
    Revoked::read(&text)
        .map_err(|line| failed(format!("line {line} is none of jti:, sub: and client_id: VALUE")))
}

/// Enough of every file to see that it changed: editors, copies and links that are switched all change one of these.
fn fingerprint(settings: &Settings) -> Vec<(PathBuf, Option<(SystemTime, u64)>)> {
    let mut paths: Vec<PathBuf> = vec![settings.policy.clone()];
    paths.extend([settings.shadow.clone(), settings.revoked.clone()].into_iter().flatten());
    paths.extend(settings.tls.iter().flat_map(|tls| [tls.certificate.clone(), tls.key.clone()]));
    let listing = fs::read_dir(&settings.servers).into_iter().flatten().flatten();
    let mut servers: Vec<PathBuf> = listing.map(|entry| entry.path()).collect();
    servers.sort();
    paths.extend(servers);
    let stat = |path: &Path| -> io::Result<(SystemTime, u64)> {
        let found = fs::metadata(path)?;
        Ok((found.modified()?, found.len()))
    };
    paths.into_iter().map(|path| (path.clone(), stat(&path).ok())).collect()
}
