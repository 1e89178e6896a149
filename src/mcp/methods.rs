//! MCP's methods as clients send them, in every revision from 2024-11-05 to 2026-07-28: what each lists, what its
//! parameters name and where, and whether `Mcp-Name` repeats it. Not here: permissions (see `policy`).
//!
//! This is the only such table. For a method that is not in it see [`find`].

/// What a policy grants by name, and a server lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Listed {
    /// `tools/list`, member `tools`, by `name`.
    Tool,
    /// `prompts/list`, member `prompts`, by `name`.
    Prompt,
    /// `resources/list`, member `resources`, by `uri`.
    Resource,
    /// `resources/templates/list`, member `resourceTemplates`, by `uriTemplate`.
    Template,
}

/// What a message may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// Something a policy grants by name.
    Listed(Listed),
    /// A task, by its identifier. Servers generate these, so no policy can name them.
    Task,
}

/// A method of a client's.
#[derive(Debug, PartialEq, Eq)]
pub struct Method {
    /// Its name in messages.
    pub name: &'static str,
    /// What it is about.
    pub about: MethodSubject,
    /// Whether `Mcp-Name` repeats what it names (MCP 2026-07-28, "Request headers").
    pub mirrored: Mirrored,
}

/// What a method is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodSubject {
    /// The connection: needed by every caller who may use anything of a server.
    Lifecycle,
    /// Nothing that has a name.
    Nothing,
    /// A list, whose items are filtered.
    List(Listed),
    /// What this member of `params` names.
    Member(NameKind, &'static str),
    /// A prompt or resource, by `params.ref`.
    Reference,
    /// Any number of resources and tasks, by `params.notifications`. The stream itself counts as lifecycle: it
    /// carries notifications.
    Subscriptions,
}

/// Whether a header repeats the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mirrored {
    /// From 2026-07-28 on it must.
    Required,
    /// It may.
    Allowed,
    /// There is no name to repeat.
    Never,
}

/// The member of `params` that holds a task's identifier.
pub const TASK_ID: &str = "taskId";
/// A server's notification about a resource that somebody subscribed to, by `params.uri`.
pub const RESOURCE_UPDATED: &str = "notifications/resources/updated";

pub(super) const TOOL: MethodSubject = MethodSubject::Member(NameKind::Listed(Listed::Tool), "name");
const PROMPT: MethodSubject = MethodSubject::Member(NameKind::Listed(Listed::Prompt), "name");
const RESOURCE: MethodSubject = MethodSubject::Member(NameKind::Listed(Listed::Resource), "uri");
const TASK: MethodSubject = MethodSubject::Member(NameKind::Task, TASK_ID);

/// All of them, the most frequent first.
pub const METHODS: &[Method] = &[
    row("tools/call", TOOL, Mirrored::Required),
    row("tools/list", MethodSubject::List(Listed::Tool), Mirrored::Never),
    row("ping", MethodSubject::Lifecycle, Mirrored::Never),
    row("initialize", MethodSubject::Lifecycle, Mirrored::Never),
    row("server/discover", MethodSubject::Lifecycle, Mirrored::Never),
    row("notifications/initialized", MethodSubject::Lifecycle, Mirrored::Never),
    row("notifications/cancelled", MethodSubject::Lifecycle, Mirrored::Never),
    row("notifications/progress", MethodSubject::Lifecycle, Mirrored::Never),
    row("notifications/roots/list_changed", MethodSubject::Lifecycle, Mirrored::Never),
    row("resources/list", MethodSubject::List(Listed::Resource), Mirrored::Never),
    row("resources/templates/list", MethodSubject::List(Listed::Template), Mirrored::Never),
    row("resources/read", RESOURCE, Mirrored::Required),
    row("resources/subscribe", RESOURCE, Mirrored::Allowed),
    row("resources/unsubscribe", RESOURCE, Mirrored::Allowed),
    row("prompts/list", MethodSubject::List(Listed::Prompt), Mirrored::Never),
    row("prompts/get", PROMPT, Mirrored::Required),
    row("completion/complete", MethodSubject::Reference, Mirrored::Never),
    row("subscriptions/listen", MethodSubject::Subscriptions, Mirrored::Never),
    row("logging/setLevel", MethodSubject::Nothing, Mirrored::Never),
    row("tasks/get", TASK, Mirrored::Required),
    row("tasks/update", TASK, Mirrored::Required),
    row("tasks/cancel", TASK, Mirrored::Required),
    row("tasks/result", TASK, Mirrored::Allowed),
    row("tasks/list", MethodSubject::Nothing, Mirrored::Never),
    // The client's own task, which a server requested.
    row("notifications/tasks/status", TASK, Mirrored::Never),
];

