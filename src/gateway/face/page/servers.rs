//! The first page: the servers that a visitor may see, their state, and what the visitor may call.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::{ListPage, StateWords, checked, counted, server_address};
use crate::gateway::face::FaceState;
use crate::gateway::face::fields::{FormFields, QueryFields, address};
use crate::gateway::face::html::{FormChoice, PageFrame};
use crate::gateway::face::visitor::{SignedIn, Visitor};
use crate::gateway::services::{ServiceView, status};
use crate::gateway::state::Upstream;
use crate::policy::UiAction;
use crate::text::clean;

#[derive(Serialize)]
struct ServersPage {
    gateway: String,
    query: String,
    states: Vec<FormChoice>,
    may_register: bool,
    rows: Vec<ServerRow>,
    /// Which of how many there are.
    range: String,
    position: String,
    earlier: Option<String>,
    later: Option<String>,
    nothing: EmptyList,
    is_repeated: bool,
    once: String,
    repeated: String,
}

#[derive(Serialize)]
struct ServerRow {
    title: String,
    path: String,
    href: String,
    about: String,
    state: StateWords,
    checked: Option<String>,
    calls: String,
}

/// Why there is nothing, and where to go.
#[derive(Default, Serialize)]
struct EmptyList {
    title: &'static str,
    why: &'static str,
    href: &'static str,
    link: &'static str,
}

/// How many servers a page shows.
const ROWS: usize = 50;
/// How much of a description is shown, in characters.
const SHOWN: usize = 200;
/// How often the page is loaded again if somebody wants that, in seconds.
const AGAIN: u32 = 30;
/// The states that can be chosen, and the registry's words for them.
const STATES: [(&str, &str); 5] = [
    ("", "All"),
    ("healthy", "Answers"),
    ("unhealthy", "Does not answer"),
    ("unknown", "Not checked yet"),
    ("disabled", "Off"),
];

pub(in crate::gateway::face) async fn show(
    State(face): State<Arc<FaceState>>,
    SignedIn(visitor): SignedIn,
    QueryFields(asked): QueryFields,
) -> Response {
    let frame = PageFrame::new("Servers", Some(&visitor), "/").after(asked.any("done"));
    let frame = frame.again((asked.one("again") == "1").then_some(AGAIN));
    frame.page(StatusCode::OK, "servers.html", &ServersPage::new(&visitor, visitor.view(&face), &asked))
}

/// The servers that a visitor may see and that fit what they look for, by name.
pub(in crate::gateway::face) fn listed<'v>(
    visitor: &Visitor,
    view: ServiceView<'v>,
    query: &str,
) -> Vec<&'v Arc<Upstream>> {
    let query = query.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&query);
    let fits = |upstream: &Upstream| {
        let server = &upstream.route.server;
        let profile = &server.profile;
        query.is_empty()
            || [&server.title, &server.name, &profile.description].into_iter().any(|text| has(text))
            || profile.tags.iter().any(|tag| has(tag))
    };
    view.all(|upstream| visitor.lists(upstream) && fits(upstream))
}

impl ServersPage {
    fn new(visitor: &Visitor, view: ServiceView<'_>, asked: &FormFields) -> Self {
        let (query, state) = (asked.one("q"), asked.one("state"));
        let mut found = listed(visitor, view, query);
        found.retain(|upstream| state.is_empty() || status(upstream).starts_with(state));
        let page = ListPage::new(asked.count("page"), found.len(), ROWS);
        let row = |upstream: &&Arc<Upstream>| ServerRow::new(view, upstream, visitor.moment.now);
        let again = asked.one("again");
        let at = |number: usize, again: &str| {
            let number = if number > 1 { number.to_string() } else { String::new() };
            address("/", &[("q", query), ("state", state), ("page", &number), ("again", again)])
        };
        let choice = |(value, name): (&str, &str)| FormChoice::new(value, name, value == state);
        let range = match page.count {
            1 => counted(found.len(), "server"),
            _ => format!("Servers {} to {} of {}", page.first + 1, page.last, found.len()),
        };
        Self {
            gateway: view.shared.public_url.clone(),
            query: query.to_owned(),
            states: STATES.map(choice).into(),
            may_register: !visitor.grants.permissions(UiAction::Register).is_empty(),
            rows: page.part(&found).iter().map(row).collect(),
            range,
            position: format!("Page {} of {}", page.number, page.count),
            earlier: page.earlier().map(|number| at(number, again)),
            later: page.later().map(|number| at(number, again)),
            nothing: EmptyList::of(visitor, !query.is_empty() || !state.is_empty()),
            is_repeated: again == "1",
            once: at(page.number, ""),
            repeated: at(page.number, "1"),
        }
    }
}

impl ServerRow {
    fn new(view: ServiceView<'_>, upstream: &Upstream, now: i64) -> Self {
        let server = &upstream.route.server;
        Self {
            title: server.title.clone(),
            path: format!("/{}", server.name),
            href: server_address(&server.name),
            about: clean(&server.profile.description, SHOWN),
            state: StateWords::of(upstream),
            checked: checked(upstream, now),
            calls: calls(view, upstream),
        }
    }
}

/// What may be called of a server.
fn calls(view: ServiceView<'_>, upstream: &Upstream) -> String {
    if !view.grants.reaches(upstream.name()) {
        return "Nothing".into();
    }
    if !upstream.route.server.enabled {
        return "Nothing while it is off".into();
    }
    match view.tool_counts(upstream) {
        (0, _) => "Its tools are not known yet".into(),
        (shown, 0) => format!("None of {}", counted(shown, "tool")),
        (shown, callable) if shown == callable => counted(shown, "tool"),
        (shown, callable) => format!("{callable} of {}", counted(shown, "tool")),
    }
}

impl EmptyList {
    fn of(visitor: &Visitor, is_searched: bool) -> Self {
        if is_searched {
            return Self {
                title: "Nothing fits",
                why: "No server that you may see has these words or this state.",
                href: "/",
                link: "Show all servers",
            };
        }
        let why = if visitor.grants.permissions(UiAction::List).is_empty() {
            "None of your scopes lets you list a server here (list_service in UI-Scopes). Your groups decide which scopes you have."
        } else {
            "You may list servers, but no entry of the policy is about one of them for you, and you may edit none."
        };
        Self {
            title: "There is nothing for you to see yet",
            why,
            href: "/me",
            link: "See your groups and what they give",
        }
    }
}
