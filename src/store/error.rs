//! Why a credential could not be stored or loaded. Not here: the remedy (see `error`).

use std::path::PathBuf;

use thiserror::Error;

use crate::sys::private_file::FileError;

/// Why something could not be stored or loaded.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A file's fault.
    #[error("{0}")]
    File(#[from] FileError),
    /// Not a token file.
    #[error("{path} is not a token file: {reason}", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Without any of its values.
        reason: String,
    },
    /// The keyring's fault.
    #[error("the system keyring does not work here: {0}")]
    Keyring(String),
    /// The lock's fault.
    #[error("cannot lock {path}: {reason}", path = path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
}
