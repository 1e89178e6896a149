//! The registry's servers as a caller sees them: which are there, what state they are in, and which of their tools the
//! caller may list and call. For the gateway's own MCP server and for its pages. Not here: changing them (see
//! `changes`).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::catalogue::KnownTools;
use super::settings::Visibility;
use super::state::{LoadedFiles, SharedState, Upstream};
use crate::policy::{Call, Grants, Listed, UiAction, decide};
use crate::registry::ListedTool;
use crate::sys::clock;

/// The servers, by the eyes of one caller.
#[derive(Clone, Copy)]
pub(super) struct ServiceView<'a> {
    pub(super) shared: &'a Arc<SharedState>,
    pub(super) state: &'a LoadedFiles,
    pub(super) grants: &'a Grants,
}

impl<'a> ServiceView<'a> {
    /// The servers that pass a test, by name.
    pub(super) fn all(&self, is: impl Fn(&Upstream) -> bool) -> Vec<&'a Arc<Upstream>> {
        let mut all: Vec<_> = self.state.upstreams.values().filter(|upstream| is(upstream)).collect();
        all.sort_by(|one, other| one.name().cmp(other.name()));
        all
    }

    /// The servers that a caller may see, by name.
    pub(super) fn visible(&self) -> Vec<&'a Arc<Upstream>> {
        self.all(|upstream| self.sees(upstream))
    }

    /// The server of a path or of what people call it, if the caller may do something to it.
    pub(super) fn named(&self, given: &str, may: impl Fn(&Upstream) -> bool) -> Option<&'a Arc<Upstream>> {
        let by_path = self.state.upstreams.get(given.trim_matches('/')).filter(|upstream| may(upstream));
        let is = |upstream: &&Arc<Upstream>| upstream.route.server.title == given && may(upstream);
        by_path.or_else(|| self.state.upstreams.values().find(is))
    }

    /// Takes each tool of a server that the caller sees: as the server listed it (in `known`), and when, or else as its file
    /// does.
    pub(super) fn each_tool<'t>(
        &self,
        upstream: &'t Upstream,
        known: &'t KnownTools,
        mut take: impl FnMut(&'t ListedTool, Option<i64>),
    ) where
        'a: 't,
    {
        let (grants, all) =
            (self.grants.view(upstream.name(), Listed::Tool), self.lists_all(upstream.name()));
        let mut see = |tool: &'t ListedTool, listed_at| {
            if all || grants.shows(&tool.name) {
                take(tool, listed_at);
            }
        };
        match known.known(upstream.name()) {
            _ if upstream.is_built_in() => self.shared.catalogue.own.iter().for_each(|tool| see(tool, None)),
            [] => upstream.route.server.profile.tools.iter().for_each(|tool| see(tool, None)),
            known => known.iter().for_each(|known| see(&known.tool, known.listed_at)),
        }
    }

    /// The tools of a server that the caller sees.
    pub(super) fn tools<'t>(&self, upstream: &'t Upstream, known: &'t KnownTools) -> Vec<&'t ListedTool>
    where
        'a: 't,
    {
        let mut tools = Vec::new();
        self.each_tool(upstream, known, |tool, _| tools.push(tool));
        tools
    }

    /// How many of a server's tools the caller sees, and how many they may call.
    pub(super) fn tool_counts(&self, upstream: &Upstream) -> (usize, usize) {
        let (mut seen, mut callable) = (0, 0);
        self.each_tool(upstream, &self.shared.catalogue.tools(), |tool, _| {
            seen += 1;
            callable += usize::from(self.may_call(upstream.name(), &tool.name));
        });
        (seen, callable)
    }

    /// What is known of whether it answers.
    pub(super) fn health(&self, upstream: &Upstream) -> Value {
        let checked = checked_at(upstream).map(clock::rfc3339);
        json!({"status": status(upstream), "last_checked_iso": checked, "num_tools": self.tool_counts(upstream).0})
    }

    /// Whether the caller may see that a server is there: the policy has an entry about it for them, or lets them list
    /// it.
    pub(super) fn sees(&self, upstream: &Upstream) -> bool {
        self.grants.reaches(upstream.name()) || self.manages(upstream, UiAction::List)
    }

    /// Whether the registry's own permissions let the caller do something to it.
    pub(super) fn manages(&self, upstream: &Upstream, action: UiAction) -> bool {
        self.grants.manages(action, upstream.name(), &upstream.route.server.title)
    }

    /// Whether the caller sees all that a server has, whatever they may call of it.
    pub(super) fn lists_all(&self, server: &str) -> bool {
        let list = Call::Message { method: Listed::Tool.list_method(), name: None };
        self.shared.settings.list_visibility == Visibility::All && decide(self.grants, server, &list).is_ok()
    }

    /// Whether the caller may call a tool.
    pub(super) fn may_call(&self, server: &str, tool: &str) -> bool {
        let call = Call::Message { method: Listed::Tool.use_method(), name: Some(tool) };
        decide(self.grants, server, &call).is_ok()
    }
}

/// How a server's path is written.
pub(super) fn path(upstream: &Upstream) -> String {
    format!("/{}", upstream.name())
}

/// When it was last checked, in seconds since 1970.
pub(super) fn checked_at(upstream: &Upstream) -> Option<i64> {
    Some(upstream.checked_at.load(Ordering::Relaxed)).filter(|at| *at > 0)
}

/// Its state in the registry's words.
pub(super) fn status(upstream: &Upstream) -> &'static str {
    let was_checked = checked_at(upstream).is_some();
    let failed = was_checked && !upstream.answered.load(Ordering::Relaxed);
    match (upstream.route.server.enabled, upstream.healthy.load(Ordering::Relaxed) && !failed) {
        (false, _) => "disabled",
        (true, false) => "unhealthy: endpoint check failed",
        (true, true) if was_checked || upstream.is_built_in() => "healthy",
        (true, true) => "unknown",
    }
}
