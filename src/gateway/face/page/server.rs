//! One server: its tools as the visitor may use them, each with the rule that says so, and how a client is connected.

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::{ListPage, checked, clients, counted, faults, needs, server_address, state_words};
use crate::gateway::face::fields::{FormFields, address};
use crate::gateway::face::html::PageFrame;
use crate::gateway::face::visitor::{ChosenServer, Visitor};
use crate::gateway::services::ServiceView;
use crate::gateway::settings::{EgressMode, Visibility};
use crate::gateway::state::Upstream;
use crate::policy::{Call, Denial, Listed, UiAction, decide};
use crate::registry::{AuthType, ListedTool};
use crate::text::clean;

/// How many tools a page shows.
const TOOLS: usize = 100;
/// How much of a tool's description is shown, in characters.
const SHOWN: usize = 400;

pub(in crate::gateway::face) async fn show(chosen: ChosenServer) -> Response {
    let ChosenServer { face, visitor, upstream, asked } = &chosen;
    let frame = PageFrame::new(&upstream.route.server.title, Some(visitor), "").after(asked.any("done"));
    frame.page(StatusCode::OK, "server.html", shown(visitor, visitor.view(face), upstream, asked))
}

fn shown(visitor: &Visitor, view: ServiceView<'_>, upstream: &Upstream, asked: &FormFields) -> Value {
    let (name, known) = (upstream.name(), view.shared.catalogue.tools());
    let all = view.tools(upstream, &known);
    let page = ListPage::new(asked.count("tools"), all.len(), TOOLS);
    let more = |number: usize| {
        format!("{}#tools", address(&server_address(name), &[("tools", &number.to_string())]))
    };
    let callable = all.iter().filter(|tool| view.may_call(name, &tool.name)).count();
    let caption = format!("You may call {callable} of the {} that you see", counted(all.len(), "tool"));
    let part = format!("; tools {} to {}", page.first + 1, page.last);
    let url = format!("{}/{name}/mcp", view.shared.public_url);
    let own = upstream.is_built_in();
    context! {
        may => context! {
            refresh => visitor.may(UiAction::Health, upstream),
            toggle => !own && visitor.may(UiAction::Toggle, upstream),
            edit => !own && visitor.may(UiAction::Modify, upstream),
        },
        needs => needed(visitor, view, upstream),
        tools => page.part(&all).iter().map(|tool| row(view, name, tool)).collect::<Vec<_>>(),
        tools_caption => if page.count > 1 { caption + &part } else { caption },
        more_tools => page.later().map(more),
        no_tools => no_tools(view, upstream),
        login => clients::login(&url),
        clients => clients::copies(name, &url),
        server => facts(visitor, upstream, &url),
    }
}

fn facts(visitor: &Visitor, upstream: &Upstream, url: &str) -> Value {
    let server = &upstream.route.server;
    let transports: Vec<&str> = server.transports.iter().map(|transport| transport.name()).collect();
    let whose = server.profile.auth_provider.as_deref().map(|whose| format!(", of {whose}"));
    let credential = match server.auth_type {
        AuthType::None => "none",
        AuthType::Oauth => "a person's or program's OAuth token",
        AuthType::ApiKey => "an API key",
        AuthType::Other => "another kind of credential",
    };
    context! {
        name => &server.name,
        title => &server.title,
        about => &server.profile.description,
        state => state_words(upstream),
        faults => faults(upstream, visitor.may(UiAction::Modify, upstream)),
        checked => checked(upstream, visitor.moment.now),
        is_on => server.enabled,
        url,
        tags => &server.profile.tags,
        transports => transports.join(", "),
        credential => format!("{credential}{}", whose.unwrap_or_default()),
        sent => sent(upstream),
        license => server.profile.license.as_deref().filter(|license| *license != "N/A"),
        // Where it is, for those allowed to edit it.
        inner => visitor.may(UiAction::Modify, upstream).then(|| server.address()),
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

/// What the policy would need, if nobody may use the server, for those who keep the registry: nobody else can do anything
/// about it.
fn needed(visitor: &Visitor, view: ServiceView<'_>, upstream: &Upstream) -> Option<Value> {
    let keeps = visitor.may(UiAction::Modify, upstream) || visitor.may(UiAction::Register, upstream);
    let is_used = !view.state.policy.scopes_for(upstream.name()).is_empty();
    let tools = upstream.route.server.profile.tool_names();
    (keeps && !is_used).then(|| {
        let why = "Nobody may use this server: no scope of the policy is about it.";
        context! { why, lines => needs::entry(upstream.name(), tools) }
    })
}

fn row(view: ServiceView<'_>, server: &str, tool: &ListedTool) -> Value {
    let call = Call::Message { method: Listed::Tool.use_method(), name: Some(&tool.name) };
    let verdict = decide(view.grants, server, &call);
    let rule = verdict.as_ref().ok().map(|permit| {
        let rule = permit.rule();
        let line = view.state.policy.line(rule).map(|line| format!(", line {line}"));
        format!("{rule}{}", line.unwrap_or_default())
    });
    context! {
        name => &tool.name,
        about => clean(&tool.description, SHOWN),
        may_call => verdict.is_ok(),
        // What allows it, with its line.
        rule,
        why => verdict.err().map(reason),
        explain => address("/explain", &[("server", server), ("tool", &tool.name)]),
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
