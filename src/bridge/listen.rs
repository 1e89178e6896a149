//! All servers over loopback HTTP, for clients that can name an address but cannot run a helper: `/{server}/mcp`.
//! Other users of this machine and pages in its browsers reach loopback too, so a client must send a secret, and
//! browser pages are refused. Sessions are the client's and the server's own. Not here: credentials (see
//! [`CredentialSource`]); answers (see `response`).

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode, Uri, header};
use axum::serve::ListenerExt;
use bytes::Bytes;
use serde_json::Value;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use url::Url;

use super::held::{self, HeldParts, HeldSessions};
use super::offer::LoginDesk;
use super::response::{PendingRequest, returned};
use super::rounds::{self, RoundTurn};
use super::{BridgeError, FailureReporter};
use crate::mcp::jsonrpc::Message;
use crate::mcp::{Head, JSON, LAST_EVENT, SESSION, jsonrpc};
use crate::secret::Secret;
use crate::session::remote::{MAX_MESSAGE_BYTES, RemoteRequest};
use crate::session::{CredentialSource, UpstreamAuth};
use crate::sys::http::{Http, Incoming};
use crate::sys::place;

/// The request headers that are forwarded: those that MCP needs. Credentials are set by the bridge.
const PASSED: [HeaderName; 4] = [header::ACCEPT, header::CONTENT_TYPE, LAST_EVENT, header::USER_AGENT];
/// The response headers that are passed back. Not the challenge: the client would start a login of its own.
const RETURNED: [HeaderName; 4] = [header::CONTENT_TYPE, header::CACHE_CONTROL, header::RETRY_AFTER, SESSION];

/// The known servers.
pub trait ServerLookup: Send + Sync + 'static {
    /// The server with that name, if there is one.
    fn access(&self, name: &str) -> Option<Arc<dyn CredentialSource>>;
}

/// What the listener works with.
pub struct ProxyOptions {
    /// The network.
    pub http: Http,
    /// The header with the secret, and the secret.
    pub secret: (HeaderName, Secret),
    /// The servers.
    pub servers: Arc<dyn ServerLookup>,
    /// Receives failures that no message can carry.
    pub report: FailureReporter,
}

struct ProxyState {
    listen: ProxyOptions,
    at: SocketAddr,
    held: HeldSessions,
    /// The logins that are offered, by the server's name.
    desks: Mutex<BTreeMap<String, LoginDesk>>,
}

/// Why a request gets no answer from the server.
#[derive(Debug)]
enum ProxyError {
    Host,
    Origin,
    Secret,
    Server,
    Session,
    TooLarge,
    Method,
    Failed(BridgeError),
}

/// Serves until `until`; requests in flight are then dropped.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    socket: TcpListener,
    listen: ProxyOptions,
    until: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let at = socket.local_addr()?;
    let router = Router::new().fallback(answer).with_state(Arc::new(ProxyState {
        listen,
        at,
        held: HeldSessions::default(),
        desks: Mutex::default(),
    }));
    // An event that follows its headers in a packet of its own would wait for the client's delayed acknowledgement.
    let socket = socket.tap_io(|stream| drop(stream.set_nodelay(true)));
    tokio::select! {
        served = axum::serve(socket, router) => served,
        () = until => Ok(()),
    }
}

async fn answer(State(shared): State<Arc<ProxyState>>, request: Request<Body>) -> Response<Body> {
    let mut id = Value::Null;
    pass(&shared, request, &mut id).await.unwrap_or_else(|no| no.response(&id))
}

/// Handles one request; `id` is set to the request's id.
async fn pass(
    shared: &ProxyState,
    request: Request<Body>,
    id: &mut Value,
) -> Result<Response<Body>, ProxyError> {
    let (parts, body) = request.into_parts();
    shared.check(&parts.headers)?;
    if ![Method::POST, Method::GET, Method::DELETE].contains(&parts.method) {
        return Err(ProxyError::Method);
    }
    let (name, rest) = server_in(&parts.uri).ok_or(ProxyError::Server)?;
    let access = shared.listen.servers.access(&name).ok_or(ProxyError::Server)?;
    let body = axum::body::to_bytes(body, MAX_MESSAGE_BYTES).await.map_err(|_| ProxyError::TooLarge)?;
    let head = std::str::from_utf8(&body).ok().and_then(Head::read);
    let begins = head.as_ref().is_some_and(|head| head.method() == Some("initialize"));
    *id = head.and_then(|head| head.request_id().cloned()).unwrap_or_default();
    if held::is_ours(&parts.headers) {
        let session = shared.held.find(&parts.headers, &name).ok_or(ProxyError::Session)?;
        return Ok(shared.held.pass(&session, &parts.method, message(&body)).await);
    }
    let is_post = parts.method == Method::POST;
    if begins
        && is_post
        && let Some(message) = message(&body)
        && held::is_beginning(&message, &*access).await
    {
        let parts = shared.parts(&name, access);
        return Ok(shared.held.begin(name, parts, &message).await);
    }
    let passing = Passing { method: parts.method, headers: passed(&parts.headers), name, rest, access };
    let desk = shared.desk(&passing.name);
    let (body, ended) =
        match Some(&body).filter(|body| is_post && rounds::may_be_round(body)).and_then(message) {
            Some(message) if rounds::is_round(&message) => match rounds::take(&desk, &message).await {
                RoundTurn::Send(message) => (message.text, None),
                RoundTurn::SendOnly(message, cause) => (message.text, Some(cause)),
                RoundTurn::Answer(text) => return Ok(json(200, text)),
            },
            _ => (body, None),
        };
    let failure = match passing.send(&shared.listen.http, is_post.then(|| body.clone()), id).await {
        Err(ProxyError::Failed(failure)) => failure,
        other => return other,
    };
    if let Some(cause) = ended {
        return Err(ProxyError::Failed(failure.after_login(&cause)));
    }
    let asks = failure.login(&*passing.access).zip(message(&body).filter(rounds::is_askable));
    if let Some((login, message)) = asks
        && let Some((offer, _)) = desk.offer(&login).await
    {
        return Ok(json(200, rounds::question(&message, &offer)));
    }
    Err(ProxyError::Failed(failure))
}

