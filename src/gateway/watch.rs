//! Whether a caller may still receive an answer, for as long as it lasts: the token is checked again, as for a new
//! request, whenever the files or keys change and whenever a cached result expires. Not here: the bytes (see
//! `events`).

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use hyper::header::HeaderValue;
use tokio::sync::watch::Receiver;
use tokio::time::Instant;
use tracing::warn;

use super::accounts::Reservation;
use super::callers::{Caller, Callers, TokenHeader};
use super::redirect::MAX_SHOWN_CHARS;
use super::refusal::Rejection;
use super::servers::endpoints::Transport;
use super::servers::route::PathBase;
use super::servers::{CALL_TOOL, MCPGW};
use super::session::SealPurpose;
use super::settings::Visibility;
use super::state::{SharedState, Snapshot, Upstream};
use super::wire::sse::{self, BUFFER_BYTES, EventAction, RawEvent};
use crate::policy::{Call, Listed, decide};
use crate::sys::clock;
use crate::text::clean;

/// A caller's right to one answer.
pub(super) struct AnswerWatch {
    callers: Arc<Callers>,
    credential: TokenHeader,
    peer: IpAddr,
    /// Of the answered request.
    request_id: HeaderValue,
    /// The caller as last checked; filters use this.
    caller: Arc<ArcSwap<Caller>>,
    upstream: Arc<Upstream>,
    base: PathBase,
    wanted: Arc<[OwnedCall]>,
    /// Whether the gateway's own server made the call: the caller must be allowed `call_tool` for as long too.
    is_relayed: bool,
    /// When that was, and until when it is valid.
    epoch: u64,
    until: Instant,
    again: Option<Pin<Box<RecheckFn>>>,
    changes: Receiver<()>,
}

/// A call, owned.
pub(super) enum OwnedCall {
    Message(Box<str>, Option<Box<str>>),
    Completion(Listed, Box<str>),
    Reply,
    Stream,
    EndSession,
}

/// Checks again.
type RecheckFn = dyn Future<Output = Result<Recheck, Rejection>> + Send;

/// The result of a check.
struct Recheck {
    caller: Arc<Caller>,
    epoch: u64,
}

/// How often an answer without comments is checked.
pub(super) const CHECK_INTERVAL: Duration = Duration::from_secs(15);
/// How far ahead a result is used, in seconds: no issuer is asked about one answer more than once a second, and
/// beyond a day checking again costs nothing.
const SOONEST: i64 = 1;
const FARTHEST: i64 = 24 * 3600;

impl OwnedCall {
    pub(super) fn keep(call: Call<'_>) -> Self {
        match call {
            Call::Message { method, name } => Self::Message(method.into(), name.map(Into::into)),
            Call::Completion { listed, name } => Self::Completion(listed, name.into()),
            Call::Reply => Self::Reply,
            Call::Stream => Self::Stream,
            Call::EndSession => Self::EndSession,
        }
    }

    fn call(&self) -> Call<'_> {
        match self {
            Self::Message(method, name) => Call::Message { method, name: name.as_deref() },
            Self::Completion(listed, name) => Call::Completion { listed: *listed, name },
            Self::Reply => Call::Reply,
            Self::Stream => Call::Stream,
            Self::EndSession => Call::EndSession,
        }
    }
}

impl AnswerWatch {
    /// For a caller who was authenticated under this epoch, from this address, and an answer to this request.
    pub(super) fn new(
        callers: &Arc<Callers>,
        (caller, epoch, peer): (&Arc<Caller>, u64, IpAddr),
        credential: &TokenHeader,
        (upstream, base): (&Arc<Upstream>, PathBase),
        (wanted, is_relayed): (Arc<[OwnedCall]>, bool),
        request_id: &HeaderValue,
    ) -> Self {
        Self {
            base,
            request_id: request_id.clone(),
            changes: callers.shared.changes(),
            until: end(caller),
            caller: Arc::new(ArcSwap::new(caller.clone())),
            callers: callers.clone(),
            credential: credential.clone(),
            peer,
            upstream: upstream.clone(),
            wanted,
            is_relayed,
            epoch,
            again: None,
        }
    }

    pub(super) fn shared(&self) -> &Arc<SharedState> {
        &self.callers.shared
    }

