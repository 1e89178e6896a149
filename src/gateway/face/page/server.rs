//! One server: its tools as the visitor may use them, each with the rule that says so, and how a client is connected.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::clients::{self, ClientCopy};
use super::{ListPage, StateWords, checked, counted, needs, server_address};
use crate::gateway::face::FaceState;
use crate::gateway::face::fields::{FormFields, QueryFields, address};
use crate::gateway::face::html::PageFrame;
use crate::gateway::face::visitor::{ChosenServer, Visitor};
use crate::gateway::services::ServiceView;
use crate::gateway::settings::{EgressMode, Visibility};
use crate::gateway::state::Upstream;
use crate::policy::{Call, Denial, Listed, UiAction, decide};
use crate::registry::{AuthType, ListedTool};
use crate::text::clean;

#[derive(Serialize)]
struct ServerPage {
    server: ServerFacts,
    may: MayDo,
    /// What the policy would need, if nobody may use the server.
    needs: Option<PolicyNeeds>,
    tools: Vec<ToolRow>,
    tools_caption: String,
    more_tools: Option<String>,
    no_tools: &'static str,
    login: String,
    clients: Vec<ClientCopy>,
}

#[derive(Serialize)]
struct ServerFacts {
    name: String,
    title: String,
    about: String,
    state: StateWords,
    checked: Option<String>,
    is_on: bool,
    url: String,
    tags: Vec<String>,
    transports: String,
    credential: String,
    /// Whose credential the gateway sends to it.
    sent: &'static str,
    license: Option<String>,
    /// Where it is, for those allowed to edit it.
    inner: Option<String>,
}

/// What the visitor may do to it.
#[derive(Serialize)]
struct MayDo {
    refresh: bool,
    toggle: bool,
    edit: bool,
}

#[derive(Serialize)]
struct PolicyNeeds {
    why: &'static str,
    lines: String,
}

#[derive(Serialize)]
struct ToolRow {
    name: String,
    about: String,
    may_call: bool,
    /// The rule that allows it, with its line.
    rule: Option<String>,
    why: Option<&'static str>,
    explain: String,
}

/// How many tools a page shows.
const TOOLS: usize = 100;
/// How much of a tool's description is shown, in characters.
const SHOWN: usize = 400;

pub(in crate::gateway::face) async fn show(
    State(face): State<Arc<FaceState>>,
    ChosenServer { visitor, upstream }: ChosenServer,
    QueryFields(asked): QueryFields,
) -> Response {
    let (view, upstream) = (visitor.view(&face), upstream.as_ref());
    let frame = PageFrame::new(&upstream.route.server.title, Some(&visitor), "").after(asked.any("done"));
    frame.page(StatusCode::OK, "server.html", &ServerPage::new(&visitor, view, upstream, &asked))
}

impl ServerPage {
    fn new(visitor: &Visitor, view: ServiceView<'_>, upstream: &Upstream, asked: &FormFields) -> Self {
        let (name, known) = (upstream.name(), view.shared.catalogue.tools());
        let all = view.tools(upstream, &known);
        let page = ListPage::new(asked.count("tools"), all.len(), TOOLS);
        let rows: Vec<ToolRow> = page.part(&all).iter().map(|tool| ToolRow::new(view, name, tool)).collect();
        let more = |number: usize| {
            format!("{}#tools", address(&server_address(name), &[("tools", &number.to_string())]))
        };
        let server = ServerFacts::new(visitor, view, upstream);
        let callable = all.iter().filter(|tool| view.may_call(name, &tool.name)).count();
        let caption = format!("You may call {callable} of the {} that you see", counted(all.len(), "tool"));
        let part = format!("; tools {} to {}", page.first + 1, page.last);
        Self {
            may: MayDo::new(visitor, upstream),
            needs: PolicyNeeds::new(visitor, view, upstream),
            tools: rows,
            tools_caption: if page.count > 1 { caption + &part } else { caption },
            more_tools: page.later().map(more),
            no_tools: no_tools(view, upstream),
            login: clients::login(&server.url),
            clients: clients::copies(name, &server.url),
            server,
        }
    }
}

