//! Who the gateway takes the visitor for, and what each group and scope gives them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use crate::gateway::face::FaceState;
use crate::gateway::face::html::{PageFrame, action_words};
use crate::gateway::face::visitor::{SignedIn, Visitor, VisitorProof};
use crate::policy::{Policy, UiAction};
use crate::sys::clock;

#[derive(Serialize)]
struct MePage {
    me: Person,
}

#[derive(Serialize)]
struct Person {
    name: String,
    subject: String,
    issuer: String,
    since: String,
    ends: String,
    /// The session's own name, by which it can be revoked.
    session: Option<String>,
    notes: Vec<String>,
    groups: Vec<GroupRow>,
    no_groups: &'static str,
    scopes: Vec<ScopeRow>,
    actions: Vec<ActionRow>,
}

#[derive(Serialize)]
struct GroupRow {
    name: String,
    is_known: bool,
    gives: Vec<String>,
}

#[derive(Serialize)]
struct ScopeRow {
    name: String,
    entries: Vec<String>,
}

#[derive(Serialize)]
struct ActionRow {
    name: &'static str,
    key: &'static str,
    servers: String,
}

/// Why there is no group.
const NONE: &str = "Your identity provider names no group of yours, so the policy gives you nothing by groups. Providers for \
                    everybody never name any.";
const TOO_MANY: &str = "You are in more groups than your identity provider sends, so it sent none and the policy gives you nothing \
                        by groups. Its administrator can send only the groups assigned to this application, or app roles \
                        (groups_claim: roles in oauth2_providers.yml).";
/// How many of a scope's entries are shown.
const ENTRIES: usize = 30;

pub(in crate::gateway::face) async fn show(
    State(_): State<Arc<FaceState>>,
    SignedIn(visitor): SignedIn,
) -> Response {
    let page = MePage { me: Person::new(&visitor, &visitor.moment.state.policy) };
    PageFrame::new("My access", Some(&visitor), "/me").page(StatusCode::OK, "me.html", &page)
}

impl Person {
    fn new(visitor: &Visitor, policy: &Policy) -> Self {
        let (known, unknown, unnamed) = visitor.groups();
        let known = known.into_iter().map(|name| GroupRow {
            name: name.to_owned(),
            is_known: true,
            gives: policy.scopes_of_group(name).into_iter().map(str::to_owned).collect(),
        });
        let unknown = unknown.into_iter().map(|name| GroupRow {
            name: name.to_owned(),
            is_known: false,
            gives: Vec::new(),
        });
        let groups: Vec<GroupRow> = known.chain(unknown).collect();
        let mut notes = Vec::new();
        if unnamed > 0 {
            notes.push(format!(
                "You are in {unnamed} more groups that the policy does not know; they grant nothing."
            ));
        }
        if let Some(only) = &visitor.principal.servers {
            notes.push(format!("Your token is only for {}.", only.join(", ")));
        }
        let (since, ends) = times(visitor);
        Self {
            name: visitor.name().to_owned(),
            subject: visitor.principal.subject.clone(),
            issuer: visitor.principal.issuer.clone(),
            since,
            ends,
            session: match &visitor.by {
                VisitorProof::Session(session) => Some(session.sid.clone()),
                VisitorProof::Token(_) => None,
            },
            notes,
            groups,
            no_groups: match &visitor.by {
                VisitorProof::Session(session) if session.has_groups_elsewhere => TOO_MANY,
                _ => NONE,
            },
            scopes: scopes(visitor),
            actions: UiAction::ALL.into_iter().map(|action| ActionRow::new(visitor, action)).collect(),
        }
    }
}

/// When the visitor signed in, and when that ends.
fn times(visitor: &Visitor) -> (String, String) {
    let now = visitor.moment.now;
    let at = |time: i64| format!("{} ({})", clock::relative(time, now), clock::human(time));
    match &visitor.by {
        VisitorProof::Session(session) => {
            let (idle, end) = session.ends();
            let idle = clock::relative(idle, now);
            (at(session.began), format!("{}; {idle} if you do nothing here", at(end)))
        }
        VisitorProof::Token(end) => ("by a token".into(), at(*end)),
    }
}

/// What each scope allows; those that are only about this registry have no entries.
fn scopes(visitor: &Visitor) -> Vec<ScopeRow> {
    let mut rows: Vec<ScopeRow> = visitor
        .grants
        .by_scope()
        .map(|(name, mut entries)| {
            let further = entries.len().saturating_sub(ENTRIES);
            entries.truncate(ENTRIES);
            entries.extend((further > 0).then(|| format!("and {further} more entries")));
            ScopeRow { name: name.to_owned(), entries }
        })
        .collect();
    for name in visitor.grants.permission_scopes() {
        if !rows.iter().any(|row| row.name == name) {
            rows.push(ScopeRow { name: name.to_owned(), entries: Vec::new() });
        }
    }
    rows
}

impl ActionRow {
    fn new(visitor: &Visitor, action: UiAction) -> Self {
        let services = visitor.grants.permissions(action);
        let is_every = services.iter().any(|name| matches!(*name, "all" | "*"));
        let servers = if is_every {
            "every server".into()
        } else {
            services.into_iter().collect::<Vec<_>>().join(", ")
        };
        Self { name: action_words(action), key: action.name(), servers }
    }
}
