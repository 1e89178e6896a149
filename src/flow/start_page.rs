//! The page on loopback that a person opens to begin a login they were asked about elsewhere, such as in their MCP
//! client. It does nothing until its button is pressed: a link that is only looked at, by a preview, a scanner or
//! another page, begins no login. Not here: the login (see `login`); asking about it (see `bridge`).

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use oauth2::CsrfToken;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use url::Url;

use crate::flow::page::ResultPage;

/// How many random bytes the address has.
const RANDOM_BYTES: u32 = 32;

/// A page that is being served; it is closed when this is dropped.
pub struct StartPage {
    address: Url,
    pressed: Option<oneshot::Receiver<Pressed>>,
    task: AbortHandle,
}

/// The button was pressed, and the browser waits for this address of the issuer's page; dropped, it is told that the login failed.
pub type Pressed = oneshot::Sender<Url>;

/// What every request is compared with.
struct PageState {
    path: String,
    /// The only `Host` and, with a scheme, the only `Origin`: against DNS rebinding and other pages.
    host: String,
    question: ResultPage,
    button: Mutex<Option<oneshot::Sender<Pressed>>>,
}

impl StartPage {
    /// A page that asks whether to log in to the server with this name at this address.
    ///
    /// # Errors
    /// The system's, if it cannot listen on loopback.
    pub async fn open(name: &str, place: &str) -> io::Result<Self> {
        let socket = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let host = socket.local_addr()?.to_string();
        let path = format!("/login/{}", CsrfToken::new_random_len(RANDOM_BYTES).secret());
        let address = Url::parse(&format!("http://{host}{path}")).map_err(io::Error::other)?;
        let (button, pressed) = oneshot::channel();
        let question = ResultPage::question(name, place);
        let state = Arc::new(PageState { path, host, question, button: Mutex::new(Some(button)) });
        let router = Router::new().fallback(request).with_state(state);
        let task = tokio::spawn(async move { drop(axum::serve(socket, router).await) }).abort_handle();
        Ok(Self { address, pressed: Some(pressed), task })
    }

    /// Its address, with a part that cannot be guessed.
    pub fn address(&self) -> &Url {
        &self.address
    }

    /// Waits until the button is pressed, which works once.
    pub async fn pressed(&mut self) -> Option<Pressed> {
        self.pressed.take()?.await.ok()
    }
}

