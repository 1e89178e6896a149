//! A request's body, read whole and within the limits, and what it asks for, parsed strictly. Not here: the meaning
//! of one message (see `envelope`).

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::{Body as HttpBody, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use tokio::time::{Sleep, sleep};

use super::accounts::Reservation;
use super::refusal::Rejection;
use super::request_log::RequestLog;
use super::settings::Limits;
use super::wire::envelope::{Envelope, Malformed};
use crate::mcp::methods;
use crate::policy::{Call, Listed};

/// What a request wants, from its body, or from its method if it has none.
pub(super) enum ParsedRequest<'b> {
    Message(Envelope<'b>),
    Stream,
    EndSession,
}

/// Why something cannot be buffered.
pub(super) enum BodyReadError {
    /// The connection broke.
    Broken,
    /// It is larger than allowed.
    TooLarge,
    /// There is no memory for it now.
    Full(Rejection),
}

/// The whole body of a request, if its type and size are allowed.
///
/// # Errors
/// 413, 415, 408, 400; 429 and 503 if there is no memory for it.
pub(super) async fn body(
    method: &Method,
    headers: &HeaderMap,
    body: Incoming,
    limits: &Limits,
    hold: Reservation,
) -> Result<Bytes, Rejection> {
    if method != Method::POST {
        // Nothing of it would be forwarded, so nothing may hide in it.
        return if body.is_end_stream() { Ok(Bytes::new()) } else { Err(Rejection::MediaType) };
    }
    whole(headers, "application/json", body, (limits.max_request_bytes, limits.read_timeout), hold).await
}

/// A whole body of this media type, at most so many bytes of it, within so many seconds.
///
/// # Errors
/// 413, 415, 408, 400; 429 and 503 if there is no memory for it.
pub(super) async fn whole(
    headers: &HeaderMap,
    kind: &str,
    body: Incoming,
    (most, seconds): (usize, u64),
    hold: Reservation,
) -> Result<Bytes, Rejection> {
    media_type(headers, kind)?;
    if body.size_hint().lower() > most as u64 {
        return Err(Rejection::TooLarge(most));
    }
    let mut whole = pin!(gather(body, most, hold));
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    let mut asked = false;
    poll_fn(|context| {
        if let Poll::Ready(done) = whole.as_mut().poll(context) {
            return Poll::Ready(done.map_err(|why| why.of_request(most)));
        }
        // Polling the body wakes the connection, which delivers what came with the headers and polls us again: a
        // timer is set only for a body that has not arrived by then.
        if !std::mem::replace(&mut asked, true) {
            return Poll::Pending;
        }
        let within = || Box::pin(sleep(Duration::from_secs(seconds)));
        timer.get_or_insert_with(within).as_mut().poll(context).map(|()| Err(Rejection::Slow))
    })
    .await
}

/// A whole body, of a request or an answer, in memory that is reserved before it grows. It grows with what arrives:
/// what is only announced reserves nothing. Most bodies are one piece, which is passed on as it is.
pub(super) async fn gather<B>(
    mut body: B,
    limit: usize,
    mut hold: Reservation,
) -> Result<Bytes, BodyReadError>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let exact = body.size_hint().exact().and_then(|size| usize::try_from(size).ok());
    // Growing means copying: in larger steps, if the final size is known.
    let (most, step) = exact.map_or((limit, 2), |exact| (exact.min(limit), 4));
    let (mut first, mut more) = (Bytes::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyReadError::Broken)?.into_data() else { continue };
        let length = first.len().max(more.len()) + data.len();
        if length > limit {
            return Err(BodyReadError::TooLarge);
        }
        if first.is_empty() && more.is_empty() {
            hold.grow(length).map_err(BodyReadError::Full)?;
            first = data;
            continue;
        }
        if more.capacity() < length {
            let room = length.saturating_mul(step);
            // Where the end is known and near, it is not copied once more for the last bit.
            let room = if exact.is_some() && room >= most / 2 { most } else { room.min(most) }.max(length);
            hold.grow(room).map_err(BodyReadError::Full)?;
            more.reserve_exact(room - more.len());
        }
        more.extend_from_slice(&std::mem::take(&mut first));
        more.extend_from_slice(&data);
    }
    Ok(hold.keep(if more.is_empty() { first } else { more.into() }))
}

