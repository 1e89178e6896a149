//! Finding a tool by what it does: the search of the gateway's own MCP server, for people.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::{StateWords, counted, server_address};
use crate::gateway::face::FaceState;
use crate::gateway::face::fields::{QueryFields, address};
use crate::gateway::face::html::PageFrame;
use crate::gateway::face::visitor::SignedIn;
use crate::gateway::mcpgw::{LONGEST_QUERY, ToolMatch, find_tools};
use crate::gateway::services::ServiceView;
use crate::text::clean;

#[derive(Default, Serialize)]
struct FindPage {
    query: String,
    tags: String,
    rows: Vec<FoundRow>,
    caption: String,
    nothing: Option<&'static str>,
}

#[derive(Serialize)]
struct FoundRow {
    name: String,
    about: String,
    matched: String,
    server: String,
    href: String,
    state: StateWords,
    may_call: bool,
    explain: String,
    score: String,
}

/// How many tools are shown.
const MOST: usize = 20;
/// How much of a description is shown, in characters.
const SHOWN: usize = 300;

pub(in crate::gateway::face) async fn show(
    State(face): State<Arc<FaceState>>,
    SignedIn(visitor): SignedIn,
    QueryFields(asked): QueryFields,
) -> Response {
    let (query, tags) = (asked.one("q"), asked.list("tags"));
    let mut page = FindPage { query: query.to_owned(), tags: tags.join(", "), ..FindPage::default() };
    if query.len() > LONGEST_QUERY {
        page.nothing = Some("The query is too long.");
    } else if !query.is_empty() || !tags.is_empty() {
        let view = visitor.view(&face);
        let found = find_tools(view, query, &tags, MOST);
        page.rows = found.matches.iter().filter_map(|found| FoundRow::new(view, found)).collect();
        page.caption = format!("The best {} for you", counted(page.rows.len(), "tool"));
        let why = if found.sees_any {
            "No tool that you may see has any of these words. Try other words, in English."
        } else {
            "You may see no tool of any server that fits. Your access page says what the policy gives you."
        };
        page.nothing = page.rows.is_empty().then_some(why);
    }
    PageFrame::new("Find a tool", Some(&visitor), "/find").page(StatusCode::OK, "find.html", &page)
}

impl FoundRow {
    fn new(view: ServiceView<'_>, found: &ToolMatch) -> Option<Self> {
        let (server, tool) = (&found.server, &found.tool);
        let upstream = view.state.upstreams.get(server)?;
        Some(Self {
            name: tool.name.clone(),
            about: clean(&tool.description, SHOWN),
            matched: found.matched.join(", "),
            server: upstream.route.server.title.clone(),
            href: server_address(server),
            state: StateWords::of(upstream),
            may_call: view.may_call(server, &tool.name),
            explain: address("/explain", &[("server", server), ("tool", &tool.name)]),
            score: found.score.map(|score| format!("{:.0} %", score * 100.)).unwrap_or_default(),
        })
    }
}
