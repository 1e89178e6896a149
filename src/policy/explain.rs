//! Why a call is allowed or denied, for people. Not here: the verdict itself (see `decide`).

use std::fmt;
use std::sync::Arc;

use super::compiled::Policy;
use super::decide::Grants;
use super::entry::{PolicyEntry, Scope};
use super::need::{COMPLETE, Need};
use super::{Call, Denial, Principal, Rule, decide};

/// A verdict and its reasons; it prints as a few lines, the verdict first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The rule that allows the call, or the nearest one.
    pub verdict: Result<Rule, Denial>,
    /// The reasons, one sentence each.
    pub notes: Vec<String>,
}

/// Everything a caller may do; it prints as a few lines, the entries first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// What each of the caller's entries allows.
    pub entries: Vec<String>,
    /// The reasons, one sentence each.
    pub notes: Vec<String>,
}

impl Policy {
    /// Decides a call as the gateway would, and says why.
    pub fn explain(&self, principal: &Principal, server: &str, call: &Call<'_>) -> Explanation {
        let grants = self.grants(principal);
        let verdict = decide(&grants, server, call).map(|permit| permit.rule().clone());
        let mut notes = Vec::new();
        if let Ok(rule) = &verdict
            && let Some(entry) = self.entry(rule)
        {
            notes.push(format!("line {} of the policy", entry.line));
        }
        notes.extend(self.origins(principal));
        if verdict.is_err() {
            let nearest = |scope| self.nearest(scope, &grants, principal, server, call);
            notes.extend(grants.held().iter().map(|scope| nearest(scope)));
            let helping = self.helping_scopes(&grants, server, call).into_iter().next();
            notes.extend(helping.map(|scope| format!("{scope} would allow it")));
        }
        Explanation { verdict, notes }
    }

    /// Everything a caller may do, one entry per line, about one server or all; and the origin of their scopes.
    pub fn overview(&self, principal: &Principal, server: Option<&str>) -> Overview {
        let grants = self.grants(principal);
        let held = grants.held().iter();
        let entries = held.flat_map(|scope| match (server, &principal.servers) {
            (Some(server), _) if grants.opens(server) => scope.about(server).collect::<Vec<_>>(),
            (Some(_), _) => Vec::new(),
            (None, Some(names)) => {
                let is_about = |entry: &&Arc<PolicyEntry>| {
                    names.iter().any(|name| scope.about(name).any(|about| Arc::ptr_eq(about, entry)))
                };
                scope.entries.iter().filter(is_about).collect()
            }
            (None, None) => scope.entries.iter().collect(),
        });
        let entries = entries.filter(|entry| grants.exists(entry)).map(|entry| entry.told()).collect();
        Overview { entries, notes: self.origins(principal) }
    }

    /// The origin of the caller's scopes, and what of the token's the policy does not know.
    fn origins(&self, principal: &Principal) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(servers) = &principal.servers {
            notes.push(format!("the token is only for {}", join_names(servers.iter().map(String::as_str))));
        }
        for group in &principal.groups {
            notes.push(match self.group(group) {
                None => format!("group {group} is not in group_mappings"),
                Some([]) => format!("group {group} grants nothing that has entries"),
                Some(scopes) => {
                    format!("group {group} grants {}", join_names(scopes.iter().map(|scope| &*scope.name)))
                }
            });
        }
        let known = |scope: &&str| self.scopes().iter().any(|known| *known.name == **scope);
        let (own, unknown): (Vec<_>, Vec<_>) = principal.scopes.iter().map(String::as_str).partition(known);
        if !own.is_empty() {
            notes.push(format!("the token itself has {}", join_names(own.into_iter())));
        }
        if !unknown.is_empty() {
            notes.push(format!("the policy does not know {}", join_names(unknown.into_iter())));
        }
        notes
    }

    /// What is missing in the nearest entry of a scope.
    fn nearest(
        &self,
        scope: &Scope,
        grants: &Grants,
        principal: &Principal,
        server: &str,
        call: &Call<'_>,
    ) -> String {
        let need = Need::from_call(call);
        // An entry that matches except for its condition is nearer than all others.
        let lack = |entry: &PolicyEntry| entry.admits(&need).err();
        let rank = |entry: &PolicyEntry| lack(entry).map_or(2, |denial| u8::from(denial == Denial::Name));
        let existing = scope.about(server).filter(|entry| grants.exists(entry) || lack(entry).is_none());
        // The first of those that are equally near.
        let Some(entry) = existing.min_by_key(|entry| std::cmp::Reverse(rank(entry))) else {
            return format!("{} has nothing about {server}", scope.name);
        };
        let lacking = match (lack(entry), *call) {
            (None, _) => self.condition(entry).map_or_else(String::new, |when| {
                format!(
                    "would allow it, but its `when` does not hold: {}",
                    join_names(when.unmet(&principal.claims))
                )
            }),
            (Some(denial), call) => lacks(entry, denial, &call),
        };
        format!("{} (line {}) {lacking}", entry.rule, entry.line)
    }
}

