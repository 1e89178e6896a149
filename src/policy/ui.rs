//! `UI-Scopes`: who may do what to the registry's entries. They say nothing of MCP itself, and what of them cannot be
//! read grants nothing. Not here: who has which scope (see `compiled`).

use serde_json::Value;

use super::names::{is_wildcard, trimmed};

/// What may be done to a server's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UiAction {
    /// To see that it is there.
    List,
    /// To add it.
    Register,
    /// To see and renew its state.
    Health,
    /// To switch it on and off.
    Toggle,
    /// To change or remove it.
    Modify,
}

/// One scope.
#[derive(Debug, Default)]
pub(super) struct UiScope {
    pub(super) name: Box<str>,
    /// By action, in [`UiAction::ALL`]'s order: servers by path or by what people call them.
    services: [Vec<Box<str>>; UiAction::ALL.len()],
}

impl UiAction {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::List, Self::Register, Self::Health, Self::Toggle, Self::Modify];

    /// As the policy has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list_service",
            Self::Register => "register_service",
            Self::Health => "health_check_service",
            Self::Toggle => "toggle_service",
            Self::Modify => "modify_service",
        }
    }
}

impl UiScope {
    pub(super) fn read(name: &str, value: &Value) -> Self {
        let list = |action: UiAction| {
            let items = value.get(action.name()).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(Into::into).collect()
        };
        Self { name: name.into(), services: UiAction::ALL.map(list) }
    }

    pub(super) fn services(&self, action: UiAction) -> impl Iterator<Item = &str> {
        self.services.get(action as usize).into_iter().flatten().map(AsRef::as_ref)
    }

    /// The registry compares what people call a server, its own files write paths: both count.
    pub(super) fn allows(&self, action: UiAction, path: &str, title: &str) -> bool {
        self.services(action).any(|name| Self::is_about(name, path, title))
    }

    /// Whether a name in a permission means this server.
    pub(super) fn is_about(name: &str, path: &str, title: &str) -> bool {
        let is = is_wildcard(name) || name == title || trimmed(name) == trimmed(path);
        is && !trimmed(name).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Policy, Principal};
    use super::*;

    fn member(group: &str) -> Principal {
        Principal { groups: vec![group.into()], ..Principal::default() }
    }

    #[test]
    fn the_shipped_permissions_name_servers_by_path() {
        let policy = Policy::parse(include_str!("../../tests/fixtures/scopes.yml")).unwrap();
        let user = policy.grants(&member("mcp-registry-user"));
        assert!(user.manages(UiAction::List, "mcpgw", "MCP Gateway Tools"));
        for (action, path) in
            [(UiAction::Toggle, "mcpgw"), (UiAction::List, "fininfo"), (UiAction::Register, "x")]
        {
            assert!(!user.manages(action, path, "X"), "{action:?} {path}");
        }
        let admin = policy.grants(&member("mcp-registry-admin"));
        assert!(
            [UiAction::List, UiAction::Toggle]
                .into_iter()
                .all(|action| admin.manages(action, "anything", ""))
        );
        assert!(!admin.manages(UiAction::Modify, "anything", ""));
        assert_eq!(admin.permissions(UiAction::Toggle).into_iter().collect::<Vec<_>>(), ["all"]);
    }

    #[test]
    fn a_permission_is_for_whom_and_what_it_names() {
        let text = "UI-Scopes:\n  ui: {toggle_service: [Time Server, /b/], list_service: all, modify_service: [5, ''], odd: {}}\n\
                    \x20 broken: [x]\ngroup_mappings: {g: [ui], h: [s], i: [broken]}\ns: [{server: b}]\n";
        let policy = Policy::parse(text).unwrap();
        let grants = policy.grants(&member("/g"));
        for (path, title, may) in [
            ("time", "Time Server", true),
            ("b", "B", true),
            ("time", "time server", false),
            ("", "", false),
            ("5", "", false),
        ] {
            assert_eq!(grants.manages(UiAction::Toggle, path, title), may, "{path} {title}");
        }
        // `all` is a list of one in the registry's own files; a word is not a list.
        assert!(!grants.manages(UiAction::List, "b", "B") && !grants.manages(UiAction::Modify, "5", "5"));
        let narrowed = Principal { servers: Some(vec!["mcpgw".into()]), ..member("g") };
        assert!(
            !policy.grants(&narrowed).manages(UiAction::Toggle, "b", "B"),
            "its token is not for this server"
        );
        for group in ["h", "i", "j"] {
            assert!(!policy.grants(&member(group)).manages(UiAction::Toggle, "b", "B"), "{group}");
        }
        assert!(policy.knows_group("/g") && policy.knows_scope("ui") && !policy.knows_group("j"));
        assert!(grants.is_empty() && policy.grants(&member("h")).reaches("b") && !grants.reaches("b"));
    }
}
