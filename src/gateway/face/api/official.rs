//! The official registry's API (2025-12-01, `server.json` of 2025-12-11), for clients that list servers: only those that the
//! caller may use, and only the gateway's addresses. No cookie counts here, so that any web page may ask; without a token
//! there are the servers that the settings name, or a challenge.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, HeaderName, HeaderValue, WWW_AUTHENTICATE,
};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;

use crate::gateway::authn::object::members;
use crate::gateway::face::fields::FormFields;
use crate::gateway::face::visitor::{Anybody, Visitor, VisitorProof};
use crate::gateway::face::{FaceState, answer};
use crate::gateway::state::{LoadedFiles, Upstream};
use crate::oauth::RESOURCE_METADATA;
use crate::sys::clock;

const SCHEMA: &str = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";
/// The scope that a client asks for.
const SCOPE: &str = "mcp-registry:read";
/// The version of a server whose file names none.
const VERSION: &str = "1.0.0";
/// The name of the newest version, of which there is one alone.
const LATEST: &str = "latest";
/// How many servers there are on a page, and at most.
const USUAL: usize = 30;
const MOST: usize = 100;
/// The longest description and title, in characters.
const LONGEST: usize = 100;

/// What lets a page of any site read an answer.
const OPEN: [(HeaderName, &str); 5] = [
    (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (ACCESS_CONTROL_ALLOW_METHODS, "GET, OPTIONS"),
    (ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, Accept"),
    (ACCESS_CONTROL_EXPOSE_HEADERS, "WWW-Authenticate"),
    (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
];

/// Everything below `/v0.1`.
pub(in crate::gateway::face) fn routes(face: &Arc<FaceState>) -> Router<Arc<FaceState>> {
    Router::new()
        .route("/v0.1/servers", get(list))
        .route("/v0.1/servers/{name}/versions", get(versions))
        .route("/v0.1/servers/{name}/versions/{version}", get(version))
        .layer(from_fn_with_state(face.clone(), open))
        .route(&format!("{RESOURCE_METADATA}/v0.1/servers"), get(metadata))
}

/// Lets every web page read what is answered: nothing here depends on who sits at the browser.
async fn open(State(face): State<Arc<FaceState>>, request: Request, next: Next) -> Response {
    let is_question = request.method() == axum::http::Method::OPTIONS;
    let mut response =
        if is_question { answer::json(StatusCode::OK, &json!({})) } else { next.run(request).await };
    let is_unknown = response.status() == StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    for (name, value) in OPEN {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_unknown {
        let at = format!("{}{RESOURCE_METADATA}/v0.1/servers", face.site.url);
        let challenge = format!("Bearer resource_metadata=\"{at}\", scope=\"{SCOPE}\"");
        headers.extend(HeaderValue::try_from(challenge).ok().map(|value| (WWW_AUTHENTICATE, value)));
    }
    response
}

/// Where tokens for these addresses are issued (RFC 9728 section 2).
async fn metadata(State(face): State<Arc<FaceState>>) -> Response {
    let issuers: Vec<&str> = face.shared.others().map(|issuer| issuer.name()).collect();
    let document = json!({
        "resource": format!("{}/v0.1/servers", face.site.url),
        "authorization_servers": issuers,
        "scopes_supported": [SCOPE],
        "bearer_methods_supported": ["header"],
        "resource_name": "MCP registry",
    });
    let mut response = answer::json(StatusCode::OK, &document);
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

async fn list(Anybody { face, visitor, asked }: Anybody) -> Response {
    let files = face.shared.state();
    let Some(listed) = Listing::new(&face, &files, visitor.as_deref()) else { return unknown() };
    match ListQuery::read(&asked) {
        Ok(query) => answer::json(StatusCode::OK, &listed.page(&query)),
        Err(what) => problem(StatusCode::BAD_REQUEST, what),
    }
}

async fn versions(Anybody { face, visitor, .. }: Anybody, Path(name): Path<String>) -> Response {
    let files = face.shared.state();
    let Some(listed) = Listing::new(&face, &files, visitor.as_deref()) else { return unknown() };
    match listed.named(&name) {
        Some(upstream) => {
            let servers = [listed.response(upstream)];
            answer::json(StatusCode::OK, &json!({"servers": servers, "metadata": {"count": 1}}))
        }
        None => problem(StatusCode::NOT_FOUND, "Server not found"),
    }
}

async fn version(
    Anybody { face, visitor, .. }: Anybody,
    Path((name, version)): Path<(String, String)>,
) -> Response {
    let files = face.shared.state();
    let Some(listed) = Listing::new(&face, &files, visitor.as_deref()) else { return unknown() };
    let found = listed.named(&name).filter(|upstream| version == LATEST || version == of(upstream));
    match found {
        Some(upstream) => answer::json(StatusCode::OK, &listed.response(upstream)),
        None => problem(StatusCode::NOT_FOUND, "Server not found"),
    }
}

fn problem(status: StatusCode, what: &str) -> Response {
    answer::json(status, &json!({"error": what}))
}

fn unknown() -> Response {
    problem(StatusCode::UNAUTHORIZED, "a token is needed")
}

/// The servers that a caller may use, by their official names.
struct Listing<'a> {
    namespace: String,
    gateway: &'a str,
    servers: Vec<&'a Arc<Upstream>>,
}

/// What a client asks of the list.
struct ListQuery {
    after: Option<String>,
    limit: usize,
    search: String,
    since: Option<i64>,
    version: Option<String>,
}

impl ListQuery {
    fn read(asked: &FormFields) -> Result<Self, &'static str> {
        let some = |name| Some(asked.one(name)).filter(|text| !text.is_empty());
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
        let (after, search) = some("cursor")
            .map(|text| read_cursor(text).ok_or("cursor is to be one that this list gave"))
            .transpose()?
            .unzip();
        let said = Some(asked.one("search").to_lowercase()).filter(|text| !text.is_empty());
        Ok(Self {
            after,
            limit: some("limit")
                .map_or(Some(USUAL), number)
                .ok_or("limit must be a positive number")?
                .min(MOST),
            search: said.or(search).unwrap_or_default(),
            since: some("updated_since")
                .map(|text| clock::parse(text).ok_or("updated_since must be an RFC 3339 time"))
                .transpose()?,
            version: some("version").filter(|version| *version != LATEST).map(str::to_owned),
        })
    }
}

impl<'a> Listing<'a> {
    /// What this user may see; nothing for those who may see nothing.
    fn new(face: &'a FaceState, files: &'a LoadedFiles, visitor: Option<&'a Visitor>) -> Option<Self> {
        let visitor = visitor.filter(|visitor| matches!(visitor.by, VisitorProof::Token(_)));
        let public =
            face.shared.settings.face.as_ref().map(|face| face.v01.public.as_slice()).unwrap_or_default();
        if visitor.is_none() && public.is_empty() {
            return None;
        }
        let is_public = |name: &str| public.iter().any(|other| other.trim_matches('/') == name);
        let is_shown = |upstream: &&Arc<Upstream>| {
            let name = upstream.name();
            let may = visitor.map_or_else(|| is_public(name), |visitor| visitor.grants.reaches(name));
            upstream.route.server.enabled && may
        };
        let mut servers: Vec<_> = files.upstreams.values().filter(is_shown).collect();
        servers.sort_by(|one, other| one.name().cmp(other.name()));
        let gateway = face.shared.public_url.as_str();
        Some(Self { namespace: namespace(&face.site.url), gateway, servers })
    }

    fn name(&self, upstream: &Upstream) -> String {
        format!("{}/{}", self.namespace, local(upstream.name()))
    }

    fn named(&self, name: &str) -> Option<&'a Arc<Upstream>> {
        self.servers.iter().find(|upstream| self.name(upstream) == name).copied()
    }

    fn page(&self, query: &ListQuery) -> Value {
        let fits = |upstream: &&&Arc<Upstream>| {
            let profile = &upstream.route.server.profile;
            self.name(upstream).to_lowercase().contains(&query.search)
                && query.since.is_none_or(|since| profile.updated_at.is_some_and(|at| at >= since))
                && query.version.as_ref().is_none_or(|version| *version == of(upstream))
        };
        let is_later = |upstream: &&&Arc<Upstream>| {
            query.after.as_ref().is_none_or(|after| upstream.name() > after.as_str())
        };
        let mut rest = self.servers.iter().filter(fits).filter(is_later);
        let page: Vec<&&Arc<Upstream>> = rest.by_ref().take(query.limit).collect();
        let mut metadata = members(json!({"count": page.len()}));
        let next = page.last().filter(|_| rest.next().is_some());
        metadata
            .extend(next.map(|last| ("nextCursor".to_owned(), cursor(last.name(), &query.search).into())));
        let servers: Vec<Value> = page.iter().map(|upstream| self.response(upstream)).collect();
        json!({"servers": servers, "metadata": metadata})
    }

    /// The format's `ServerResponse`.
    fn response(&self, upstream: &Upstream) -> Value {
        let (server, profile) = (&upstream.route.server, &upstream.route.server.profile);
        let cut = |text: &str| text.trim().chars().take(LONGEST).collect::<String>();
        let described = cut(&profile.description);
        let title = cut(&server.title);
        let mut about = members(json!({
            "$schema": SCHEMA,
            "name": self.name(upstream),
            "description": if described.is_empty() { title.clone() } else { described },
            "version": of(upstream),
            "remotes": [{"type": "streamable-http", "url": format!("{}/{}/mcp", self.gateway, server.name)}],
        }));
        about.extend((!title.is_empty()).then(|| ("title".to_owned(), title.into())));
        let mut official = members(json!({"status": "active", "isLatest": true}));
        if let Some(at) = profile.updated_at.map(clock::rfc3339) {
            for name in ["publishedAt", "updatedAt", "statusChangedAt"] {
                official.insert(name.into(), at.as_str().into());
            }
        }
        json!({"server": about, "_meta": {"io.modelcontextprotocol.registry/official": official}})
    }
}

/// A server's version.
fn of(upstream: &Upstream) -> &str {
    let said = upstream.route.server.profile.version.as_deref();
    // Neither is a version in the format.
    said.filter(|version| !version.is_empty() && *version != LATEST && version.len() <= 255)
        .unwrap_or(VERSION)
}

/// The reversed name of the pages' host.
fn namespace(site: &str) -> String {
    let url = Url::parse(site).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or("localhost");
    if url.as_ref().is_some_and(|url| matches!(url.host(), Some(url::Host::Domain(_)))) {
        return host.rsplit('.').collect::<Vec<_>>().join(".");
    }
    // An IP address has no labels to reverse, and the format does not allow a colon.
    host.trim_matches(['[', ']']).replace(':', "-")
}

/// A server's name as the part after the slash, which has fewer characters: `/` is `__`, `~` is `_.`, and a `_` that
/// could be taken for the start of one of them is `_-`, so that no two servers have one name.
fn local(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '/' => text.push_str("__"),
            '~' => text.push_str("_."),
            '_' if rest.peek().is_some_and(|next| "/~_.-".contains(*next)) => text.push_str("_-"),
            c => text.push(c),
        }
    }
    text
}

