//! Connections: one listener a core on one port, each with a runtime of its own, so that nothing of a request crosses cores.
//! It leaves what a request means to `worker`.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::body::UnderWay;
use super::worker::Worker;
use crate::sys::socket::share_port;

/// Connections the system may hold before they are accepted.
const BACKLOG: i32 = 4096;
/// After a failed accept, mostly for want of file descriptors: somebody must close one first.
const PAUSE: Duration = Duration::from_millis(20);

/// One listener for each worker, all on the same port.
///
/// # Errors
/// The system's.
pub(super) fn bind(address: SocketAddr, count: usize) -> io::Result<Vec<std::net::TcpListener>> {
    if count > 1 {
        // Alone first, and then given up: a port that is shared is shared with whoever else of this user shares it, and a
        // gateway that was forgotten would quietly decide about some of the callers.
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
    loop {
        let accepted = tokio::select! {
            biased;
            () = begins(&mut told) => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            sleep(PAUSE).await;
            continue;
        };
        let shared = &worker.shared;
        let Some(counted) = UnderWay::begin(&shared.connections, shared.settings.limits.connections) else {
            // Nothing was read yet, so nothing is lost: the client tries again.
            continue;
        };
        let (worker, draining, alive) = (worker.clone(), draining.clone(), alive.clone());
        tokio::spawn(async move {
            let _counted = (counted, alive);
            accept(worker, stream, peer.ip(), draining).await;
        });
    }
    drop((listener, alive));
    // Nothing is ever sent: this ends when the last connection has dropped its end.
    all_gone.recv().await;
}

/// Returns when the gateway drains, or is gone, which means the same.
async fn begins(draining: &mut watch::Receiver<bool>) {
    let _ = draining.wait_for(|draining| *draining).await;
}

async fn accept(worker: Arc<Worker>, stream: TcpStream, peer: IpAddr, draining: watch::Receiver<bool>) {
    // A reply waits for nothing; without it the kernel would wait for more.
    let _ = stream.set_nodelay(true);
    let Some(tls) = worker.shared.state().tls.clone() else {
        return converse(worker, stream, peer, draining).await;
    };
    let within = Duration::from_secs(worker.shared.settings.limits.read);
    // A failed handshake is the client's matter, and tells it why.
    // Boxed: what TLS takes must not be set aside for each connection without it.
    let accepted = Box::pin(timeout(within, TlsAcceptor::from(tls).accept(stream))).await;
    if let Ok(Ok(stream)) = accepted {
        Box::pin(converse(worker, stream, peer, draining)).await;
    }
}

async fn converse<T>(worker: Arc<Worker>, stream: T, peer: IpAddr, mut draining: watch::Receiver<bool>)
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let limits = &worker.shared.settings.limits;
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.read))
        .max_header_size(limits.head)
        .max_headers(100);
    let service = service_fn(|request| {
        let worker = worker.clone();
        // Boxed: a finished request must not keep the line's memory while its answer streams.
        Box::pin(async move { Ok::<_, Infallible>(worker.handle(request, peer).await) })
    });
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // What else goes wrong here is between the client and its network.
        ended = connection.as_mut() => ended.unwrap_or_else(|error| worker.ended(&error, peer)),
        () = begins(&mut draining) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
