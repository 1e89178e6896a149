//! All servers over loopback HTTP, for clients that can name an address but run no helper: `/{server}/mcp`. Other users of
//! this machine and pages in its browsers reach loopback, too, so a client shows a secret, and pages are refused.
//! It leaves credentials to [`Access`]; sessions are the client's and the server's own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode, Uri, header};
use futures_util::stream;
use serde_json::Value;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use url::Url;

use super::Failure;
use crate::mcp::sse::{self, Reader};
use crate::mcp::{Head, JSON, LAST_EVENT, SESSION, jsonrpc};
use crate::secret::Secret;
use crate::session::remote::{LIMIT, Request as Asked};
use crate::session::{Access, Given};
use crate::sys::http::{Http, Incoming};
use crate::sys::place;

/// The most that may come before the older transport's announcement is whole, in bytes.
const ANNOUNCEMENT: usize = 64 << 10;
/// What of a client's request goes on: what MCP needs. Its credentials are ours to set.
const PASSED: [HeaderName; 4] = [header::ACCEPT, header::CONTENT_TYPE, LAST_EVENT, header::USER_AGENT];
/// What of an answer comes back. Not the challenge: it would send the client to log in by itself.
const RETURNED: [HeaderName; 4] = [header::CONTENT_TYPE, header::CACHE_CONTROL, header::RETRY_AFTER, SESSION];

/// Which servers there are.
pub trait Lookup: Send + Sync + 'static {
    /// The server of that name, if there is one.
    fn access(&self, name: &str) -> Option<Arc<dyn Access>>;
}

/// What the listener works with.
pub struct Listen {
    /// The network.
    pub http: Http,
    /// The header with the secret, and the secret.
    pub secret: (HeaderName, Secret),
    /// The servers.
    pub servers: Arc<dyn Lookup>,
}

struct Shared {
    listen: Listen,
    at: SocketAddr,
}

/// Why a request gets no answer of the server's.
#[derive(Debug)]
enum No {
    Host,
    Origin,
    Secret,
    Server,
    TooLarge,
    Method,
    Failed(Failure),
}

