//! One process at a time per credential: a lock file next to the tokens, released by the system however we end. Not
//! here: what is done under the lock (see `vault`).

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::store::StoreError;
use crate::sys::private_file;

/// Held until dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, waiting for it off the runtime's thread.
    pub(super) async fn acquire(path: &Path, waiting: impl FnOnce()) -> Result<Self, StoreError> {
        let file = private_file::open_lock(path)?;
        let failed = |reason: String| StoreError::Lock { path: path.into(), reason };
        match file.try_lock() {
            Ok(()) => return Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => waiting(),
            Err(TryLockError::Error(e)) => return Err(failed(e.to_string())),
        }
        let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
        let file = locked.map_err(|e| failed(e.to_string()))?.map_err(|e| failed(e.to_string()))?;
        Ok(Self { _file: file })
    }
}
