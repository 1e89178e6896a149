//! A person's own tokens: making one, which is shown once, listing what there is of them, and revoking one. Not here:
//! who is allowed which (see `vending`).

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde_json::{Map, Value, json};

use crate::gateway::authn::object;
use crate::gateway::authn::revocations::RevocationList;
use crate::gateway::face::fields::FormFields;
use crate::gateway::face::html::{PageFrame, choice, choices};
use crate::gateway::face::visitor::{SignedIn, Visitor, VisitorProof};
use crate::gateway::face::{FaceState, answer};
use crate::gateway::refusal::Rejection;
use crate::gateway::token_ledger::{Ledger, LedgerEntry};
use crate::gateway::vending::{VendingSource, generate};
use crate::sys::clock;

/// One of a person's tokens, and whether it is revoked.
pub(in crate::gateway::face) struct OwnToken {
    pub(in crate::gateway::face) entry: LedgerEntry,
    pub(in crate::gateway::face) is_revoked: bool,
}

const NO_SCOPES: &str =
    "You have no scope, so a token could do nothing. My access shows your groups and what they give.";
/// How long a token can be valid, in hours.
const LIFETIMES: [(&str, &str); 4] =
    [("0.25", "15 minutes"), ("1", "1 hour"), ("8", "8 hours"), ("24", "24 hours")];
const USUAL: &str = "1";

pub(in crate::gateway::face) async fn show(SignedIn { face, visitor, asked }: SignedIn) -> Response {
    page(&face, &visitor, &asked, None).await
}

pub(in crate::gateway::face) async fn make(
    SignedIn { face, visitor, .. }: SignedIn,
    asked: FormFields,
) -> Response {
    let made = generated(&face, &visitor, question(&asked)).await;
    page(&face, &visitor, &asked, Some(made)).await
}

pub(in crate::gateway::face) async fn take_back(
    SignedIn { face, visitor, .. }: SignedIn,
    asked: FormFields,
) -> Response {
    match revoke(&face, &visitor, asked.one("jti")).await {
        Ok(Some(true)) => answer::see_other("/tokens?done=revoked"),
        Ok(Some(false)) => answer::see_other("/tokens?done=again"),
        Ok(None) => answer::problem(StatusCode::NOT_FOUND, "you have no token with this id"),
        Err(status) => answer::problem(status, "the token could not be revoked; try again"),
    }
}

/// Makes a token for a visitor; gives the registry's answer.
///
/// # Errors
/// As [`generate`].
pub(in crate::gateway::face) async fn generated(
    face: &FaceState,
    visitor: &Visitor,
    question: Map<String, Value>,
) -> Result<Value, Rejection> {
    if cannot(face, visitor).is_some() {
        let what = "this gateway accepts no tokens issued for you here";
        return Err(Rejection::NotVended("invalid_request", what.into()));
    }
    let ends_at = match &visitor.by {
        VisitorProof::Session(session) => session.ends().1,
        VisitorProof::Token(end) => *end,
    };
    let source = VendingSource { owner: &visitor.principal, grants: &visitor.grants, ends_at };
    generate(&face.shared, &visitor.moment, &source, question).await
}

/// A visitor's valid tokens, newest first.
///
/// # Errors
/// Whatever keeps the ledger from being read.
pub(in crate::gateway::face) async fn own(
    face: &FaceState,
    visitor: &Visitor,
) -> Result<Vec<OwnToken>, StatusCode> {
    let settings = &face.shared.settings;
    let Some(vending) = &settings.vending else { return Ok(Vec::new()) };
    let (ledger, list) = (vending.ledger.clone(), settings.revocations().unwrap_or_default());
    let read = move || {
        let entries = Ledger::at(&ledger).entries().ok()?;
        Some((entries, RevocationList::begun(&list).ok()?))
    };
    let read = face.shared.vault.spawn_blocking(read).await.ok().flatten();
    let (entries, revoked) = read.ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    let (who, now) = (&visitor.principal, visitor.moment.now);
    let is_own = |entry: &LedgerEntry| {
        entry.owner == who.subject && entry.issuer == who.issuer && now < entry.expires_at
    };
    let own = entries.into_iter().rev().filter(is_own);
    Ok(own.map(|entry| OwnToken { is_revoked: revoked.has(&entry.jti), entry }).collect())
}

/// Takes a visitor's own token back: whether it was not before, or nothing if they have none of this number.
///
/// # Errors
/// Whatever keeps the list from being written.
pub(in crate::gateway::face) async fn revoke(
    face: &FaceState,
    visitor: &Visitor,
    jti: &str,
) -> Result<Option<bool>, StatusCode> {
    if !own(face, visitor).await?.iter().any(|own| own.entry.jti == jti) {
        return Ok(None);
    }
    let settings = &face.shared.settings;
    let Some(vending) = &settings.vending else { return Ok(None) };
    let (ledger, list) = (vending.ledger.clone(), settings.revocations().unwrap_or_default());
    let jti = jti.to_owned();
    let write = move || Ledger::at(&ledger).revoke(&list, &[&jti]);
    let done = face.shared.vault.spawn_blocking(write).await;
    let new = done.ok().and_then(Result::ok).ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    face.shared.reload.notify_one();
    Ok(Some(new > 0))
}

