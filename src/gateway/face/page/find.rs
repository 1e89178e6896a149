//! Finding a tool by what it does: the search of the gateway's own MCP server, for people.

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::{counted, server_address, state_words};
use crate::gateway::face::fields::address;
use crate::gateway::face::html::PageFrame;
use crate::gateway::face::visitor::SignedIn;
use crate::gateway::mcpgw::{LONGEST_QUERY, ToolMatch, find_tools};
use crate::gateway::services::ServiceView;
use crate::text::clean;

/// How many tools are shown.
const MOST: usize = 20;
/// How much of a description is shown, in characters.
const SHOWN: usize = 300;

pub(in crate::gateway::face) async fn show(SignedIn { face, visitor, asked }: SignedIn) -> Response {
    let (query, tags) = (asked.one("q"), asked.list("tags"));
    let (mut rows, mut nothing) = (Vec::new(), None);
    if query.len() > LONGEST_QUERY {
        nothing = Some("The query is too long.");
    } else if !query.is_empty() || !tags.is_empty() {
        let view = visitor.view(&face);
        let found = find_tools(view, query, &tags, MOST);
        rows = found.matches.iter().filter_map(|found| row(view, found)).collect();
        let why = if found.sees_any {
            "No tool that you may see has any of these words. Try other words, in English."
        } else {
            "You may see no tool of any server that fits. Your access page says what the policy gives you."
        };
        nothing = rows.is_empty().then_some(why);
    }
    let caption = format!("The best {} for you", counted(rows.len(), "tool"));
    let shown = context! { query, tags => tags.join(", "), rows, caption, nothing };
    PageFrame::new("Find a tool", Some(&visitor), "/find").page(StatusCode::OK, "find.html", shown)
}

fn row(view: ServiceView<'_>, found: &ToolMatch) -> Option<Value> {
    let (server, tool) = (&found.server, &found.tool);
    let upstream = view.state.upstreams.get(server)?;
    Some(context! {
        name => &tool.name,
        about => clean(&tool.description, SHOWN),
        matched => found.matched.join(", "),
        server => &upstream.route.server.title,
        href => server_address(server),
        state => state_words(upstream),
        may_call => view.may_call(server, &tool.name),
        explain => address("/explain", &[("server", server), ("tool", &tool.name)]),
        score => found.score.map(|score| format!("{:.0} %", score * 100.)).unwrap_or_default(),
    })
}
