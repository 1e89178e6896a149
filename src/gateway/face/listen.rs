//! The pages' connections, on a thread of their own. Not here: the gateway's (see `gateway::listen`).

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use super::peer::Peer;
use super::router::router;
use super::state::FaceState;
use crate::gateway::state::SharedState;

/// How many connections there may be; further ones wait until the system's queue is full.
const MOST: usize = 512;
/// The pause after a failed accept, mostly due to a lack of file descriptors.
const PAUSE: Duration = Duration::from_millis(20);
/// The largest head of a request, in bytes: it has a cookie of up to 4 KB.
const MAX_HEAD: usize = 32 << 10;

/// Serves until it is told to stop, and then until the last request is answered or the time for that is up.
pub(crate) async fn serve(listener: TcpListener, face: Arc<FaceState>, mut stopping: watch::Receiver<bool>) {
    let router = router(&face);
    let (room, open) = (Arc::new(Semaphore::new(MOST)), TaskTracker::new());
    loop {
        let Ok(seat) = room.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            biased;
            () = told(&mut stopping) => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            sleep(PAUSE).await;
            continue;
        };
        let (shared, router, stopping) = (face.shared.clone(), router.clone(), stopping.clone());
        open.spawn(async move {
            let _seat = seat;
            attend(&shared, stream, Peer::new(peer.ip()), router, stopping).await;
        });
    }
    open.close();
    let _ = timeout(Duration::from_secs(face.shared.settings.limits.drain_timeout), open.wait()).await;
}

async fn attend(
    shared: &SharedState,
    stream: TcpStream,
    peer: Peer,
    router: Router,
    stopping: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let within = Duration::from_secs(shared.settings.limits.read_timeout);
    match shared.state().tls.clone() {
        None => converse(stream, peer, router, within, stopping).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(within, TlsAcceptor::from(tls).accept(stream)).await {
                converse(stream, peer, router, within, stopping).await;
            }
        }
    }
}

async fn converse<T: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    stream: T,
    peer: Peer,
    router: Router,
    within: Duration,
    mut stopping: watch::Receiver<bool>,
) {
    let pages = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        pages.call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(within).max_buf_size(MAX_HEAD).max_headers(100);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => {}
        () = told(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Returns when the gateway stops or is gone, which means the same.
async fn told(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}
