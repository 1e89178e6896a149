//! The loopback listener that waits for the browser (RFC 8252 section 7.3): bound before the address is shown, on the
//! registered host, port and path, deaf to whatever is not the answer. It leaves judging an answer to `oauth`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{Method, Uri};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use url::{Host, Url};

use crate::flow::FlowError;
use crate::flow::page::ResultPage;
use crate::oauth::{AuthorizationResponse, PendingAuthorization};
use crate::sys::socket::rebind_at_once;

/// The longest query that is looked at, in bytes; real ones have a few hundred.
const LONGEST_QUERY: usize = 8 << 10;
/// How long the last page may take to reach the browser.
const GOODBYE: Duration = Duration::from_secs(2);

/// A bound listener that has not started to answer.
pub(super) struct CallbackListener {
    sockets: Vec<TcpListener>,
    path: String,
    /// The redirect URI with another port, where the registered one was not to be had.
    pub(super) moved_to: Option<String>,
}

/// The answer, and the way to tell the browser how it went.
pub(super) struct ReceivedCallback {
    pub(super) answer: AuthorizationResponse,
    pub(super) page: oneshot::Sender<ResultPage>,
}

/// A listener that answers.
pub(super) struct Listening {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
    arrived: oneshot::Receiver<ReceivedCallback>,
}

/// What every request is held against.
struct CallbackState {
    path: String,
    pending: Arc<PendingAuthorization>,
    first: Mutex<Option<oneshot::Sender<ReceivedCallback>>>,
}

impl CallbackListener {
    /// Binds the redirect URI's host and port, or any port where the provider takes any and this one is busy or 0.
    /// `None` if the URI does not lead to a plain listener on this machine: then the answer can only be pasted.
    pub(super) fn bind(redirect_uri: &Url, any_port: bool) -> Result<Option<Self>, FlowError> {
        let Some(hosts) = loopback_hosts(redirect_uri) else { return Ok(None) };
        let port = redirect_uri.port_or_known_default().unwrap_or(80);
        let sockets = match bind_all(&hosts, port) {
            Err(_) if any_port && port != 0 => bind_all(&hosts, 0),
            other => other,
        }
        .map_err(|cause| busy(redirect_uri, port, &cause))?;
        let bound = sockets.first().and_then(|socket| socket.local_addr().ok()).map_or(port, |at| at.port());
        let moved_to = (bound != port).then(|| {
            let mut moved = redirect_uri.clone();
            // Only a URL without a host has no port to set.
            let _ = moved.set_port(Some(bound));
            moved.into()
        });
        Ok(Some(Self { sockets, path: redirect_uri.path().into(), moved_to }))
    }

    /// Starts to answer.
    pub(super) fn listen(self, pending: Arc<PendingAuthorization>) -> Listening {
        let (first, arrived) = oneshot::channel();
        let (stop, stopped) = watch::channel(false);
        let waiting = Arc::new(CallbackState { path: self.path, pending, first: Mutex::new(Some(first)) });
        let mut tasks = JoinSet::new();
        for socket in self.sockets {
            let router = Router::new().fallback(request).with_state(Arc::clone(&waiting));
            let mut stopped = stopped.clone();
            tasks.spawn(async move {
                let until = async move {
                    let _ = stopped.wait_for(|stop| *stop).await;
                };
                let _ = axum::serve(socket, router).with_graceful_shutdown(until).await;
            });
        }
        Listening { tasks, stop, arrived }
    }
}

impl Listening {
    /// Waits for the answer. Safe to drop and call again.
    pub(super) async fn arrived(&mut self) -> Option<ReceivedCallback> {
        (&mut self.arrived).await.ok()
    }

    /// Lets the last page out and closes the port.
    pub(super) async fn close(mut self) {
        let _ = self.stop.send(true);
        let _ =
            tokio::time::timeout(GOODBYE, async { while self.tasks.join_next().await.is_some() {} }).await;
    }
}

async fn request(State(waiting): State<Arc<CallbackState>>, method: Method, uri: Uri) -> ResultPage {
    let query = uri.query().unwrap_or_default();
    // A HEAD is a preview, a favicon a habit: neither may use the code up.
    if method != Method::GET || uri.path() != waiting.path || query.len() > LONGEST_QUERY {
        return ResultPage::stray();
    }
    let answer = waiting.pending.judge(query);
    if answer == AuthorizationResponse::Stray {
        return ResultPage::stray();
    }
    let Some(first) = waiting.first.lock().unwrap_or_else(PoisonError::into_inner).take() else {
        return ResultPage::stray();
    };
    let (page, shown) = oneshot::channel();
    if first.send(ReceivedCallback { answer, page }).is_err() {
        return ResultPage::failed();
    }
    // The page tells what was granted, so it waits for the code's exchange.
    shown.await.unwrap_or_else(|_| ResultPage::failed())
}

