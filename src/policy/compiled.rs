//! The policy, indexed so that a decision costs the same however long the file is.
//! It leaves reading the file to `scopes_yml` and the decision itself to `decide`.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashMap;

use super::decide::{Grants, Need};
use super::names::{Names, is_wildcard};
use super::scopes_yml::{File, Line, PolicyError, trimmed};
use super::when::When;
use super::{Call, Denial, Listed, Principal, Rule};

/// A whole policy. It never changes; a reload makes another one. The empty one allows nothing.
#[derive(Debug, Default)]
pub struct Policy {
    /// In the file's order.
    scopes: Vec<Arc<Scope>>,
    by_name: HashMap<Arc<str>, Arc<Scope>>,
    /// What the members of a group get, as far as the policy defines it.
    groups: HashMap<Box<str>, Vec<Arc<Scope>>>,
    /// Each different `when` once; entries know theirs by its place here.
    conditions: Vec<When>,
    /// Pairs of a group and a scope that neither the policy nor `UI-Scopes` has.
    dangling: Vec<(String, String)>,
}

/// One scope and its entries, by the server they are about.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) name: Arc<str>,
    /// Its place in the file.
    place: usize,
    pub(super) entries: Vec<Arc<Entry>>,
    by_server: HashMap<Box<str>, Vec<Arc<Entry>>>,
    /// The entries about every server.
    wildcard: Vec<Arc<Entry>>,
}

/// One entry.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) rule: Arc<Rule>,
    pub(super) line: u64,
    /// None for every server.
    pub(super) server: Option<Box<str>>,
    pub(super) methods: Names,
    pub(super) tools: Names,
    pub(super) prompts: Option<Names>,
    pub(super) resources: Option<Names>,
    /// The place of its condition among the policy's.
    pub(super) when: Option<usize>,
}

impl Policy {
    /// Reads the text of a `scopes.yml`, in the reference's form or with our additions.
    ///
    /// # Errors
    /// What is wrong and where. The caller keeps its last good policy, and without one denies everything.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Ok(Self::compile(File::parse(text)?))
    }

    fn compile(file: File) -> Self {
        let mut conditions = Vec::new();
        let scopes: Vec<Arc<Scope>> = (file.scopes.into_iter().enumerate())
            .map(|(place, (name, lines))| Arc::new(Scope::compile(place, name, lines, &mut conditions)))
            .collect();
        let by_name: HashMap<_, _> =
            scopes.iter().map(|scope| (Arc::clone(&scope.name), Arc::clone(scope))).collect();
        let (mut groups, mut dangling) = (HashMap::new(), Vec::new());
        for (group, names) in file.groups {
            let mut known = Vec::new();
            for name in names {
                match by_name.get(name.as_str()) {
                    Some(scope) => known.push(Arc::clone(scope)),
                    None if file.ui.contains(&name) => {}
                    None => dangling.push((group.clone(), name)),
                }
            }
            groups.insert(group.into_boxed_str(), known);
        }
        Self { scopes, by_name, groups, conditions, dangling }
    }

    /// What the policy gives a caller: the scopes of its groups and its token's own ones, with every `when` decided.
    pub fn grants(&self, principal: &Principal) -> Grants {
        let of_groups = principal.groups.iter().filter_map(|group| self.group(group)).flatten();
        let own = principal.scopes.iter().filter_map(|scope| self.by_name.get(scope.as_str()));
        let mut scopes: Vec<_> = of_groups.chain(own).map(Arc::clone).collect();
        scopes.sort_unstable_by_key(|scope| scope.place);
        scopes.dedup_by_key(|scope| scope.place);
        Grants::new(scopes, self.conditions.iter().map(|when| when.holds(&principal.claims)).collect())
    }

    /// The scopes of a group. A path matches whole, or whole without its first slash; never by its last part, which
    /// whoever may make groups elsewhere in the tree could choose.
    pub(super) fn group(&self, group: &str) -> Option<&[Arc<Scope>]> {
        let rootless = || group.strip_prefix('/').and_then(|path| self.groups.get(path));
        self.groups.get(group).or_else(rootless).map(Vec::as_slice)
    }

    /// The scope that would allow a call this caller may not make, for `insufficient_scope` (RFC 6750 section 3.1): the
    /// narrowest, then the first. One is always enough, because one entry is. None if none would help, or if its name
    /// cannot stand in a challenge.
    pub fn helping_scope(&self, grants: &Grants, server: &str, call: &Call<'_>) -> Option<Arc<str>> {
        let need = Need::of(call);
        let helps = |entry: &&Arc<Entry>| grants.exists(entry) && entry.admits(&need).is_ok();
        let offered = self.scopes.iter().filter(|scope| is_scope_token(&scope.name));
        offered
            .filter_map(|scope| Some((scope.about(server).find(helps)?.breadth(), scope)))
            .min_by_key(|(breadth, scope)| (*breadth, scope.entries.len()))
            .map(|(_, scope)| Arc::clone(&scope.name))
    }

    /// The scopes that are about a server, in the file's order, for `scopes_supported` (RFC 9728 section 2).
    /// `offline_access` is between a client and its authorization server, and never a resource's to ask for.
    pub fn scopes_for(&self, server: &str) -> Vec<Arc<str>> {
        let about = |scope: &&Arc<Scope>| scope.about(server).next().is_some();
        let names = self.scopes.iter().filter(about).map(|scope| &scope.name);
        names.filter(|name| is_scope_token(name) && &***name != "offline_access").map(Arc::clone).collect()
    }

    /// The servers that entries name, each once, in alphabetical order.
    pub fn servers(&self) -> BTreeSet<&str> {
        self.scopes.iter().flat_map(|scope| scope.by_server.keys()).map(AsRef::as_ref).collect()
    }

    /// Whether an entry is about every server.
    pub fn is_about_every_server(&self) -> bool {
        self.scopes.iter().any(|scope| !scope.wildcard.is_empty())
    }

    /// The tools that entries about this very server name, each once, in alphabetical order.
    pub fn tools(&self, server: &str) -> BTreeSet<&str> {
        let entries = self.scopes.iter().filter_map(|scope| scope.by_server.get(trimmed(server))).flatten();
        entries.flat_map(|entry| entry.tools.written()).collect()
    }

    pub(super) fn scopes(&self) -> &[Arc<Scope>] {
        &self.scopes
    }

    pub(super) fn dangling(&self) -> &[(String, String)] {
        &self.dangling
    }

    pub(super) fn entry(&self, rule: &Rule) -> Option<&Arc<Entry>> {
        self.by_name.get(&rule.scope)?.entries.iter().find(|entry| *entry.rule == *rule)
    }

    pub(super) fn condition(&self, entry: &Entry) -> Option<&When> {
        self.conditions.get(entry.when?)
    }
}

