//! Connections to the servers: one pool per worker, last in first out, so that nothing is shared between cores. Not
//! here: what is sent and what an answer means (see `forward`).

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hashbrown::HashMap;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Host;

use super::alarm::Alarm;
use super::connections::Connections;
use super::dial::dial;
use super::servers::origin::UpstreamOrigin;
use crate::sys::descriptors::are_used_up;
use crate::sys::trust::Trust;

/// A worker's connections.
pub(super) struct Pool {
    trust: Trust,
    /// Closes idle connections when there are no descriptors for a server.
    crowd: Arc<Connections>,
    shelves: Mutex<HashMap<Arc<UpstreamOrigin>, Arc<Shelf>>>,
}

/// Connections to one address that nobody uses, the last one that was given back on top.
type Shelf = Mutex<Vec<Idle>>;

/// An answer's body, with its connection. If it is read to its end, the connection is kept; if it is dropped before,
/// the connection closes, so that the server notices within moments that its caller is gone (MCP 2026-07-28,
/// "Cancellation").
pub(super) struct UpstreamBody {
    incoming: Incoming,
    lease: Option<Lease>,
}

/// A connection during one exchange.
struct Lease {
    line: PooledConnection,
    shelf: Arc<Shelf>,
}

struct Idle {
    line: PooledConnection,
    since: Instant,
}

/// A connection, by its requesting end.
struct PooledConnection {
    sender: RequestSender,
    /// The headers of the request under way: sending uses them up, and a redirect needs them again. Kept with the
    /// connection, so that only its first request allocates.
    sent: Vec<(HeaderName, HeaderValue)>,
}

/// The headers of the request that a redirect answers, among the extensions of that answer.
#[derive(Clone)]
pub(super) struct SentHeaders(pub(super) HeaderMap);

/// The requesting end of a connection. The other end reads and writes in its own task: driven by the task that waits
/// for the answer, it would be polled more often than needed, which cost a tenth of the throughput.
type RequestSender = SendRequest<Full<Bytes>>;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum ExchangeError {
    Connect(io::Error),
    Exchange(hyper::Error),
    /// The server switched protocols without being asked (RFC 9110 section 15.2.2).
    Switched,
    Slow,
}

/// How an exchange is made.
#[derive(Clone, Copy)]
pub(super) struct Timeouts {
    pub(super) connect: Duration,
    pub(super) answer: Duration,
}

/// Connections kept for one address.
const KEPT: usize = 256;
/// Shorter than most servers keep an idle connection (at least five seconds): if it closes while we send, the request
/// is lost.
const QUIET: Duration = Duration::from_secs(4);
/// How long closing takes to free a descriptor.
const MOMENT: Duration = Duration::from_millis(10);
/// How much is read ahead, or waits to be written, on a connection, in bytes: an answer that nobody reads waits at
/// its server.
pub(super) const BUFFER: usize = 64 << 10;
/// The read size of a connection that carries a stream: thousands of them may be open.
const STREAM_BUFFER: usize = 2048;

impl Pool {
    /// No connections yet. The certificates of `trust` are read when the first TLS server is dialled.
    pub(super) fn new(trust: Trust, crowd: Arc<Connections>) -> Self {
        Self { trust, crowd, shelves: Mutex::default() }
    }

    /// Sends `request` and waits for the answer's headers, on a kept connection or a new one. `stream` is for an
    /// answer that is expected to stay open: it gets its own connection with small buffers. The alarm is the
    /// client connection's. A redirect has [`SentHeaders`] among its extensions.
    pub(super) async fn exchange(
        &self,
        origin: &Arc<UpstreamOrigin>,
        mut request: Request<Full<Bytes>>,
        (patience, alarm): (Timeouts, &Alarm),
        stream: bool,
    ) -> Result<Response<UpstreamBody>, ExchangeError> {
        let shelf = self.shelf(origin);
        loop {
            let now = Instant::now();
            let kept = if stream { None } else { take(&shelf, now) };
            let fresh = kept.is_none();
            let mut line = match kept {
                Some(line) => line,
                // Boxed: a handshake is large, and most requests need none.
                None => {
                    let connected = Box::pin(self.connect(origin, patience.connect, stream));
                    connected.await.map_err(ExchangeError::Connect)?
                }
            };
            // A connection that was just given back may take a moment to be ready again.
            if !line.sender.is_ready() && line.sender.ready().await.is_err() {
                if fresh {
                    return Err(ExchangeError::Connect(io::ErrorKind::ConnectionAborted.into()));
                }
                continue;
            }
            line.keep(request.headers());
            let due = if fresh { Instant::now() } else { now } + patience.answer;
            match alarm.within(due.into(), line.sender.try_send_request(request)).await {
                // From here on it would speak another protocol; an interim answer (1xx) is not an answer, and is not
                // passed on.
                Some(Ok(response)) if response.status().is_informational() => {
                    return Err(ExchangeError::Switched);
                }
                Some(Ok(mut response)) => {
                    if response.status().is_redirection() {
                        let sent = SentHeaders(line.sent.drain(..).collect());
                        response.extensions_mut().insert(sent);
                    }
                    line.sent.clear();
                    let lease = Lease { line, shelf };
                    return Ok(response.map(|incoming| UpstreamBody::new(incoming, lease)));
                }
                // Nothing of it was sent, so sending it again is safe.
                Some(Err(mut failure)) if !fresh && failure.message().is_some() => {
                    match failure.take_message() {
                        Some(unsent) => request = unsent,
                        None => return Err(ExchangeError::Exchange(failure.into_error())),
                    }
                }
                Some(Err(failure)) => return Err(ExchangeError::Exchange(failure.into_error())),
                None => return Err(ExchangeError::Slow),
            }
        }
    }