/// A body as a message, if it is one.
fn message(body: &Bytes) -> Option<Message> {
    Message::read(String::from_utf8(body.to_vec()).ok()?).ok()
}

/// A request on its way to a server.
struct Passing {
    method: Method,
    headers: HeaderMap,
    name: String,
    rest: ProxyPath,
    access: Arc<dyn CredentialSource>,
}

impl Passing {
    /// Sends it, with the `body` of a POST, and returns the answer.
    async fn send(&self, http: &Http, body: Option<Bytes>, id: &Value) -> Result<Response<Body>, ProxyError> {
        let (access, rest, is_post) = (&self.access, &self.rest, body.is_some());
        let announces = self.method == Method::GET && rest.is_address();
        let asked = RemoteRequest { method: self.method.clone(), headers: self.headers.clone(), body };
        let sent = asked.send(http, &**access, |given| rest.url(given)).await;
        let (given, incoming) =
            sent.map_err(|failure| ProxyError::Failed(BridgeError::from_session(failure, &**access)))?;
        if incoming.status == 401 {
            return Err(ProxyError::Failed(BridgeError::refused(401, &incoming.headers, &**access)));
        }
        if incoming.status >= 400 {
            return Ok(pass_refusal_on(incoming, &**access, id).await);
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(incoming.status).unwrap_or(StatusCode::BAD_GATEWAY);
        keep(&incoming.headers, &RETURNED, &mut response);
        // The answer to a message for an announced address comes on the stream.
        let id = (is_post && rest.is_address()).then(|| id.clone()).filter(|id| !id.is_null());
        let announces = announces.then_some((self.name.clone(), given));
        let asking = PendingRequest { id, is_post, access: access.clone(), announces };
        *response.body_mut() = returned(incoming, asking).await.map_err(ProxyError::Failed)?;
        Ok(response)
    }
}

/// A server's refusal: its own error if it is JSON-RPC, otherwise ours.
async fn pass_refusal_on(
    mut incoming: Incoming,
    access: &dyn CredentialSource,
    id: &Value,
) -> Response<Body> {
    let status = incoming.status;
    let body =
        String::from_utf8(incoming.rest(MAX_MESSAGE_BYTES).await.unwrap_or_default()).unwrap_or_default();
    let head =
        Head::read(&body).filter(|head| head.is_message() && head.is_error() && head.says_its_version());
    let own = head.filter(|head| head.answers(id));
    let mut response = match own.and_then(|head| head.tidied(body, Some(id)).ok()) {
        Some(text) => json(status, text),
        None => ProxyError::Failed(BridgeError::refused(status, &incoming.headers, access)).response(id),
    };
    keep(&incoming.headers, &[header::RETRY_AFTER, SESSION], &mut response);
    response
}

/// The path after the server's name.
#[derive(Debug, PartialEq, Eq)]
enum ProxyPath {
    /// The server's own address.
    Mcp,
    /// The neighbouring path for the older transport.
    Sse,
    /// An address on its host that the server announced.
    Announced(String),
}

impl ProxyPath {
    fn is_address(&self) -> bool {
        !matches!(self, Self::Announced(_))
    }

    fn url(&self, given: &UpstreamAuth) -> Option<Url> {
        let mut url = given.url.clone();
        match self {
            Self::Mcp => {}
            Self::Sse => {
                let base = url.path().strip_suffix("/mcp").map(|base| format!("{base}/sse"));
                if let Some(path) = base {
                    url.set_path(&path);
                }
            }
            // Joined as a path only: `//evil.test` would otherwise be another host.
            Self::Announced(path) => {
                url = place::announced(&url, &format!("/{}", path.trim_start_matches('/')), &given.within)?;
            }
        }
        Some(url)
    }
}

impl ProxyState {
    /// A server's offered logins: one for all clients.
    fn desk(&self, name: &str) -> LoginDesk {
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        desks.entry(name.to_lowercase()).or_default().clone()
    }

