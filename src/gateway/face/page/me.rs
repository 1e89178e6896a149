//! Who the gateway takes the visitor for, and what each group and scope gives them.

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use crate::gateway::face::html::{PageFrame, action_words};
use crate::gateway::face::visitor::{SignedIn, Visitor, VisitorProof};
use crate::policy::{Policy, UiAction};
use crate::sys::clock;

/// Why there is no group.
const NONE: &str = "Your identity provider names no group of yours, so the policy gives you nothing by groups. Providers for \
                    everybody never name any.";
const TOO_MANY: &str = "You are in more groups than your identity provider sends, so it sent none and the policy gives you nothing \
                        by groups. Its administrator can send only the groups assigned to this application, or app roles \
                        (groups_claim: roles in oauth2_providers.yml).";
/// How many of a scope's entries are shown.
const ENTRIES: usize = 30;

pub(in crate::gateway::face) async fn show(SignedIn { visitor, .. }: SignedIn) -> Response {
    let page = context! { me => person(&visitor, &visitor.moment.state.policy) };
    PageFrame::new("My access", Some(&visitor), "/me").page(StatusCode::OK, "me.html", page)
}

fn person(visitor: &Visitor, policy: &Policy) -> Value {
    let (known, unknown, unnamed) = visitor.groups();
    let known = known.into_iter().map(|name| {
        let gives: Value = policy.scopes_of_group(name).into_iter().collect();
        context! { name, is_known => true, gives }
    });
    let unknown =
        unknown.into_iter().map(|name| context! { name, is_known => false, gives => Vec::<Value>::new() });
    let groups: Vec<Value> = known.chain(unknown).collect();
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
    let session = match &visitor.by {
        VisitorProof::Session(session) => Some(session),
        VisitorProof::Token(_) => None,
    };
    let is_cut = session.is_some_and(|session| session.has_groups_elsewhere);
    context! {
        name => visitor.name(),
        subject => &visitor.principal.subject,
        issuer => &visitor.principal.issuer,
        since,
        ends,
        // Its own name, by which it can be revoked.
        session => session.map(|session| session.sid.clone()),
        notes,
        groups,
        no_groups => if is_cut { TOO_MANY } else { NONE },
        scopes => scopes(visitor),
        actions => UiAction::ALL.map(|action| permission(visitor, action)),
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
fn scopes(visitor: &Visitor) -> Vec<Value> {
    let mut scopes: Vec<(&str, Vec<String>)> = visitor.grants.by_scope().collect();
    for (_, entries) in &mut scopes {
        let further = entries.len().saturating_sub(ENTRIES);
        entries.truncate(ENTRIES);
        entries.extend((further > 0).then(|| format!("and {further} more entries")));
    }
    for name in visitor.grants.permission_scopes() {
        if !scopes.iter().any(|(other, _)| *other == name) {
            scopes.push((name, Vec::new()));
        }
    }
    scopes.into_iter().map(|(name, entries)| context! { name, entries }).collect()
}

fn permission(visitor: &Visitor, action: UiAction) -> Value {
    let services = visitor.grants.permissions(action);
    let is_every = services.iter().any(|name| matches!(*name, "all" | "*"));
    let named = || services.iter().copied().collect::<Vec<_>>().join(", ");
    let servers = if is_every { "every server".into() } else { named() };
    context! { name => action_words(action), key => action.name(), servers }
}