const fn row(name: &'static str, about: MethodSubject, mirrored: Mirrored) -> Method {
    Method { name, about, mirrored }
}

/// The method with this name; `None` if no revision has it, or only servers send it. What such a message names cannot
/// be known.
pub fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

impl Listed {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tool, Self::Prompt, Self::Resource, Self::Template];

    /// The method that lists them.
    pub fn list_method(self) -> &'static str {
        self.words().0
    }

    /// The method that uses one of them.
    pub fn use_method(self) -> &'static str {
        self.words().1
    }

    /// The member of a result that lists them.
    pub fn member(self) -> &'static str {
        self.words().2
    }

    /// The member of an item that names it.
    pub fn key(self) -> &'static str {
        self.words().3
    }

    const fn words(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Tool => ("tools/list", "tools/call", "tools", "name"),
            Self::Prompt => ("prompts/list", "prompts/get", "prompts", "name"),
            Self::Resource => ("resources/list", "resources/read", "resources", "uri"),
            Self::Template => {
                ("resources/templates/list", "resources/read", "resourceTemplates", "uriTemplate")
            }
        }
    }

    /// What `method` lists, if it lists anything that is filtered.
    pub fn by(method: &str) -> Option<Self> {
        match find(method)?.about {
            MethodSubject::List(listed) => Some(listed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// `ClientRequest` and `ClientNotification` of each revision's `schema.ts`, and of the tasks extension.
    const REVISIONS: [(&str, &[&str]); 6] = [
        ("2024-11-05", CLASSIC),
        ("2025-03-26", CLASSIC),
        ("2025-06-18", CLASSIC),
        ("2025-11-25", CLASSIC),
        (
            "2025-11-25, tasks",
            &["tasks/get", "tasks/result", "tasks/list", "tasks/cancel", "notifications/tasks/status"],
        ),
        (
            "2026-07-28",
            &[
                "server/discover",
                "completion/complete",
                "prompts/get",
                "prompts/list",
                "resources/list",
                "resources/templates/list",
                "resources/read",
                "tools/call",
                "tools/list",
                "subscriptions/listen",
                "notifications/cancelled",
                "tasks/get",
                "tasks/update",
                "tasks/cancel",
            ],
        ),
    ];
    const CLASSIC: &[&str] = &[
        "ping",
        "initialize",
        "completion/complete",
        "logging/setLevel",
        "prompts/get",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "resources/subscribe",
        "resources/unsubscribe",
        "tools/call",
        "tools/list",
        "notifications/cancelled",
        "notifications/progress",
        "notifications/initialized",
        "notifications/roots/list_changed",
    ];

    #[test]
    fn every_revisions_methods_are_here_and_no_others() {
        let known: BTreeSet<&str> = REVISIONS.iter().flat_map(|(_, methods)| *methods).copied().collect();
        let here: BTreeSet<&str> = METHODS.iter().map(|method| method.name).collect();
        assert_eq!(here, known);
        assert_eq!(here.len(), METHODS.len(), "each once");
    }

    #[test]
    fn what_only_servers_send_is_not_here() {
        for method in [
            "sampling/createMessage",
            "elicitation/create",
            "roots/list",
            "notifications/message",
            RESOURCE_UPDATED,
            "notifications/resources/list_changed",
            "notifications/tools/list_changed",
            "notifications/prompts/list_changed",
            "notifications/subscriptions/acknowledged",
            "notifications/elicitation/complete",
            "notifications/tasks",
            "Tools/call",
            "tools/call ",
            "",
        ] {
            assert_eq!(find(method), None, "{method}");
        }
    }

    #[test]
    fn the_names_of_lists_are_those_of_the_table() {
        for listed in Listed::ALL {
            assert_eq!(Listed::by(listed.list_method()), Some(listed));
            let used = find(listed.use_method()).unwrap();
            assert!(matches!(used.about, MethodSubject::Member(NameKind::Listed(_), _)), "{used:?}");
            assert_eq!(used.mirrored, Mirrored::Required);
        }
    }
}
