//! What in a policy is valid but probably not intended.

use super::compiled::Policy;
use super::entry::PolicyEntry;
use super::names::NameSet;
use super::ui::UiScope;
use super::{Listed, UiAction};

impl Policy {
    /// The remarks about the registry's own permissions, given the servers' paths and what people call them.
    pub fn permission_remarks(&self, servers: &[(String, String)]) -> Vec<String> {
        let mut remarks = Vec::new();
        for scope in self.ui_scopes() {
            for action in UiAction::ALL.into_iter().filter(|action| *action != UiAction::Register) {
                let is_there =
                    |name: &&str| servers.iter().any(|(path, title)| UiScope::is_about(name, path, title));
                let gone = scope.services(action).filter(|name| !is_there(name));
                let (scope, action) = (&scope.name, action.name());
                remarks.extend(gone.map(|name| {
                    format!("UI-Scopes: {scope} has {name} in {action}, and no server is called that")
                }));
            }
        }
        let unheld = self.ui_scopes().into_iter().filter(|scope| !self.is_held(scope));
        remarks.extend(unheld.map(|scope| format!("UI-Scopes: no group has {}", scope.name)));
        remarks.extend(self.groups_without_permissions().into_iter().map(|group| {
            format!("group {group} has nothing of UI-Scopes, so its members see no server on the pages")
        }));
        remarks
    }

    /// The remarks, in the file's order.
    pub fn remarks(&self) -> Vec<String> {
        let unknown = |(group, scope): &(String, String)| {
            format!("group {group} is granted {scope}, which is not defined")
        };
        let mut remarks: Vec<_> = self.dangling().iter().map(unknown).collect();
        for scope in self.scopes() {
            for entry in &scope.entries {
                let at = format!("line {}: {}", entry.line, entry.rule);
                if entry.tools.is_empty() && lists_by_name(&entry.methods, Listed::Tool.use_method()) {
                    remarks.push(format!("{at} has tools/call and no tools, so it allows no call"));
                }
                // Names are literal.
                remarks.extend(entry.patterns().map(|name| {
                    format!("{at} names {name}, which is not a pattern: only a single '*' means all")
                }));
                // Only entries about the same server can be equal, and of those there are few.
                let mut alike = scope.about(entry.server.as_deref().unwrap_or_default());
                let first = alike.find(|other| other.says_as_much_as(entry));
                let first = first.filter(|first| first.rule != entry.rule);
                remarks.extend(first.map(|first| format!("{at} says the same as {}", first.rule)));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn remarks(text: &str) -> Vec<String> {
        Policy::parse(text).unwrap().remarks()
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
