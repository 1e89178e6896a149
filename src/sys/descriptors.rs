//! How many files and sockets this process can have open at once.

use std::io;

/// The largest limit that is requested if the system has none of its own.
#[cfg(unix)]
const PLENTY: u64 = 1 << 20;

/// Raises the limit in force (RLIMIT_NOFILE, soft) to the highest this process may set, and returns what is then in
/// force; `None` if there is no limit.
pub fn raise() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let wanted = highest(maximum);
        if current.is_some_and(|current| current < wanted) {
            // If that is refused, the limit in force stays and is returned.
            let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
        }
        getrlimit(Resource::Nofile).current
    }
    #[cfg(not(unix))]
    None
}

/// What [`raise`] would return.
pub fn attainable() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        let limit = getrlimit(Resource::Nofile);
        limit.current.map(|current| current.max(highest(limit.maximum)))
    }
    #[cfg(not(unix))]
    None
}

/// Whether an operation failed because too many files are open, here or in the whole system.
pub fn are_used_up(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let number = error.raw_os_error();
        [Errno::MFILE, Errno::NFILE].iter().any(|known| Some(known.raw_os_error()) == number)
    }
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

#[cfg(unix)]
fn highest(maximum: Option<u64>) -> u64 {
    maximum.unwrap_or(PLENTY)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_had_is_what_raising_brings() {
        let attainable = attainable();
        assert_eq!(raise(), attainable);
        assert_eq!(raise(), attainable, "a second time changes nothing");
    }

    #[test]
    fn only_a_want_of_descriptors_is_one() {
        assert!(
            are_used_up(&io::Error::from_raw_os_error(24)) && are_used_up(&io::Error::from_raw_os_error(23))
        );
        assert!(!are_used_up(&io::ErrorKind::ConnectionAborted.into()));
    }
}
