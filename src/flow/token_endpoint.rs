//! Talks to token endpoints (RFC 6749 section 3.2): sends, retries if that is safe, and reads the reply.

use std::hash::BuildHasher;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::credential::{ClientCredentialsConfig, TokenEndpoint};
use crate::flow::{FlowError, discovery};
use crate::oauth::{
    ClientAuth, Grant, OAuthClient, ReplyError, ReplyShape, TokenRequest, TokenSet, WireRequest, read_reply,
};
use crate::provider::{BodyFormat, Provider};
use crate::secret::Secret;
use crate::sys::clock;
use crate::sys::http::{Http, HttpError, HttpReply};

/// How many attempts are made in all, if a retry is safe.
const ATTEMPTS: u32 = 3;
/// The first pause; each further one doubles it.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest pause a server may ask for before the request fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Who asks for an exchange: the gateway identifies the caller by the token alone.
const CLIENT: &str = "mcpauth";

/// How often and how soon a request is retried.
pub(super) struct RetryPolicy {
    /// Whether a request that may have arrived can be retried.
    repeatable: bool,
    attempt: u32,
    pause: Duration,
}

/// What the provider requires beyond the standard.
struct ProviderQuirks<'a> {
    shape: &'a ReplyShape,
    headers: HeaderMap,
}

/// The result of one request, and the pause that the server asked for.
pub(super) type Attempt<T> = (Result<T, FlowError>, Option<Duration>);

impl RetryPolicy {
    pub(super) fn new(repeatable: bool) -> Self {
        Self { repeatable, attempt: 0, pause: PAUSE }
    }

    /// Waits, and returns whether to retry after `error`; `asked` is the pause that the server asked for.
    pub(super) async fn again(&mut self, error: &FlowError, asked: Option<Duration>) -> bool {
        self.attempt += 1;
        let again = match error {
            // Nothing was sent: even a code or a rotating refresh token is still unused.
            FlowError::Http(HttpError::Connect { .. }) => true,
            FlowError::Http(HttpError::Lost { .. })
            | FlowError::Reply { reply: ReplyError::Unavailable { .. }, .. } => self.repeatable,
            _ => false,
        };
        let wait = asked.unwrap_or_else(|| jittered(self.pause));
        if !again || self.attempt == ATTEMPTS || wait > LONGEST_PAUSE {
            return false;
        }
        tokio::time::sleep(wait).await;
        self.pause *= 2;
        true
    }
}

/// Section 4.4: a token for the client itself.
pub async fn client_credentials(
    http: &Http,
    client: &OAuthClient,
    machine: &ClientCredentialsConfig,
) -> Result<TokenSet, FlowError> {
    let url = match &machine.endpoint {
        TokenEndpoint::Known(url) => url.clone(),
        TokenEndpoint::Discover { issuer, otherwise } => {
            discovery::discovered(http, issuer, otherwise.as_ref()).await?
        }
    };
    let mut extra = Vec::new();
    if !machine.scopes.is_empty() {
        extra.push(("scope".to_owned(), machine.scopes.join(" ")));
    }
    extra.extend(machine.audience.iter().map(|audience| ("audience".to_owned(), audience.clone())));
    extra.extend(machine.resource.iter().map(|resource| ("resource".to_owned(), resource.clone())));
    let shape = ReplyShape { default_lifetime: machine.default_lifetime, ..ReplyShape::default() };
    let json = machine.format == BodyFormat::Json;
    let request = TokenRequest { grant: Grant::ClientCredentials, client, extra: &extra, json };
    send(http, &url, &request, &ProviderQuirks { shape: &shape, headers: HeaderMap::new() }).await
}

/// Section 6: a new access token for a refresh token. Never retried once sent: a rotating token can be used only
/// once.
pub async fn refresh(
    http: &Http,
    client: &OAuthClient,
    provider: &Provider,
    token: &Secret,
) -> Result<TokenSet, FlowError> {
    let url = discovery::token_endpoint(http, provider).await?;
    let mut fresh =
        at_provider(http, &url, client, provider, Grant::RefreshToken(token), provider.refresh_reply())
            .await?;
    // Section 6: a server that does not rotate does not repeat the refresh token either.
    if fresh.refresh_token.is_none() {
        fresh.refresh_token = Some(token.clone());
    }
    Ok(fresh)
}

