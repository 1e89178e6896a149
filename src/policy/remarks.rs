//! What in a policy is valid but probably not intended.

use std::fmt;

use super::compiled::Policy;
use super::entry::PolicyEntry;
use super::names::NameSet;
use super::ui::UiScope;
use super::{Listed, Rule, UiAction};

/// Something `gateway check` points out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyRemark {
    /// A group is granted an undefined scope.
    UnknownScope {
        /// The group.
        group: String,
        /// The scope.
        scope: String,
    },
    /// `tools/call` without a tool allows no call.
    NoTools {
        /// The entry.
        rule: Rule,
        /// Its line in the file.
        line: u64,
    },
    /// A name with `*` in it that is not only `*`: names are literal.
    Pattern {
        /// The entry.
        rule: Rule,
        /// Its line in the file.
        line: u64,
        /// The name.
        name: String,
    },
    /// An entry that repeats an earlier one of its scope.
    Duplicate {
        /// The later entry.
        rule: Rule,
        /// Its line in the file.
        line: u64,
        /// The earlier one.
        of: Rule,
    },
    /// A permission for a server that is not there, by its path or name.
    NoService {
        /// The scope in `UI-Scopes`.
        scope: String,
        /// The permission.
        action: UiAction,
        /// What it names.
        name: String,
    },
    /// A scope in `UI-Scopes` that no group has.
    Unheld {
        /// The scope.
        scope: String,
    },
    /// A group whose members see nothing on the pages.
    NoPermission {
        /// The group.
        group: String,
    },
}

impl Policy {
    /// The remarks about the registry's own permissions, given the servers' paths and what people call them.
    pub fn permission_remarks(&self, servers: &[(String, String)]) -> Vec<PolicyRemark> {
        let mut remarks = Vec::new();
        for scope in self.ui_scopes() {
            for action in UiAction::ALL.into_iter().filter(|action| *action != UiAction::Register) {
                let is_there =
                    |name: &&str| servers.iter().any(|(path, title)| UiScope::is_about(name, path, title));
                let gone = scope.services(action).filter(|name| !is_there(name));
                remarks.extend(gone.map(|name| PolicyRemark::NoService {
                    scope: scope.name.to_string(),
                    action,
                    name: name.to_owned(),
                }));
            }
        }
        let unheld = self.ui_scopes().into_iter().filter(|scope| !self.is_held(scope));
        remarks.extend(unheld.map(|scope| PolicyRemark::Unheld { scope: scope.name.to_string() }));
        let without = self.groups_without_permissions().into_iter();
        remarks.extend(without.map(|group| PolicyRemark::NoPermission { group: group.to_owned() }));
        remarks
    }

    /// The remarks, in the file's order.
    pub fn remarks(&self) -> Vec<PolicyRemark> {
        let unknown = |(group, scope): &(String, String)| PolicyRemark::UnknownScope {
            group: group.clone(),
            scope: scope.clone(),
        };
        let mut remarks: Vec<_> = self.dangling().iter().map(unknown).collect();
        for scope in self.scopes() {
            for entry in &scope.entries {
                let (rule, line) = ((*entry.rule).clone(), entry.line);
                if entry.tools.is_empty() && lists_by_name(&entry.methods, Listed::Tool.use_method()) {
                    remarks.push(PolicyRemark::NoTools { rule: rule.clone(), line });
                }
                let pattern =
                    |name: &str| PolicyRemark::Pattern { rule: rule.clone(), line, name: name.into() };
                remarks.extend(entry.patterns().map(pattern));
                // Only entries about the same server can be equal, and of those there are few.
                let mut alike = scope.about(entry.server.as_deref().unwrap_or_default());
                let first = alike.find(|other| other.says_as_much_as(entry));
                if let Some(first) = first.filter(|first| first.rule != entry.rule) {
                    remarks.push(PolicyRemark::Duplicate { rule, line, of: (*first.rule).clone() });
                }
            }
        }
        remarks
    }
}