/// Serves until `until`; requests under way are then let go.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    socket: TcpListener,
    listen: Listen,
    until: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let at = socket.local_addr()?;
    let router = Router::new().fallback(answer).with_state(Arc::new(Shared { listen, at }));
    tokio::select! {
        served = axum::serve(socket, router) => served,
        () = until => Ok(()),
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response<Body> {
    let mut id = Value::Null;
    pass(&shared, request, &mut id).await.unwrap_or_else(|no| no.response(&id))
}

/// The one way through; `id` becomes the request's.
async fn pass(shared: &Shared, request: Request<Body>, id: &mut Value) -> Result<Response<Body>, No> {
    let (parts, body) = request.into_parts();
    shared.check(&parts.headers)?;
    if ![Method::POST, Method::GET, Method::DELETE].contains(&parts.method) {
        return Err(No::Method);
    }
    let (name, rest) = server_in(&parts.uri).ok_or(No::Server)?;
    let access = shared.listen.servers.access(&name).ok_or(No::Server)?;
    let body = axum::body::to_bytes(body, LIMIT).await.map_err(|_| No::TooLarge)?;
    let head = std::str::from_utf8(&body).ok().and_then(Head::read);
    *id = head.and_then(|head| head.request_id().cloned()).unwrap_or_default();
    let announces = parts.method == Method::GET && rest.is_address();
    let body = (parts.method == Method::POST).then_some(body);
    let asked = Asked { method: parts.method, headers: passed(&parts.headers), body };
    let sent = asked.send(&shared.listen.http, &*access, |given| rest.url(given)).await;
    let (given, incoming) = sent.map_err(|failure| No::Failed(Failure::of(failure, &*access)))?;
    if incoming.status >= 400 {
        return Ok(refused(incoming, &*access, id).await);
    }
    Ok(returned(incoming, announces.then_some((name, given))))
}

/// A server's no: its own error if it is one of JSON-RPC, and else ours. What comes with a refused credential is ours, too.
async fn refused(mut incoming: Incoming, access: &dyn Access, id: &Value) -> Response<Body> {
    let status = incoming.status;
    let body = String::from_utf8(incoming.rest(LIMIT).await.unwrap_or_default()).unwrap_or_default();
    let head =
        Head::read(&body).filter(|head| head.is_message() && head.is_error() && head.says_its_version());
    let own = head.filter(|head| status != 401 && head.answers(id));
    let mut response = match own.and_then(|head| head.tidied(body, Some(id)).ok()) {
        Some(text) => json(status, text),
        None => No::Failed(Failure::refused(status, &incoming.headers, access)).response(id),
    };
    keep(&incoming.headers, &[header::RETRY_AFTER, SESSION], &mut response);
    response
}

/// What follows the server's name in the path.
#[derive(Debug, PartialEq, Eq)]
enum Rest {
    /// The server's own address.
    Mcp,
    /// Its neighbour for the older transport.
    Sse,
    /// An address on its machine that it announced itself.
    Announced(String),
}

impl Rest {
    fn is_address(&self) -> bool {
        !matches!(self, Self::Announced(_))
    }

    fn url(&self, given: &Given) -> Option<Url> {
        let mut url = given.url.clone();
        match self {
            Self::Mcp => {}
            Self::Sse => {
                let base = url.path().strip_suffix("/mcp").map(|base| format!("{base}/sse"));
                if let Some(path) = base {
                    url.set_path(&path);
                }
            }
            // Joined as a path alone: `//evil.test` would otherwise be another machine.
            Self::Announced(path) => {
                url = place::announced(&url, &format!("/{}", path.trim_start_matches('/')), &given.within)?;
            }
        }
        Some(url)
    }
}

impl Shared {
    /// Who may ask: a program that knows the secret, by one of this machine's own names (against DNS rebinding).
    fn check(&self, headers: &HeaderMap) -> Result<(), No> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let port = self.at.port();
        let names = [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")];
        if !text(header::HOST).is_some_and(|host| names.iter().any(|name| name.eq_ignore_ascii_case(host))) {
            return Err(No::Host);
        }
        // No page has a reason to ask: the clients are programs.
        if headers.contains_key(header::ORIGIN) {
            return Err(No::Origin);
        }
        let (name, secret) = &self.listen.secret;
        let shown = headers.get(name).map(|value| value.as_bytes()).unwrap_or_default();
        if bool::from(shown.ct_eq(secret.expose().as_bytes())) { Ok(()) } else { Err(No::Secret) }
    }
}

impl No {
    fn response(&self, id: &Value) -> Response<Body> {
        let (status, text) = match self {
            Self::Host => (403, "this is not an address of the bridge"),
            Self::Origin => (403, "the bridge does not answer web pages"),
            Self::Secret => (403, "the bridge's own header is missing or wrong; run: mcpauth config install"),
            Self::Server => {
                (404, "there is no such server; those there are were named when the bridge started")
            }
            Self::TooLarge => (413, "the message is too large"),
            Self::Method => (405, "only POST, GET and DELETE"),
            Self::Failed(failure) => {
                let status = match failure {
                    // Not 401: the client would begin a login of its own.
                    Failure::Status(status, _) if *status != 401 => *status,
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

/// The server's name and what follows it.
fn server_in(uri: &Uri) -> Option<(String, Rest)> {
    let path = uri.path().strip_prefix('/')?;
    let (name, rest) = path.split_once('/').unwrap_or((path, ""));
    let name = percent_encoding::percent_decode_str(name).decode_utf8().ok()?.into_owned();
    let rest = match rest {
        "" | "mcp" => Rest::Mcp,
        "sse" => Rest::Sse,
        rest => {
            let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            Rest::Announced(format!("{}{query}", rest.strip_prefix("~/")?))
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

/// The server's answer as it comes; an address that the older transport announces is led through here as well.
fn returned(incoming: Incoming, announces: Option<(String, Arc<Given>)>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(incoming.status).unwrap_or(StatusCode::BAD_GATEWAY);
    keep(&incoming.headers, &RETURNED, &mut response);
    let streams = sse::is_stream(&incoming.headers);
    let state = (incoming, announces.filter(|_| streams), Vec::new());
    let body = stream::unfold(state, |(mut incoming, announces, mut held)| async move {
        loop {
            if let Some((name, given)) = &announces
                && let Some((led, found)) = first_event(&mut held, name, (&incoming.url, given))
            {
                return Some((Ok(led), (incoming, announces.filter(|_| !found), held)));
            }
            let chunk = match incoming.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) if held.is_empty() => return None,
                Ok(None) => Bytes::from(std::mem::take(&mut held)),
                Err(error) => return Some((Err(io::Error::other(error)), (incoming, None, Vec::new()))),
            };
            if announces.is_none() {
                return Some((Ok(chunk), (incoming, announces, held)));
            }
            held.extend_from_slice(&chunk);
            if held.len() > ANNOUNCEMENT {
                let error = io::Error::other("the first event is too large");
                return Some((Err(error), (incoming, None, Vec::new())));
            }
        }
    });
    *response.body_mut() = Body::from_stream(body);
    response
}

/// Takes the first event out of what has come so far, if it is whole, and says whether it was the first one with data:
/// only that can be an announcement, and what follows it is taken along. The address in an `endpoint` event is led through
/// the bridge; one on another machine is left out.
fn first_event(held: &mut Vec<u8>, name: &str, (at, given): (&Url, &Given)) -> Option<(Bytes, bool)> {
    let (first, rest) = sse::first_event(held)?;
    let event = Reader::new(ANNOUNCEMENT).push(first).ok()?.pop().unwrap_or_default();
    if event.data.is_empty() {
        // A sign of life, which must not wait.
        let alive = Bytes::copy_from_slice(first);
        *held = rest.into();
        return Some((alive, false));
    }
    let mut led = Vec::new();
    if event.name != "endpoint" {
        led.extend_from_slice(first);
    } else if let Some(url) = place::announced(at, &event.data, &given.within) {
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        led = format!("event: endpoint\ndata: /{name}/~{}{query}\n\n", url.path()).into_bytes();
    }
    led.extend_from_slice(rest);
    held.clear();
    Some((led.into(), true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> Given {
        let url = Url::parse("https://gw.test/a/mcp").unwrap();
        let within = Url::parse("https://gw.test").unwrap();
        Given { url, headers: HeaderMap::new(), within, bearers: Default::default() }
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
        let given = Given { url, headers: HeaderMap::new(), within, bearers: Default::default() };
        let announced = |path: &str| Rest::Announced(path.into()).url(&given).is_some();
        assert!(announced("registry/a/messages?session=1"));
        for path in
            ["evil", "registry-evil/x", "registry/../evil", "registry/%2e%2e/evil", "registry/..%2fevil"]
        {
            assert!(!announced(path), "{path}");
            let event = format!("event: endpoint\ndata: /{path}\n\n");
            assert_eq!(
                first_event(&mut event.into_bytes(), "a", (&given.url, &given)),
                Some((Bytes::new(), true)),
                "{path}"
            );
        }
    }

    #[test]
    fn an_announced_address_is_led_through_the_bridge() {
        let cases = [
            (
                "event: endpoint\ndata: /a/messages/?s=1\n\n",
                Some("event: endpoint\ndata: /a/~/a/messages/?s=1\n\n"),
            ),
            ("event: endpoint\r\ndata: /m\r\n\r\ndata: x", Some("event: endpoint\ndata: /a/~/m\n\ndata: x")),
            ("event: endpoint\rdata: /m\r\r", Some("event: endpoint\ndata: /a/~/m\n\n")),
            ("\u{feff}event:endpoint\r\ndata:/m\n\n", Some("event: endpoint\ndata: /a/~/m\n\n")),
            ("event: endpoint\ndata: https://evil.test/m\n\nrest", Some("rest")),
            ("data: {}\n\n", Some("data: {}\n\n")),
        ];
        for (held, expected) in cases {
            let given = given();
            let found = first_event(&mut held.into(), "a", (&given.url, &given));
            let expected = expected.map(|led| (Bytes::from(led), true));
            assert_eq!(found, expected, "{held:?}");
        }
    }

    #[test]
    fn signs_of_life_go_on_at_once_and_what_comes_after_them_may_be_an_announcement() {
        let mut held = b": hello\n\nretry: 5\r\n\r\nevent: endpoint\ndata: /m\n\n: x\r\n\r\n: y".to_vec();
        let given = given();
        let mut next = || first_event(&mut held, "a", (&given.url, &given)).unwrap();
        assert_eq!(next(), (Bytes::from(": hello\n\n"), false));
        assert_eq!(next(), (Bytes::from("retry: 5\r\n\r\n"), false));
        assert_eq!(next(), (Bytes::from("event: endpoint\ndata: /a/~/m\n\n: x\r\n\r\n: y"), true));
        assert!(held.is_empty());
    }
}
