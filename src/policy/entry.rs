//! Scopes and their entries as they are indexed, and whether an entry allows what a call needs.
//! It leaves reading them to `scopes_yml`, and the decision over all of a caller's entries to `decide`.

use std::sync::Arc;

use hashbrown::HashMap;

use super::names::{NameSet, is_wildcard, trimmed};
use super::need::Need;
use super::scopes_yml::EntryLine;
use super::when::When;
use super::{Denial, Listed, Rule};

/// One scope and its entries, by the server they are about.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) name: Arc<str>,
    /// Its place in the file.
    pub(super) place: usize,
    pub(super) entries: Vec<Arc<PolicyEntry>>,
    pub(super) by_server: HashMap<Box<str>, Vec<Arc<PolicyEntry>>>,
    /// The entries about every server.
    pub(super) wildcard: Vec<Arc<PolicyEntry>>,
}

/// One entry.
#[derive(Debug)]
pub(super) struct PolicyEntry {
    pub(super) rule: Arc<Rule>,
    pub(super) line: u64,
    /// None for every server.
    pub(super) server: Option<Box<str>>,
    pub(super) methods: NameSet,
    pub(super) tools: NameSet,
    pub(super) prompts: Option<NameSet>,
    pub(super) resources: Option<NameSet>,
    /// The place of its condition among the policy's.
    pub(super) when: Option<usize>,
}

impl Scope {
    pub(super) fn compile(
        place: usize,
        name: String,
        lines: Vec<EntryLine>,
        conditions: &mut Vec<When>,
    ) -> Self {
        let name: Arc<str> = name.into();
        let mut scope = Self {
            name: Arc::clone(&name),
            place,
            entries: Vec::new(),
            by_server: HashMap::new(),
            wildcard: Vec::new(),
        };
        for (entry, EntryLine { line, written }) in (1..).zip(lines) {
            // An entry without a server is about the registry's agents; it still counts.
            let Some(server) = written.server else { continue };
            let server = Some(trimmed(&server)).filter(|server| !is_wildcard(server)).map(Into::into);
            let entry = Arc::new(PolicyEntry {
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
    pub(super) fn about(&self, server: &str) -> impl Iterator<Item = &Arc<PolicyEntry>> {
        self.by_server.get(trimmed(server)).into_iter().flatten().chain(&self.wildcard)
    }
}

impl PolicyEntry {
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
    pub(super) fn names(&self, kind: Listed) -> Option<&NameSet> {
        match kind {
            Listed::Tool => Some(&self.tools),
            Listed::Prompt => self.prompts.as_ref(),
            Listed::Resource | Listed::Template => self.resources.as_ref(),
        }
    }

    /// How much more than what was asked for it gives: wildcards, counted.
    pub(super) fn breadth(&self) -> usize {
        let every = |names: Option<&NameSet>| names.is_none_or(NameSet::is_all);
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
