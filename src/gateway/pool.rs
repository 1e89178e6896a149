//! Connections to the servers: one pool a worker, last in first out, so that nothing is shared between cores.
//! It leaves what is sent and what an answer means to `forward`.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hashbrown::HashMap;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Host;

use super::connections::Connections;
use super::dial::dial;
use super::sent::{Noted, Written};
use super::servers::origin::UpstreamOrigin;
use crate::sys::descriptors::are_used_up;
use crate::sys::trust::Trust;

/// A worker's connections.
pub(super) struct Pool {
    trust: Trust,
    /// Who leaves when there are no descriptors for a server.
    crowd: Arc<Connections>,
    idle: Mutex<HashMap<Arc<UpstreamOrigin>, Vec<Idle>>>,
}

/// An answer's body, with the connection it comes on. Read to its end, the connection is kept; dropped before, it closes, so
/// that the server sees its caller's end within moments (MCP 2026-07-28, "Cancellation").
pub(super) struct UpstreamBody {
    incoming: Incoming,
    lease: Option<Lease>,
}

/// A connection that is busy with one exchange.
struct Lease {
    line: Line,
    origin: Arc<UpstreamOrigin>,
    pool: Arc<Pool>,
}

struct Idle {
    line: Line,
    since: Instant,
}

/// A connection, by its end that is asked, and what was written on it. The other end reads and writes in a task of its own: driven from whoever waits
/// for the answer it would be polled more often than it has something to do, which cost a tenth of the throughput.
struct Line {
    sender: SendRequest<Full<Bytes>>,
    written: Arc<Written>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum ExchangeError {
    Connect(io::Error),
    Exchange(hyper::Error),
    /// The server changed to another protocol, which nobody asked it for (RFC 9110 section 15.2.2).
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
/// Shorter than most servers keep a quiet connection (five seconds at the least): one that closes while we send loses
/// the request.
const QUIET: Duration = Duration::from_secs(4);
/// How long closing takes to be of use.
const MOMENT: Duration = Duration::from_millis(10);
/// The most that is read ahead, or waits to be written, on a connection, in bytes: an answer that nobody takes waits at its
/// server.
pub(super) const BUFFER: usize = 32 << 10;
/// What is read at once on a connection that carries a stream: thousands of them may be open.
const STREAM_BUFFER: usize = 2048;

impl Pool {
    /// No connections yet. The certificates of `trust` are read when the first server with TLS is dialled.
    pub(super) fn new(trust: Trust, crowd: Arc<Connections>) -> Self {
        Self { trust, crowd, idle: Mutex::default() }
    }

    /// Sends `request` and waits for the head of the answer, on a kept connection or a new one. `stream` is for an answer
    /// that is expected to stay open: it gets a small connection of its own. A redirect has what was [`Sent`](super::sent::Sent) among its
    /// extensions.
    pub(super) async fn exchange(
        self: &Arc<Self>,
        origin: &Arc<UpstreamOrigin>,
        mut request: Request<Full<Bytes>>,
        patience: Timeouts,
        stream: bool,
    ) -> Result<Response<UpstreamBody>, ExchangeError> {
        loop {
            let kept = if stream { None } else { self.take(origin) };
            let fresh = kept.is_none();
            let mut line = match kept {
                Some(line) => line,
                // Boxed: a handshake is large, and most requests need none.
                None => {
                    let connected = Box::pin(self.connect(origin, patience.connect, stream));
                    connected.await.map_err(ExchangeError::Connect)?
                }
            };
            // A connection that was just given back says in a moment whether it is still good.
            if !line.sender.is_ready() && line.sender.ready().await.is_err() {
                if fresh {
                    return Err(ExchangeError::Connect(io::ErrorKind::ConnectionAborted.into()));
                }
                continue;
            }
            line.written.begin();
            match timeout(patience.answer, line.sender.try_send_request(request)).await {
                // It would speak another protocol from here on; an interim answer (1xx) is none, and is not passed on.
                Ok(Ok(response)) if response.status().is_informational() => {
                    return Err(ExchangeError::Switched);
                }
                Ok(Ok(mut response)) => {
                    if response.status().is_redirection()
                        && let Some(sent) = line.written.headers()
                    {
                        response.extensions_mut().insert(sent);
                    }
                    let lease = Lease { line, origin: origin.clone(), pool: self.clone() };
                    return Ok(response.map(|incoming| UpstreamBody::new(incoming, lease)));
                }
                // Nothing of it was sent, so that sending it again does nothing twice.
                Ok(Err(mut failure)) if !fresh && failure.message().is_some() => {
                    match failure.take_message() {
                        Some(unsent) => request = unsent,
                        None => return Err(ExchangeError::Exchange(failure.into_error())),
                    }
                }
                Ok(Err(failure)) => return Err(ExchangeError::Exchange(failure.into_error())),
                Err(_) => return Err(ExchangeError::Slow),
            }
        }
    }

    /// Connects. Without a descriptor for it, connections that nobody uses are closed, here and of clients, and it is tried
    /// again for as long as a connection may take.
    async fn connect(&self, origin: &UpstreamOrigin, within: Duration, stream: bool) -> io::Result<Line> {
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

    /// Closes every connection that nobody uses.
    pub(super) fn forget(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Closes what has been quiet for too long, for as long as the worker lives.
    pub(super) async fn sweep(self: Arc<Self>) {
        loop {
            tokio::time::sleep(QUIET).await;
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|_, kept| {
                kept.retain(|idle| idle.since.elapsed() <= QUIET);
                !kept.is_empty()
            });
        }
    }

    fn take(&self, origin: &Arc<UpstreamOrigin>) -> Option<Line> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.get_mut(origin)?;
        while let Some(Idle { line, since }) = kept.pop() {
            if since.elapsed() > QUIET {
                // Those below are older still.
                kept.clear();
            } else if !line.sender.is_closed() {
                return Some(line);
            }
        }
        None
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
            // A body of known length is not asked again after its last byte.
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
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.entry_ref(&self.origin).or_default();
        if kept.len() < KEPT {
            kept.push(Idle { line: self.line, since: Instant::now() });
        }
    }
}

async fn connect(origin: &UpstreamOrigin, trust: &Trust, within: Duration, stream: bool) -> io::Result<Line> {
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

/// The host as look-ups and certificates have it: without brackets.
fn name(origin: &UpstreamOrigin) -> String {
    match &origin.host {
        Host::Ipv6(ip) => ip.to_string(),
        other => other.to_string(),
    }
}

async fn handshake<T>(io: T, stream: bool) -> io::Result<Line>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(BUFFER);
    if stream {
        builder.read_buf_exact_size(Some(STREAM_BUFFER));
    }
    let (noted, written) = Noted::new(TokioIo::new(io));
    let (sender, connection) = builder.handshake(noted).await.map_err(io::Error::other)?;
    // Its errors come out of the exchange as well.
    tokio::spawn(async move { connection.await.is_ok() });
    Ok(Line { sender, written })
}
