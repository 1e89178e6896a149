//! Sends a permitted message to its server: with the headers that may go on, with the credential that the gateway holds for
//! it, and on to where the server itself redirects.
//! It leaves which headers pass to `headers`, connections to `pool`, and the answer to `forward`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::header::{ACCEPT_ENCODING, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode, Uri};
use tracing::{info, warn};

use super::callers::Via;
use super::egress::{Asking, Stored};
use super::headers::Onward;
use super::passage::{Passage, Session};
use super::pool::{Failure, Inflow, Patience, Pool};
use super::record::{Record, X_REQUEST_ID};
use super::redirect::{HOPS, is_redirect, place_of, shown};
use super::refusal::Refusal;
use super::sent::Sent;
use super::settings::Egress;
use super::state::Shared;
use crate::mcp::SESSION;
use crate::sys::trust;
use crate::tokens::retry;

/// One core's way to the servers.
pub(super) struct Sender {
    pub(super) shared: Arc<Shared>,
    pub(super) pool: Arc<Pool>,
}

impl Sender {
    /// The server's answer.
    ///
    /// # Errors
    /// 502 and 504.
    pub(super) async fn send(
        &self,
        passage: &Passage<'_>,
        session: Option<&Session>,
        mut headers: HeaderMap,
        record: &mut Record<'_>,
    ) -> Result<Response<Inflow>, Refusal> {
        onward(passage, session, &mut headers, record.request_header());
        let upstream = passage.upstream;
        match &upstream.stored {
            Some(stored) if upstream.route.egress == Egress::Stored => {
                Box::pin(self.with_stored(stored, passage, headers, record)).await
            }
            _ => self.follow(passage, headers, record).await,
        }
    }

    /// Sends it with a credential that the gateway holds, and with another one where the server refuses that.
    async fn with_stored(
        &self,
        stored: &Arc<Stored>,
        passage: &Passage<'_>,
        headers: HeaderMap,
        record: &mut Record<'_>,
    ) -> Result<Response<Inflow>, Refusal> {
        let request = passage.request_id.to_str().unwrap_or_default();
        let source = Asking { stored, vault: &self.shared.vault, request };
        let mut turn = retry::Once::begin(&source).await?;
        loop {
            let mut with = headers.clone();
            turn.token().apply(&mut with);
            let answer = self.follow(passage, with, record).await?;
            if answer.status() != StatusCode::UNAUTHORIZED || !turn.again().await? {
                return Ok(answer);
            }
        }
    }

    /// The server's answer, after its redirects.
    async fn follow(
        &self,
        passage: &Passage<'_>,
        headers: HeaderMap,
        record: &mut Record<'_>,
    ) -> Result<Response<Inflow>, Refusal> {
        let answer = self.exchange(passage, passage.target.clone(), headers, record).await?;
        if is_redirect(answer.status()) {
            return Box::pin(self.redirected(passage, answer, record)).await;
        }
        Ok(answer)
    }

    /// One exchange with the server, at this place on it.
    async fn exchange(
        &self,
        passage: &Passage<'_>,
        target: Uri,
        headers: HeaderMap,
        record: &mut Record<'_>,
    ) -> Result<Response<Inflow>, Refusal> {
        let limits = &self.shared.settings.limits;
        let patience = Patience {
            connect: Duration::from_secs(limits.connect),
            answer: Duration::from_secs(limits.answer_within),
        };
        let mut request = Request::new(Full::new(passage.body.clone()));
        request.method_mut().clone_from(passage.method);
        *request.uri_mut() = target;
        *request.headers_mut() = headers;
        let sent = Instant::now();
        let origin = &passage.endpoint.origin;
        let result = self.pool.exchange(origin, request, patience, passage.wish.stays_open()).await;
        record.upstream(sent);
        result.map_err(|failure| {
            let name = passage.upstream.name();
            let (refusal, why) = match failure {
                Failure::Connect(error) => match trust::remedy(&error) {
                    Some(remedy) => (Refusal::Certificate, format!("{error}; {remedy}")),
                    None => (Refusal::Unreachable, error.to_string()),
                },
                Failure::Exchange(error) => (Refusal::Unreachable, error.to_string()),
                Failure::Switched => (Refusal::Unreachable, "it switches to another protocol".into()),
                Failure::Slow => (Refusal::Late, "no answer in time".into()),
            };
            warn!(event = "upstream", request = record.request_id(), "{name}: {why}");
            refusal
        })
    }

    /// What comes where a redirect leads, if it may be followed.
    async fn redirected(
        &self,
        passage: &Passage<'_>,
        mut answer: Response<Inflow>,
        record: &mut Record<'_>,
    ) -> Result<Response<Inflow>, Refusal> {
        let endpoint = passage.endpoint;
        let (mut asked, mut hops) = (passage.target.clone(), 0..HOPS);
        while is_redirect(answer.status()) {
            let found = place_of(endpoint, &asked, answer.status(), answer.headers());
            let sent = answer.extensions_mut().remove::<Sent>();
            let (place, Sent(headers)) = match (found, sent) {
                (Ok(place), Some(sent)) if hops.next().is_some() => (place, sent),
                (Ok(place), _) => return Err(self.astray(passage, shown(endpoint, &place), record)),
                (Err(elsewhere), _) => return Err(self.astray(passage, elsewhere, record)),
            };
            if !passage.upstream.redirects.swap(true, Ordering::Relaxed) {
                let (name, to) = (passage.upstream.name(), shown(endpoint, &place));
                info!(
                    event = "upstream",
                    "{name}: redirects to {to}, as each request will be; put that into its file"
                );
            }
            asked = place;
            answer = self.exchange(passage, asked.clone(), headers, record).await?;
        }
        Ok(answer)
    }

    /// The end of a request that is led where it may not go, or that is not there any more.
    fn astray(&self, passage: &Passage<'_>, to: String, record: &Record<'_>) -> Refusal {
        let name = passage.upstream.name();
        warn!(event = "upstream", request = record.request_id(), "{name}: redirects to {to}");
        Refusal::Redirect(to.into())
    }
}

/// Makes a request's headers those that go on, all but the stored credential.
fn onward(
    passage: &Passage<'_>,
    session: Option<&Session>,
    headers: &mut HeaderMap,
    request_id: HeaderValue,
) {
    let Passage { upstream, credential, .. } = passage;
    let onward = Onward {
        token: credential.token(),
        authorization: credential.via == Via::Own && upstream.route.egress == Egress::Passthrough,
        listed: upstream.headers.as_ref(),
    };
    onward.keep(headers);
    headers.insert(HOST, passage.endpoint.origin.header.clone());
    // Any answer may hold what has to be looked at.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(X_REQUEST_ID, request_id);
    if let Some(session) = session {
        headers.insert(SESSION, session.own.clone());
    }
    for (name, value) in &upstream.route.server.headers {
        headers.insert(name.clone(), value.clone());
    }
    if upstream.route.identity_headers {
        identify(headers, passage);
    }
}

/// The reference's headers, for servers that ask for them.
fn identify(headers: &mut HeaderMap, passage: &Passage<'_>) {
    let principal = &passage.caller.principal;
    let scopes = principal.scopes.join(" ");
    let user = principal.username.as_deref().unwrap_or(&principal.subject);
    let rows = [
        ("x-user", Some(user)),
        ("x-username", Some(user)),
        ("x-client-id", principal.client_id.as_deref()),
        ("x-scopes", Some(scopes.as_str())),
        ("x-auth-method", Some("bearer")),
        ("x-server-name", Some(passage.upstream.name())),
        ("x-tool-name", passage.wish.name()),
    ];
    for (name, value) in rows {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