impl ServerFacts {
    fn new(visitor: &Visitor, view: ServiceView<'_>, upstream: &Upstream) -> Self {
        let server = &upstream.route.server;
        let transports: Vec<&str> = server.transports.iter().map(|transport| transport.name()).collect();
        let whose = server.profile.auth_provider.as_deref().map(|whose| format!(", of {whose}"));
        let credential = match server.auth_type {
            AuthType::None => "none",
            AuthType::Oauth => "a person's or program's OAuth token",
            AuthType::ApiKey => "an API key",
            AuthType::Other => "another kind of credential",
        };
        Self {
            name: server.name.clone(),
            title: server.title.clone(),
            about: server.profile.description.clone(),
            state: StateWords::of(upstream),
            checked: checked(upstream, visitor.moment.now),
            is_on: server.enabled,
            url: format!("{}/{}/mcp", view.shared.public_url, server.name),
            tags: server.profile.tags.clone(),
            transports: transports.join(", "),
            credential: format!("{credential}{}", whose.unwrap_or_default()),
            sent: sent(upstream),
            license: server.profile.license.clone().filter(|license| license != "N/A"),
            inner: visitor.may(UiAction::Modify, upstream).then(|| server.address()),
        }
    }
}

/// Whose credential reaches a server.
fn sent(upstream: &Upstream) -> &'static str {
    match (upstream.route.egress, &upstream.stored) {
        (EgressMode::Passthrough, _) => {
            "yours: send it as Authorization, next to the gateway's X-Authorization"
        }
        (EgressMode::Stored, Some(_)) => "the gateway's own, which it keeps and renews",
        (EgressMode::Stored, None) => {
            "the gateway's own, which is missing: its operator must log in to the server"
        }
        (EgressMode::None, _) => "none",
    }
}

impl MayDo {
    fn new(visitor: &Visitor, upstream: &Upstream) -> Self {
        let own = upstream.is_built_in();
        Self {
            refresh: visitor.may(UiAction::Health, upstream),
            toggle: !own && visitor.may(UiAction::Toggle, upstream),
            edit: !own && visitor.may(UiAction::Modify, upstream),
        }
    }
}

impl PolicyNeeds {
    /// For those who keep the registry: nobody else can do anything about it.
    fn new(visitor: &Visitor, view: ServiceView<'_>, upstream: &Upstream) -> Option<Self> {
        let keeps = visitor.may(UiAction::Modify, upstream) || visitor.may(UiAction::Register, upstream);
        let is_used = !view.state.policy.scopes_for(upstream.name()).is_empty();
        let tools = upstream.route.server.profile.tool_names();
        (keeps && !is_used).then(|| Self {
            why: "Nobody may use this server: no scope of the policy is about it.",
            lines: needs::entry(upstream.name(), tools),
        })
    }
}

impl ToolRow {
    fn new(view: ServiceView<'_>, server: &str, tool: &ListedTool) -> Self {
        let call = Call::Message { method: Listed::Tool.use_method(), name: Some(&tool.name) };
        let verdict = decide(view.grants, server, &call);
        let rule = verdict.as_ref().ok().map(|permit| {
            let rule = permit.rule();
            let line = view.state.policy.line(rule).map(|line| format!(", line {line}"));
            format!("{rule}{}", line.unwrap_or_default())
        });
        Self {
            name: tool.name.clone(),
            about: clean(&tool.description, SHOWN),
            may_call: verdict.is_ok(),
            rule,
            why: verdict.err().map(reason),
            explain: address("/explain", &[("server", server), ("tool", &tool.name)]),
        }
    }
}

/// Why a tool that is seen may not be called.
fn reason(denial: Denial) -> &'static str {
    match denial {
        Denial::NoScopes => "The policy knows none of your groups.",
        Denial::Server => "None of your entries is about this server.",
        Denial::Method => "You may list it: none of your entries here has tools/call.",
        Denial::Name => "Your entries with tools/call do not name it.",
    }
}

/// Why there are no tools.
fn no_tools(view: ServiceView<'_>, upstream: &Upstream) -> &'static str {
    let lists =
        view.shared.settings.list_visibility == Visibility::All || view.grants.reaches(upstream.name());
    match (lists, upstream.route.server.enabled) {
        (false, _) => "You see none: no entry of the policy is about this server for you.",
        (true, false) => "The server is off, and its file lists no tool that you may see.",
        (true, true) => {
            "None is known that you may see. They are known once its file lists them, or somebody has listed them here."
        }
    }
}
