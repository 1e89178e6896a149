//! The policy, indexed so that a decision costs the same however long the file is. Not here: parsing the file (see
//! `scopes_yml`); the decision itself (see `decide`).

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashMap;

use super::decide::Grants;
use super::entry::{PolicyEntry, Scope};
use super::names::trimmed;
use super::need::Need;
use super::scopes_yml::{PolicyError, ScopesFile};
use super::ui::UiScope;
use super::when::When;
use super::{Call, Principal, Rule, Vended};

/// A whole policy. Immutable; a reload creates another one. The empty one allows nothing.
#[derive(Debug, Default)]
pub struct Policy {
    /// In the file's order.
    scopes: Vec<Arc<Scope>>,
    by_name: HashMap<Arc<str>, Arc<Scope>>,
    /// The scopes of a group's members, as far as the policy defines them.
    groups: HashMap<Box<str>, Vec<Arc<Scope>>>,
    /// The registry's own permissions, by the scope's name.
    ui: HashMap<Box<str>, Arc<UiScope>>,
    /// What of them the members of a group get.
    ui_groups: HashMap<Box<str>, Vec<Arc<UiScope>>>,
    /// Each distinct `when` once; entries refer to theirs by index.
    conditions: Vec<When>,
    /// Pairs of a group and a scope that neither the policy nor `UI-Scopes` defines.
    dangling: Vec<(String, String)>,
}

