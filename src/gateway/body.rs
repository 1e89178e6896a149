//! The bodies that the gateway sends: a complete one, a server's passed through, or a watched event stream. Not here:
//! what an event may show (see `events`).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

use super::accounts::RequestSlot;
use super::connections::BusyGuard;
use super::pool::UpstreamBody;

/// A response's body.
pub(super) struct Body {
    kind: BodyKind,
    /// The request counts as in flight while its body exists.
    under_way: Option<(InFlightGuard, Option<RequestSlot>)>,
    /// So is its connection.
    _attention: Option<BusyGuard>,
}

/// One of the requests under way.
pub(super) struct InFlightGuard(Arc<AtomicUsize>);

/// The watcher belongs to a module above this one.
type Watched = Pin<Box<dyn HttpBody<Data = Bytes, Error = io::Error> + Send>>;

enum BodyKind {
    Full(Bytes),
    Pass(UpstreamBody),
    Watched(Watched),
}

impl Body {
    /// A complete body.
    pub(super) fn full(bytes: impl Into<Bytes>) -> Self {
        BodyKind::Full(bytes.into()).into()
    }

    /// A response with a complete body, without any header.
    pub(super) fn response(status: StatusCode, bytes: impl Into<Bytes>) -> Response<Self> {
        let mut response = Response::new(Self::full(bytes));
        *response.status_mut() = status;
        response
    }

    /// The same with JSON.
    pub(super) fn json(status: StatusCode, text: String) -> Response<Self> {
        let mut response = Self::response(status, text);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    /// A server's body, passed through.
    pub(super) fn pass(inflow: UpstreamBody) -> Self {
        BodyKind::Pass(inflow).into()
    }

    /// An answer that is watched, and perhaps filtered, while it is sent.
    pub(super) fn watched(body: impl HttpBody<Data = Bytes, Error = io::Error> + Send + 'static) -> Self {
        BodyKind::Watched(Box::pin(body)).into()
    }

    /// The same, counted as in flight until its end, for its caller if it has one.
    pub(super) fn counted(mut self, under_way: InFlightGuard, turn: Option<RequestSlot>) -> Self {
        self.under_way = Some((under_way, turn));
        self
    }

    /// The same; its connection is not idle until its end.
    pub(super) fn attended(mut self, mut attention: BusyGuard) -> Self {
        if matches!(self.under_way, Some((_, Some(_)))) {
            attention.is_known();
        }
        self._attention = Some(attention);
        self
    }
}

impl From<BodyKind> for Body {
    fn from(kind: BodyKind) -> Self {
        Self { kind, under_way: None, _attention: None }
    }
}

impl InFlightGuard {
    /// Adds one, unless there are `most` already.
    pub(super) fn begin(count: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let one = Self(count.clone());
        // Counted first: dropping `one` takes it back.
        let before = count.fetch_add(1, Ordering::Relaxed);
        (before < most).then_some(one)
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.get_mut().kind {
            BodyKind::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            BodyKind::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            BodyKind::Watched(body) => body.as_mut().poll_frame(context),
            BodyKind::Pass(inflow) => Pin::new(inflow)
                .poll_frame(context)
                .map(|frame| frame.map(|frame| frame.map_err(io::Error::other))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            BodyKind::Full(bytes) => bytes.is_empty(),
            BodyKind::Pass(inflow) => inflow.is_end_stream(),
            BodyKind::Watched(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            BodyKind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            BodyKind::Pass(inflow) => inflow.size_hint(),
            BodyKind::Watched(_) => SizeHint::default(),
        }
    }
}