    fn parts(&self, name: &str, access: Arc<dyn CredentialSource>) -> HeldParts {
        let (http, report) = (self.listen.http.clone(), self.listen.report.clone());
        HeldParts { http, access, report, desk: self.desk(name) }
    }

    /// Authorization: a program that knows the secret and uses one of this machine's own names (against DNS
    /// rebinding).
    fn check(&self, headers: &HeaderMap) -> Result<(), ProxyError> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let port = self.at.port();
        let names = [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")];
        if !text(header::HOST).is_some_and(|host| names.iter().any(|name| name.eq_ignore_ascii_case(host))) {
            return Err(ProxyError::Host);
        }
        // No browser page has a reason to ask: the clients are programs.
        if headers.contains_key(header::ORIGIN) {
            return Err(ProxyError::Origin);
        }
        let (name, secret) = &self.listen.secret;
        let shown = headers.get(name).map(|value| value.as_bytes()).unwrap_or_default();
        if bool::from(shown.ct_eq(secret.expose().as_bytes())) { Ok(()) } else { Err(ProxyError::Secret) }
    }
}

impl ProxyError {
    fn response(&self, id: &Value) -> Response<Body> {
        let (status, text) = match self {
            Self::Host => (403, "the bridge does not serve this path"),
            Self::Origin => (403, "the bridge does not serve web pages"),
            Self::Secret => (403, "the bridge's own header is missing or wrong; run: mcpauth config install"),
            Self::Server => (404, "there is no such server; the bridge printed the names when it started"),
            Self::Session => (404, "there is no such session; start another"),
            Self::TooLarge => (413, "the message is too large"),
            Self::Method => (405, "use POST, GET or DELETE"),
            Self::Failed(failure) => {
                let status = match failure {
                    // Not 401: the client would start a login of its own.
                    BridgeError::Status(status, _) if *status >= 400 && *status != 401 => *status,
                    _ => 502,
                };
                return json(status, failure.answer(id));
            }
        };
        json(status, jsonrpc::error(id, i64::from(status) * 10 + 1, text))
    }
}

fn json(status: u16, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(JSON));
    response
}

fn keep(from: &HeaderMap, names: &[HeaderName], response: &mut Response<Body>) {
    for name in names {
        if let Some(value) = from.get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
}

/// The server's name and the rest of the path.
fn server_in(uri: &Uri) -> Option<(String, ProxyPath)> {
    let path = uri.path().strip_prefix('/')?;
    let (name, rest) = path.split_once('/').unwrap_or((path, ""));
    let name = percent_encoding::percent_decode_str(name).decode_utf8().ok()?.into_owned();
    let rest = match rest {
        "" | "mcp" => ProxyPath::Mcp,
        "sse" => ProxyPath::Sse,
        rest => {
            let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            ProxyPath::Announced(format!("{}{query}", rest.strip_prefix("~/")?))
        }
    };
    (!name.is_empty()).then_some((name, rest))
}

fn passed(headers: &HeaderMap) -> HeaderMap {
    let mcp = |name: &HeaderName| name.as_str().starts_with("mcp-");
    let tracing = |name: &HeaderName| matches!(name.as_str(), "traceparent" | "tracestate" | "baggage");
    headers
        .iter()
        .filter(|(name, _)| PASSED.contains(name) || mcp(name) || tracing(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> UpstreamAuth {
        let url = Url::parse("https://gw.test/a/mcp").unwrap();
        let within = Url::parse("https://gw.test").unwrap();
        UpstreamAuth { url, headers: HeaderMap::new(), within, bearers: Default::default() }
    }

    #[test]
    fn a_path_names_a_server_and_an_address_on_its_machine_alone() {
        let cases = [
            ("/a", Some("https://gw.test/a/mcp")),
            ("/a/mcp", Some("https://gw.test/a/mcp")),
            ("/a/sse", Some("https://gw.test/a/sse")),
            ("/a/~/a/messages/?session_id=1", Some("https://gw.test/a/messages/?session_id=1")),
            ("/a/~//evil.test/x", Some("https://gw.test/evil.test/x")),
            ("/a/~/../b", Some("https://gw.test/b")),
            ("/a/other", None),
            ("/", None),
        ];
        for (path, expected) in cases {
            let uri: Uri = path.parse().unwrap();
            let found = server_in(&uri).and_then(|(name, rest)| {
                assert_eq!(name, "a");
                rest.url(&given())
            });
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{path}");
        }
    }

    #[test]
    fn a_gateway_below_a_path_is_asked_nothing_outside_it() {
        let within = Url::parse("https://gw.test/registry/").unwrap();
        let url = within.join("a/mcp").unwrap();
        let given = UpstreamAuth { url, headers: HeaderMap::new(), within, bearers: Default::default() };
        let announced = |path: &str| ProxyPath::Announced(path.into()).url(&given).is_some();
        assert!(announced("registry/a/messages?session=1"));
        for path in
            ["evil", "registry-evil/x", "registry/../evil", "registry/%2e%2e/evil", "registry/..%2fevil"]
        {
            assert!(!announced(path), "{path}");
        }
    }
}
