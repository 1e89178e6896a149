//! Holds a server's body back until all of it is there, or more than is worth holding: most answers are small, and a small
//! one can be judged whole. It leaves the judgement to `forward`.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::body::Body as _;

use super::pool::UpstreamBody;
use super::wire::sse::HELD;

/// What has come of a body.
pub(super) enum BufferedBody {
    /// All of it.
    Whole(Bytes),
    /// Its beginning.
    Part(VecDeque<Bytes>),
}

/// Reads on until the body ends, or until [`HELD`] bytes have come. One that comes in one piece is not copied.
///
/// # Errors
/// The server broke off.
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
        if length > HELD {
            if more.is_empty() {
                more.push_back(only);
            }
            return Ok(BufferedBody::Part(more));
        }
    }
    Ok(BufferedBody::Whole(if more.is_empty() { only } else { joined(more, Bytes::new()) }))
}

/// What comes of a stream's body without anybody waiting for it, at most a little over [`HELD`] bytes; whether it ended, if
/// that is known.
///
/// # Errors
/// The server broke off; what came before that has been held.
pub(super) async fn come(inflow: &mut UpstreamBody, held: &mut VecDeque<Bytes>) -> hyper::Result<bool> {
    let all = async {
        let mut length = 0;
        while let Some(frame) = inflow.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            length += data.len();
            held.push_back(data);
            if length > HELD {
                return Ok(false);
            }
        }
        Ok(true)
    };
    soon(pin!(all)).await.unwrap_or(Ok(false))
}

/// One piece of several, and what follows them.
pub(super) fn joined(mut parts: VecDeque<Bytes>, rest: Bytes) -> Bytes {
    if rest.is_empty() && parts.len() == 1 {
        return parts.pop_front().unwrap_or_default();
    }
    let length = parts.iter().map(Bytes::len).sum::<usize>() + rest.len();
    let mut whole = BytesMut::with_capacity(length);
    parts.iter().chain([&rest]).for_each(|part| whole.extend_from_slice(part));
    whole.freeze()
}

/// What something comes to, if it does so without anybody waiting for it: at once, or after whatever else this core has to do.
pub(super) async fn soon<F: Future>(mut what: Pin<&mut F>) -> Option<F::Output> {
    if let Some(done) = what.as_mut().now_or_never() {
        return Some(done);
    }
    step_back().await;
    what.now_or_never()
}

/// Lets the tasks run that are ready on this core, the connection to the server among them. The runtime's own way would look
/// at every socket first, which is a system call.
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
