//! The authorization code flow from start to end (RFC 6749 section 4.1): listen, show, wait, check, exchange, report.
//! Not here: locking between several logins and storing the token (see `vault`).

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use url::Url;

use crate::credential::AuthorizationCodeConfig;
use crate::flow::callback::{CallbackListener, Listening, ReceivedCallback};
use crate::flow::discovery::{LoginEndpoints, address, endpoints};
use crate::flow::page::ResultPage;
use crate::flow::{FlowError, Ui, token_endpoint};
use crate::oauth::{
    AuthorizationRequest, AuthorizationResponse, Grant, OAuthClient, PendingAuthorization, TokenSet,
};
use crate::provider::Provider;
use crate::sys::browser::Browser;
use crate::sys::http::{Http, is_loopback};
use crate::sys::keyboard::{self, Unechoed};
use crate::text::clean;

/// The errors by which an authorization endpoint rejects a client.
const NOES: [&str; 5] = [
    "invalid_client",
    "unauthorized_client",
    "invalid_redirect_uri",
    "redirect_uri_mismatch",
    "invalid_client_id",
];

/// The dependencies of a login.
pub struct Login<'a> {
    /// The network.
    pub http: &'a Http,
    /// Opens the page.
    pub browser: &'a Browser,
    /// The user interface.
    pub ui: &'a dyn Ui,
    /// The login's name in messages.
    pub who: &'a str,
    /// How long to wait for the user.
    pub within: Duration,
}

/// Logs the user in and returns the token.
///
/// # Errors
/// As [`FlowError`] says. The listener is closed and nothing is stored, however it ends.
pub async fn log_in(
    login: &Login<'_>,
    client: &OAuthClient,
    person: &AuthorizationCodeConfig,
) -> Result<TokenSet, FlowError> {
    let provider = &person.provider;
    let registered = address("the redirect URI", &person.redirect_uri)?;
    accept_host(provider, &registered)?;
    let endpoints = endpoints(login.http, provider).await?;
    // Bound before the address is shown: a busy port must fail before the browser opens.
    let listener = CallbackListener::bind(&registered, provider.redirect.any_port)?;
    if listener.is_none() && !login.ui.can_paste() {
        return Err(FlowError::Unreachable(person.redirect_uri.clone()));
    }
    let redirect_uri = listener
        .as_ref()
        .and_then(|listener| listener.moved_to.clone())
        .unwrap_or_else(|| person.redirect_uri.clone());
    let (url, pending) = request(client, person, &endpoints, &redirect_uri).begin();
    let pending = Arc::new(pending.guarding(client.auth.secret()));
    let listening = listener.map(|listener| listener.listen(Arc::clone(&pending)));
    login.ui.authorize(login.who, &url, listening.is_some().then_some(redirect_uri.as_str()), login.within);
    login.browser.open(&url);
    finish(login, client, person, &endpoints.token, &redirect_uri, &pending, listening).await
}

/// Whether a login could receive its answer: the provider accepts the redirect URI's host, and its port is free or
/// may be replaced. `false` if the answer can only be pasted. Must be called on a runtime.
///
/// # Errors
/// [`FlowError::RedirectHost`], [`FlowError::PortBusy`], [`FlowError::Address`].
pub fn can_listen(person: &AuthorizationCodeConfig) -> Result<bool, FlowError> {
    let registered = address("the redirect URI", &person.redirect_uri)?;
    accept_host(&person.provider, &registered)?;
    Ok(CallbackListener::bind(&registered, person.provider.redirect.any_port)?.is_some())
}

/// Whether a login with a registered client would fail, as far as that can be told before the browser opens: its port is
/// taken, or the authorization endpoint refuses it. Must be called on a runtime.
pub async fn is_client_unusable(http: &Http, client: &OAuthClient, person: &AuthorizationCodeConfig) -> bool {
    !is_port_free(&person.redirect_uri) || is_client_refused(http, client, person).await
}

/// Whether the redirect URI's own port is free, for a server that accepts no other (against RFC 8252 section 7.3).
fn is_port_free(redirect_uri: &str) -> bool {
    Url::parse(redirect_uri).is_ok_and(|uri| CallbackListener::bind(&uri, false).is_ok())
}

/// Whether the authorization endpoint rejects the client or its redirect URI, which it must tell the user and not a
/// redirect (RFC 6749 section 4.1.2.1). Some servers redirect to a page of their own whose address says what is
/// wrong. Without an answer the result is unknown.
async fn is_client_refused(http: &Http, client: &OAuthClient, person: &AuthorizationCodeConfig) -> bool {
    let Ok((url, _)) = authorization_request(http, client, person).await else { return false };
    let answer = http.look(&url).await;
    answer.is_ok_and(|answer| matches!(answer.status, 400 | 401) || leads_to_no(&url, &answer.headers))
}

/// Whether a redirect leads to a page that rejects the client or its redirect URI.
fn leads_to_no(asked: &Url, headers: &HeaderMap) -> bool {
    let to = headers.get(LOCATION).and_then(|to| asked.join(to.to_str().ok()?).ok());
    to.is_some_and(|to| to.query_pairs().any(|(name, value)| name == "error" && NOES.contains(&&*value)))
}