    /// Connects. Without a free descriptor, unused connections are closed, to servers and clients, and it is retried
    /// for as long as a connection may take.
    async fn connect(
        &self,
        origin: &UpstreamOrigin,
        within: Duration,
        stream: bool,
    ) -> io::Result<PooledConnection> {
        let began = Instant::now();
        loop {
            match connect(origin, &self.trust, within, stream).await {
                Err(error) if are_used_up(&error) && began.elapsed() < within => {
                    self.forget();
                    self.crowd.make_room(1);
                    tokio::time::sleep(MOMENT).await;
                }
                other => return other,
            }
        }
    }

    /// Closes every unused connection.
    pub(super) fn forget(&self) {
        lock(&self.shelves).values().for_each(|shelf| lock(shelf).clear());
    }

    /// Closes connections that have been idle for too long, while the worker lives.
    pub(super) async fn sweep(self: Arc<Self>) {
        loop {
            tokio::time::sleep(QUIET).await;
            lock(&self.shelves).retain(|_, shelf| {
                let mut kept = lock(shelf);
                kept.retain(|idle| idle.since.elapsed() <= QUIET);
                // An exchange that is under way gives back to the shelf that it found.
                !kept.is_empty() || Arc::strong_count(shelf) > 1
            });
        }
    }

    fn shelf(&self, origin: &Arc<UpstreamOrigin>) -> Arc<Shelf> {
        lock(&self.shelves).entry_ref(origin).or_default().clone()
    }
}

fn take(shelf: &Shelf, now: Instant) -> Option<PooledConnection> {
    let mut kept = lock(shelf);
    while let Some(Idle { line, since }) = kept.pop() {
        if now.duration_since(since) > QUIET {
            // Those below are older still.
            kept.clear();
        } else if !line.sender.is_closed() {
            return Some(line);
        }
    }
    None
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PooledConnection {
    fn keep(&mut self, headers: &HeaderMap) {
        self.sent.extend(headers.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
}

impl UpstreamBody {
    fn new(incoming: Incoming, lease: Lease) -> Self {
        let mut inflow = Self { incoming, lease: Some(lease) };
        if inflow.incoming.is_end_stream() {
            inflow.give_back();
        }
        inflow
    }

    fn give_back(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(context));
        let over = match &frame {
            None => true,
            // A body of known length is not polled again after its last byte.
            Some(Ok(_)) => self.incoming.is_end_stream(),
            Some(Err(_)) => false,
        };
        if over {
            self.give_back();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Lease {
    /// The exchange is over; the connection may be used again.
    fn give_back(self) {
        if self.line.sender.is_closed() {
            return;
        }
        let mut kept = lock(&self.shelf);
        if kept.len() < KEPT {
            kept.push(Idle { line: self.line, since: Instant::now() });
        }
    }
}

async fn connect(
    origin: &UpstreamOrigin,
    trust: &Trust,
    within: Duration,
    stream: bool,
) -> io::Result<PooledConnection> {
    let connected = timeout(within, async {
        let tcp = dial(&name(origin), origin.port).await?;
        tcp.set_nodelay(true)?;
        if !origin.tls {
            return handshake(tcp, stream).await;
        }
        let server = ServerName::try_from(name(origin)).map_err(io::Error::other)?;
        let tls = TlsConnector::from(trust.client_config()?).connect(server, tcp).await?;
        handshake(tls, stream).await
    });
    connected.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// The host in the form for look-ups and certificates: without brackets.
fn name(origin: &UpstreamOrigin) -> String {
    match &origin.host {
        Host::Ipv6(ip) => ip.to_string(),
        other => other.to_string(),
    }
}

async fn handshake<T>(io: T, stream: bool) -> io::Result<PooledConnection>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(BUFFER);
    if stream {
        builder.read_buf_exact_size(Some(STREAM_BUFFER));
    }
    let (sender, connection) = builder.handshake(TokioIo::new(io)).await.map_err(io::Error::other)?;
    // Its errors are also errors of the exchange.
    tokio::spawn(async move { connection.await.is_ok() });
    Ok(PooledConnection { sender, sent: Vec::new() })
}
