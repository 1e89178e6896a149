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
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use url::Url;

use super::{Access, Given, NoAccess};
use crate::secret::Secret;
use crate::sys::http::{Http, HttpError, Incoming};
use crate::tokens::retry;

/// The largest message a client may send, in bytes.
const LIMIT: usize = 64 << 20;
/// The most that may come before the older transport's announcement is whole, in bytes.
const ANNOUNCEMENT: usize = 64 << 10;
/// What of a client's request goes on: what MCP needs. Its credentials are ours to set.
const PASSED: [HeaderName; 4] =
    [header::ACCEPT, header::CONTENT_TYPE, HeaderName::from_static("last-event-id"), header::USER_AGENT];
/// What of an answer comes back. Not the challenge: it would send the client to log in by itself.
const RETURNED: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    header::CACHE_CONTROL,
    header::RETRY_AFTER,
    HeaderName::from_static("mcp-session-id"),
];

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
    Access(NoAccess),
    Refused,
    Lost(HttpError),
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
    pass(&shared, request).await.unwrap_or_else(|no| no.response())
}

/// The one way through.
async fn pass(shared: &Shared, request: Request<Body>) -> Result<Response<Body>, No> {
    let (parts, body) = request.into_parts();
    shared.check(&parts.headers)?;
    if ![Method::POST, Method::GET, Method::DELETE].contains(&parts.method) {
        return Err(No::Method);
    }
    let (name, rest) = server_in(&parts.uri).ok_or(No::Server)?;
    let access = shared.listen.servers.access(&name).ok_or(No::Server)?;
    let body = axum::body::to_bytes(body, LIMIT).await.map_err(|_| No::TooLarge)?;
    let asked = Asked { method: parts.method, headers: passed(&parts.headers), body, rest };
    let mut turn = retry::Once::begin(&*access).await.map_err(No::Access)?;
    let incoming = loop {
        let incoming = asked.send(&shared.listen.http, turn.token()).await?;
        if incoming.status != 401 || !turn.again().await.map_err(No::Access)? {
            break incoming;
        }
    };
    if incoming.status == 401 {
        return Err(No::Refused);
    }
    let announces = asked.method == Method::GET && asked.rest.is_address();
    Ok(returned(incoming, announces.then(|| (name, turn.token().clone()))))
}

/// A client's request, ready to be sent once or twice.
struct Asked {
    method: Method,
    headers: HeaderMap,
    body: Bytes,
    rest: Rest,
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
                url = url.join(&format!("/{}", path.trim_start_matches('/'))).ok()?;
                if !given.allows(&url) {
                    return None;
                }
            }
        }
        Some(url)
    }
}

impl Asked {
    async fn send(&self, http: &Http, given: &Given) -> Result<Incoming, No> {
        let url = self.rest.url(given).ok_or(No::Server)?;
        let mut headers = self.headers.clone();
        headers.extend(given.headers.clone());
        let body = (self.method == Method::POST).then(|| self.body.clone());
        http.open(self.method.clone(), &url, headers, body).await.map_err(No::Lost)
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
    fn response(&self) -> Response<Body> {
        let (status, text) = match self {
            Self::Host => (403, "this is not an address of the bridge".to_owned()),
            Self::Origin => (403, "the bridge does not answer web pages".to_owned()),
            Self::Secret => {
                (403, "the bridge's own header is missing or wrong; run: mcpauth config install".into())
            }
            Self::Server => (
                404,
                "there is no such server; those there are were named when the bridge started".to_owned(),
            ),
            Self::TooLarge => (413, "the message is too large".to_owned()),
            Self::Method => (405, "only POST, GET and DELETE".to_owned()),
            // Not 401: the client would begin a login of its own.
            Self::Access(no) => (502, format!("{}; {}", no.message, no.hint)),
            Self::Refused => (502, "the server refuses the credentials, new ones too".into()),
            Self::Lost(error) => (502, error.to_string()),
        };
        let error =
            json!({"jsonrpc": "2.0", "id": null, "error": {"code": status * 10 + 1, "message": text}});
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = Response::new(Body::from(error.to_string()));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        response
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
    for name in RETURNED {
        if let Some(value) = incoming.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    let streams = incoming
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    let state = (incoming, announces.filter(|_| streams), Vec::new());
    let body = stream::unfold(state, |(mut incoming, announces, mut held)| async move {
        loop {
            if let Some((name, given)) = &announces
                && let Some((led, found)) = first_event(&mut held, name, given)
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
fn first_event(held: &mut Vec<u8>, name: &str, given: &Given) -> Option<(Bytes, bool)> {
    let text = std::str::from_utf8(held).ok()?;
    let ends = ["\r\n\r\n", "\n\n"].iter().filter_map(|end| Some((end, text.split_once(end)?)));
    let (end, (first, after)) = ends.min_by_key(|(_, (first, _))| first.len())?;
    let Some(data) = field(first, "data") else {
        // A sign of life, which must not wait.
        let alive = Bytes::from(format!("{first}{end}"));
        *held = after.into();
        return Some((alive, false));
    };
    let announced = given.url.join(data).ok().filter(|_| field(first, "event") == Some("endpoint"));
    let led = match announced {
        None => text.to_owned(),
        Some(url) if !given.allows(&url) => after.to_owned(),
        Some(url) => {
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
            format!("event: endpoint\ndata: /{name}/~{}{query}\n\n{after}", url.path())
        }
    };
    held.clear();
    Some((led.into(), true))
}

fn field<'e>(event: &'e str, name: &str) -> Option<&'e str> {
    event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::Bearers;

    fn given() -> Given {
        let url = Url::parse("https://gw.test/a/mcp").unwrap();
        let within = Url::parse("https://gw.test").unwrap();
        Given { url, headers: HeaderMap::new(), within, bearers: Bearers::default() }
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
        let given = Given { url, headers: HeaderMap::new(), within, bearers: Bearers::default() };
        let announced = |path: &str| Rest::Announced(path.into()).url(&given).is_some();
        assert!(announced("registry/a/messages?session=1"));
        for path in
            ["evil", "registry-evil/x", "registry/../evil", "registry/%2e%2e/evil", "registry/..%2fevil"]
        {
            assert!(!announced(path), "{path}");
            let event = format!("event: endpoint\ndata: /{path}\n\n");
            assert_eq!(
                first_event(&mut event.into_bytes(), "a", &given),
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
            ("event: endpoint\ndata: https://evil.test/m\n\nrest", Some("rest")),
            ("data: {}\n\n", Some("data: {}\n\n")),
        ];
        for (held, expected) in cases {
            let found = first_event(&mut held.into(), "a", &given());
            let expected = expected.map(|led| (Bytes::from(led), true));
            assert_eq!(found, expected, "{held:?}");
        }
    }

    #[test]
    fn signs_of_life_go_on_at_once_and_what_comes_after_them_may_be_an_announcement() {
        let mut held = b": hello\n\nretry: 5\r\n\r\nevent: endpoint\ndata: /m\n\n: x\r\n\r\n: y".to_vec();
        let mut next = || first_event(&mut held, "a", &given()).unwrap();
        assert_eq!(next(), (Bytes::from(": hello\n\n"), false));
        assert_eq!(next(), (Bytes::from("retry: 5\r\n\r\n"), false));
        assert_eq!(next(), (Bytes::from("event: endpoint\ndata: /a/~/m\n\n: x\r\n\r\n: y"), true));
        assert!(held.is_empty());
    }
}