/// Where a list goes on: after this server, for the same words. Clients send it as it is, some of them without the words
/// and without encoding it.
fn cursor(after: &str, search: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{after}\n{search}"))
}

/// The server and the words of a cursor.
fn read_cursor(text: &str) -> Option<(String, String)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    text.split_once('\n').map(|(after, search)| (after.to_owned(), search.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_the_format() {
        assert_eq!(namespace("https://tools.example.com"), "com.example.tools");
        assert_eq!(namespace("http://127.0.0.1:8081"), "127.0.0.1");
        assert_eq!(namespace("http://[::1]:8081"), "--1");
        assert_eq!((local("a.b-c_1"), local("x/y~z")), ("a.b-c_1".into(), "x__y_.z".into()));
        let alike = [
            "x/y", "x__y", "x_/y", "x/_y", "x___y", "x~y", "x_.y", "x_-y", "x_~y", "x_", "x_-", "x_-_y",
            "x_-.y",
        ];
        let written: std::collections::BTreeSet<String> = alike.into_iter().map(local).collect();
        assert_eq!(written.len(), alike.len(), "{written:?}");
    }

    #[test]
    fn a_list_is_asked_for_within_its_bounds() {
        let read = |text: &str| ListQuery::read(&FormFields::parse(text.as_bytes()));
        assert_eq!((read("").unwrap().limit, read("limit=1000").unwrap().limit), (USUAL, MOST));
        assert!(read("limit=0").is_err() && read("limit=x").is_err() && read("updated_since=now").is_err());
        assert_eq!(read("updated_since=1970-01-01T00:01:00Z&version=latest").unwrap().since, Some(60));
        let next = cursor("x/y~z", "two words");
        assert!(next.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{next}");
        for (more, search) in [("", "two words"), ("&search=Other", "other")] {
            let query = read(&format!("cursor={next}{more}")).unwrap();
            assert_eq!((query.after.as_deref(), query.search.as_str()), (Some("x/y~z"), search));
        }
        for odd in ["alpha", "%00", "eA", "YQ%3D%3D", "../x"] {
            assert!(read(&format!("cursor={odd}")).is_err(), "{odd}");
        }
    }
}
