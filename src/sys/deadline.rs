//! Work that may never end, such as reading from a file system whose server is gone, on a thread of its own, so that
//! whoever waits for it can stop waiting. It leaves what is to be said then to its callers.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::Builder;
use std::time::Duration;

/// The result of `work`, if there is one by then; `None` if not. The thread cannot be ended from outside: it goes on, and
/// ends with its work or with the process.
///
/// # Errors
/// If there is no thread to be had, or the work panics.
pub fn within<T: Send + 'static>(
    time: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Option<T>> {
    let (done, is_done) = channel();
    Builder::new().name("files".into()).spawn(move || {
        // Nobody waits any more: then the result is nobody's.
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