    /// The caller's reservation for buffering, empty so far.
    pub(super) fn hold(&self) -> Reservation {
        self.caller.load().account.hold(&self.shared().settings.limits)
    }

    /// The bytes of an answer as they wait for a caller who may be slow: in the caller's reservation, if they are more
    /// than any answer may buffer.
    ///
    /// # Errors
    /// If there is no room in the reservation.
    pub(super) fn keep_large(&self, bytes: Bytes) -> Result<Bytes, Rejection> {
        if bytes.len() <= BUFFER_BYTES {
            return Ok(bytes);
        }
        let mut hold = self.hold();
        hold.grow(bytes.len())?;
        Ok(hold.keep(bytes))
    }

    /// Copies in the caller's reservation; none where there is no room.
    pub(super) fn copies(&self) -> impl Fn(&[u8]) -> Option<Bytes> + Send + use<> {
        let (caller, shared) = (self.caller.clone(), self.shared().clone());
        move |bytes| {
            let mut hold = caller.load().account.hold(&shared.settings.limits);
            hold.grow(bytes.len()).ok()?;
            Some(hold.keep(Bytes::copy_from_slice(bytes)))
        }
    }

    pub(super) fn server(&self) -> &str {
        self.upstream.name()
    }

    /// The id of the answered request.
    pub(super) fn request_id(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }

    /// Whether the caller may receive what comes next; pending while an issuer is asked.
    ///
    /// # Errors
    /// As for a new request.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        if !self.upstream.healthy.load(Ordering::Relaxed) {
            return Poll::Ready(Err(Rejection::Down(self.upstream.name().into())));
        }
        if self.again.is_none() {
            if self.epoch == self.callers.shared.epoch() && Instant::now() < self.until {
                return Poll::Ready(Ok(()));
            }
            let (callers, credential) = (self.callers.clone(), self.credential.clone());
            let asked = (self.upstream.name().to_owned(), self.wanted.clone(), self.is_relayed);
            let asker = (self.peer, self.request_id.clone());
            self.again = Some(Box::pin(again(callers, credential, asker, asked)));
        }
        let Some(again) = &mut self.again else { return Poll::Ready(Ok(())) };
        let found = ready!(again.as_mut().poll(context));
        self.again = None;
        let Recheck { caller, epoch } = found?;
        (self.epoch, self.until) = (epoch, end(&caller));
        self.caller.store(caller);
        Poll::Ready(Ok(()))
    }

    /// The result of a body, with the caller as known then, and under which epoch; `done` if it has arrived already.
    ///
    /// # Errors
    /// As for a new request, as soon as the caller may no longer have it.
    pub(super) async fn over<F: Future>(
        mut self,
        mut done: Option<F::Output>,
        mut body: Pin<&mut F>,
    ) -> Result<(F::Output, Arc<Caller>, u64), Rejection> {
        let mut alarm = None;
        poll_fn(|context| {
            loop {
                if done.is_none()
                    && let Poll::Ready(output) = body.as_mut().poll(context)
                {
                    done = Some(output);
                }
                ready!(self.poll(context))?;
                if let Some(output) = done.take() {
                    return Poll::Ready(Ok((output, self.caller.load_full(), self.epoch)));
                }
                let due = alarm.get_or_insert_with(|| self.alarm(Instant::now() + CHECK_INTERVAL));
                ready!(due.as_mut().poll(context));
                alarm = None;
            }
        })
        .await
    }

    /// Returns at the next change, when the cached result expires, or at `due`, whichever comes first.
    pub(super) fn alarm(&mut self, due: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.changes.mark_unchanged();
        let (mut changes, due) = (self.changes.clone(), due.min(self.until));
        let epoch = (self.epoch, self.callers.clone());
        Box::pin(async move {
            // A change between the last check and the mark above.
            if epoch.0 != epoch.1.shared.epoch() {
                return;
            }
            tokio::select! {
                changed = changes.changed() => drop(changed),
                () = tokio::time::sleep_until(due) => {}
            }
        })
    }

    /// What of a list is shown.
    pub(super) fn shows(&self) -> impl Fn(Listed, &str) -> bool + Send + use<> {
        let all = self.callers.shared.settings.list_visibility == Visibility::All;
        let (caller, upstream) = (self.caller.clone(), self.upstream.clone());
        move |listed, name| all || caller.load().grants.shows(upstream.name(), listed, name)
    }

    /// What happens to each event of a stream that may carry anything, including the address for messages.
    pub(super) fn strictly(
        &self,
        transport: Transport,
    ) -> impl FnMut(&RawEvent<'_>) -> EventAction + Send + use<> {
        let (callers, caller, upstream) = (self.callers.clone(), self.caller.clone(), self.upstream.clone());
        let (base, request_id) = (self.base, self.request_id.clone());
        let announced = move |address: &str| {
            if transport != Transport::Sse {
                return EventAction::Drop;
            }
            match announced(&callers.shared, &caller.load(), (&upstream, base), address) {
                Ok(place) => EventAction::Replace(place.into_bytes()),
                Err(why) => {
                    let (name, request) = (upstream.name(), request_id.to_str().unwrap_or_default());
                    warn!(event = "upstream", request, "{name}: {why}");
                    EventAction::Hide
                }
            }
        };
        sse::events(self.shows(), announced)
    }
}