impl Grants {
    /// The caller's scopes, each with what its entries allow, one line an entry.
    pub fn by_scope(&self) -> impl Iterator<Item = (&str, Vec<String>)> {
        self.held().iter().map(|scope| {
            let about = |entry: &&Arc<PolicyEntry>| {
                self.exists(entry) && entry.server.as_deref().is_none_or(|server| self.opens(server))
            };
            (&*scope.name, scope.entries.iter().filter(about).map(|entry| entry.told()).collect())
        })
    }
}

impl PolicyEntry {
    /// What it allows, in one line.
    fn told(&self) -> String {
        let server = self.server.as_deref().unwrap_or("every server");
        let mut told = format!("{} (line {}) {server}: {}", self.rule, self.line, self.methods);
        let kinds = [
            ("tools", Some(&self.tools)),
            ("prompts", self.prompts.as_ref()),
            ("resources", self.resources.as_ref()),
        ];
        for (kind, names) in kinds {
            if let Some(names) = names.filter(|names| !names.is_empty()) {
                told.push_str(&format!("; {kind} {names}"));
            }
        }
        told
    }
}

/// What an entry about the right server lacks for a call.
fn lacks(entry: &PolicyEntry, denial: Denial, call: &Call<'_>) -> String {
    let (method, name) = match *call {
        Call::Message { method, name } => (method, name),
        Call::Completion { name, .. } => (COMPLETE, Some(name)),
        Call::Reply | Call::Stream | Call::EndSession => return "does not allow it".into(),
    };
    match (denial, name) {
        (Denial::Name, Some(name)) => format!("has {method}, but not for {name}"),
        (Denial::Name, None) => format!("has {method}, but the message names nothing"),
        _ if entry.methods.is_all() => format!("has every method of MCP, but {method} is not one: name it"),
        _ => format!("does not have {method}"),
    }
}

fn join_names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Ok(rule) => write!(f, "allowed by {rule}")?,
            Err(denial) => write!(f, "denied: {denial}")?,
        }
        self.notes.iter().try_for_each(|note| write!(f, "\n  {note}"))
    }
}

impl fmt::Display for Overview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.entries.join("\n");
        f.write_str(if lines.is_empty() { "nothing is allowed" } else { &lines })?;
        self.notes.iter().try_for_each(|note| write!(f, "\n  {note}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    const POLICY: &str = "UI-Scopes: {ui: {}}\ngroup_mappings: {g: [ui, r], h: [ui]}\nr:\n\
                          - {server: a, methods: [tools/list]}\n\
                          - {server: a, methods: [tools/call], tools: [x]}\n\
                          - {server: b, methods: [tools/call], tools: [y], when: {dept: audit}}\n\
                          w:\n- {server: '*', methods: '*', tools: '*'}\n";

    #[test]
    fn a_verdict_is_told_with_what_led_to_it() {
        let policy = Policy::parse(POLICY).unwrap();
        let who = Principal {
            groups: vec!["g".into(), "h".into(), "i".into()],
            scopes: vec!["openid".into(), "r".into()],
            claims: Map::from_iter([("dept".into(), json!("sales"))]),
            ..Principal::default()
        };
        let call = |name| Call::Message { method: "tools/call", name };
        let origins = "\n  group g grants r\n  group h grants nothing that has entries\n  group i is not in group_mappings\
                       \n  the token itself has r\n  the policy does not know openid";
        let here = "denied: the caller may use this method, but not for this name";
        for (server, call, expected) in [
            ("a", call(Some("x")), format!("allowed by r[2]\n  line 5 of the policy{origins}")),
            (
                "a",
                call(Some("z")),
                format!("{here}{origins}\n  r[2] (line 5) has tools/call, but not for z\n  w would allow it"),
            ),
            (
                "a",
                call(None),
                format!("{here}{origins}\n  r[2] (line 5) has tools/call, but the message names nothing"),
            ),
            (
                "a",
                Call::Message { method: "x/y", name: None },
                format!(
                    "denied: the caller may use this server, but not this method{origins}\n  \
                     r[1] (line 4) does not have x/y"
                ),
            ),
            (
                "b",
                call(Some("y")),
                format!(
                    "denied: none of the caller's grants covers this server{origins}\n  \
                     r[3] (line 6) would allow it, but its `when` does not hold: dept\n  w would allow it"
                ),
            ),
            (
                "c",
                Call::Stream,
                format!(
                    "denied: none of the caller's grants covers this server{origins}\n  r has nothing about c\n  \
                     w would allow it"
                ),
            ),
        ] {
            assert_eq!(policy.explain(&who, server, &call).to_string(), expected, "{server} {call:?}");
        }
    }

    #[test]
    fn a_stranger_is_told_that_nothing_is_known() {
        let explanation = Policy::parse(POLICY).unwrap().explain(&Principal::default(), "a", &Call::Stream);
        let expected = "denied: the policy knows none of the caller's groups or scopes\n  r would allow it";
        assert_eq!(explanation.to_string(), expected);
    }
}