impl Policy {
    /// Parses the text of a `scopes.yml`, in the registry's form or with our extensions.
    ///
    /// # Errors
    /// What is wrong, and where. The caller keeps its last good policy, and without one denies everything.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Ok(Self::compile(ScopesFile::parse(text)?))
    }

    fn compile(file: ScopesFile) -> Self {
        let mut conditions = Vec::new();
        let scopes: Vec<Arc<Scope>> = (file.scopes.into_iter().enumerate())
            .map(|(place, (name, lines))| Arc::new(Scope::compile(place, name, lines, &mut conditions)))
            .collect();
        let by_name: HashMap<_, _> =
            scopes.iter().map(|scope| (Arc::clone(&scope.name), Arc::clone(scope))).collect();
        let ui: HashMap<Box<str>, Arc<UiScope>> =
            file.ui.into_iter().map(|(name, scope)| (name.into_boxed_str(), Arc::new(scope))).collect();
        let (mut groups, mut ui_groups, mut dangling) = (HashMap::new(), HashMap::new(), Vec::new());
        for (group, names) in file.groups {
            let (mut known, mut permissions) = (Vec::new(), Vec::new());
            for name in names {
                let (scope, permission) = (by_name.get(name.as_str()), ui.get(name.as_str()));
                if scope.is_none() && permission.is_none() {
                    dangling.push((group.clone(), name));
                }
                known.extend(scope.map(Arc::clone));
                permissions.extend(permission.map(Arc::clone));
            }
            ui_groups.insert(group.clone().into_boxed_str(), permissions);
            groups.insert(group.into_boxed_str(), known);
        }
        Self { scopes, by_name, groups, ui, ui_groups, conditions, dangling }
    }

    /// What the policy grants a caller: the scopes of its groups and its token's own, with every `when` evaluated.
    pub fn grants(&self, principal: &Principal) -> Grants {
        let of_groups = principal.groups.iter().filter_map(|group| self.group(group)).flatten();
        let own = principal.scopes.iter().filter_map(|scope| self.by_name.get(scope.as_str()));
        let mut scopes: Vec<_> = of_groups.chain(own).map(Arc::clone).collect();
        scopes.sort_unstable_by_key(|scope| scope.place);
        scopes.dedup_by_key(|scope| scope.place);
        let vended = principal.vended.as_deref();
        scopes.retain(|scope| vended.is_none_or(|vended| vended.names(&scope.name)));
        let conditions = self.conditions.iter().map(|when| when.holds(&principal.claims)).collect();
        let bounds = vended.and_then(Vended::bounds);
        // The registry's permissions are its people's: no token that was made for one job carries them.
        let permissions = if vended.is_some() { Vec::new() } else { self.permissions(principal) };
        Grants::new(scopes, conditions, principal.servers.as_deref(), permissions, bounds)
    }

    /// The scopes of a group. A path matches as a whole, or as a whole without its first slash; never by its last
    /// segment, which anyone who may create groups elsewhere in the tree could choose.
    pub(super) fn group(&self, group: &str) -> Option<&[Arc<Scope>]> {
        of_group(&self.groups, group)
    }

    /// The scopes that the members of a group get, of both kinds, each once.
    pub fn scopes_of_group(&self, group: &str) -> BTreeSet<&str> {
        let scopes = self.group(group).into_iter().flatten().map(|scope| &*scope.name);
        let permissions = of_group(&self.ui_groups, group).into_iter().flatten().map(|scope| &*scope.name);
        scopes.chain(permissions).collect()
    }

    /// The line of the file where a rule begins.
    pub fn line(&self, rule: &Rule) -> Option<u64> {
        Some(self.entry(rule)?.line)
    }

    /// Whether the policy gives the members of a group anything.
    pub fn knows_group(&self, group: &str) -> bool {
        self.group(group).is_some()
    }

    /// Whether a scope gives anything.
    pub fn knows_scope(&self, scope: &str) -> bool {
        self.by_name.contains_key(scope) || self.ui.contains_key(scope)
    }

    /// The registry's own permissions that a caller has, by the same groups and scopes.
    fn permissions(&self, principal: &Principal) -> Vec<Arc<UiScope>> {
        let of_groups =
            principal.groups.iter().filter_map(|group| of_group(&self.ui_groups, group)).flatten();
        let own = principal.scopes.iter().filter_map(|scope| self.ui.get(scope.as_str()));
        of_groups.chain(own).map(Arc::clone).collect()
    }

    /// The scopes that would allow a call that this caller may not make, for `insufficient_scope` (RFC 6750 section
    /// 3.1): the narrowest first, then in the file's order. Any single one is enough, because one entry is. Names
    /// that cannot appear in a challenge are left out; which of them a caller can request, their issuer knows.
    pub fn helping_scopes(&self, grants: &Grants, server: &str, call: &Call<'_>) -> Vec<Arc<str>> {
        self.scopes_that_meet(&Need::from_call(call), grants, server)
    }

    /// The scopes that allow a method on something at a server, for any caller: the narrowest first, then in the file's order.
    pub fn scopes_with(&self, server: &str, method: &str) -> Vec<Arc<str>> {
        self.scopes_that_meet(&Need::Method(method), &self.grants(&Principal::default()), server)
    }

    fn scopes_that_meet(&self, need: &Need<'_>, grants: &Grants, server: &str) -> Vec<Arc<str>> {
        let helps = |entry: &&Arc<PolicyEntry>| grants.exists(entry) && entry.admits(need).is_ok();
        let offered = self.scopes.iter().filter(|scope| is_scope_token(&scope.name));
        let helping = offered.filter_map(|scope| {
            let breadth = scope.about(server).find(helps)?.breadth();
            Some((breadth, scope.entries.len(), &scope.name))
        });
        let mut helping: Vec<_> = helping.collect();
        helping.sort_by_key(|(breadth, entries, _)| (*breadth, *entries));
        helping.into_iter().map(|(.., name)| Arc::clone(name)).collect()
    }

    /// The scopes about a server, in the file's order, for `scopes_supported` (RFC 9728 section 2). `offline_access`
    /// is between a client and its authorization server, and not a resource's to request.
    pub fn scopes_for(&self, server: &str) -> Vec<Arc<str>> {
        let about = |scope: &&Arc<Scope>| scope.about(server).next().is_some();
        let names = self.scopes.iter().filter(about).map(|scope| &scope.name);
        names.filter(|name| is_scope_token(name) && &***name != "offline_access").map(Arc::clone).collect()
    }

    /// The claims that conditions are about, each once: their names, without what lies below them.
    pub fn claims(&self) -> BTreeSet<String> {
        self.conditions.iter().flat_map(When::claims).collect()
    }

    /// The servers that entries name, without duplicates, in alphabetical order.
    pub fn servers(&self) -> BTreeSet<&str> {
        self.scopes.iter().flat_map(|scope| scope.by_server.keys()).map(AsRef::as_ref).collect()
    }

    /// Whether an entry is about every server.
    pub fn is_about_every_server(&self) -> bool {
        self.scopes.iter().any(|scope| !scope.wildcard.is_empty())
    }

    /// The tools that entries about this very server name, without duplicates, in alphabetical order.
    pub fn tools(&self, server: &str) -> BTreeSet<&str> {
        let entries = self.scopes.iter().filter_map(|scope| scope.by_server.get(trimmed(server))).flatten();
        entries.flat_map(|entry| entry.tools.written()).collect()
    }

    /// The registry's own scopes, in alphabetical order.
    pub(super) fn ui_scopes(&self) -> Vec<&UiScope> {
        let mut scopes: Vec<&UiScope> = self.ui.values().map(AsRef::as_ref).collect();
        scopes.sort_by(|one, other| one.name.cmp(&other.name));
        scopes
    }

    /// Whether any group has one of the registry's own scopes.
    pub(super) fn is_held(&self, scope: &UiScope) -> bool {
        self.ui_groups.values().flatten().any(|held| held.name == scope.name)
    }

    /// The groups that have none of them, in alphabetical order.
    pub(super) fn groups_without_permissions(&self) -> BTreeSet<&str> {
        self.ui_groups.iter().filter(|(_, held)| held.is_empty()).map(|(group, _)| &**group).collect()
    }

    pub(super) fn scopes(&self) -> &[Arc<Scope>] {
        &self.scopes
    }

    pub(super) fn dangling(&self) -> &[(String, String)] {
        &self.dangling
    }

    pub(super) fn entry(&self, rule: &Rule) -> Option<&Arc<PolicyEntry>> {
        self.by_name.get(&rule.scope)?.entries.iter().find(|entry| *entry.rule == *rule)
    }

    pub(super) fn condition(&self, entry: &PolicyEntry) -> Option<&When> {
        self.conditions.get(entry.when?)
    }
}

fn of_group<'p, T>(groups: &'p HashMap<Box<str>, Vec<T>>, group: &str) -> Option<&'p [T]> {
    let rootless = || group.strip_prefix('/').and_then(|path| groups.get(path));
    groups.get(group).or_else(rootless).map(Vec::as_slice)
}

/// RFC 6749 section 3.3: whether a name is a valid scope, and so allowed in a header.
fn is_scope_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}
