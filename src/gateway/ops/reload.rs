//! Puts the gateway's files in force, at the start and when they change; if a file cannot be read, its last good
//! content stays. Not here: reading them (see `files`); the state (see `state`).

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use hashbrown::HashMap;
use rustls::ServerConfig;
use tokio::sync::Notify;
use tracing::{info, warn};

use super::files::{FileContent, FileKind, Files, ServedServers};
use crate::gateway::authn::revocations::RevocationList;
use crate::gateway::authn::vended::SigningKeys;
use crate::gateway::servers::route::ServerRoute;
use crate::gateway::state::{FirstScopes, LoadedFiles, SharedState, Upstream};
use crate::policy::Policy;

/// What is in force, by kind of file.
#[derive(Default)]
pub(crate) struct ActiveFiles {
    policy: Option<Arc<Policy>>,
    shadow: Option<Arc<Policy>>,
    served: ServedServers,
    revoked: Arc<RevocationList>,
    keys: Option<Arc<SigningKeys>>,
    tls: Option<Arc<ServerConfig>>,
}

/// How long a change may go unnoticed.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

impl ActiveFiles {
    /// Replaces the old content with what was read.
    pub(crate) fn put(&mut self, content: FileContent) {
        match content {
            FileContent::Policy(policy) => self.policy = Some(policy),
            FileContent::Shadow(shadow) => self.shadow = Some(shadow),
            FileContent::Servers(served) => self.served = served,
            FileContent::Revoked(revoked) => self.revoked = revoked,
            FileContent::Keys(keys) => self.keys = Some(keys),
            FileContent::Tls(tls) => self.tls = Some(tls),
            // They are only put in force by a restart.
            FileContent::Settings(_) => {}
        }
    }

    /// All of it as one value. The known health of servers is carried over from the old state.
    pub(crate) fn state(&self, old: Option<&LoadedFiles>) -> LoadedFiles {
        let policy = self.policy.clone().unwrap_or_default();
        let routes = self.served.routes.clone();
        let upstreams: HashMap<_, _> = routes
            .all()
            .iter()
            .map(|route| (route.server.name.clone(), Arc::new(self.upstream(route, &policy, old))))
            .collect();
        let (shadow, revoked, tls) = (self.shadow.clone(), self.revoked.clone(), self.tls.clone());
        let (left_out, keys) = (self.served.left_out.clone(), self.keys.clone());
        LoadedFiles { policy, shadow, routes, upstreams, left_out, revoked, keys, tls }
    }

    fn upstream(&self, route: &Arc<ServerRoute>, policy: &Policy, old: Option<&LoadedFiles>) -> Upstream {
        let name = &route.server.name;
        let old = old.and_then(|old| old.upstreams.get(name));
        let same = old.filter(|old| old.base() == route.server.endpoints().map(|endpoints| &endpoints.base));
        Upstream {
            redirects: AtomicBool::default(),
            is_older: AtomicBool::default(),
            healthy: same.map_or_else(|| Arc::new(AtomicBool::new(true)), |old| old.healthy.clone()),
            checked_at: same.map(|old| old.checked_at.clone()).unwrap_or_default(),
            answered: same.map(|old| old.answered.clone()).unwrap_or_default(),
            headers: route.headers.as_ref().map(|names| names.iter().cloned().collect()),
            scopes: policy.scopes_for(name),
            first: FirstScopes::of(policy, name),
            route: route.clone(),
            stored: self.served.stored.get(name).cloned(),
        }
    }
}

/// Puts changed files in force while the gateway runs; `now` triggers an immediate check.
pub(crate) async fn watch(
    shared: Arc<SharedState>,
    mut files: Files,
    mut in_force: ActiveFiles,
    now: Arc<Notify>,
) {
    let mut said: Vec<(FileKind, String)> = Vec::new();
    loop {
        let asked = tokio::time::timeout(POLL_INTERVAL, now.notified()).await.is_ok();
        let mut changed = false;
        let (mut errors, mut remarks) = (Vec::new(), Vec::new());
        for (part, found) in files.look(asked).await {
            let before = said.iter().position(|(other, _)| *other == part).map(|at| said.swap_remove(at));
            match found.and_then(FileContent::complete) {
                Ok(FileContent::Settings(changed)) => {
                    remarks.extend(restart(shared.settings.file.as_deref(), &changed));
                }
                Ok(content) => {
                    if let FileContent::Servers(served) = &content {
                        remarks.extend(served.remarks.iter().map(ToString::to_string));
                    }
                    in_force.put(content);
                    changed = true;
                }
                Err(error) => {
                    let text = error.to_string();
                    // What still cannot be read is not reported each second.
                    if asked || !error.is_unread() || before.is_none_or(|(_, before)| before != text) {
                        errors.push(text.clone());
                    }
                    said.push((part, text));
                }
            }
        }
        if changed {
            shared.replace(in_force.state(Some(&shared.state())));
        }
        shared.unread.store(Arc::new(files.unread()));
        remarks.iter().for_each(|remark| warn!(event = "reload", "{remark}"));
        tell(&shared, changed, errors);
    }
}

/// The message about changed settings.
fn restart(file: Option<&Path>, changed: &[String]) -> Option<String> {
    let (file, changed) = (file?.display(), changed.join(", "));
    let what = format!("{file}: {changed} changed; restart the gateway for it to take effect");
    (!changed.is_empty()).then_some(what)
}

fn tell(shared: &SharedState, changed: bool, errors: Vec<String>) {
    if changed {
        let servers = shared.state().upstreams.values().filter(|upstream| !upstream.is_built_in()).count();
        shared.metrics.reload("ok");
        info!(event = "reload", "{servers} servers, policy and certificates are in force");
    }
    for error in errors {
        shared.metrics.reload("failed");
        warn!(event = "reload", "{error}; the previous files stay in force");
    }
}