impl Drop for StartPage {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn request(
    State(page): State<Arc<PageState>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let is_known: bool = uri.path().as_bytes().ct_eq(page.path.as_bytes()).into();
    if !is_known || !page.is_own(&headers) {
        return ResultPage::unknown().into_response();
    }
    match method {
        Method::GET | Method::HEAD if page.button().is_some() => page.question.clone().into_response(),
        Method::POST => press(&page).await,
        _ => ResultPage::begun().into_response(),
    }
}

/// Begins the login and sends the browser to the issuer's page.
async fn press(page: &PageState) -> Response {
    let Some(button) = page.button().take() else { return ResultPage::begun().into_response() };
    let (pressed, address) = oneshot::channel();
    if button.send(pressed).is_err() {
        return ResultPage::failed().into_response();
    }
    match address.await {
        Ok(address) => {
            ([(header::CACHE_CONTROL, "no-store")], Redirect::to(address.as_str())).into_response()
        }
        Err(_) => ResultPage::failed().into_response(),
    }
}

impl PageState {
    fn button(&self) -> std::sync::MutexGuard<'_, Option<oneshot::Sender<Pressed>>> {
        self.button.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request comes from the page itself, or from no page at all (Fetch Metadata; RFC 6454).
    fn is_own(&self, headers: &HeaderMap) -> bool {
        let one = |name: &str| {
            let mut values = headers.get_all(name).iter();
            let first = values.next().map(|value| value.to_str().unwrap_or_default());
            (first, values.next().is_none())
        };
        let (host, is_one) = one("host");
        let (origin, _) = one("origin");
        let own = format!("http://{}", self.host);
        let (site, _) = one("sec-fetch-site");
        let (mode, _) = one("sec-fetch-mode");
        is_one
            && host == Some(self.host.as_str())
            && origin.is_none_or(|origin| origin == own)
            // A link in a client's own page is a navigation from another site; anything else from there is no person's.
            && site.is_none_or(|site| {
                matches!(site, "same-origin" | "none") || (origin.is_none() && mode == Some("navigate"))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> reqwest::Client {
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
    }

    #[tokio::test]
    async fn looking_begins_nothing_and_the_button_works_once() {
        let mut page = StartPage::open("<acme>", "https://acme.test/mcp").await.unwrap();
        let (address, client) = (page.address().clone(), client());
        let host = address.host_str().unwrap().to_owned();
        let own = format!("http://{host}:{}", address.port().unwrap());
        for _ in 0..2 {
            let shown = client.get(address.clone()).send().await.unwrap();
            assert_eq!(shown.status(), 200);
            let policy = shown.headers()["referrer-policy"].to_str().unwrap().to_owned();
            let text = shown.text().await.unwrap();
            assert!(text.contains("&lt;acme&gt;") && text.contains("method=\"post\""), "{text}");
            assert_eq!(policy, "same-origin", "otherwise the browser does not say where the button was");
        }
        assert_eq!(client.head(address.clone()).send().await.unwrap().status(), 200);
        let forged = [
            ("host", "evil.test"),
            ("host", "localhost"),
            ("origin", "https://evil.test"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ];
        for (name, value) in forged {
            for asked in [client.get(address.clone()), client.post(address.clone())] {
                let refused = asked.header(name, value).send().await.unwrap();
                assert_eq!(refused.status(), 404, "{name}: {value}");
                assert!(!refused.text().await.unwrap().contains("evil"));
            }
        }
        let guess = own.clone() + "/login/evil";
        assert_eq!(client.post(&guess).send().await.unwrap().status(), 404);
        assert_eq!(client.post(format!("{own}/")).send().await.unwrap().status(), 404);

        let waits = tokio::spawn({
            let (client, address, own) = (client.clone(), address.clone(), own.clone());
            async move { client.post(address).header("origin", own).send().await.unwrap() }
        });
        let pressed = page.pressed().await.unwrap();
        let again = client.post(address.clone()).send().await.unwrap();
        assert_eq!(again.status(), 409, "once");
        pressed.send(Url::parse("https://idp.test/authorize?state=s").unwrap()).unwrap();
        let sent = waits.await.unwrap();
        assert_eq!(sent.status(), 303);
        assert_eq!(sent.headers()["location"], "https://idp.test/authorize?state=s");
        let shown = client.get(address.clone()).send().await.unwrap();
        assert!(!shown.text().await.unwrap().contains("<form"));
        drop(page);
        tokio::task::yield_now().await;
        assert!(client.get(address).send().await.is_err(), "the port is closed");
    }

    #[tokio::test]
    async fn a_link_in_a_clients_page_can_be_followed_and_no_more() {
        let page = StartPage::open("acme", "https://acme.test/mcp").await.unwrap();
        let from = |asked: reqwest::RequestBuilder, mode| {
            asked.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", mode).send()
        };
        let client = client();
        let address = page.address();
        assert_eq!(from(client.get(address.clone()), "navigate").await.unwrap().status(), 200);
        assert_eq!(from(client.get(address.clone()), "no-cors").await.unwrap().status(), 404);
    }

    #[tokio::test]
    async fn a_login_that_cannot_begin_is_shown_as_failed() {
        let mut page = StartPage::open("acme", "https://acme.test/mcp").await.unwrap();
        let asked = tokio::spawn(client().post(page.address().clone()).send());
        drop(page.pressed().await.unwrap());
        assert!(asked.await.unwrap().unwrap().text().await.unwrap().contains("Login failed"));
    }
}