/// When the caller's cached result expires.
fn end(caller: &Caller) -> Instant {
    let left = caller.cache_until().saturating_sub(clock::now()).clamp(SOONEST, FARTHEST);
    Instant::now() + Duration::from_secs(left.unsigned_abs())
}

/// The same checks as for a new request: the token, the servers, every call. An issuer that does not answer is not a
/// yes.
async fn again(
    callers: Arc<Callers>,
    credential: TokenHeader,
    (peer, request_id): (IpAddr, HeaderValue),
    (server, wanted, is_relayed): (String, Arc<[OwnedCall]>, bool),
) -> Result<Recheck, Rejection> {
    let moment = callers.shared.moment(peer);
    let request = request_id.to_str().unwrap_or_default();
    let caller = callers.caller(&moment, credential.token(), request).await?;
    if is_relayed {
        let outer = Call::Message { method: "tools/call", name: Some(CALL_TOOL) };
        still_allowed(&moment, &caller, MCPGW, [outer])?;
    }
    still_allowed(&moment, &caller, &server, wanted.iter().map(OwnedCall::call))?;
    Ok(Recheck { caller, epoch: moment.epoch })
}

/// Whether a server is there and on, and the caller may make these calls of it.
fn still_allowed<'c>(
    moment: &Snapshot,
    caller: &Caller,
    server: &str,
    calls: impl IntoIterator<Item = Call<'c>>,
) -> Result<(), Rejection> {
    let upstream = moment.state.upstreams.get(server).ok_or(Rejection::NoServer)?;
    if !upstream.route.server.enabled {
        return Err(Rejection::Down(server.into()));
    }
    caller.enters(server)?;
    calls.into_iter().try_for_each(|call| {
        let allowed = decide(&caller.grants, server, &call);
        allowed.map(drop).map_err(|denial| Rejection::Denied { denial, scope: None })
    })
}

/// The address for messages that an old server announces (MCP 2024-11-05), as an address of the gateway, only for
/// this caller.
///
/// # Errors
/// Why messages cannot be sent there.
fn announced(
    shared: &SharedState,
    caller: &Caller,
    (upstream, base): (&Upstream, PathBase),
    address: &str,
) -> Result<String, String> {
    let endpoints = upstream.route.server.endpoints();
    let endpoint = &endpoints.ok_or_else(|| "has no address".to_owned())?.sse;
    let target = endpoint.follow(&endpoint.uri, address).map_err(|elsewhere| {
        let elsewhere = clean(&elsewhere, MAX_SHOWN_CHARS);
        format!(
            "announces {elsewhere} for messages, which is at another origin; correct its proxy_pass_url, or the server's own public address"
        )
    })?;
    let target = target.to_string();
    let sealed = shared.session_key.seal(SealPurpose::Endpoint, &target, &caller.principal, upstream.name());
    let sealed = sealed.ok_or_else(|| {
        let longest = shared.session_key.longest;
        format!("announces an address for messages that is longer than {longest} bytes when it is sealed")
    })?;
    Ok(base.reference(upstream.name(), &format!("messages/{sealed}")))
}