/// RFC 8693 section 2: a token made of another one, limited as `fields` say.
pub async fn exchange(
    http: &Http,
    url: &Url,
    subject: &Secret,
    fields: &[(String, String)],
) -> Result<TokenSet, FlowError> {
    let client = OAuthClient { id: CLIENT.into(), auth: ClientAuth::None };
    let grant = Grant::TokenExchange { subject_token: subject };
    let request = TokenRequest { grant, client: &client, extra: fields, json: false };
    let shape = ReplyShape::default();
    send(http, url, &request, &ProviderQuirks { shape: &shape, headers: HeaderMap::new() }).await
}

/// A token request in the provider's format.
pub(super) async fn at_provider(
    http: &Http,
    url: &Url,
    client: &OAuthClient,
    provider: &Provider,
    grant: Grant<'_>,
    shape: &ReplyShape,
) -> Result<TokenSet, FlowError> {
    let extra: Vec<(String, String)> =
        provider.token_params.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    let json = provider.token_request == BodyFormat::Json;
    let request = TokenRequest { grant, client, extra: &extra, json };
    send(http, url, &request, &ProviderQuirks { shape, headers: own_headers(provider) }).await
}

/// The headers a provider requires beyond the standard's.
pub(super) fn own_headers(provider: &Provider) -> HeaderMap {
    let parsed = |(name, value): (&String, &String)| {
        Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?))
    };
    provider.token_headers.iter().filter_map(parsed).collect()
}

/// Sends a request with the provider's own headers. Some servers only answer other types, and the headers say so in
/// `Accept`.
pub(super) async fn post(
    http: &Http,
    url: &Url,
    own: &HeaderMap,
    written: &WireRequest,
) -> Result<HttpReply, HttpError> {
    let mut headers = own.clone();
    headers.extend(written.headers.clone());
    headers.extend(own.get(ACCEPT).map(|accept| (ACCEPT, accept.clone())));
    http.post(url, headers, written.body.expose().to_owned()).await
}

/// Sends a request once, and reads the answer; nothing is sent if the client could not sign it.
pub(super) async fn ask<T>(
    http: &Http,
    url: &Url,
    own: &HeaderMap,
    written: Option<WireRequest>,
    read: impl FnOnce(u16, &[u8], &[Secret]) -> Result<T, ReplyError>,
) -> Attempt<T> {
    let Some(written) = written else { return (Err(FlowError::Signing), None) };
    match post(http, url, own, &written).await {
        Err(error) => (Err(error.into()), None),
        Ok(reply) => {
            let read = read(reply.status, &reply.body, &written.secrets);
            (read.map_err(|reply| FlowError::reply(url, reply)), reply.retry_after)
        }
    }
}

async fn send(
    http: &Http,
    url: &Url,
    request: &TokenRequest<'_>,
    manner: &ProviderQuirks<'_>,
) -> Result<TokenSet, FlowError> {
    let mut patience = RetryPolicy::new(matches!(request.grant, Grant::ClientCredentials));
    loop {
        let now = clock::now();
        let read = |status, body: &[u8], sent: &[Secret]| read_reply(status, body, manner.shape, sent, now);
        match ask(http, url, &manner.headers, request.write(url.as_str(), now), read).await {
            (Err(error), asked) if patience.again(&error, asked).await => {}
            (result, _) => return result,
        }
    }
}

/// Half to all of `pause`, so that many processes that failed together do not return together. The hasher's seed is
/// random enough; the cryptographic generator takes 20 ms to start.
fn jittered(pause: Duration) -> Duration {
    let random = std::hash::RandomState::new().hash_one(()) % 1_000;
    pause / 2 + pause / 2 * u32::try_from(random).unwrap_or(0) / 1_000
}