/// The authorization request that starts a login, for the redirect URI as registered.
///
/// # Errors
/// As [`FlowError`] says, if the provider's metadata is needed.
pub async fn authorization_request(
    http: &Http,
    client: &OAuthClient,
    person: &AuthorizationCodeConfig,
) -> Result<(Url, PendingAuthorization), FlowError> {
    let endpoints = endpoints(http, &person.provider).await?;
    Ok(request(client, person, &endpoints, &person.redirect_uri).begin())
}

async fn finish(
    login: &Login<'_>,
    client: &OAuthClient,
    person: &AuthorizationCodeConfig,
    endpoint: &Url,
    redirect_uri: &str,
    pending: &PendingAuthorization,
    mut listening: Option<Listening>,
) -> Result<TokenSet, FlowError> {
    let provider = &person.provider;
    let (answer, page) = wait(login, pending, listening.as_mut()).await?;
    let result = match answer {
        AuthorizationResponse::Code(code) => {
            let grant =
                Grant::AuthorizationCode { code: &code, verifier: pending.verifier.as_ref(), redirect_uri };
            token_endpoint::at_provider(login.http, endpoint, client, provider, grant, &provider.reply).await
        }
        AuthorizationResponse::Denied { error, description } => Err(FlowError::Denied { error, description }),
        AuthorizationResponse::WrongIssuer | AuthorizationResponse::Stray => Err(FlowError::WrongIssuer),
    };
    if let Some(page) = page {
        let shown = match &result {
            Ok(token) => ResultPage::granted(&provider.display_name, &token.scopes),
            Err(_) => ResultPage::failed(),
        };
        // The browser may have closed the connection; the login continues.
        let _ = page.send(shown);
    }
    if let Some(listening) = listening {
        listening.close().await;
    }
    result
}

/// The longest part of a pasted line that is repeated, in characters.
const LONGEST_PASTED: usize = 200;

/// Where the final page of a login is sent.
type Ending = tokio::sync::oneshot::Sender<ResultPage>;

/// The first valid answer, from the listener or from the keyboard.
async fn wait(
    login: &Login<'_>,
    pending: &PendingAuthorization,
    mut listening: Option<&mut Listening>,
) -> Result<(AuthorizationResponse, Option<Ending>), FlowError> {
    let deadline = Instant::now() + login.within;
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut keyed = login.ui.can_paste();
    let _unechoed = (keyed && login.ui.shows_typing()).then(Unechoed::begin);
    loop {
        let arrival = async {
            match &mut listening {
                Some(listening) => listening.arrived().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            arrived = arrival => match arrived {
                Some(ReceivedCallback { answer, page }) => return Ok((answer, Some(page))),
                None => return Err(FlowError::TimedOut(login.within)),
            },
            line = keyboard::line(|text| login.ui.typed(text)), if keyed => match line {
                Some(line) => match take_pasted(&line, login, pending) {
                    AuthorizationResponse::Stray => login.ui.note(login.who, "that is not this login's callback address; paste the whole address"),
                    answer => return Ok((answer, None)),
                },
                None => keyed = false,
            },
            _ = ticks.tick() => login.ui.remaining(login.who, deadline.saturating_duration_since(Instant::now())),
            () = sleep_until(deadline) => return Err(FlowError::TimedOut(login.within)),
        }
    }
}

/// What a pasted line says. It stays visible, except for its secrets.
fn take_pasted(line: &str, login: &Login<'_>, pending: &PendingAuthorization) -> AuthorizationResponse {
    login.ui.typed("");
    if login.ui.shows_typing() && !line.is_empty() {
        let shown = line.split(['?', '#']).next().unwrap_or_default();
        login.ui.note(login.who, &format!("pasted: {}", clean(shown, LONGEST_PASTED)));
    }
    pasted(line, pending)
}

/// A pasted callback address, or only its query.
fn pasted(line: &str, pending: &PendingAuthorization) -> AuthorizationResponse {
    let query = line.split_once('?').map_or(line, |(_, query)| query);
    pending.judge(query.split('#').next().unwrap_or_default())
}

fn request<'a>(
    client: &'a OAuthClient,
    person: &'a AuthorizationCodeConfig,
    endpoints: &'a LoginEndpoints,
    redirect_uri: &'a str,
) -> AuthorizationRequest<'a> {
    let provider = &person.provider;
    AuthorizationRequest {
        endpoint: &endpoints.authorization,
        client_id: &client.id,
        redirect_uri,
        scope: scope(person),
        extra: &provider.authorization_params,
        issuer: endpoints.issuer.as_deref(),
        pkce: provider.pkce,
        iss_required: endpoints.iss_required,
    }
}

/// The scope parameter, if any scope is requested.
pub(super) fn scope(person: &AuthorizationCodeConfig) -> Option<(&str, String)> {
    let provider = &person.provider;
    (!person.scopes.is_empty())
        .then(|| (provider.scope_parameter.as_str(), person.scopes.join(&provider.scope_separator)))
}

/// Some providers reject a spelling of "this machine" on their own page, where the reason is hard to see.
fn accept_host(provider: &Provider, redirect_uri: &Url) -> Result<(), FlowError> {
    let hosts = &provider.redirect.hosts;
    let host = redirect_uri.host_str().unwrap_or_default();
    if !is_loopback(redirect_uri) || hosts.is_empty() || hosts.iter().any(|accepted| accepted == host) {
        return Ok(());
    }
    let accepted = hosts.join(" or ");
    Err(FlowError::RedirectHost { provider: provider.display_name.clone(), host: host.into(), accepted })
}
