//! Event streams on their way to a caller: filtered where they may carry lists, kept alive where they are quiet, and ended
//! when the caller's token or rights end. It leaves the form of an event to `sse` and lists to `filter`.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body as _, Frame};
use tokio::time::{Instant, Sleep, sleep_until};

use super::accounts::Hold;
use super::authn::Caller;
use super::pool::Inflow;
use super::servers::join::Transport;
use super::session::Bound;
use super::settings::Visibility;
use super::state::{Shared, Upstream};
use super::wire::sse::{self, Boundary, Event, SseFilter, Verdict};
use crate::policy::{Call, Grants, decide};
use crate::sys::clock;

/// A stream under way.
pub(super) struct Events {
    inflow: Inflow,
    reading: Reading,
    /// How often a quiet stream gets a comment; zero for never.
    every: Duration,
    last: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    watch: Option<Watch>,
    /// Memory for an event that is read whole.
    hold: Option<Hold>,
    over: bool,
}

/// Whether a caller may still have what a stream brings.
#[derive(Clone)]
pub(super) struct Watch {
    shared: Arc<Shared>,
    caller: Arc<Caller>,
    upstream: Arc<Upstream>,
    transport: Transport,
    /// What the caller may see, and when that was found out.
    grants: Grants,
    epoch: u64,
}

enum Reading {
    Passed(Boundary),
    Filtered(SseFilter<Decide>),
}

