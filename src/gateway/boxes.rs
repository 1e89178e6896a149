//! The memory that requests run in: on each core, one request's is the next one's. It is large, and allocating it again
//! would be most of what a request costs the allocator. Not here: what runs in it (see `worker`).

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use hyper::Response;
use tokio_util::sync::ReusableBoxFuture;

use super::body::Body;

/// What a request comes to.
type Answer = Result<Response<Body>, Infallible>;

/// The boxes of one core that nothing runs in.
#[derive(Default)]
pub(super) struct Boxes(Mutex<Vec<ReusableBoxFuture<'static, Answer>>>);

/// A request that runs in a box. Its end gives the box back, before the answer's body has gone out.
pub(super) struct Boxed {
    boxes: Arc<Boxes>,
    running: Option<ReusableBoxFuture<'static, Answer>>,
}

/// Boxes that are kept.
const KEPT: usize = 64;

impl Boxes {
    /// Runs a request in a box.
    pub(super) fn run(self: &Arc<Self>, request: impl Future<Output = Answer> + Send + 'static) -> Boxed {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let running = match spare {
            Some(mut spare) => {
                spare.set(request);
                spare
            }
            None => ReusableBoxFuture::new(request),
        };
        Boxed { boxes: self.clone(), running: Some(running) }
    }
}

impl Future for Boxed {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let Self { boxes, running } = self.get_mut();
        let Some(request) = running else { return Poll::Pending };
        let answer = ready!(request.poll(context));
        let mut spare = boxes.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = spare.len() < KEPT;
        // What has ended holds nothing any more.
        spare.extend(running.take().filter(|_| room));
        Poll::Ready(answer)
    }
}
