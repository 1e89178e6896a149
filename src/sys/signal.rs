//! Signals to a running program: to stop, or to read its files again. Not here: the reaction (see `cli`).

/// Why to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

/// Waits for a signal to stop; forever on systems without such signals.
#[cfg(unix)]
pub async fn stop() -> Stop {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => Stop::Interrupt,
        _ = terminate.recv() => Stop::Terminate,
    }
}

/// Waits for a signal to stop; forever on systems without such signals.
#[cfg(not(unix))]
pub async fn stop() -> Stop {
    match tokio::signal::ctrl_c().await {
        Ok(()) => Stop::Interrupt,
        Err(_) => std::future::pending().await,
    }
}

/// From here on exceeding the file size limit (`ulimit -f`) is a write error, like a full disk, and does not kill the
/// process. Must be called on a runtime.
pub fn outlive_file_limit() {
    // The handler stays installed, and does nothing.
    #[cfg(unix)]
    let _ = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(
        rustix::process::Signal::XFSZ.as_raw(),
    ));
}

/// Requests to read all files again: SIGHUP, where it exists. Once this value exists, a SIGHUP no longer ends the
/// process.
#[derive(Debug)]
pub struct HangUps(#[cfg(unix)] tokio::signal::unix::Signal);

impl HangUps {
    /// Begins to listen.
    pub fn new() -> std::io::Result<Self> {
        #[cfg(unix)]
        return tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).map(Self);
        #[cfg(not(unix))]
        Ok(Self())
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        if self.0.recv().await.is_some() {
            return;
        }
        std::future::pending().await
    }
}