/// Whether a method is listed; `*` without tools is a way to say "everything but tools".
fn lists_by_name(methods: &NameSet, method: &str) -> bool {
    !methods.is_all() && methods.hold(method)
}

impl PolicyEntry {
    fn patterns(&self) -> impl Iterator<Item = &str> {
        let lists = [Some(&self.methods), Some(&self.tools), self.prompts.as_ref(), self.resources.as_ref()];
        let server = self.server.as_deref().filter(|server| server.contains('*'));
        server.into_iter().chain(lists.into_iter().flatten().flat_map(NameSet::patterns))
    }

    fn says_as_much_as(&self, other: &Self) -> bool {
        self.server == other.server
            && self.methods == other.methods
            && self.tools == other.tools
            && self.prompts == other.prompts
            && self.resources == other.resources
            && self.when == other.when
    }
}

impl fmt::Display for PolicyRemark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownScope { group, scope } => {
                write!(f, "group {group} is granted {scope}, which is not defined")
            }
            Self::NoTools { rule, line } => {
                write!(f, "line {line}: {rule} has tools/call and no tools, so it allows no call")
            }
            Self::Pattern { rule, line, name } => {
                write!(
                    f,
                    "line {line}: {rule} names {name}, which is not a pattern: only a single '*' means all"
                )
            }
            Self::NoService { scope, action, name } => {
                write!(f, "UI-Scopes: {scope} has {name} in {}, and no server is called that", action.name())
            }
            Self::Unheld { scope } => write!(f, "UI-Scopes: no group has {scope}"),
            Self::NoPermission { group } => {
                write!(f, "group {group} has nothing of UI-Scopes, so its members see no server on the pages")
            }
            Self::Duplicate { rule, line, of } => write!(f, "line {line}: {rule} says the same as {of}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remarks(text: &str) -> Vec<String> {
        Policy::parse(text).unwrap().remarks().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_hardly_meant_is_pointed_out() {
        let text = "UI-Scopes: {ui: {}}\ngroup_mappings: {g: [ui, s, gone]}\ns:\n\
                    - {server: a, methods: [tools/list, tools/call]}\n\
                    - {server: a*, methods: [tools/call, 'tools/*'], tools: ['get_*']}\n\
                    - {server: b, methods: [x, y]}\n\
                    - {server: /b/, methods: [y, x], tools: }\n\
                    - {server: '*', methods: '*'}\n\
                    - {server: all, methods: [all]}\n";
        assert_eq!(
            remarks(text),
            [
                "group g is granted gone, which is not defined",
                "line 4: s[1] has tools/call and no tools, so it allows no call",
                "line 5: s[2] names a*, which is not a pattern: only a single '*' means all",
                "line 5: s[2] names tools/*, which is not a pattern: only a single '*' means all",
                "line 5: s[2] names get_*, which is not a pattern: only a single '*' means all",
                "line 7: s[4] says the same as s[3]",
                "line 9: s[6] says the same as s[5]",
            ]
        );
    }

    #[test]
    fn the_references_own_constructs_are_no_surprise() {
        assert_eq!(remarks(include_str!("../../tests/fixtures/scopes.yml")), [""; 0]);
        let text = "s: [{server: a, methods: [tools/list], tools: [x]}, {server: a, tools: [x]}, {server: a}]\n\
                    t: [{server: a, methods: [tools/list], tools: [x]}]";
        assert_eq!(remarks(text), [""; 0]);
    }

    #[test]
    fn permissions_that_lead_nowhere_are_pointed_out() {
        let text = "UI-Scopes:\n  a: {list_service: [all, time, 'Time Server', gone], register_service: [new]}\n  b: {}\n\
                    group_mappings: {g: [a], h: [s]}\ns: [{server: x}]\n";
        let servers = [("time".to_owned(), "Time Server".to_owned())];
        let said = Policy::parse(text).unwrap().permission_remarks(&servers);
        let said: Vec<String> = said.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "UI-Scopes: a has gone in list_service, and no server is called that",
                "UI-Scopes: no group has b",
                "group h has nothing of UI-Scopes, so its members see no server on the pages",
            ]
        );
    }
}
