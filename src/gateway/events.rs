//! Long-lived answers to a caller: event streams and large bodies, scanned or filtered if they may contain what the
//! caller must not see, kept alive while they are quiet, and ended when the caller's token or rights end. Not here:
//! the event format (see `sse`); lists (see `filter`); rights (see `watch`).

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame};
use tokio::time::Instant;
use tracing::warn;

use super::accounts::Reservation;
use super::catalogue::ListListener;
use super::pool::UpstreamBody;
use super::servers::endpoints::Transport;
use super::watch::{AnswerWatch, CHECK_INTERVAL};
use super::wire::list_scan::ListScan;
use super::wire::sse::{self, Boundary, EventAction, RawEvent, SseFilter};
use crate::sys::coding::Decoded;

/// An answer being sent.
pub(super) struct Events {
    /// What arrived before it was known that there is more.
    held: VecDeque<Bytes>,
    inflow: Inflow,
    reading: ReadMode,
    /// How often a quiet stream gets a comment; zero for never.
    every: Duration,
    last: Instant,
    alarm: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    watch: AnswerWatch,
    /// Memory for an event that is buffered.
    hold: Option<Reservation>,
    over: bool,
    /// How the server's connection broke, and whether what arrived before has been flushed.
    broken: Option<(io::Error, bool)>,
}

/// A server's body as it is read here.
pub(super) enum Inflow {
    /// As it came.
    Plain(UpstreamBody),
    /// Without its content codings.
    Decoded(Decoded),
}

/// How an answer is processed.
pub(super) enum ReadMode {
    /// Events that contain nothing for which a caller could lack rights.
    Passed(Boundary),
    /// Events that are scanned, or parsed.
    Filtered(SseFilter<Decide>),
    /// A body that is scanned: a disallowed part found late ends it.
    Looked(ListScan),
    /// A body passed through.
    Raw,
}

type Decide = Box<dyn FnMut(&RawEvent<'_>) -> EventAction + Send>;

/// A comment (WHATWG HTML section 9.2.6): clients ignore it, and proxies see activity.
const COMMENT: &[u8] = b":\n\n";

impl ReadMode {
    /// The events of a stream that may carry anything, lists and addresses among them: each is read.
    /// The listener gets each event before anything is removed.
    pub(super) fn strictly(
        watch: &AnswerWatch,
        transport: Transport,
        limit: usize,
        listener: Option<ListListener>,
    ) -> Self {
        let (mut decide, copy) = (watch.strictly(transport), watch.copies());
        let heard = move |event: &RawEvent<'_>| {
            if let Some(listener) = &listener {
                listener.hear(&event.data, || copy(&event.data));
            }
            decide(event)
        };
        Self::Filtered(SseFilter::new(limit, Box::new(heard)))
    }

    /// The events of a stream that answers one message: those that may contain a list are parsed.
    pub(super) fn answers(watch: &AnswerWatch, limit: usize) -> Self {
        Self::Filtered(SseFilter::looking(limit, Box::new(sse::answers(watch.shows()))))
    }
}

impl Inflow {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self {
            Self::Plain(body) => Pin::new(body)
                .poll_frame(context)
                .map(|frame| frame.map(|frame| frame.map_err(io::Error::other))),
            Self::Decoded(body) => Pin::new(body).poll_frame(context),
        }
    }
}

impl Events {
    /// The rest of an answer, of which this much has been buffered and scanned. A quiet one gets a comment `every` so
    /// often.
    pub(super) fn new(
        held: VecDeque<Bytes>,
        inflow: Inflow,
        reading: ReadMode,
        every: Duration,
        watch: AnswerWatch,
    ) -> Self {
        let (last, alarm, over) = (Instant::now(), None, false);
        let hold = matches!(reading, ReadMode::Filtered(_)).then(|| watch.hold());
        Self { held, inflow, reading, every, last, alarm, watch, hold, over, broken: None }
    }

    /// The same for a server that closed the connection after what was buffered.
    pub(super) fn broken(mut self, error: Option<io::Error>) -> Self {
        self.broken = error.map(|error| (error, false));
        self
    }

