//! The first page: the servers that a visitor may see, their state, and what the visitor may call.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::{ListPage, checked, counted, faults, server_address, state_words};
use crate::gateway::face::fields::{FormFields, address};
use crate::gateway::face::html::{PageFrame, choices};
use crate::gateway::face::visitor::{SignedIn, Visitor};
use crate::gateway::servers::LeftOutServer;
use crate::gateway::services::{ServiceView, path, status};
use crate::gateway::state::Upstream;
use crate::policy::UiAction;
use crate::registry::Profile;
use crate::text::clean;

/// A server of the registry.
enum RegistryRow<'v> {
    Served(&'v Arc<Upstream>),
    LeftOut(&'v LeftOutServer),
}

/// How many servers a page shows.
const ROWS: usize = 50;
/// How much of a description is shown, in characters.
const SHOWN: usize = 200;
/// How often the page is loaded again if somebody wants that, in seconds.
const AGAIN: u32 = 30;
/// The states that can be chosen, and the registry's words for them.
const STATES: [(&str, &str); 6] = [
    ("", "All"),
    ("healthy", "Answers"),
    ("unhealthy", "Does not answer"),
    ("unknown", "Not checked yet"),
    ("disabled", "Off"),
    (LEFT_OUT, "Left out"),
];
/// The word for servers that are not served as their files are: the registry has none.
const LEFT_OUT: &str = "left-out";

pub(in crate::gateway::face) async fn show(SignedIn { face, visitor, asked }: SignedIn) -> Response {
    let frame = PageFrame::new("Servers", Some(&visitor), "/").after(asked.any("done"));
    let frame = frame.again((asked.one("again") == "1").then_some(AGAIN));
    frame.page(StatusCode::OK, "servers.html", shown(&visitor, visitor.view(&face), &asked))
}

/// The servers that a visitor may see and that fit what they look for, by name.
pub(in crate::gateway::face) fn listed<'v>(
    visitor: &Visitor,
    view: ServiceView<'v>,
    query: &str,
) -> Vec<&'v Arc<Upstream>> {
    let query = query.to_lowercase();
    let fits = |upstream: &Upstream| {
        let server = &upstream.route.server;
        fits(&query, (&server.name, &server.title), &server.profile)
    };
    view.all(|upstream| visitor.lists(upstream) && fits(upstream))
}

/// The same of those that are not served.
fn left_out<'v>(visitor: &Visitor, view: ServiceView<'v>, query: &str) -> Vec<&'v LeftOutServer> {
    let query = query.to_lowercase();
    let all = view.state.left_out.iter().filter(|server| visitor.lists_named(&server.name, &server.title));
    all.filter(|server| fits(&query, (&server.name, &server.title), &server.profile)).collect()
}

/// Whether a server has these words, in lower case.
fn fits(query: &str, (name, title): (&str, &str), profile: &Profile) -> bool {
    let mut texts =
        [title, name, &profile.description].into_iter().chain(profile.tags.iter().map(String::as_str));
    query.is_empty() || texts.any(|text| text.to_lowercase().contains(query))
}

fn shown(visitor: &Visitor, view: ServiceView<'_>, asked: &FormFields) -> Value {
    let (query, state, again) = (asked.one("q"), asked.one("state"), asked.one("again"));
    let is_asked = |status: &str| state.is_empty() || status.starts_with(state);
    let served = listed(visitor, view, query).into_iter().filter(|upstream| is_asked(status(upstream)));
    let others = left_out(visitor, view, query).into_iter().filter(|_| is_asked(LEFT_OUT));
    let mut found: Vec<_> = served.map(RegistryRow::Served).chain(others.map(RegistryRow::LeftOut)).collect();
    found.sort_by(|one, other| one.name().cmp(other.name()));
    let page = ListPage::new(asked.count("page"), found.len(), ROWS);
    let row = |found: &RegistryRow<'_>| match found {
        RegistryRow::Served(upstream) => row(view, upstream, visitor.moment.now),
        RegistryRow::LeftOut(server) => left_out_row(visitor, server),
    };
    let at = |number: usize, again: &str| {
        let number = if number > 1 { number.to_string() } else { String::new() };
        address("/", &[("q", query), ("state", state), ("page", &number), ("again", again)])
    };
    let range = match page.count {
        1 => counted(found.len(), "server"),
        _ => format!("Servers {} to {} of {}", page.first + 1, page.last, found.len()),
    };
    context! {
        gateway => &view.shared.public_url,
        query,
        states => choices(&STATES, state),
        may_register => !visitor.grants.permissions(UiAction::Register).is_empty(),
        rows => page.part(&found).iter().map(row).collect::<Vec<_>>(),
        // Which of how many there are.
        range,
        position => format!("Page {} of {}", page.number, page.count),
        earlier => page.earlier().map(|number| at(number, again)),
        later => page.later().map(|number| at(number, again)),
        nothing => nothing(visitor, !query.is_empty() || !state.is_empty()),
        is_repeated => again == "1",
        once => at(page.number, ""),
        repeated => at(page.number, "1"),
    }
}

fn row(view: ServiceView<'_>, upstream: &Upstream, now: i64) -> Value {
    let server = &upstream.route.server;
    context! {
        title => &server.title,
        path => path(upstream),
        href => server_address(&server.name),
        about => clean(&server.profile.description, SHOWN),
        state => state_words(upstream),
        faults => faults(upstream, view.manages(upstream, UiAction::Modify)),
        checked => checked(upstream, now),
        calls => calls(view, upstream),
    }
}

/// A server that is not served has no page. The cause is for those who may correct it: it may name what only they know.
fn left_out_row(visitor: &Visitor, server: &LeftOutServer) -> Value {
    let may_modify = visitor.grants.manages(UiAction::Modify, &server.name, &server.title);
    context! {
        title => &server.title,
        path => format!("/{}", server.name),
        href => None::<&str>,
        about => clean(&server.profile.description, SHOWN),
        state => context! { tone => "bad", words => "Left out" },
        faults => may_modify.then(|| clean(&server.why, SHOWN)).into_iter().collect::<Vec<_>>(),
        checked => None::<&str>,
        calls => "Nothing",
    }
}

impl RegistryRow<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Served(upstream) => upstream.name(),
            Self::LeftOut(server) => &server.name,
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

/// Why there is nothing, and where to go.
fn nothing(visitor: &Visitor, is_searched: bool) -> Value {
    if is_searched {
        return context! {
            title => "Nothing fits",
            why => "No server that you may see has these words or this state.",
            href => "/",
            link => "Show all servers",
        };
    }
    let why = if visitor.grants.permissions(UiAction::List).is_empty() {
        "None of your scopes lets you list a server here (list_service in UI-Scopes). Your groups decide which scopes you have."
    } else {
        "You may list servers, but no entry of the policy is about one of them for you, and you may edit none."
    };
    let title = "There is nothing for you to see yet";
    context! { title, why, href => "/me", link => "See your groups and what they give" }
}
