//! Connections: one listener per core on one port, each with its own runtime, so that no request crosses cores. Not
//! here: what a request means (see `worker`).

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::alarm::AlarmTimer;
use super::authn::token_cache::LastToken;
use super::body::InFlightGuard;
use super::connections::ConnectionState;
use super::pool::BUFFER;
use super::worker::{Guest, Worker};
use crate::sys::descriptors::are_used_up;
use crate::sys::socket::share_port;

/// How many connections the system may queue before they are accepted.
const BACKLOG: i32 = 4096;
/// The pause after a failed accept, mostly due to a lack of file descriptors: another connection must close first.
const PAUSE: Duration = Duration::from_millis(20);
/// How often to check whether a connection has closed to make room for a new one, and for how long.
const LOOKS: usize = 256;
const MOMENT: Duration = Duration::from_millis(1);

/// One listener for each worker, all on the same port.
pub(super) fn bind(address: SocketAddr, count: usize) -> io::Result<Vec<std::net::TcpListener>> {
    if count > 1 {
        // First bound exclusively, and then released: a shared port is shared with any other process of this user,
        // and a forgotten gateway would silently handle some of the callers.
        drop(bound(address, false)?);
    }
    let first = socket(address, count > 1)?;
    let address = first.local_addr()?;
    let mut all = vec![first];
    for _ in 1..count {
        all.push(socket(address, true)?);
    }
    Ok(all)
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<std::net::TcpListener> {
    let socket = bound(address, shared)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bound(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    share_port(&socket, shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Accepts and serves until the gateway drains, and then until the last request is answered.
pub(super) async fn serve(worker: Arc<Worker>, listener: TcpListener, draining: watch::Receiver<bool>) {
    let (alive, mut all_gone) = tokio::sync::mpsc::channel::<Infallible>(1);
    let mut told = draining.clone();
    let welcome = async |stream, peer| {
        let Some(counted) = room(&worker).await else { return };
        // Registered here: its task may have to wait before it runs.
        let seated = worker.shared.crowd.enter(worker.shared.started, peer);
        let (worker, draining, alive) = (worker.clone(), draining.clone(), alive.clone());
        tokio::spawn(async move {
            let _counted = (counted, alive);
            attend(worker, stream, draining, &seated.seat).await;
        });
    };
    loop {
        let accepted = tokio::select! {
            biased;
            () = begins(&mut told) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => welcome(stream, peer.ip()).await,
            Err(error) => {
                if are_used_up(&error) {
                    worker.forwarder.sender.pool.forget();
                    worker.shared.crowd.make_room(1);
                }
                sleep(PAUSE).await;
            }
        }
    }
    // Connections that the system has already accepted would be dropped with the listener.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        welcome(stream, peer.ip()).await;
    }
    drop((listener, alive));
    // Nothing is ever sent: this ends when the last connection has dropped its end.
    all_gone.recv().await;
}

/// Makes room for one more connection: if there is none, the longest idle one is closed. If none is idle, the new one
/// is closed: nothing of it has been read, so nothing is lost, and the client tries again.
async fn room(worker: &Worker) -> Option<InFlightGuard> {
    let shared = &worker.shared;
    let begin = || InFlightGuard::begin(&shared.connections, shared.most_connections);
    if let Some(counted) = begin() {
        return Some(counted);
    }
    // Each worker waits for at most one.
    let waiting = InFlightGuard::begin(&shared.waiting, usize::MAX);
    for look in 0..LOOKS {
        if !shared.crowd.make_room(shared.waiting.load(Ordering::Relaxed)) {
            return None;
        }
        // Their tasks must run: on this core, and then perhaps on another one.
        if look < LOOKS / 8 {
            tokio::task::yield_now().await
        } else {
            sleep(MOMENT).await
        }
        if let Some(counted) = begin() {
            drop(waiting);
            return Some(counted);
        }
    }
    None
}

async fn attend(
    worker: Arc<Worker>,
    stream: TcpStream,
    draining: watch::Receiver<bool>,
    seat: &Arc<ConnectionState>,
) {
    tokio::select! {
        biased;
        () = accept(worker, stream, draining, seat.clone()) => {}
        () = seat.is_to_leave() => {}
    }
}

/// Returns when the gateway drains or is gone, which means the same.
async fn begins(draining: &mut watch::Receiver<bool>) {
    let _ = draining.wait_for(|draining| *draining).await;
}

async fn accept(
    worker: Arc<Worker>,
    stream: TcpStream,
    draining: watch::Receiver<bool>,
    seat: Arc<ConnectionState>,
) {
    // A reply is sent at once; without it the kernel would wait for more data.
    let _ = stream.set_nodelay(true);
    let Some(tls) = worker.shared.state().tls.clone() else {
        return converse(worker, stream, draining, seat).await;
    };
    let within = Duration::from_secs(worker.shared.settings.limits.read_timeout);
    // The client is told why a handshake failed. Boxed, so that connections without TLS do not reserve its memory.
    let accepted = Box::pin(timeout(within, TlsAcceptor::from(tls).accept(stream))).await;
    if let Ok(Ok(stream)) = accepted {
        Box::pin(converse(worker, stream, draining, seat)).await;
    }
}

async fn converse<T>(
    worker: Arc<Worker>,
    stream: T,
    mut draining: watch::Receiver<bool>,
    seat: Arc<ConnectionState>,
) where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let limits = &worker.shared.settings.limits;
    let peer = seat.peer;
    let (alarm, last) = (Arc::default(), LastToken::default());
    let guest = Arc::new(Guest { worker: worker.clone(), peer, alarm, last });
    let mut builder = http1::Builder::new();
    builder
        .timer(AlarmTimer(guest.alarm.clone()))
        .header_read_timeout(Duration::from_secs(limits.read_timeout))
        .max_buf_size(limits.max_header_bytes.max(4 * BUFFER))
        .max_header_size(limits.max_header_bytes)
        .max_headers(100);
    let service = service_fn(|request: Request<Incoming>| {
        let (guest, attention) = (guest.clone(), seat.attend());
        let (mut head, body) = request.into_parts();
        // Boxed: a finished request must not keep the line's memory while its answer streams.
        worker.boxes.run(async move {
            let response = guest.worker.handle(&mut head, body, &guest).await;
            Ok(response.map(|body| body.attended(attention)))
        })
    });
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // Other errors are between the client and its network.
        ended = connection.as_mut() => ended.unwrap_or_else(|error| worker.ended(&error, peer)),
        () = begins(&mut draining) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
