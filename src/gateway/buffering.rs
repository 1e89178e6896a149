//! Buffers a server's body until it is complete or too large to buffer: most answers are small, and a small one can
//! be checked as a whole. Not here: the checks (see `forward`).

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame};

use super::pool::UpstreamBody;
use super::wire::sse::BUFFER_BYTES;

/// What has arrived of a body.
pub(super) enum BufferedBody {
    /// All of it.
    Whole(Bytes),
    /// Its beginning.
    Part(VecDeque<Bytes>),
}

/// A body of which these parts have arrived.
pub(super) struct BegunBody {
    pub(super) parts: VecDeque<Bytes>,
    pub(super) inflow: UpstreamBody,
}

/// Reads until the body ends, or until [`BUFFER_BYTES`] bytes have arrived. A body in one piece is not copied.
///
/// # Errors
/// The server closed the connection early.
pub(super) async fn hold(inflow: &mut UpstreamBody) -> hyper::Result<BufferedBody> {
    let mut only = Bytes::new();
    let mut more = VecDeque::new();
    let mut length = 0;
    while let Some(frame) = inflow.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        length += data.len();
        if only.is_empty() && more.is_empty() {
            only = data;
        } else {
            if more.is_empty() {
                more.push_back(std::mem::take(&mut only));
            }
            more.push_back(data);
        }
        if inflow.is_end_stream() {
            break;
        }
        if length > BUFFER_BYTES {
            if more.is_empty() {
                more.push_back(only);
            }
            return Ok(BufferedBody::Part(more));
        }
    }
    Ok(BufferedBody::Whole(if more.is_empty() { only } else { joined(more) }))
}

/// What arrives of a stream's body without waiting, at most slightly more than [`BUFFER_BYTES`] bytes; whether it ended, if
/// known.
///
/// # Errors
/// The server closed the connection early; what arrived before is buffered.
pub(super) async fn come(inflow: &mut UpstreamBody, held: &mut VecDeque<Bytes>) -> hyper::Result<bool> {
    let all = async {
        let mut length = 0;
        while let Some(frame) = inflow.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            length += data.len();
            held.push_back(data);
            if length > BUFFER_BYTES {
                return Ok(false);
            }
        }
        Ok(true)
    };
    soon(pin!(all)).await.unwrap_or(Ok(false))
}

/// One of several pieces.
pub(super) fn joined(mut parts: VecDeque<Bytes>) -> Bytes {
    if parts.len() == 1 {
        return parts.pop_front().unwrap_or_default();
    }
    let mut whole = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    parts.iter().for_each(|part| whole.extend_from_slice(part));
    whole.freeze()
}

impl HttpBody for BegunBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        match self.parts.pop_front() {
            Some(part) => Poll::Ready(Some(Ok(Frame::data(part)))),
            None => Pin::new(&mut self.inflow).poll_frame(context),
        }
    }
}

/// The result of a future if it is ready without waiting: at once, or after other work on this core.
pub(super) async fn soon<F: Future>(mut what: Pin<&mut F>) -> Option<F::Output> {
    if let Some(done) = what.as_mut().now_or_never() {
        return Some(done);
    }
    step_back().await;
    what.now_or_never()
}

/// Lets the ready tasks on this core run, including the connection to the server. The runtime's own yield would poll
/// every socket first, which is a system call.
async fn step_back() {
    let mut again = true;
    poll_fn(|context| {
        if !std::mem::take(&mut again) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
