//! A server on loopback with a thread and a runtime of its own. Not here: what it answers (see `idp` and `mcp`).

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use tokio::sync::watch;

/// How long a connection that is still busy may take to end.
const GRACE: Duration = Duration::from_millis(200);

/// A running server; it stops when this is dropped.
pub(super) struct ServerThread {
    stop: watch::Sender<()>,
    thread: Option<JoinHandle<()>>,
}

/// A free port of 127.0.0.1, and its address as `http://127.0.0.1:PORT`.
pub(super) fn bind() -> io::Result<(TcpListener, String)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let base = format!("http://{}", listener.local_addr()?);
    Ok((listener, base))
}

impl ServerThread {
    pub(super) fn start(name: &str, listener: TcpListener, router: Router) -> io::Result<Self> {
        let (stop, stopping) = watch::channel(());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let run = move || runtime.block_on(serve(listener, router, stopping));
        let thread = std::thread::Builder::new().name(format!("demo-{name}")).spawn(run)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for ServerThread {
    fn drop(&mut self) {
        self.stop.send_replace(());
        if let Some(thread) = self.thread.take() {
            // The panic hook has reported a panic in there; a second one while dropping would abort.
            let _ = thread.join();
        }
    }
}

/// Serves until `stop` changes; a connection that is still busy shortly after is cut.
async fn serve(listener: tokio::net::TcpListener, router: Router, stop: watch::Receiver<()>) {
    let graceful = axum::serve(listener, router).with_graceful_shutdown(changed(stop.clone()));
    let deadline = async {
        changed(stop).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        _ = graceful => {}
        () = deadline => {}
    }
}

/// Also returns when the sender is gone, which means the same.
async fn changed(mut stop: watch::Receiver<()>) {
    let _ = stop.changed().await;
}