impl BodyReadError {
    fn of_request(self, limit: usize) -> Rejection {
        match self {
            Self::Broken => Rejection::Malformed(Malformed::Shape("the body's end cannot be found")),
            Self::TooLarge => Rejection::TooLarge(limit),
            Self::Full(refusal) => refusal,
        }
    }
}

/// This media type and nothing else: a server that guesses would read another message than we did.
fn media_type(headers: &HeaderMap, wanted: &str) -> Result<(), Rejection> {
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Rejection::MediaType);
    }
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    let kind = kinds.next().and_then(|kind| kind.to_str().ok()).ok_or(Rejection::MediaType)?;
    let (kind, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let charset = parameters.trim_ascii().to_ascii_lowercase();
    let known = ["", "charset=utf-8", "charset=\"utf-8\""].contains(&charset.as_str());
    let right = kind.trim_ascii().eq_ignore_ascii_case(wanted);
    if right && known && kinds.next().is_none() { Ok(()) } else { Err(Rejection::MediaType) }
}

impl<'b> ParsedRequest<'b> {
    /// What this request wants; the log record gets its subject.
    ///
    /// # Errors
    /// 400.
    pub(super) fn read(
        method: &Method,
        headers: &HeaderMap,
        body: &'b Bytes,
        record: &mut RequestLog<'_>,
    ) -> Result<Self, Rejection> {
        if method == Method::GET {
            return Ok(Self::Stream);
        }
        if method == Method::DELETE {
            return Ok(Self::EndSession);
        }
        let envelope = Envelope::read(body).map_err(|malformed| {
            record.id = Envelope::id_of(body).map(|id| body.slice_ref(id.as_bytes()));
            Rejection::Malformed(malformed)
        })?;
        record.id = envelope.id.map(|id| body.slice_ref(id.as_bytes()));
        let kept = |text: &Cow<'b, str>| match text {
            Cow::Borrowed(text) => body.slice_ref(text.as_bytes()),
            Cow::Owned(text) => Bytes::copy_from_slice(text.as_bytes()),
        };
        record.method = envelope.method.as_ref().map(kept);
        record.name = envelope.name.as_ref().map(kept);
        envelope.agree(headers).map_err(Rejection::Mismatch)?;
        Ok(Self::Message(envelope))
    }

    /// The question for the policy.
    pub(super) fn call(&self) -> Call<'_> {
        match self {
            Self::Message(envelope) => envelope.call(),
            Self::Stream => Call::Stream,
            Self::EndSession => Call::EndSession,
        }
    }

    /// Everything that the policy must allow: the call, and what it subscribes to.
    pub(super) fn calls(&self) -> impl Iterator<Item = Call<'_>> {
        let further = match self {
            Self::Message(envelope) => Some(envelope.further_calls()),
            Self::Stream | Self::EndSession => None,
        };
        std::iter::once(self.call()).chain(further.into_iter().flatten())
    }

    /// Whether it is a request for an unknown method, by a client of a revision that expects a specific error.
    pub(super) fn is_unknown(&self) -> bool {
        match self {
            Self::Message(envelope) => {
                let unknown =
                    envelope.method.as_deref().is_some_and(|method| methods::find(method).is_none());
                unknown && envelope.protocol_version.is_some() && envelope.id.is_some()
            }
            Self::Stream | Self::EndSession => false,
        }
    }

    /// The list it requests, if any.
    pub(super) fn lists(&self) -> Option<Listed> {
        match self {
            Self::Message(envelope) => envelope.lists(),
            Self::Stream | Self::EndSession => None,
        }
    }

    /// The tool, prompt, resource or task it is about.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Message(envelope) => envelope.name.as_deref(),
            Self::Stream | Self::EndSession => None,
        }
    }

    /// Whether the answer is a stream without an expected end.
    pub(super) fn stays_open(&self) -> bool {
        match self {
            Self::Message(envelope) => envelope.subscribes(),
            Self::Stream => true,
            Self::EndSession => false,
        }
    }
}
