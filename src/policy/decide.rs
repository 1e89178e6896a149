//! The decision, and what a list may show: both by the same entries. Not here: the text of a refusal (see `gateway`).

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::entry::{PolicyEntry, Scope};
use super::names::NameSet;
use super::need::Need;
use super::ui::{UiAction, UiScope};
use super::{Call, Denial, Listed, Permit};

/// What a policy grants one caller. It is computed once for each verified token, and copies are free; it must be
/// dropped when the policy changes.
#[derive(Clone, Debug)]
pub struct Grants(Arc<HeldEntries>);

#[derive(Debug)]
struct HeldEntries {
    /// The caller's scopes, in the policy's order.
    scopes: Vec<Arc<Scope>>,
    /// Which of the policy's conditions hold for the caller.
    conditions: Vec<bool>,
    /// The only servers that the caller's token is for, unless it is for all.
    servers: Option<Box<[Box<str>]>>,
    /// What a vended token is limited to, as entries: they give nothing, and a call needs one of them as well.
    bounds: Option<Scope>,
    /// The registry's own permissions.
    permissions: Vec<Arc<UiScope>>,
}

/// What one caller may see of one list of one server.
#[derive(Debug)]
pub struct ListView<'a> {
    /// Empty if everything is shown.
    entries: Vec<&'a PolicyEntry>,
    /// One of these must show it too, where there are any.
    bounds: Option<Vec<&'a PolicyEntry>>,
    listed: Listed,
    everything: bool,
}

/// What one caller may see of one server's lists. Each is computed when its first item comes: then each item of a
/// long list costs one look-up by name.
#[derive(Debug)]
pub struct ListViews<'g> {
    grants: &'g Grants,
    server: &'g str,
    by_list: [OnceCell<ListView<'g>>; Listed::ALL.len()],
}

/// Decides a call. Nothing is allowed unless one of the caller's entries allows it; allowing allocates nothing, and
/// the policy's length does not matter.
///
/// # Errors
/// The nearest match.
pub fn decide(grants: &Grants, server: &str, call: &Call<'_>) -> Result<Permit, Denial> {
    let need = Need::from_call(call);
    let mut nearest = if grants.is_empty() { Denial::NoScopes } else { Denial::Server };
    for entry in grants.about(server) {
        match entry.admits(&need) {
            Ok(()) => return grants.bounded(server, &need, entry),
            Err(denial) => nearest = nearest.max(denial),
        }
    }
    Err(nearest)
}

impl Grants {
    pub(super) fn new(
        scopes: Vec<Arc<Scope>>,
        conditions: Vec<bool>,
        servers: Option<&[String]>,
        permissions: Vec<Arc<UiScope>>,
        bounds: Option<Scope>,
    ) -> Self {
        let servers = servers.map(|names| names.iter().map(|name| name.as_str().into()).collect());
        Self(Arc::new(HeldEntries { scopes, conditions, servers, permissions, bounds }))
    }

    /// Whether an entry of the policy is about this server, for a caller whose token is for it.
    pub fn reaches(&self, server: &str) -> bool {
        self.about(server).next().is_some() && self.bounds(server).is_none_or(|bounds| !bounds.is_empty())
    }

    /// Whether the registry's own permissions (`UI-Scopes`) let the caller do something to a server, by its path or what people
    /// call it.
    pub fn manages(&self, action: UiAction, path: &str, title: &str) -> bool {
        self.opens(path) && self.0.permissions.iter().any(|scope| scope.allows(action, path, title))
    }

    /// What the caller may do to which servers of the registry, as the policy has it: `all` for every one.
    pub fn permissions(&self, action: UiAction) -> BTreeSet<&str> {
        self.0.permissions.iter().flat_map(|scope| scope.services(action)).collect()
    }

    /// The names of the registry's own scopes that the caller has; some may come more than once.
    pub fn permission_scopes(&self) -> impl Iterator<Item = &str> {
        self.0.permissions.iter().map(|scope| &*scope.name)
    }

    /// The permit by an entry that allows the call, unless the token is limited to less.
    fn bounded(&self, server: &str, need: &Need<'_>, entry: &PolicyEntry) -> Result<Permit, Denial> {
        let permit = || Permit { rule: Arc::clone(&entry.rule) };
        let Some(bounds) = &self.0.bounds else { return Ok(permit()) };
        let mut nearest = Denial::Server;
        for bound in bounds.about(server) {
            match bound.admits(need) {
                Ok(()) => return Ok(permit()),
                Err(denial) => nearest = nearest.max(denial),
            }
        }
        Err(nearest)
    }

