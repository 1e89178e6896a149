//! Changes of the registry by a caller: who is allowed by the policy's `UI-Scopes`, what may not be changed from outside at all, and
//! the record of who changed what. None of it gives anybody rights: who may use a server is the policy's alone. For the
//! gateway's own MCP server and for its pages. Not here: writing (see `registry::edit`).

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};
use thiserror::Error;
use tokio::time::timeout;
use tracing::{info, warn};

use super::observe::audit_buffer::AuditBuffer;
use super::ops::health;
use super::pool::Pool;
use super::servers::MCPGW;
use super::servers::headers::{AllowedVariables, headers};
use super::services::ServiceView;
use super::settings::EgressMode;
use super::state::Upstream;
use crate::policy::{Principal, UiAction};
use crate::registry::edit::{self, EditError, OpenedFile};
use crate::registry::{PROXY_PASS_URL, Profile};
use crate::sys::clock;
use crate::text::{clean, is_all_plain};

/// The registry in the hands of one caller.
#[derive(Clone, Copy)]
pub(super) struct RegistryEditor<'a> {
    pub(super) view: ServiceView<'a>,
    pub(super) who: &'a Principal,
    /// Where the request comes from, and its identifier.
    pub(super) from: (IpAddr, &'a str),
    pub(super) audit: &'a AuditBuffer,
}

/// Why nothing was changed.
#[derive(Debug, Error)]
pub(super) enum ChangeError {
    /// None that the caller may know of.
    #[error("there is no server of this path")]
    Unknown,
    /// The registry's permissions do not let the caller do this.
    #[error("the policy does not allow you {action} for this server", action = .0.name())]
    Forbidden(UiAction),
    /// It is the gateway's own.
    #[error("the server {MCPGW} is the gateway's own and cannot be changed here")]
    Own,
    /// Only the gateway's operator may do this.
    #[error("{0}")]
    Operator(&'static str),
    /// What is to be written, or is there, is not right.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The record cannot be written.
    #[error("the record of changes cannot be written; try again later")]
    Audit,
    /// Its files cannot be read or written, or there is no thread to do it on; the log says which.
    #[error("the registry could not be changed; the gateway's log says why")]
    Failed,
}

/// What may be changed in a server's file from outside: what describes it, and where it is.
pub(super) const EDITABLE: [&str; 13] = [
    "server_name",
    "description",
    PROXY_PASS_URL,
    "supported_transports",
    "auth_type",
    "auth_provider",
    "headers",
    "tags",
    "num_tools",
    "num_stars",
    "is_python",
    "license",
    "tool_list",
];

/// The longest name of a person or server in the log.
const SHOWN: usize = 200;
/// How long a change may take to be in force before it is answered nevertheless.
const SOON: Duration = Duration::from_secs(2);

const STORED: &str =
    "the gateway keeps a credential for a server of this path: its operator must add the file";
const VARIABLE: &str = "headers name a variable: the gateway's operator must add the file";
const KEYS: &str = "the server's headers would go to the new address: its operator must change the file";
const UNKNOWN_MEMBER: &str = "this cannot be changed here: the gateway's operator must change the file";

/// A change as the audit has it.
#[derive(Serialize)]
struct ChangeLine<'a> {
    id: &'a str,
    address: IpAddr,
    issuer: &'a str,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    server: &'a str,
    verdict: &'static str,
    change: &'static str,
    before: &'a Value,
    after: &'a Value,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    members: &'a [String],
}

