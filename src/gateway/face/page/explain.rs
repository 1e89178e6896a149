//! Why somebody may do something, or may not: the policy's own answer. Everybody may ask about themselves; about other
//! groups, and about servers they do not see, only administrators.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use crate::gateway::face::fields::{FormFields, QueryFields};
use crate::gateway::face::html::PageFrame;
use crate::gateway::face::visitor::{SignedIn, Visitor};
use crate::gateway::face::{FaceState, answer};
use crate::gateway::services::ServiceView;
use crate::policy::{Call, Denial, Explanation, Overview, Principal};

#[derive(Serialize)]
struct ExplainPage {
    asked: ExplainQuestion,
    servers: Vec<String>,
    may_ask_for_others: bool,
    answer: Option<ExplainAnswer>,
    overview: Option<AccessOverview>,
}

#[derive(Serialize)]
struct ExplainQuestion {
    server: String,
    tool: String,
    method: String,
    groups: String,
}

#[derive(Serialize)]
struct ExplainAnswer {
    is_allowed: bool,
    about: String,
    verdict: String,
    notes: Vec<String>,
}

/// Everything somebody may do.
#[derive(Serialize)]
struct AccessOverview {
    title: String,
    entries: Vec<String>,
    notes: Vec<String>,
}

/// How many servers are suggested, and how many entries are shown.
const MOST: usize = 200;

pub(in crate::gateway::face) async fn show(
    State(face): State<Arc<FaceState>>,
    SignedIn(visitor): SignedIn,
    QueryFields(asked): QueryFields,
) -> Response {
    if !asked.one("groups").is_empty() && !visitor.is_admin() {
        let what = "you may ask why about yourself; about other groups, administrators may";
        return answer::problem(StatusCode::FORBIDDEN, what);
    }
    let page = ExplainPage::new(&visitor, visitor.view(&face), &asked);
    PageFrame::new("Explain", Some(&visitor), "/explain").page(StatusCode::OK, "explain.html", &page)
}

impl ExplainPage {
    fn new(visitor: &Visitor, view: ServiceView<'_>, asked: &FormFields) -> Self {
        let groups = asked.list("groups");
        let others = Principal {
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            ..Principal::default()
        };
        let who = if groups.is_empty() { &visitor.principal } else { &others };
        let whose = if groups.is_empty() { "you" } else { "members of these groups" };
        let server = asked.one("server").trim_matches('/');
        let policy = &view.state.policy;
        let answer = (!server.is_empty()).then(|| {
            let (tool, method) = (Some(asked.one("tool")), Some(asked.one("method")));
            let [tool, method] = [tool, method].map(|text| text.filter(|text| !text.is_empty()));
            let method = method.or(tool.is_none().then_some("tools/list"));
            let call = Call::written(method, tool, None, None);
            let is_listed = visitor.chosen(view, server).is_some();
            let sees = visitor.is_admin() || is_listed || visitor.grants.reaches(server);
            let explanation = if sees { policy.explain(who, server, &call) } else { unseen(visitor) };
            ExplainAnswer::new(explanation, whose, server, asked)
        });
        let overview = answer.is_none().then(|| AccessOverview::new(policy.overview(who, None), whose));
        let seen = view.all(|upstream| visitor.lists(upstream));
        Self {
            asked: ExplainQuestion {
                server: server.to_owned(),
                tool: asked.one("tool").to_owned(),
                method: asked.one("method").to_owned(),
                groups: groups.join(", "),
            },
            servers: seen.iter().take(MOST).map(|upstream| upstream.name().to_owned()).collect(),
            may_ask_for_others: visitor.is_admin(),
            answer,
            overview,
        }
    }
}

/// The same answer for every server that the visitor does not see, whether it is there or not.
fn unseen(visitor: &Visitor) -> Explanation {
    let denial = if visitor.grants.is_empty() { Denial::NoScopes } else { Denial::Server };
    let notes = visitor.moment.state.policy.overview(&visitor.principal, Some("")).notes;
    Explanation { verdict: Err(denial), notes }
}

impl ExplainAnswer {
    fn new(explanation: Explanation, whose: &str, server: &str, asked: &FormFields) -> Self {
        let what = match (asked.one("method"), asked.one("tool")) {
            ("", "") => "tools/list".to_owned(),
            ("", tool) => tool.to_owned(),
            (method, "") => method.to_owned(),
            (method, tool) => format!("{method} {tool}"),
        };
        let verdict = match &explanation.verdict {
            Ok(rule) => format!("The entry {rule} allows it."),
            Err(denial) => format!("It is refused: {denial}."),
        };
        Self {
            is_allowed: explanation.verdict.is_ok(),
            about: format!("{what} on {server}, for {whose}"),
            verdict,
            notes: explanation.notes,
        }
    }
}

impl AccessOverview {
    fn new(found: Overview, whose: &str) -> Self {
        let Overview { mut entries, notes } = found;
        let further = entries.len().saturating_sub(MOST);
        entries.truncate(MOST);
        entries.extend((further > 0).then(|| format!("and {further} more; name a server")));
        Self { title: format!("Everything that the policy lets {whose} do"), entries, notes }
    }
}
