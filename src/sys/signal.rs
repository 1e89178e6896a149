//! What the system tells a running program: to stop, or to read its files again. Not here: what follows (see `cli`).

/// Why to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

/// Waits until somebody wants us to stop; for ever where the system cannot say so.
#[cfg(unix)]
pub async fn stop() -> Stop {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => Stop::Interrupt,
        _ = terminate.recv() => Stop::Terminate,
    }
}

/// Waits until somebody wants us to stop; for ever where the system cannot say so.
#[cfg(not(unix))]
pub async fn stop() -> Stop {
    match tokio::signal::ctrl_c().await {
        Ok(()) => Stop::Interrupt,
        Err(_) => std::future::pending().await,
    }
}

/// From here on a file that may not grow (`ulimit -f`) is an error of the write, like a full disk, and not our end. To be
/// called on a runtime.
pub fn outlive_file_limit() {
    // A handler stays once it is there, and its doing nothing is all that is wanted.
    #[cfg(unix)]
    let _ = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(
        rustix::process::Signal::XFSZ.as_raw(),
    ));
}

/// The requests to read all files again: SIGHUP, where there is one. From its making on, one no longer ends the process.
#[derive(Debug)]
pub struct HangUps(#[cfg(unix)] tokio::signal::unix::Signal);

impl HangUps {
    /// Begins to listen.
    ///
    /// # Errors
    /// The operating system's.
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