/// The addresses to bind for a redirect URI, if it is plain http to this machine.
fn loopback_hosts(uri: &Url) -> Option<Vec<IpAddr>> {
    let (v4, v6) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
    match uri.host() {
        _ if uri.scheme() != "http" => None,
        Some(Host::Ipv4(ip)) if ip.is_loopback() => Some(vec![IpAddr::V4(ip)]),
        Some(Host::Ipv6(ip)) if ip.is_loopback() => Some(vec![IpAddr::V6(ip)]),
        // A browser may take either for "localhost".
        Some(Host::Domain("localhost")) => Some(vec![v4, v6]),
        _ => None,
    }
}

fn bind_all(hosts: &[IpAddr], port: u16) -> io::Result<Vec<TcpListener>> {
    let mut port = port;
    let mut sockets = Vec::new();
    for host in hosts {
        match bind(SocketAddr::new(*host, port)) {
            Ok(socket) => {
                port = socket.local_addr()?.port();
                sockets.push(socket);
            }
            // A machine without IPv6 still has a localhost.
            Err(e) if !sockets.is_empty() && e.kind() != io::ErrorKind::AddrInUse => {}
            Err(e) => return Err(e),
        }
    }
    Ok(sockets)
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A login right after another finds the port in TIME_WAIT.
    rebind_at_once(&socket)?;
    socket.bind(address)?;
    socket.listen(16)
}

fn busy(uri: &Url, port: u16, cause: &io::Error) -> FlowError {
    let host = uri.host_str().unwrap_or_default();
    FlowError::PortBusy { address: format!("{host}:{port}"), cause: cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::AuthorizationRequest;
    use crate::secret::Secret;

    #[tokio::test]
    async fn any_number_of_strays_and_then_one_answer() {
        let uri = Url::parse("http://127.0.0.1:0/deep/callback").unwrap();
        let listener = CallbackListener::bind(&uri, true).unwrap().unwrap();
        let redirect = listener.moved_to.clone().unwrap();
        let endpoint = Url::parse("https://idp.test/authorize").unwrap();
        let (url, pending) = AuthorizationRequest {
            endpoint: &endpoint,
            client_id: "c",
            redirect_uri: &redirect,
            scope: None,
            extra: &std::collections::BTreeMap::new(),
            issuer: None,
            pkce: true,
            iss_required: false,
        }
        .begin();
        let state =
            url.query_pairs().find(|(name, _)| name == "state").map(|(_, value)| value.into_owned()).unwrap();
        let mut listening = listener.listen(Arc::new(pending));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let root = redirect.replace("/deep/callback", "");
        let long = "x".repeat(LONGEST_QUERY);
        let good = format!("{redirect}?code=the-code&state={state}");
        for stray in [
            format!("{root}/favicon.ico"),
            format!("{redirect}?code=evil&state=guess"),
            format!("{redirect}?error=access_denied"),
            format!("{redirect}?state={state}&code=c&x={long}"),
            format!("{root}/callback?code=the-code&state={state}"),
            redirect.clone(),
        ] {
            let reply = client.get(&stray).send().await.unwrap();
            assert_eq!(reply.status(), 400, "{stray}");
            assert!(!reply.text().await.unwrap().contains("evil"), "nothing of the query comes back");
        }
        assert_eq!(client.head(&good).send().await.unwrap().status(), 400);
        assert_eq!(client.post(&good).send().await.unwrap().status(), 400);
        let browser = tokio::spawn(client.get(&good).send());
        let arrived = listening.arrived().await.unwrap();
        assert_eq!(arrived.answer, AuthorizationResponse::Code(Secret::new("the-code")));
        let second = client.get(&good).send().await.unwrap();
        assert_eq!(second.status(), 400, "one login, one answer");
        arrived.page.send(ResultPage::granted("<Acme>", &["a".into()])).unwrap();
        let page = browser.await.unwrap().unwrap().text().await.unwrap();
        assert!(page.contains("&lt;Acme&gt;") && page.contains("Granted: a"), "{page}");
        listening.close().await;
        assert!(client.get(&redirect).send().await.is_err(), "the port is closed");
    }

    #[tokio::test]
    async fn a_busy_port_is_an_error_unless_any_will_do() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = Url::parse(&format!("http://127.0.0.1:{}/cb", taken.local_addr().unwrap().port())).unwrap();
        assert!(matches!(CallbackListener::bind(&uri, false), Err(FlowError::PortBusy { .. })));
        let other = CallbackListener::bind(&uri, true).unwrap().unwrap();
        assert!(other.moved_to.is_some_and(|moved| moved != uri.as_str()));
        for elsewhere in ["https://localhost:8080/cb", "http://192.0.2.1/cb", "https://app.example.test/cb"] {
            assert!(
                CallbackListener::bind(&Url::parse(elsewhere).unwrap(), false).unwrap().is_none(),
                "{elsewhere}"
            );
        }
    }
}