impl<'a> RegistryEditor<'a> {
    /// The server of a path or name, if the caller may do something to it.
    ///
    /// # Errors
    /// [`ChangeError::Unknown`] for one that the caller may not see, else [`ChangeError::Forbidden`].
    pub(super) fn target(&self, given: &str, action: UiAction) -> Result<&'a Arc<Upstream>, ChangeError> {
        if let Some(found) = self.view.named(given, |upstream| self.view.manages(upstream, action)) {
            return Ok(found);
        }
        let seen = self.view.named(given, |upstream| self.view.sees(upstream));
        Err(seen.map_or(ChangeError::Unknown, |_| ChangeError::Forbidden(action)))
    }

    /// Switches a server on or off.
    pub(super) async fn switch(&self, upstream: &Upstream, on: bool) -> Result<(), ChangeError> {
        self.may(upstream, UiAction::Toggle)?;
        let path = upstream.route.server.profile.path.clone();
        self.write(move |dir| edit::switch(dir, &path, on)).await?;
        let state = |on: bool| json!({"server_name": upstream.route.server.title, "enabled": on});
        let change = if on { "switched on" } else { "switched off" };
        self.record(change, upstream.name(), (&state(upstream.route.server.enabled), &state(on)), &[]);
        Ok(())
    }

    /// Adds a server, switched off; gives its name.
    pub(super) async fn add(&self, members: Map<String, Value>) -> Result<String, ChangeError> {
        let text = |member: &str| members.get(member).and_then(Value::as_str).unwrap_or_default();
        let (name, title) = (text("path").trim_matches('/').to_owned(), text("server_name").to_owned());
        if !self.view.grants.manages(UiAction::Register, &name, &title) {
            return Err(ChangeError::Forbidden(UiAction::Register));
        }
        if name == MCPGW {
            return Err(ChangeError::Own);
        }
        // A caller who may add a server must not choose where a credential of the gateway's goes.
        if self.is_stored(&name) {
            return Err(ChangeError::Operator(STORED));
        }
        let is_known = |name: &String| name == "path" || EDITABLE.contains(&name.as_str());
        if !members.keys().all(is_known) {
            return Err(ChangeError::Operator(UNKNOWN_MEMBER));
        }
        check(&members)?;
        let added = self.write(move |dir| edit::add(dir, members)).await?;
        let state = json!({"server_name": title, "enabled": false});
        self.record("added", &added, (&Value::Null, &state), &[]);
        Ok(added)
    }

    /// Opens a server's file to change it.
    pub(super) async fn open(&self, upstream: &Upstream) -> Result<OpenedFile, ChangeError> {
        self.may(upstream, UiAction::Modify)?;
        let profile = upstream.route.server.profile.clone();
        self.on_disk(move |dir| edit::open(dir, &profile)).await
    }

    /// Changes members of a server's file ([`EDITABLE`]), unless the file has another version than `opened` by now.
    /// Null removes a member; what is not named stays.
    pub(super) async fn edit(
        &self,
        upstream: &Upstream,
        opened: Option<String>,
        members: Map<String, Value>,
    ) -> Result<Vec<String>, ChangeError> {
        self.may(upstream, UiAction::Modify)?;
        if !members.keys().all(|name| EDITABLE.contains(&name.as_str())) {
            return Err(ChangeError::Operator(UNKNOWN_MEMBER));
        }
        check(&members)?;
        let old = self.open(upstream).await?;
        let moves =
            members.get(PROXY_PASS_URL).is_some_and(|new| old.members.get(PROXY_PASS_URL) != Some(new));
        let has_keys = old.members.get("headers").is_some_and(|headers| !is_empty(headers));
        if moves && self.is_stored(upstream.name()) {
            return Err(ChangeError::Operator(STORED));
        }
        if moves && has_keys && !members.contains_key("headers") {
            return Err(ChangeError::Operator(KEYS));
        }
        let profile: Arc<Profile> = upstream.route.server.profile.clone();
        let title =
            members.get("server_name").and_then(Value::as_str).unwrap_or(&upstream.route.server.title);
        let (before, after) =
            (json!({"server_name": upstream.route.server.title}), json!({"server_name": title}));
        // What was checked is what is changed.
        let opened = opened.unwrap_or(old.version);
        let changed = self.write(move |dir| edit::change(dir, &profile, Some(&opened), &members)).await?;
        if !changed.is_empty() {
            self.record("edited", upstream.name(), (&before, &after), &changed);
        }
        Ok(changed)
    }

    /// Removes a server's file.
    pub(super) async fn remove(&self, upstream: &Upstream) -> Result<(), ChangeError> {
        self.may(upstream, UiAction::Modify)?;
        let profile = upstream.route.server.profile.clone();
        self.write(move |dir| edit::remove(dir, &profile)).await?;
        let server = &upstream.route.server;
        let state = json!({"server_name": server.title, "enabled": server.enabled});
        self.record("removed", upstream.name(), (&state, &Value::Null), &[]);
        Ok(())
    }

    /// Asks a server now whether it answers, and has the files read again.
    pub(super) async fn refresh(&self, upstream: &Upstream) -> Result<(), ChangeError> {
        if !self.view.manages(upstream, UiAction::Health) {
            return Err(ChangeError::Forbidden(UiAction::Health));
        }
        let shared = self.view.shared;
        if upstream.route.server.enabled {
            let pool = Arc::new(Pool::new(shared.trust.clone(), shared.crowd.clone()));
            let answers = health::answers(&pool, upstream).await;
            upstream.note(answers);
            // One that fails once is not down yet: that is the regular check's to say.
            upstream.healthy.fetch_or(answers, Ordering::Relaxed);
        }
        shared.reload.notify_one();
        self.say("checked", upstream.name());
        Ok(())
    }

    fn may(&self, upstream: &Upstream, action: UiAction) -> Result<(), ChangeError> {
        if !self.view.manages(upstream, action) {
            return Err(ChangeError::Forbidden(action));
        }
        if upstream.is_built_in() { Err(ChangeError::Own) } else { Ok(()) }
    }

    /// Whether the gateway adds a credential of its own to requests to the server of this name.
    fn is_stored(&self, name: &str) -> bool {
        let said = self.view.shared.settings.upstreams.get(name);
        said.is_some_and(|said| said.egress == Some(EgressMode::Stored))
    }

    /// Changes the folder, if that can be recorded, and waits a while until it is in force.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&std::path::Path) -> Result<T, EditError> + Send + 'static,
    ) -> Result<T, ChangeError> {
        let shared = self.view.shared;
        if shared.audit.refuses() && !self.audit.promises() {
            return Err(ChangeError::Audit);
        }
        let mut changes = shared.changes();
        let done = self.on_disk(work).await?;
        shared.reload.notify_one();
        let _ = timeout(SOON, changes.changed()).await;
        Ok(done)
    }

    /// Works on the folder, on a thread that may wait for it.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&std::path::Path) -> Result<T, EditError> + Send + 'static,
    ) -> Result<T, ChangeError> {
        let dir = self.view.shared.settings.servers.clone();
        let done = self.view.shared.vault.spawn_blocking(move || work(&dir)).await;
        match done.map_err(|_| ChangeError::Failed)? {
            // Where the gateway's files are and what is wrong with them is its operator's to know.
            Err(error @ EditError::Io(_)) => {
                warn!(event = "registry", request = self.from.1, "{error}");
                Err(ChangeError::Failed)
            }
            done => Ok(done?),
        }
    }

    /// Who did what to which server: names, and never the value of a header.
    fn record(
        &self,
        change: &'static str,
        server: &str,
        (before, after): (&Value, &Value),
        members: &[String],
    ) {
        let (address, id) = self.from;
        let line = ChangeLine {
            id,
            address: address.to_canonical(),
            issuer: &self.who.issuer,
            subject: &self.who.subject,
            user: self.who.username.as_deref(),
            server,
            verdict: "changed",
            change,
            before,
            after,
            members,
        };
        self.audit.write(clock::now(), &line);
        self.say(change, server);
    }

    /// The same for the operator who reads along.
    fn say(&self, change: &str, server: &str) {
        let who = self.who.username.as_deref().unwrap_or(&self.who.subject);
        let (server, who) = (clean(server, SHOWN), clean(who, SHOWN));
        info!(event = "registry", request = self.from.1, "{server} {change} by {who}");
    }
}

/// Whether what is to be written can be in force as a whole: a name that people can read in lists and policies, and headers
/// that can be sent and name no variable of the gateway's.
fn check(members: &Map<String, Value>) -> Result<(), ChangeError> {
    let title = members.get("server_name").and_then(Value::as_str).unwrap_or_default();
    if title.len() > SHOWN || !is_all_plain(title) {
        let what = format!("server_name must be one line of at most {SHOWN} bytes");
        return Err(EditError::Server(what).into());
    }
    let Some(written) = members.get("headers") else { return Ok(()) };
    let operator = ChangeError::Operator(VARIABLE);
    if written.to_string().contains('$') {
        return Err(operator);
    }
    let (_, mut bad) = headers(written, AllowedVariables::NONE).map_err(|_| operator)?;
    bad.pop().map_or(Ok(()), |(what, _)| Err(EditError::Server(what).into()))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}
