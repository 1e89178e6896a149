//! Why somebody may do something, or may not: the policy's own answer. Everybody may ask about themselves; about other
//! groups, and about servers they do not see, only administrators.

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use crate::gateway::face::answer;
use crate::gateway::face::fields::FormFields;
use crate::gateway::face::html::PageFrame;
use crate::gateway::face::visitor::{SignedIn, Visitor};
use crate::gateway::services::ServiceView;
use crate::policy::{Call, Denial, Explanation, Overview, Principal};

/// How many servers are suggested, and how many entries are shown.
const MOST: usize = 200;

pub(in crate::gateway::face) async fn show(SignedIn { face, visitor, asked }: SignedIn) -> Response {
    if !asked.one("groups").is_empty() && !visitor.is_admin() {
        let what = "you may ask why about yourself; about other groups, administrators may";
        return answer::problem(StatusCode::FORBIDDEN, what);
    }
    let page = shown(&visitor, visitor.view(&face), &asked);
    PageFrame::new("Explain", Some(&visitor), "/explain").page(StatusCode::OK, "explain.html", page)
}

fn shown(visitor: &Visitor, view: ServiceView<'_>, asked: &FormFields) -> Value {
    let groups = asked.list("groups");
    let others = Principal {
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        ..Principal::default()
    };
    let who = if groups.is_empty() { &visitor.principal } else { &others };
    let whose = if groups.is_empty() { "you" } else { "members of these groups" };
    let (server, tool, method) =
        (asked.one("server").trim_matches('/'), asked.one("tool"), asked.one("method"));
    let policy = &view.state.policy;
    let answer = (!server.is_empty()).then(|| {
        let [tool, method] = [tool, method].map(|text| Some(text).filter(|text| !text.is_empty()));
        let method = method.or(tool.is_none().then_some("tools/list"));
        let call = Call::written(method, tool, None, None);
        let is_listed = visitor.chosen(view, server).is_some();
        let sees = visitor.is_admin() || is_listed || visitor.grants.reaches(server);
        let found = if sees { policy.explain(who, server, &call) } else { unseen(visitor) };
        let what = [method, tool].into_iter().flatten().collect::<Vec<_>>().join(" ");
        context! {
            is_allowed => found.verdict.is_ok(),
            about => format!("{what} on {server}, for {whose}"),
            verdict => match &found.verdict {
                Ok(rule) => format!("The entry {rule} allows it."),
                Err(denial) => format!("It is refused: {denial}."),
            },
            notes => found.notes,
        }
    });
    let overview = answer.is_none().then(|| overview(policy.overview(who, None), whose));
    let seen = view.all(|upstream| visitor.lists(upstream));
    context! {
        asked => context! { server, tool, method, groups => groups.join(", ") },
        servers => seen.iter().take(MOST).map(|upstream| upstream.name()).collect::<Value>(),
        may_ask_for_others => visitor.is_admin(),
        answer,
        overview,
    }
}

/// The same answer for every server that the visitor does not see, whether it is there or not.
fn unseen(visitor: &Visitor) -> Explanation {
    let denial = if visitor.grants.is_empty() { Denial::NoScopes } else { Denial::Server };
    let notes = visitor.moment.state.policy.overview(&visitor.principal, Some("")).notes;
    Explanation { verdict: Err(denial), notes }
}

/// Everything that somebody may do.
fn overview(found: Overview, whose: &str) -> Value {
    let Overview { mut entries, notes } = found;
    let further = entries.len().saturating_sub(MOST);
    entries.truncate(MOST);
    entries.extend((further > 0).then(|| format!("and {further} more; name a server")));
    context! { title => format!("Everything that the policy lets {whose} do"), entries, notes }
}