/// Why no token can be made for somebody, if so.
fn cannot(face: &FaceState, visitor: &Visitor) -> Option<&'static str> {
    let who = &visitor.principal;
    let is_known = face.shared.others().any(|issuer| issuer.name() == who.issuer);
    match (face.shared.vending(), is_known, &who.vended) {
        (None, ..) => {
            Some("This gateway makes no tokens of its own: its operator has not set vending in gateway.yaml.")
        }
        (_, false, _) => Some(
            "You signed in at an identity provider whose tokens this gateway does not accept, so it would not accept a token issued for you either.",
        ),
        (_, _, Some(_)) => {
            Some("You signed in with a token that was issued here; it cannot be used to get another.")
        }
        _ => None,
    }
}

/// What the form asks for, as the registry's JSON has it.
fn question(asked: &FormFields) -> Map<String, Value> {
    let mut members = Map::new();
    let scopes: Vec<&str> = asked.all("scope").filter(|scope| !scope.is_empty()).collect();
    if !scopes.is_empty() {
        members.insert("requested_scopes".into(), json!(scopes));
    }
    for name in ["description", "agent"] {
        if !asked.one(name).is_empty() {
            members.insert(name.into(), asked.one(name).into());
        }
    }
    let hours: Option<f64> = asked.one("expires_in_hours").parse().ok();
    members.insert("expires_in_hours".into(), hours.unwrap_or(1.).into());
    let (server, tools) = (asked.one("server").trim_matches('/'), asked.list("tools"));
    if !server.is_empty() || !tools.is_empty() {
        let mut detail = object::members(json!({"type": "mcp", "server": server}));
        detail.extend((!tools.is_empty()).then(|| ("tools".to_owned(), json!(tools))));
        members.insert("authorization_details".into(), json!([detail]));
    }
    members
}

/// A refusal for people.
fn words(refusal: &Rejection) -> String {
    match refusal {
        Rejection::NotVended(_, what) => format!("{what}."),
        Rejection::VendedEnough(seconds) => {
            format!(
                "You have reached the limit of ten per hour; try again in {} minutes.",
                seconds.div_ceil(60)
            )
        }
        _ => "The ledger cannot be written; try again later.".into(),
    }
}

/// The page, after a token was to be made if one was.
async fn page(
    face: &FaceState,
    visitor: &Visitor,
    asked: &FormFields,
    made: Option<Result<Value, Rejection>>,
) -> Response {
    let (view, now) = (visitor.view(face), visitor.moment.now);
    let own = own(face, visitor).await;
    let unread =
        own.is_err().then(|| "The ledger cannot be read; the list below is not complete.".to_owned());
    let (status, made, fault) = match made {
        None => (StatusCode::OK, None, unread),
        Some(Ok(answer)) => (StatusCode::CREATED, shown(&answer, face, now), unread),
        Some(Err(refusal)) => (refusal.status(), None, Some(words(&refusal))),
    };
    let text = |name| if made.is_some() { "" } else { asked.one(name) };
    let chosen = |name: &str| asked.all("scope").any(|other| other == name);
    let seen = view.all(|upstream| visitor.lists(upstream));
    let page = context! {
        cannot => cannot(face, visitor).or(visitor.grants.is_empty().then_some(NO_SCOPES)),
        fault,
        asked => context! {
            description => text("description"),
            agent => text("agent"),
            server => text("server"),
            tools => text("tools"),
        },
        scopes => visitor.grants.scopes().map(|name| choice(name, name, chosen(name))).collect::<Vec<_>>(),
        lifetimes => choices(&LIFETIMES, asked.any("expires_in_hours").unwrap_or(USUAL)),
        servers => seen.iter().take(200).map(|upstream| upstream.name()).collect::<minijinja::Value>(),
        rows => own.iter().flatten().map(|own| row(own, now)).collect::<Vec<_>>(),
        caption => "Your valid tokens, newest first",
        made,
    };
    let frame = PageFrame::new("My tokens", Some(visitor), "/tokens").after(asked.any("done"));
    frame.page(status, "tokens.html", page)
}

/// A new token; nobody is shown it again.
fn shown(answer: &Value, face: &FaceState, now: i64) -> Option<minijinja::Value> {
    let data = answer.get("token_data")?;
    let text = |name| data.get(name).and_then(Value::as_str);
    let seconds = data.get("expires_in").and_then(Value::as_i64)?;
    Some(context! {
        token => text("access_token")?,
        jti => text("jti")?,
        ends => clock::relative(now + seconds, now),
        gateway => &face.shared.public_url,
    })
}

fn row(own: &OwnToken, now: i64) -> minijinja::Value {
    let entry = &own.entry;
    context! {
        title => entry.description.as_deref().unwrap_or("without a description"),
        jti => &entry.jti,
        agent => &entry.agent,
        limits => limits(entry),
        ends => clock::relative(entry.expires_at, now),
        used => entry.used_at.map_or_else(|| "never".into(), |at| clock::relative(at, now)),
        is_revoked => own.is_revoked,
    }
}

/// The scopes of a token, and the servers and tools it names.
fn limits(entry: &LedgerEntry) -> String {
    let details = entry.authorization_details.iter().flatten().map(|detail| {
        let tools = detail.tools.as_ref().map(|tools| tools.join(", ")).filter(|tools| tools != "*");
        match tools {
            Some(tools) => format!("{tools} on {}", detail.server),
            None => format!("all of {}", detail.server),
        }
    });
    let mut parts: Vec<String> = details.collect();
    parts.push(format!("scopes {}", entry.scope));
    parts.join("; ")
}
