//! A person's own tokens: making one, which is shown once, listing what there is of them, and revoking one. Not here:
//! who is allowed which (see `vending`).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::gateway::authn::revocations::RevocationFile;
use crate::gateway::face::fields::{FormFields, QueryFields};
use crate::gateway::face::html::{FormChoice, PageFrame};
use crate::gateway::face::visitor::{SignedIn, Visitor, VisitorProof};
use crate::gateway::face::{FaceState, answer};
use crate::gateway::refusal::Rejection;
use crate::gateway::token_ledger::{Ledger, LedgerEntry};
use crate::gateway::vending::{VendingSource, generate};
use crate::sys::clock;

#[derive(Default, Serialize)]
struct TokensPage {
    made: Option<MadeToken>,
    /// Why none can be made.
    cannot: Option<&'static str>,
    fault: Option<String>,
    asked: TokenQuestion,
    scopes: Vec<FormChoice>,
    lifetimes: Vec<FormChoice>,
    servers: Vec<String>,
    rows: Vec<TokenRow>,
    caption: String,
}

/// A new token; nobody is shown it again.
#[derive(Serialize)]
struct MadeToken {
    token: String,
    jti: String,
    ends: String,
    gateway: String,
}

#[derive(Default, Serialize)]
struct TokenQuestion {
    description: String,
    agent: String,
    server: String,
    tools: String,
}

#[derive(Serialize)]
struct TokenRow {
    title: String,
    jti: String,
    agent: Option<String>,
    limits: String,
    ends: String,
    used: String,
    is_revoked: bool,
}

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

pub(in crate::gateway::face) async fn show(
    State(face): State<Arc<FaceState>>,
    SignedIn(visitor): SignedIn,
    QueryFields(asked): QueryFields,
) -> Response {
    let frame = PageFrame::new("My tokens", Some(&visitor), "/tokens").after(asked.any("done"));
    let page = TokensPage::new(&face, &visitor, &asked).await;
    frame.page(StatusCode::OK, "tokens.html", &page)
}

pub(in crate::gateway::face) async fn make(
    State(face): State<Arc<FaceState>>,
    SignedIn(visitor): SignedIn,
    asked: FormFields,
) -> Response {
    let made = generated(&face, &visitor, question(&asked)).await;
    let mut page = TokensPage::new(&face, &visitor, &asked).await;
    let status = match made {
        Ok(answer) => {
            page.made = MadeToken::new(&answer, &face, visitor.moment.now);
            page.asked = TokenQuestion::default();
            StatusCode::CREATED
        }
        Err(refusal) => {
            page.fault = Some(words(&refusal));
            refusal.status()
        }
    };
    PageFrame::new("My tokens", Some(&visitor), "/tokens").page(status, "tokens.html", &page)
}

pub(in crate::gateway::face) async fn take_back(
    State(face): State<Arc<FaceState>>,
    SignedIn(visitor): SignedIn,
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
    let (ledger, list) = (vending.ledger.clone(), RevocationFile::of(settings));
    let read = move || {
        let entries = Ledger::at(&ledger).entries().ok()?;
        Some((entries, list?.read().ok()?))
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
    let Some(list) = RevocationFile::of(&face.shared.settings) else { return Ok(None) };
    let jti = jti.to_owned();
    let write = move || list.add(&[&jti]);
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
        let mut detail = json!({"type": "mcp", "server": server});
        if let (Some(detail), false) = (detail.as_object_mut(), tools.is_empty()) {
            detail.insert("tools".into(), json!(tools));
        }
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

impl TokensPage {
    async fn new(face: &FaceState, visitor: &Visitor, asked: &FormFields) -> Self {
        let view = visitor.view(face);
        let now = visitor.moment.now;
        let chosen = |name: &str| asked.all("scope").any(|other| other == name);
        let wanted = asked.any("expires_in_hours").unwrap_or(USUAL);
        let (rows, fault) = match own(face, visitor).await {
            Ok(own) => (own.iter().map(|own| TokenRow::new(own, now)).collect::<Vec<_>>(), None),
            Err(_) => {
                (Vec::new(), Some("The ledger cannot be read; the list below is not complete.".to_owned()))
            }
        };
        Self {
            made: None,
            cannot: cannot(face, visitor).or(visitor.grants.is_empty().then_some(NO_SCOPES)),
            fault,
            asked: TokenQuestion {
                description: asked.one("description").to_owned(),
                agent: asked.one("agent").to_owned(),
                server: asked.one("server").to_owned(),
                tools: asked.one("tools").to_owned(),
            },
            scopes: visitor.grants.scopes().map(|name| FormChoice::new(name, name, chosen(name))).collect(),
            lifetimes: LIFETIMES.map(|(value, name)| FormChoice::new(value, name, value == wanted)).into(),
            servers: view
                .all(|upstream| visitor.lists(upstream))
                .iter()
                .take(200)
                .map(|upstream| upstream.name().to_owned())
                .collect(),
            caption: "Your valid tokens, newest first".into(),
            rows,
        }
    }
}

impl MadeToken {
    fn new(answer: &Value, face: &FaceState, now: i64) -> Option<Self> {
        let data = answer.get("token_data")?;
        let text = |name| data.get(name).and_then(Value::as_str).map(str::to_owned);
        let seconds = data.get("expires_in").and_then(Value::as_i64)?;
        Some(Self {
            token: text("access_token")?,
            jti: text("jti")?,
            ends: clock::relative(now + seconds, now),
            gateway: face.shared.public_url.clone(),
        })
    }
}

impl TokenRow {
    fn new(own: &OwnToken, now: i64) -> Self {
        let entry = &own.entry;
        let title = entry.description.clone().unwrap_or_else(|| "without a description".into());
        Self {
            title,
            jti: entry.jti.clone(),
            agent: entry.agent.clone(),
            limits: limits(entry),
            ends: clock::relative(entry.expires_at, now),
            used: entry.used_at.map_or_else(|| "never".into(), |at| clock::relative(at, now)),
            is_revoked: own.is_revoked,
        }
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
