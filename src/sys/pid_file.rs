//! One process of a kind in one folder: a file that is locked as long as the process lives, with its id inside. The lock is
//! what counts: a file that a crash left behind is no obstacle. It leaves what a second process is told to `cli`.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use thiserror::Error;

use crate::sys::private_file::{self, FileError};

/// Longer than a look at the lock takes.
const A_LOOK: Duration = Duration::from_millis(50);

/// Held until dropped.
#[derive(Debug)]
pub struct PidFile {
    file: File,
}

/// The process that has a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunningProcess {
    /// Its id, if it says so.
    pub pid: Option<u32>,
}

/// Why it is not ours.
#[derive(Debug, Error)]
pub enum PidError {
    /// Another process has it.
    #[error("it runs already{}", .0.map(|id| format!(" (process {id})")).unwrap_or_default())]
    Held(Option<u32>),
    /// A file's fault.
    #[error("{0}")]
    File(#[from] FileError),
    /// There are no locks here, or it cannot be written.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl PidFile {
    /// Takes the file at `path`, in a folder that exists, and writes this process's id into it.
    ///
    /// # Errors
    /// As [`PidError`] says.
    pub fn take(path: &Path) -> Result<Self, PidError> {
        let mut file = private_file::open_lock(path)?;
        let mut locked = file.try_lock();
        if matches!(locked, Err(TryLockError::WouldBlock)) {
            // Whoever only looks whether a process is there has it locked, too, for a moment.
            std::thread::sleep(A_LOOK);
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PidError::Held(written(&mut file))),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { file })
    }
}

/// Who has the file at `path`; `None` if nobody does. Asking makes no file. It takes a shared lock for a moment, which does
/// not keep two who ask from one another; whoever takes the file in that moment tries twice.
pub fn holder(path: &Path) -> Option<RunningProcess> {
    if private_file::is_symlink(path) {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let held = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    held.then(|| RunningProcess { pid: written(&mut file) })
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Emptied while still locked, and never removed: who opened it before would lock a file that is no longer there.
        let _ = self.file.set_len(0);
        // Closing it is not enough while a child that was just started has it open as well.
        let _ = self.file.unlock();
    }
}

/// What the holder wrote. Where a lock keeps others from reading as well, or before it has written, nobody knows.
fn written(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(20).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_one_is_told_who_has_it_and_a_stale_file_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".x.pid");
        assert_eq!(holder(&path), None);
        assert!(!path.exists(), "asking makes no file");
        private_file::write(&path, "4194999\n").unwrap();
        assert_eq!(holder(&path), None);
        let first = PidFile::take(&path).unwrap();
        let id = std::process::id();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{id}\n"));
        assert_eq!(holder(&path), Some(RunningProcess { pid: Some(id) }));
        let refused = PidFile::take(&path).unwrap_err();
        assert!(matches!(refused, PidError::Held(Some(found)) if found == id), "{refused}");
        assert_eq!(refused.to_string(), format!("it runs already (process {id})"));
        drop(first);
        assert_eq!(holder(&path), None);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
        PidFile::take(&path).unwrap();
    }
}
