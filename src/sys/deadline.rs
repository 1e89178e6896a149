//! Work that may never end, such as reading from a file system whose server is gone, on its own thread, so that its
//! caller can stop waiting.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::Builder;
use std::time::Duration;

/// The result of `work`, if it is ready in time; `None` if not. The thread cannot be stopped: it continues, and ends
/// with its work or with the process.
///
/// # Errors
/// If no thread can be started, or the work panics.
pub fn within<T: Send + 'static>(
    time: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Option<T>> {
    let (done, is_done) = channel();
    Builder::new().name("files".into()).spawn(move || {
        // Nobody is waiting any longer: the result is dropped.
        let _ = done.send(work());
    })?;
    match is_done.recv_timeout(time) {
        Ok(result) => Ok(Some(result)),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("the work was interrupted")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_waited_for_until_the_time_is_over_and_no_longer() {
        assert_eq!(within(Duration::from_secs(60), || 7).unwrap(), Some(7));
        let (never, waits) = channel::<()>();
        let stuck = move || waits.recv().is_ok();
        assert_eq!(within(Duration::ZERO, stuck).unwrap(), None);
        drop(never);
    }
}