    /// The next bytes, or a comment if one is due.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        while !self.over {
            if ready!(self.watch.poll(context)).is_err() {
                return self.cut();
            }
            if let Some(held) = self.held.pop_front() {
                match self.take_held(held) {
                    Ok(bytes) if bytes.is_empty() => continue,
                    Ok(bytes) => return self.give(bytes),
                    Err(error) => return self.fail(error),
                }
            }
            if let Some((_, written)) = &mut self.broken {
                // Unflushed data is lost when a body fails; it is flushed when there is nothing more for now.
                if !std::mem::replace(written, true) {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                return match self.broken.take() {
                    Some((error, _)) => self.fail(error),
                    None => self.end(None),
                };
            }
            match self.inflow.poll(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(chunk) = frame.into_data() else { continue };
                    match self.take(chunk) {
                        Ok(bytes) if bytes.is_empty() => {}
                        Ok(bytes) => return self.give(bytes),
                        Err(error) => return self.fail(error),
                    }
                }
                Poll::Ready(Some(Err(error))) => self.broken = Some((error, false)),
                Poll::Ready(None) => return self.finish(),
                Poll::Pending => {
                    if ready!(self.quiet(context)) {
                        return self.give(Bytes::from_static(COMMENT));
                    }
                }
            }
        }
        Poll::Ready(None)
    }

    /// What was buffered of another body has been scanned already.
    fn take_held(&mut self, held: Bytes) -> io::Result<Bytes> {
        match self.reading {
            ReadMode::Looked(_) | ReadMode::Raw => Ok(held),
            ReadMode::Passed(_) | ReadMode::Filtered(_) => self.take(held),
        }
    }

    fn take(&mut self, chunk: Bytes) -> io::Result<Bytes> {
        match &mut self.reading {
            ReadMode::Passed(boundary) => {
                boundary.pass(&chunk);
                Ok(chunk)
            }
            ReadMode::Filtered(filter) => {
                let bytes = filter.pass(chunk).map_err(io::Error::other)?;
                let taken = self.hold.as_mut().map_or(Ok(()), |hold| hold.settle(filter.held()));
                let kept = taken.and_then(|()| self.watch.keep_large(bytes));
                kept.map_err(|_| io::ErrorKind::OutOfMemory.into())
            }
            ReadMode::Looked(look) => {
                let late = "an answer from the server has a list where it cannot be filtered";
                if look.tells(&chunk) { Err(io::Error::other(late)) } else { Ok(chunk) }
            }
            ReadMode::Raw => Ok(chunk),
        }
    }

    fn give(&mut self, bytes: Bytes) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.last = Instant::now();
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn end(&mut self, error: Option<io::Error>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.over = true;
        Poll::Ready(error.map(Err))
    }

    /// What arrived must not be shown, and so nothing after it.
    fn fail(&mut self, error: io::Error) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let (server, request) = (self.watch.server(), self.watch.request_id());
        warn!(event = "events", request, "{server}: its answer was cut off: {error}");
        self.end(Some(error))
    }

    /// The caller's rights have ended. An event stream may end anywhere; another body must not look complete.
    fn cut(&mut self) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let whole = matches!(self.reading, ReadMode::Looked(_) | ReadMode::Raw);
        self.end(whole.then(|| io::Error::other("the caller's rights have ended")))
    }

    /// The server has finished.
    fn finish(&mut self) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.over = true;
        let rest = match &mut self.reading {
            ReadMode::Filtered(filter) => filter.rest(),
            ReadMode::Passed(_) | ReadMode::Looked(_) | ReadMode::Raw => Bytes::new(),
        };
        if rest.is_empty() { Poll::Ready(None) } else { self.give(rest) }
    }

    /// Waits for the next check of a quiet answer; returns whether to send a comment, or to check again.
    fn quiet(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let every = if self.every.is_zero() { CHECK_INTERVAL } else { self.every };
        let alarm = self.alarm.get_or_insert_with(|| self.watch.alarm(self.last + every));
        ready!(alarm.as_mut().poll(context));
        // Reset once per period or change, not per chunk.
        self.alarm = None;
        let now = Instant::now();
        let was_quiet = self.last + every <= now;
        if was_quiet {
            self.last = now;
        }
        Poll::Ready(was_quiet && !self.every.is_zero() && self.at_boundary())
    }

    fn at_boundary(&self) -> bool {
        match &self.reading {
            ReadMode::Passed(boundary) => boundary.at_boundary(),
            ReadMode::Filtered(filter) => filter.goes_out_whole(),
            ReadMode::Looked(_) | ReadMode::Raw => false,
        }
    }
}

impl HttpBody for Events {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.get_mut().poll(context)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if let ReadMode::Filtered(filter) = &self.reading
            && filter.dropped() > 0
        {
            let (server, request, dropped) = (self.watch.server(), self.watch.request_id(), filter.dropped());
            warn!(event = "events", request, "{server}: {dropped} events could not be read and were dropped");
        }
    }
}