impl Scope {
    fn compile(place: usize, name: String, lines: Vec<Line>, conditions: &mut Vec<When>) -> Self {
        let name: Arc<str> = name.into();
        let mut scope = Self {
            name: Arc::clone(&name),
            place,
            entries: Vec::new(),
            by_server: HashMap::new(),
            wildcard: Vec::new(),
        };
        for (entry, Line { line, written }) in (1..).zip(lines) {
            // An entry without a server is about the registry's agents; it still counts.
            let Some(server) = written.server else { continue };
            let server = Some(trimmed(&server)).filter(|server| !is_wildcard(server)).map(Into::into);
            let entry = Arc::new(Entry {
                rule: Arc::new(Rule { scope: Arc::clone(&name), entry }),
                line,
                server,
                methods: written.methods,
                tools: written.tools,
                prompts: written.prompts,
                resources: written.resources,
                when: written.when.map(|when| place_of(when, conditions)),
            });
            match &entry.server {
                Some(server) => scope.by_server.entry(server.clone()).or_default().push(Arc::clone(&entry)),
                None => scope.wildcard.push(Arc::clone(&entry)),
            }
            scope.entries.push(entry);
        }
        scope
    }

    /// The entries about a server: those that name it, then those about every server.
    pub(super) fn about(&self, server: &str) -> impl Iterator<Item = &Arc<Entry>> {
        self.by_server.get(trimmed(server)).into_iter().flatten().chain(&self.wildcard)
    }
}

impl Entry {
    /// Whether it allows what is needed, or what is lacking. It is about the right server already.
    pub(super) fn admits(&self, need: &Need<'_>) -> Result<(), Denial> {
        match *need {
            Need::Presence => Ok(()),
            Need::Unknown(method) if !self.methods.spell_out(method) => Err(Denial::Method),
            Need::Method(method) | Need::Named(method, ..) | Need::Unnamed(method)
                if !self.methods.hold(method) =>
            {
                Err(Denial::Method)
            }
            Need::Method(_) | Need::Unknown(_) => Ok(()),
            Need::Named(_, kind, Some(name)) if self.names(kind).is_none_or(|names| names.hold(name)) => {
                Ok(())
            }
            // Where no name is better than another, the server is asked: it has the better words for what it does not
            // know, as `resources/subscribe` in 2026-07-28.
            Need::Named(_, kind, None) if self.names(kind).is_none() => Ok(()),
            Need::Unnamed(_) if self.prompts.is_none() && self.resources.is_none() => Ok(()),
            Need::Named(..) | Need::Unnamed(_) => Err(Denial::Name),
        }
    }

    /// The names of a kind that it is restricted to. Tools always are; prompts and resources only if there is a list.
    pub(super) fn names(&self, kind: Listed) -> Option<&Names> {
        match kind {
            Listed::Tool => Some(&self.tools),
            Listed::Prompt => self.prompts.as_ref(),
            Listed::Resource | Listed::Template => self.resources.as_ref(),
        }
    }

    /// How much more than what was asked for it gives: wildcards, counted.
    fn breadth(&self) -> usize {
        let every = |names: Option<&Names>| names.is_none_or(Names::is_all);
        let kinds = [Listed::Tool, Listed::Prompt, Listed::Resource];
        let open = kinds.into_iter().filter(|kind| every(self.names(*kind))).count();
        usize::from(self.server.is_none()) + usize::from(self.methods.is_all()) + open
    }
}

/// The place of a condition among those there are, where it is put if it is new.
fn place_of(when: When, conditions: &mut Vec<When>) -> usize {
    conditions.iter().position(|known| *known == when).unwrap_or_else(|| {
        conditions.push(when);
        conditions.len() - 1
    })
}

/// RFC 6749 section 3.3: whether a name may stand in a `scope`, and so in a header.
fn is_scope_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}