    /// Whether the caller's token is for this server at all.
    pub fn opens(&self, server: &str) -> bool {
        self.0.servers.as_ref().is_none_or(|names| names.iter().any(|name| **name == *server))
    }

    /// The caller's scopes that the policy defines, in the policy's order.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.0.scopes.iter().map(|scope| &*scope.name)
    }

    /// Whether the policy defines none of the caller's groups or scopes.
    pub fn is_empty(&self) -> bool {
        self.0.scopes.is_empty()
    }

    /// Whether one item of a list is shown to the caller; for many items of one list, use [`Grants::view`].
    pub fn shows(&self, server: &str, listed: Listed, name: &str) -> bool {
        self.about(server).any(|entry| entry.shows(listed, name))
            && self.bounds(server).is_none_or(|bounds| bounds.iter().any(|bound| bound.shows(listed, name)))
    }

    /// What the caller may see of a list.
    pub fn view(&self, server: &str, listed: Listed) -> ListView<'_> {
        let bounds = self.bounds(server);
        let unbounded =
            bounds.as_ref().is_none_or(|bounds| bounds.iter().any(|bound| bound.shows_all(listed)));
        let everything = unbounded && self.about(server).any(|entry| entry.shows_all(listed));
        let entries = if everything { Vec::new() } else { self.about(server).map(AsRef::as_ref).collect() };
        ListView { entries, bounds, listed, everything }
    }

    /// The same for any list of a server.
    pub fn views<'g>(&'g self, server: &'g str) -> ListViews<'g> {
        ListViews { grants: self, server, by_list: Default::default() }
    }

    /// Whether an entry's `when` holds for the caller.
    pub(super) fn exists(&self, entry: &PolicyEntry) -> bool {
        entry.when.is_none_or(|place| self.0.conditions.get(place) == Some(&true))
    }

    pub(super) fn held(&self) -> &[Arc<Scope>] {
        &self.0.scopes
    }

    /// What a vended token says of a server, if it says of servers at all.
    fn bounds(&self, server: &str) -> Option<Vec<&PolicyEntry>> {
        self.0.bounds.as_ref().map(|bounds| bounds.about(server).map(AsRef::as_ref).collect())
    }

    fn about(&self, server: &str) -> impl Iterator<Item = &Arc<PolicyEntry>> {
        let scopes = if self.opens(server) { self.0.scopes.as_slice() } else { &[] };
        scopes.iter().flat_map(move |scope| scope.about(server)).filter(|entry| self.exists(entry))
    }
}

impl ListView<'_> {
    /// Whether an item is shown, by its `name`, `uri` or `uriTemplate`.
    pub fn shows(&self, name: &str) -> bool {
        let among = |entries: &[&PolicyEntry]| entries.iter().any(|entry| entry.shows(self.listed, name));
        self.everything || (among(&self.entries) && self.bounds.as_deref().is_none_or(among))
    }

    /// Whether every item is shown, so that nothing needs to be filtered.
    pub fn shows_everything(&self) -> bool {
        self.everything
    }
}

impl ListViews<'_> {
    /// Whether an item of a list is shown, by its `name`, `uri` or `uriTemplate`.
    pub fn shows(&self, listed: Listed, name: &str) -> bool {
        let view = || self.grants.view(self.server, listed);
        match self.by_list.get(listed as usize) {
            Some(cell) => cell.get_or_init(view).shows(name),
            None => view().shows(name),
        }
    }
}

impl PolicyEntry {
    /// Whether an item of a list is shown: it may be used, or the list may be read and the entry does not name
    /// others.
    fn shows(&self, listed: Listed, name: &str) -> bool {
        self.shows_all(listed)
            || (self.reads(listed) && self.names(listed).is_none_or(|names| names.hold(name)))
    }

    /// Whether every item is shown. An entry that may only list and names nothing restricts nothing.
    fn shows_all(&self, listed: Listed) -> bool {
        let names = self.names(listed);
        (self.methods.hold(listed.list_method())
            && names.is_none_or(|names| names.is_empty() || names.is_all()))
            || (self.methods.hold(listed.use_method()) && names.is_none_or(NameSet::is_all))
    }

    /// Whether it has one of the two methods of a list.
    fn reads(&self, listed: Listed) -> bool {
        self.methods.hold(listed.list_method()) || self.methods.hold(listed.use_method())
    }
}