type Decide = Box<dyn FnMut(&Event<'_>) -> Verdict + Send>;

/// A comment (WHATWG HTML section 9.2.6): clients ignore it, proxies see that somebody is there.
const COMMENT: &[u8] = b":\n\n";
/// How often a stream without comments is looked at.
const LOOK: Duration = Duration::from_secs(15);

impl Events {
    /// A stream that answers one message: passed on as it comes.
    pub(super) fn passed(inflow: Inflow, every: Duration) -> Self {
        Self::new(inflow, every, Reading::Passed(Boundary::default()), None)
    }

    /// A stream that outlives its request: ended with the caller's rights, and filtered if it may carry lists; then no
    /// event may be larger than so many bytes.
    pub(super) fn watched(inflow: Inflow, every: Duration, watch: Watch, filtered: Option<usize>) -> Self {
        let reading = match filtered {
            None => Reading::Passed(Boundary::default()),
            Some(limit) => Reading::Filtered(SseFilter::new(limit, watch.clone().decide())),
        };
        Self::new(inflow, every, reading, Some(watch))
    }

    fn new(inflow: Inflow, every: Duration, reading: Reading, watch: Option<Watch>) -> Self {
        let hold = watch.as_ref().map(|watch| watch.caller.account.hold(&watch.shared.settings.limits));
        Self { inflow, reading, every, last: Instant::now(), timer: None, watch, hold, over: false }
    }

    /// The next bytes, or a comment if it is time for one.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        while !self.over {
            match Pin::new(&mut self.inflow).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(chunk) = frame.into_data() else { continue };
                    match self.take(chunk) {
                        Ok(bytes) if bytes.is_empty() => {}
                        Ok(bytes) => return self.give(bytes),
                        Err(error) => return self.end(Some(error)),
                    }
                }
                Poll::Ready(Some(Err(error))) => return self.end(Some(io::Error::other(error))),
                Poll::Ready(None) => return self.end(None),
                Poll::Pending => {
                    if ready!(self.quiet(context)) {
                        return self.give(Bytes::from_static(COMMENT));
                    }
                }
            }
        }
        Poll::Ready(None)
    }

    fn take(&mut self, chunk: Bytes) -> io::Result<Bytes> {
        match &mut self.reading {
            Reading::Passed(boundary) => {
                boundary.pass(&chunk);
                Ok(chunk)
            }
            Reading::Filtered(filter) => {
                let bytes = filter.push(&chunk).map_err(io::Error::other)?;
                let taken = self.hold.as_mut().map_or(Ok(()), |hold| hold.settle(filter.held()));
                taken.map(|()| bytes).map_err(|_| io::ErrorKind::OutOfMemory.into())
            }
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

    /// Waits for the next look at a quiet stream; whether a comment is to go out, or the loop to look again.
    fn quiet(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let every = if self.every.is_zero() { LOOK } else { self.every };
        if self.every.is_zero() && self.watch.is_none() {
            return Poll::Pending;
        }
        let due = self.last + every;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        ready!(timer.as_mut().poll(context));
        let now = Instant::now();
        if self.watch.as_mut().is_some_and(|watch| !watch.still_good()) {
            self.over = true;
            return Poll::Ready(false);
        }
        // The timer is set once a period, not once a chunk.
        let due = if due > now { due } else { now + every };
        timer.as_mut().reset(due);
        let was_quiet = self.last + every <= now;
        if was_quiet {
            self.last = now;
        }
        Poll::Ready(was_quiet && !self.every.is_zero() && self.at_boundary())
    }

    fn at_boundary(&self) -> bool {
        match &self.reading {
            Reading::Passed(boundary) => boundary.at_boundary(),
            // What goes out of a filter are whole events.
            Reading::Filtered(_) => true,
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if let (Reading::Filtered(filter), Some(watch)) = (&self.reading, &self.watch)
            && filter.dropped() > 0
        {
            let text = format!(
                "{}: {} events could not be read and were dropped",
                watch.upstream.name(),
                filter.dropped()
            );
            watch.shared.journal.warn("events", &text);
        }
    }
}

impl Watch {
    pub(super) fn new(
        shared: Arc<Shared>,
        caller: Arc<Caller>,
        upstream: Arc<Upstream>,
        transport: Transport,
    ) -> Self {
        // Never the present epoch: the first look finds out what is in force now.
        Self { grants: caller.grants.clone(), shared, caller, upstream, transport, epoch: u64::MAX }
    }

    /// Whether the token is still good, and the caller still has something on this server.
    fn still_good(&mut self) -> bool {
        if clock::now() >= self.caller.expires_at {
            return false;
        }
        let epoch = self.shared.epoch();
        if epoch != self.epoch {
            let state = self.shared.state();
            if state.revoked.has(&self.caller.principal) {
                return false;
            }
            self.grants = state.policy.grants(&self.caller.principal);
            self.epoch = epoch;
        }
        decide(&self.grants, self.upstream.name(), &Call::Stream).is_ok()
            && self.upstream.healthy.load(Ordering::Relaxed)
    }

    /// What becomes of each event.
    fn decide(self) -> Decide {
        let mut watching = self;
        Box::new(move |event| {
            if !watching.still_good() {
                return Verdict::Drop;
            }
            let (grants, server) = (&watching.grants, watching.upstream.name());
            let all = watching.shared.settings.list_visibility == Visibility::All;
            let shows = |listed, name: &str| all || grants.shows(server, listed, name);
            sse::events(shows, |address| watching.announced(address))(event)
        })
    }

    /// The address for messages that an old server announces (MCP 2024-11-05), as an address of the gateway's, for this
    /// caller alone; none if it leads to another machine.
    fn announced(&self, address: &str) -> Option<String> {
        let server = &self.upstream.route.server;
        if self.transport != Transport::Sse {
            return None;
        }
        let base = server.url.join(server.endpoints.sse.uri.path()).ok()?;
        let url = base.join(address.trim()).ok().filter(|url| url.origin() == base.origin())?;
        let mut target = url.path().to_owned();
        if let Some(query) = url.query() {
            target.push('?');
            target.push_str(query);
        }
        let sealed =
            self.shared.session_key.wrap(Bound::Endpoint, &target, &self.caller, self.upstream.name());
        Some(format!("/{}/messages/{sealed}", self.upstream.name()))
    }
}
