//! One process of a kind per folder: a file that is locked while the process lives, with its id inside. Only the lock
//! counts: a file left by a crash is no obstacle. Not here: what a second process reports (see `cli`).

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use thiserror::Error;

use crate::sys::private_file::{self, FileError};

/// Longer than a check of the lock takes.
const A_LOOK: Duration = Duration::from_millis(50);
/// The largest such file, in bytes: an id, and a path.
const MAX_FILE_BYTES: u64 = 8_192;

/// Held until dropped.
#[derive(Debug)]
pub struct PidFile {
    file: File,
}

/// The process that holds a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunningProcess {
    /// Its id, if known.
    pub pid: Option<u32>,
    /// What it said it works for, if anything.
    pub works_for: Option<String>,
}

/// Why the file cannot be taken.
#[derive(Debug, Error)]
pub enum PidError {
    /// Another process holds it.
    #[error("it runs already{}", .0.map(|id| format!(" (process {id})")).unwrap_or_default())]
    Held(Option<u32>),
    /// An error of the file.
    #[error("{0}")]
    File(#[from] FileError),
    /// Locks are not supported here, or it cannot be written.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl PidFile {
    /// Takes the file at `path`, in an existing folder, and writes this process's id into it; and what it works for, in
    /// one line, where its folder does not say that.
    pub fn take(path: &Path, works_for: Option<&str>) -> Result<Self, PidError> {
        let mut file = private_file::open_lock(path)?;
        let mut locked = file.try_lock();
        if matches!(locked, Err(TryLockError::WouldBlock)) {
            // A process that only checks also locks it, for a moment.
            std::thread::sleep(A_LOOK);
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PidError::Held(written(&mut file).pid)),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        file.set_len(0)?;
        let mut text = format!("{}\n", std::process::id());
        text.extend(works_for.map(|what| format!("{what}\n")));
        file.write_all(text.as_bytes())?;
        Ok(Self { file })
    }
}

/// The holder of the file at `path`; `None` if there is none. Creates no file. It takes a shared lock for a moment,
/// which does not block other checks; a process that takes the file at that moment tries twice.
pub fn holder(path: &Path) -> Option<RunningProcess> {
    if private_file::is_symlink(path) {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let held = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    held.then(|| written(&mut file))
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Emptied while still locked, and never removed: a process that opened it before would lock a file that no
        // longer exists.
        let _ = self.file.set_len(0);
        // Closing is not enough while a child that was just started has it open as well.
        let _ = self.file.unlock();
    }
}

/// What the holder wrote. Unknown if a lock also blocks reading, or before it has written.
fn written(file: &mut File) -> RunningProcess {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(MAX_FILE_BYTES).read_to_string(&mut text));
    if read.is_err() {
        return RunningProcess::default();
    }
    let mut lines = text.lines();
    let pid = lines.next().and_then(|line| line.trim().parse().ok());
    RunningProcess { pid, works_for: lines.next().map(str::to_owned) }
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
        let first = PidFile::take(&path, None).unwrap();
        let id = std::process::id();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{id}\n"));
        assert_eq!(holder(&path), Some(RunningProcess { pid: Some(id), works_for: None }));
        let refused = PidFile::take(&path, None).unwrap_err();
        assert!(matches!(refused, PidError::Held(Some(found)) if found == id), "{refused}");
        assert_eq!(refused.to_string(), format!("it runs already (process {id})"));
        drop(first);
        assert_eq!(holder(&path), None);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
        let third = PidFile::take(&path, Some("/a/project")).unwrap();
        let works_for = Some("/a/project".to_owned());
        assert_eq!(holder(&path), Some(RunningProcess { pid: Some(id), works_for }));
        drop(third);
    }
}
